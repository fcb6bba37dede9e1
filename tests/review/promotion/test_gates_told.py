"""What a reviewer is told of gates without a server: by what release.yaml keeps of the release that comes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from gitrepo import commit
from kfp_gitops.base.yamldump import dump
from kfp_gitops.language.gates import Gate, recorded
from kfp_gitops.review.diff import gated
from kfp_gitops.review.diff.alike import sections
from kfp_gitops.review.diff.model import EnvironmentDiff, PipelineDiff
from kfp_gitops.review.diff.text import to_text
from kfp_gitops.sources import environment
from project import PROJECT, Outcome
from promotion_kit import NO_COMMIT, PROMOTE, RELEASE, Team

SCHEMA = json.loads((PROJECT / "scripts/kfp_gitops/language/schemas/diff.schema.json").read_text())
OURS, OTHER = (f"sha256:{digit * 64}" for digit in "ab")
VALUES = "environments/prod/values.yaml"
NOBODY = "release.yaml has no measurements of this release"
LEFT = f"{NOBODY}, only such of another or of none"


def entry(*runs: Sequence[float], release: str | None = OURS, **said: str) -> dict[str, Any]:
    """What release.yaml says of a release, `runs` of `a` the newest first."""
    named = {"release": release} if release else {}
    return {
        "digest": OURS,
        "measured": [named | {"metric": "a", "runs": dict(zip("xyz", map(list, runs), strict=False))} | said],
    }


@pytest.mark.parametrize(
    ("gate", "said", "figures", "why"),
    [
        (Gate("a", least=0.7), entry([0.7]), "0.7", ""),
        (Gate("a", least=0.7), {"digest": OURS}, "nothing", NOBODY),
        # The bounds that hold now.
        (Gate("a", least=0.8), entry([0.7]), "0.7", "missed"),
        (Gate("a", most=0.6), entry([0.5], [0.7]), "0.5", ""),
        (Gate("a", most=0.6, runs=3), entry([0.5], [0.7], [0.8]), "0.5, 0.7, 0.8", "missed 2 times"),
        (Gate("a", most=0.9, runs=3), entry([0.5], [0.7]), "0.5, 0.7", "2 of 3 runs"),
        (Gate("a", most=0.6, runs=3), entry([0.5], [0.7]), "0.5, 0.7", "missed"),
        (Gate("a", most=3), entry([1, 2, 4]), "[1 2 4]", "missed"),
        # Of another release, left standing; or of none, by hand.
        (Gate("a", least=0), entry([0.7], release=OTHER), "nothing", LEFT),
        (Gate("a", least=0), entry([0.7], release=None), "nothing", LEFT),
        # Another metric, and the same of another task, of one, of any.
        (Gate("b", least=0), entry([0.7]), "nothing", "release.yaml has nothing of b"),
        (Gate("a", "t", least=0), entry([0.7]), "nothing", "release.yaml has nothing of a of t"),
        (Gate("a", least=0), entry([0.7], task="t"), "nothing", "release.yaml has nothing of a"),
        (Gate("a", "if/t", least=0), entry([0.7], task="if/t"), "0.7", ""),
        # No number is good enough that is none.
        (Gate("a", least=0), entry([float("inf")]), "inf", "missed"),
        (Gate("a", most=1), entry([float("nan")]), "nan", "missed"),
    ],
)
def test_what_is_kept_is_judged_once_more(gate: Gate, said: dict[str, Any], figures: str, why: str) -> None:
    found = recorded(gate, said)
    assert (found.figures, found.why) == (figures, why)


def test_a_run_that_is_kept_twice_is_one() -> None:
    twice = entry([0.7])
    twice["measured"] *= 2
    assert recorded(Gate("a", least=0, runs=2), twice).why == "1 of 2 runs"


def _gate(root: Path, text: str) -> None:
    path = root / VALUES
    head, rest = path.read_text().split("  hello:\n")
    rest = "".join(line for line in rest.splitlines(keepends=True) if "promote:" not in line)
    path.write_text(f"{head}  hello:\n    promote: {{require: [{text}]}}\n{rest}")


def _diff(team: Team, *more: str) -> Outcome:
    return team.run("diff", "--env", "prod", *more)


def _measured(team: Team, release: str, **runs: float) -> None:
    path = team.root / RELEASE
    whole = yaml.safe_load(path.read_text())
    kept = {"release": release, "metric": "wape", "runs": {run: [value] for run, value in runs.items()}}
    whole["pipelines"]["hello"]["measured"] = [kept]
    path.write_text(dump(whole))


def test_a_pull_request_says_what_was_measured_or_that_nobody_looked(team: Team) -> None:
    _gate(team.root, "{metric: wape, max: 0.26, runs: 2}")
    team.merged("others")
    done = team.run(*PROMOTE)
    nobody = (
        "prod requires wape ≤ 0.26 in the newest 2 runs of hello, and release.yaml has no measurements of this "
        "release; `python scripts/promote.py --to prod --pipeline hello --verify` has them"
    )
    assert f"  ! {nobody}" in done.out.splitlines()
    found = _diff(team)
    assert (found.code, f"  ! {nobody}" in found.out.splitlines()) == (1, True), found.out
    release = team.entry["digest"]
    _measured(team, release, b=0.25, a=0.2)
    found = _diff(team)
    assert "  required wape ≤ 0.26 in the newest 2 runs, measured 0.25, 0.2" in found.out.splitlines()
    assert "requires wape" not in found.out
    assert "- required wape ≤ 0.26 in the newest 2 runs, measured 0.25, 0.2" in (
        _diff(team, "--format", "markdown").out.splitlines()
    )
    assert (
        "required wape ≤ 0.26 in the newest 2 runs, measured 0.25, 0.2" in _diff(team, "--format", "html").out
    )
    machine = json.loads(_diff(team, "--format", "json").out)
    jsonschema.validate(machine, SCHEMA)
    (hello,) = machine["environments"][0]["pipelines"]
    (kept,) = hello["required"]
    assert (kept["measured"], kept["enough"]) == ({"b": [0.25], "a": [0.2]}, True)
    _gate(team.root, "{metric: wape, max: 0.21, runs: 2}")
    assert (
        "prod requires wape ≤ 0.21 in the newest 2 runs of hello, and what release.yaml has of this release is not "
        "enough: 0.25, 0.2 (missed); promote another one, or have other bounds reviewed in "
        "environments/prod/values.yaml"
    ) in _diff(team).out
    commit(team.root, "prod has it")
    assert "requires" not in _diff(team).out, "no other release comes"


def test_an_entry_that_is_written_anew_keeps_what_its_release_measured_and_another_does_not(
    team: Team,
) -> None:
    team.promoted("others")
    _measured(team, team.entry["digest"], a=0.25)
    kept = team.entry["measured"]
    team.say(commit=NO_COMMIT)
    assert team.run(*PROMOTE).code == 0
    assert (team.entry["measured"], team.entry["commit"] == NO_COMMIT) == (kept, False)
    team.merged("nobody")
    assert team.run(*PROMOTE).code == 0
    assert "measured" not in team.entry


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (Gate("a", least=0.7), Gate("a", least=0.7), True),
        (Gate("a", least=0.7), Gate("a", least=0.8, most=1, runs=2), True),
        (Gate("a", least=0.7), Gate("a", least=0.6), False),
        (Gate("a", most=0.1), Gate("a", most=0.2), False),
        (Gate("a", most=0.1), Gate("a", least=0.05), False),
        (Gate("a", least=0.7, runs=3), Gate("a", least=0.7), False),
        (Gate("a", least=0.7), Gate("a", "t", least=0.7), False),
    ],
)
def test_which_gate_lets_no_more_through(before: Gate, now: Gate, said: bool) -> None:
    assert now.holds_as_much(before) is said


def test_gates_that_let_more_through_are_told_whether_a_release_comes_or_not(team: Team) -> None:
    _gate(team.root, "{metric: wape, max: 0.26}, {metric: rows, min: 9}")
    commit(team.root, "prod requires something")
    _gate(team.root, "{metric: wape, max: 0.5}")
    told = _diff(team).out
    assert (
        "! prod required wape ≤ 0.26 in the newest run of hello, and requires wape ≤ 0.5 in the newest run"
        in told
    )
    assert "! prod required rows ≥ 9 in the newest run of hello, and does not any more" in told
    _gate(team.root, "{metric: wape, max: 0.26}, {metric: rows, min: 10}")
    assert "prod required" not in _diff(team).out


def _promoted(names: Sequence[str]) -> EnvironmentDiff:
    pipelines = [PipelineDiff(name, None, release_before=OTHER, release_after=OURS) for name in names]
    return EnvironmentDiff("prod", "HEAD", "UTC", pipelines=pipelines)


def test_pipelines_that_measured_each_its_own_are_told_together(repository: Path) -> None:
    env = environment.load(repository, "prod")
    names = [f"hello-{number}" for number in range(9)]
    values = {"pipelines": {name: {"promote": {"require": [{"metric": "a", "min": 0.5}]}} for name in names}}
    said = {name: entry([0.5 + number / 20]) for number, name in enumerate(names)}
    said["hello-8"] = {"digest": OURS}
    env = replace(
        env,
        values=replace(env.values, value={**env.values.value, **values}),
        release_file=replace(env.release_file, value={**env.release_file.value, "pipelines": said}),
    )
    found = gated.with_gates(_promoted(names), env)
    together, alone = sections(found.pipelines)
    assert (len(together.pipelines), alone.names) == (8, ["hello-8"])
    assert "  required a ≥ 0.5 in the newest run, measured 0.5 to 0.85" in to_text(found).splitlines()


def test_gates_that_nobody_looked_at_are_one_warning(team: Team) -> None:
    _gate(team.root, "{metric: a, min: 1}, {metric: b, max: 2, runs: 3}")
    (hello,) = gated.with_gates(_promoted(["hello"]), environment.load(team.root, "prod")).pipelines
    assert len(hello.warnings) == 1
    assert (
        "prod requires a ≥ 1 in the newest run and b ≤ 2 in the newest 3 runs of hello, and"
        in hello.warnings[0]
    )


def test_an_environment_of_the_sources_requires_nothing(repository: Path) -> None:
    base = repository / "environments/base.yaml"
    gate = "    promote: {require: [{metric: a, min: 1}]}\n"
    base.write_text(base.read_text().replace("  hello:\n", f"  hello:\n{gate}", 1))
    found = replace(_promoted(["hello"]), environment="dev")
    assert gated.with_gates(found, environment.load(repository, "dev")) == found
    (hello,) = gated.with_gates(_promoted(["hello"]), environment.load(repository, "prod")).pipelines
    assert NOBODY in hello.warnings[0]
