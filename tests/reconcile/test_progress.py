"""How far an apply is: on a terminal, in a log, and each step where they are few."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from kfp_gitops.commands import console
from kfp_gitops.commands.reconcile.progress import Lines, Progress
from kfp_gitops.reconcile.change import Action, Change, Kind
from kfp_gitops.reconcile.events import Event
from kfp_gitops.reconcile.plan import Plan, plan
from plan_kit import DESIRED, EMPTY


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _plan(pipelines: int) -> Plan:
    changes = (Change(Action.CREATE, Kind.PIPELINE, f"p{n}", f"p{n}", "is new") for n in range(pipelines))
    return replace(plan(DESIRED, EMPTY), changes=tuple(changes))


def _worked(progress: Progress, clock: Clock, pipelines: int, seconds: float) -> None:
    progress.of(_plan(pipelines))
    for number in range(pipelines):
        clock.now += seconds / pipelines
        progress.tell(Event(f"p{number}", "create", "pipeline", f"p{number}", "done"))
        progress.ended(f"p{number}")


def test_a_thousand_pipelines_are_a_line_every_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    _worked(Progress(None, clock=clock), clock, 1000, 35)
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [
        "285 of 1,000 pipelines, 286 steps; 10 s",
        "571 of 1,000 pipelines, 572 steps; 20 s",
        "857 of 1,000 pipelines, 858 steps; 30 s",
    ]


def test_few_are_told_step_by_step_and_many_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    _worked(Progress(None, clock=clock), clock, 3, 35)
    assert capsys.readouterr().out.splitlines() == [f"create pipeline p{n}: done" for n in range(3)]
    _worked(Progress(None, each=True, clock=clock), clock, 50, 35)
    told = capsys.readouterr()
    assert (len(told.out.splitlines()), told.err) == (50, "")


def test_on_a_terminal_one_line_is_written_over_and_the_next_result_clears_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "is_watched", lambda: True)
    clock = Clock()
    _worked(Progress(None, clock=clock), clock, 1000, 35)
    told = capsys.readouterr().err
    assert "\n" not in told
    assert told.count("\r\x1b[K") > 100
    console.note("done")
    assert capsys.readouterr().err == "\r\x1b[Kdone\n"
    console.note("and again")
    assert capsys.readouterr().err == "and again\n"


def test_the_log_for_machines_has_every_step_also_of_many() -> None:
    log, clock = io.StringIO(), Clock()
    _worked(Progress(log, clock=clock), clock, 1000, 1)
    rows = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [row["name"] for row in rows] == [f"p{n}" for n in range(1000)]


def test_of_a_thousand_schedules_that_are_disabled_the_first_are_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = Lines()
    for number in range(1000):
        lines.tell(f"disable schedule p{number}: done")
    lines.ended()
    told = capsys.readouterr()
    assert told.out.splitlines() == [*(f"disable schedule p{n}: done" for n in range(10)), "… 990 more"]
    assert told.err == ""
