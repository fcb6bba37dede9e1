"""The check that ships turned off: a release has measured what the environment requires, or is excused for a while."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from kfp_gitops.review import policy
from kfp_gitops.review.policy.in_environments import gates_of
from kfp_gitops.sources import environment
from kfp_gitops.sources.environment import Environment
from project import PROJECT, Outcome

TODAY = date(2030, 1, 1)
OFF = re.compile(r"^# (- id: gate-measured\n(?:#.*\n)+)", re.MULTILINE)
ACCURACY, OVER = (f"prod/predictive-scaling/{name}_1h_24h_mean" for name in ("accuracy", "over95"))
RELEASE = "environments/prod/release.yaml"


def _on(text: str, more: str = "") -> str:
    """A policy with the check that stands in it as a comment."""
    found = OFF.search(text)
    assert found
    return text.replace(found[0], re.sub("^# ", "", found[0], flags=re.MULTILINE)) + more


def _refused(env: Environment, more: str = "") -> list[str]:
    text = (PROJECT / policy.POLICY).read_text("utf-8")
    return [
        str(one)
        for one in policy.judge(policy.from_text(_on(text, more), policy.POLICY), gates_of(env), TODAY)
    ]


@pytest.fixture(scope="module")
def prod() -> Environment:
    """Promoted without --verify."""
    found = environment.load(PROJECT, "prod")
    for entry in found.promoted.values():
        dict.pop(entry, "measured", None)  # type: ignore[arg-type]  # what was read is a dict
    return found


def _measured(env: Environment, **values: float) -> Environment:
    """As if its release had measured this in one run."""
    whole = env.release_file.value
    entry = whole["pipelines"]["predictive-scaling"]
    kept = [
        {"release": entry["digest"], "metric": f"{name}_1h_24h_mean", "runs": {"r": [value]}}
        for name, value in values.items()
    ]
    pipelines: Mapping[str, Any] = {**whole["pipelines"], "predictive-scaling": {**entry, "measured": kept}}
    return replace(env, release_file=replace(env.release_file, value={**whole, "pipelines": pipelines}))


def test_a_release_that_nobody_looked_at_is_refused_at_its_line(prod: Environment) -> None:
    accuracy, over = _refused(prod)
    line = 1 + (PROJECT / RELEASE).read_text().splitlines().index("  predictive-scaling:")
    assert accuracy == (
        f"{RELEASE}:{line + 1}:5: policy gate-measured: {ACCURACY} requires accuracy_1h_24h_mean ≥ 0.7 in the newest "
        "run: release.yaml has no measurements of this release: prod takes what measured enough where it ran; promote "
        "what measured enough: python scripts/promote.py --to prod --verify"
    )
    assert f"policy gate-measured: {OVER} requires" in over


def test_what_measured_enough_passes_and_what_did_not_is_refused(prod: Environment) -> None:
    assert _refused(_measured(prod, accuracy=0.83, over95=0.074)) == []
    (found,) = _refused(_measured(prod, accuracy=0.65, over95=0.074))
    assert (
        f"{ACCURACY} requires accuracy_1h_24h_mean ≥ 0.7 in the newest run: 0.65 (missed): prod takes"
        in found
    )


def test_a_waiver_excuses_a_gate_until_its_day(prod: Environment) -> None:
    waivers = "waivers:\n" + "".join(
        f"- {{check: gate-measured, object: {name}, reason: no KFP in dev yet, until: '{until}'}}\n"
        for name, until in ((ACCURACY, "2030-01-01"), (OVER, "2029-12-31"))
    )
    (late,) = _refused(prod, waivers)
    assert f"the waiver of gate-measured for {OVER} ended on 2029-12-31" in late


def test_the_command_judges_gates_where_the_check_is_on(
    repository: Path, command: Callable[..., Outcome]
) -> None:
    values = repository / "environments/prod/values.yaml"
    gate = "  hello:\n    promote: {require: [{metric: a, min: 1, task: t}]}\n"
    values.write_text(values.read_text().replace("  hello:\n", gate, 1))
    path = repository / policy.POLICY
    off = OFF.search((PROJECT / policy.POLICY).read_text("utf-8"))
    assert off
    path.write_text(_on(f"apiVersion: kfp-gitops/v1alpha1\nkind: Policy\nchecks:\n{off[0]}"))
    done = command("policy", "--root", repository)
    assert (done.code, "policy gate-measured: prod/hello/t/a requires a of t ≥ 1" in done.err) == (2, True), (
        done.err
    )
