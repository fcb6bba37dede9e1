"""A list of runs that is wrong once, empty or late, starts no run of a backfill twice."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from kfp_gitops.kfpserver.kfpapi.actual import ActualRun
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.operate.operations import backfill, making_up

TICKS = [datetime(2026, 1, day, tzinfo=UTC) for day in range(1, 6)]
WORK = backfill.Backfill("p-main", "p", "v", "e", {}, None, 2)


class Kfp:
    """Runs take three looks to end; the nth list is wrong: empty, or without what was made since the one before."""

    def __init__(self, wrong: int, late: bool) -> None:
        self.started: Counter[str] = Counter()
        self.ages: dict[str, int] = {}
        self._wrong, self._late, self._before = wrong, late, set[str]()

    def _listed(self) -> set[str]:
        self._wrong -= 1
        before, self._before = self._before, set(self.ages)
        if self._wrong == 0:
            return before if self._late else set()
        return set(self.ages)

    def run(self, run_id: str) -> RunState:
        state = "SUCCEEDED" if self.ages[run_id] > 3 else "RUNNING"
        return RunState(run_id, run_id, state, None, None, None, ())

    def runs_named(self, _experiment: str, text: str) -> list[RunState]:
        self.ages = {name: age + 1 for name, age in self.ages.items()}
        return [self.run(name) for name in self._listed() if text in name]

    def runs_with_names(self, names: Collection[str]) -> list[ActualRun]:
        return [ActualRun(name, name, "RUNNING") for name in self._listed() if name in names]

    def create_run(self, *, name: str, **_: Any) -> str:
        self.started[name] += 1
        self.ages[name] = 0
        return name


def _made_up(kfp: Kfp) -> making_up.Job:
    job = making_up.Job(WORK, TICKS)
    making_up.MakingUp(kfp, [job], 2, lambda _: None, lambda _: None).run()  # type: ignore[arg-type]
    return job


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("wrong", range(1, 30))
def test_no_list_that_is_wrong_once_starts_a_run_twice(wrong: int, late: bool) -> None:
    kfp = Kfp(wrong, late)
    made = _made_up(kfp)
    assert kfp.started == {WORK.name(tick): 1 for tick in TICKS}
    assert {run.state for run in made.states.values()} == {"SUCCEEDED"}


@pytest.mark.parametrize("wrong", [1, 2])
def test_a_backfill_that_is_begun_again_believes_no_single_list(wrong: int) -> None:
    kfp = Kfp(0, late=False)
    for tick in TICKS:
        kfp.create_run(name=WORK.name(tick))
    kfp._wrong = wrong
    _made_up(kfp)
    assert set(kfp.started.values()) == {1}


class KilledError(BaseException):
    """The process is gone."""


class Mortal(Kfp):
    """The nth call kills: before it has an effect, after it, or when its reply has been read."""

    def __init__(self, call: int, when: str) -> None:
        super().__init__(0, late=False)
        self.call, self.when, self.calls = call, when, 0

    def _dies(self, when: str) -> None:
        if self.calls == self.call and when == self.when:
            raise KilledError

    def create_run(self, *, name: str, **more: Any) -> str:
        self.calls += 1
        self._dies("before it is sent")
        run = super().create_run(name=name, **more)
        self._dies("after its effect")
        return run

    def runs_named(self, experiment: str, text: str) -> list[RunState]:
        self.calls += 1
        self._dies("before it is sent")
        found = super().runs_named(experiment, text)
        self._dies("after its reply")
        return found


@pytest.mark.parametrize("when", ["before it is sent", "after its effect", "after its reply"])
@pytest.mark.parametrize("parallel", [1, 3])
@pytest.mark.parametrize("call", range(1, 24))
def test_killed_anywhere_and_begun_again_each_run_of_each_schedule_is_started_once(
    call: int, parallel: int, when: str
) -> None:
    """The second schedule's third firing is at its second attempt."""
    kfp = Mortal(call, when)
    works = [WORK, replace(WORK, schedule="p-other", attempts={TICKS[2]: 2})]

    def jobs() -> list[making_up.Job]:
        return [making_up.Job(work, TICKS) for work in works]

    with contextlib.suppress(KilledError):
        making_up.MakingUp(kfp, jobs(), parallel, lambda _: None, lambda _: None).run()  # type: ignore[arg-type]
    kfp.call = 0
    last = jobs()
    making_up.MakingUp(kfp, last, parallel, lambda _: None, lambda _: None).run()  # type: ignore[arg-type]
    assert kfp.started == {work.name(tick): 1 for work in works for tick in TICKS}
    assert "backfill-p-other-20260103T000000Z-2" in kfp.started
    assert all(job.done and not job.failed for job in last)
