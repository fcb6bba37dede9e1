"""The only values that a parameter may have: held against everything that gives it one before a run does."""

from __future__ import annotations

import pytest
from kfp_gitops.checking import check
from kfp_gitops.checking.check.given import faults
from kfp_gitops.compiling import ir
from kfp_gitops.language.manifest import reader
from language import COMPONENTS, HEAD, compiled, refusals

SPEC = """spec:
  parameters: {mode: {type: str, default: dev, literals: [dev, prod]}}
  tasks: {t: {component: say, arguments: {text: {param: mode}}}}
"""
START = (
    "schedules: [{name: s, intervalSeconds: 60, enabled: true, maxConcurrency: 1, catchup: false, "
    "parameters: {mode: %s}}]\n"
)
SAID = "'qa' is none of the literals of this parameter; choose one of: 'dev', 'prod'"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (SPEC, []),
        (SPEC + START % "prod", []),
        (SPEC.replace("default: dev", "default: qa"), [f"2:43: {SAID}"]),
        (SPEC + START % "qa", [f"4:113: {SAID}"]),
        (SPEC.replace("[dev, prod]", "[dev, 1]"), ["2:64: 1 is not a str; write a str"]),
    ],
)
def test_a_value_is_one_of_them(spec: str, said: list[str]) -> None:
    assert refusals(spec) == said


def test_what_is_given_by_hand_or_by_the_pipeline_around_is_one_of_them() -> None:
    inner = reader.read(HEAD + SPEC, "m.yaml")
    what, todo = SAID.split("; ")
    assert faults(inner, {}, {"mode": "qa"}) == [("mode", what, todo)]
    interfaces = {"inner": check.interface(inner, COMPONENTS, {})}
    outer = reader.read(HEAD + "spec: {tasks: {t: {pipeline: inner, arguments: {mode: qa}}}}\n", "m.yaml")
    assert [(one.what, one.todo) for one in check.problems(outer, COMPONENTS, interfaces)] == [(what, todo)]


def test_kfp_is_told_of_them() -> None:
    declared = ir.documents(compiled(SPEC))[0]["root"]["inputDefinitions"]["parameters"]["mode"]
    assert declared["literals"] == ["dev", "prod"]
