"""Gates of a promotion, by what runs measured: pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from kfp_gitops.base.errors import NotFoundError
from kfp_gitops.kfpserver.kfpapi.actual import ActualRun
from kfp_gitops.kfpserver.metadata import Artifact, RunResults, TaskResults
from kfp_gitops.language.gates import Gate, Verdict
from kfp_gitops.review.promotion.gates import MOST, Runs, judged


def task(
    name: str, state: str = "COMPLETE", number: int | None = None, given: Any = None, **logged: float
) -> TaskResults:
    artifacts = {"metrics": (Artifact("s3://b/m", "system.Metrics", logged),)} if logged else {}
    path = tuple(name.split("/"))
    return TaskResults(
        path, path, () if number is None else (number,), state, given or {}, artifacts, number=number
    )


def runs(*found: Mapping[str, Any] | list[TaskResults] | None) -> Runs:
    """The newest first: what its task `score` logged, its tasks, or nothing, for its metadata are gone."""
    given = [
        one if one is None else RunResults(tuple(one if isinstance(one, list) else [task("score", **one)]))
        for one in found
    ]

    def results(run: str) -> RunResults:
        if given[int(run)] is None:
            raise NotFoundError("gone")
        found = given[int(run)]
        assert found is not None
        return found

    return Runs([ActualRun(str(index), "r", "SUCCEEDED") for index in range(len(found))], results)


_WHICH = "tasks s and t have it: say which with `task`"


@pytest.mark.parametrize(
    ("gate", "found", "figures", "why"),
    [
        (Gate("a", least=0.5), [{"a": 0.5}], "0.5", ""),
        (Gate("a", least=0.5), [{"a": 0.499}, {"a": 0.9}], "0.499", "missed"),
        (Gate("a", most=0.1), [{"a": 0.11}], "0.11", "missed"),
        (Gate("a", least=0.1, most=0.2), [{"a": 0.15}], "0.15", ""),
        (Gate("a", least=0.5), [{"a": float("nan")}], "nan", "missed"),
        (Gate("a", least=0.5, runs=2), [{"a": 0.9}, {"a": 0.8}, {"a": 0.1}], "0.9, 0.8", ""),
        (Gate("a", least=0.5, runs=3), [{"a": 0.9}, {"a": 0.1}, {"a": 0.2}], "0.9, 0.1, 0.2", "missed 2 times"),
        (Gate("a", least=0.5, runs=2), [{"a": 0.9}], "0.9", "1 of 2 runs, 1 of this release succeeded"),
        # One whose metadata are gone, and one that did not measure it, prove nothing and hinder nothing.
        (Gate("a", least=0.5, runs=2), [None, {"a": 0.9}, {"b": 0}, {"a": 0.8}], "0.9, 0.8", ""),
        (Gate("accurcy", least=0.5), [{"accuracy": 0.9}], "nothing", "no run has it; did you mean 'accuracy'?"),
        (Gate("x", least=0.5), [{"b": 0.9, "c": 1}], "nothing", "no run has it; there are: b, c"),
        (Gate("a", least=0.5), [None], "nothing", "0 of 1 runs, 1 of this release succeeded"),
        # An output parameter that is a number.
        (Gate("rows", least=10), [[task("load", given={"rows": 12, "ok": True})]], "12", ""),
        (Gate("ok", least=0), [[task("t", given={"n": 1, "ok": True})]], "nothing", "no run has it; there are: n"),
        # In a loop each iteration.
        (Gate("a", most=3), [[task("each/s", number=n, a=n) for n in (1, 2, 4)]], "[1 2 4]", "missed"),
        (Gate("a", most=4), [[task("each/s", number=n, a=n) for n in (1, 2, 4)]], "[1 2 4]", ""),
        # Two tasks.
        (Gate("a", least=0), [[task("s", a=1), task("t", a=2)]], "nothing", _WHICH),
        (Gate("a", "t", least=0), [[task("s", a=1), task("t", a=2)]], "2", ""),
        (Gate("a", "if/t", least=0), [[task("s", a=1), task("if/t", a=2)]], "2", ""),
    ],
)  # fmt: skip
def test_what_a_gate_says(gate: Gate, found: list[Any], figures: str, why: str) -> None:
    verdict = judged(gate, runs(*found))
    assert (verdict.figures, verdict.why) == (figures, why)


def test_what_the_cache_answered_measured_nothing_anew() -> None:
    ran, cached = [task("s", a=1)], [task("s", "CACHED", a=1)]
    found = judged(Gate("a", least=0, runs=2), runs(cached, cached, ran))
    assert found.why == "1 of 2 runs, 3 of this release succeeded, 2 more answered from the cache"
    assert judged(Gate("a", least=0, runs=2), runs(cached, ran, cached, ran)).why == ""


def test_so_many_runs_are_looked_at_and_each_is_read_once() -> None:
    asked: list[str] = []

    def results(run: str) -> RunResults:
        asked.append(run)
        return RunResults((task("s", b=1),))

    many = (ActualRun(str(index), "r", "SUCCEEDED") for index in range(1_000))
    found = Runs(many, results)
    for metric in ("a", "c"):
        assert judged(Gate(metric, least=0), found).why.startswith("no run has it")
    assert len(asked) == MOST


def test_how_a_gate_is_told() -> None:
    assert str(Gate("a", "t", 0.5, 1.0, 3)) == "a of t ≥ 0.5 and ≤ 1 in the newest 3 runs"
    assert Verdict(Gate("a", least=0.5)).told == "a ≥ 0.5 in the newest run: nothing"
