"""What docs/forecasting.md shows is run and says what it shows; the limits that it names are those of the code."""

import re
import subprocess
import sys

from predictive_scaling.backtest import evaluation, freshness, intervals, seen
from predictive_scaling.backtest import folds as backtest
from predictive_scaling.base import daily
from predictive_scaling.models import blend, shift_evidence
from predictive_scaling.recommend import censored, plan
from predictive_scaling.recommend.acting import choice
from predictive_scaling.recommend.publishing import MODES
from predictive_scaling.steps import Ending
from predictive_scaling.usage import checks, extending
from project import PROJECT

PAGE = (PROJECT / "docs/forecasting.md").read_text("utf-8")


def agrees(expected, actual):
    """Each line is in the actual text, in this order; `…` stands for anything."""
    lines = [line for line in expected.splitlines() if line.strip() not in {"", "…"}]
    return re.search(".*".join(map(re.escape, lines)), actual, re.DOTALL) is not None


def test_commands_do_what_the_page_shows(tmp_path):
    (block,) = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    for step in block.removeprefix("$ ").split("\n$ "):
        command, _, expected = step.partition("\n")
        argv = [sys.executable, *command.split()[1:]]
        environment = {"PYTHONPATH": str(PROJECT / "components/src"), "HOME": str(tmp_path)}
        done = subprocess.run(
            argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert agrees(expected, done.stdout), f"{command} says {done.stdout}"


def test_figures_of_the_page_are_those_of_the_code():
    rules, gates = checks.ValidationRules(), evaluation.Gates()
    assert f"`min_days` ({rules.min_days:g})" in PAGE
    assert f"`over95` ≤ {gates.max_over95:.2f} (`max_over95`) and skill ≥ −{-gates.min_skill:.2f}" in PAGE
    assert gates.accuracy_threshold == 0
    assert (plan.MOST, plan.LEAST, plan.ENOUGH, plan.RAISED_TO, plan.OF_PEAKS) == (
        1.33,
        1.08,
        0.92,
        0.87,
        0.75,
    )
    assert (intervals.HALF_LIFE_ORIGINS, intervals.SHOCK, seen.DAYS, seen.RECORDS) == (7, 2, 28, 2)
    assert (backtest.FAVOURITE_MARGIN, evaluation.WARM_UP_FOLDS, blend.POWER, len(blend.MEMBERS)) == (
        0.5,
        3,
        4,
        11,
    )
    options = plan.PlanOptions()
    assert (options.headroom, options.max_headroom, options.memory_headroom) == (1.15, 1.45, 1.05)
    assert (plan.MEMORY_MARGIN, daily.LEAD_MINUTES, "`target_utilisation`) of" in PAGE) == (1.05, 10, True)
    assert (censored.MEMORY_RAISE, censored.THROTTLED, censored.NEAR) == (1.25, 0.25, 0.8)
    assert all(f"| `{mode}`" in PAGE for mode in MODES)


def test_rhythm_that_the_page_names_is_that_of_the_code():
    ending = Ending("SUCCEEDED")
    assert (ending.keep_runs, ending.keep_days) == (8, 15)
    assert (freshness.MOST_SERIES, freshness.DAYS) == (40, 2)
    assert "up to 40 series\nand the newest two days" in PAGE
    assert (choice.RECENT_HOURS, "the last three hours were like the last three now" in PAGE) == (3, True)
    kept = (PROJECT / "docs/serving.md").read_text("utf-8")
    assert (extending.LATE_HOURS, extending.SETTLE_SECONDS) == (6, 900)
    assert "younger than 15 minutes to an hour" in kept
    assert "the newest six kept hours" in kept


def test_evidence_of_a_shift_is_that_of_the_code():
    part = PAGE.split("### Level shifts")[1].split("###")[0]
    untold, told = shift_evidence.UNTOLD, shift_evidence.TOLD
    assert (untold.hours, told.hours, shift_evidence.MAX_DAYS, untold.trust) == (6, 3, 3, 0.75)
    assert f"at least {untold.size:.0%} off".replace("%", " %") in part
    assert f"scatter no more than {untold.scatter} times" in part
    assert untold.beyond == 1.5
    assert f"each of the {shift_evidence.DAYS_BEFORE} days before" in part
    assert f"three hours\nand {told.size:.0%} are enough".replace("%", " %") in part
