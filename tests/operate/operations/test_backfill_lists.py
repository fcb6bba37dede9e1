"""A list of runs that is wrong once, empty or late, starts no run of a backfill twice."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from kfp_gitops.kfpserver.kfpapi.actual import ActualRun, ActualSchedule
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.language.firings import Range
from kfp_gitops.operate.operations import backfill, making_up, ran
from kfp_gitops.reconcile.seen import Seen, fired_before

TICKS = [datetime(2026, 1, day, tzinfo=UTC) for day in range(1, 6)]
WORK = backfill.Backfill("p-main", "p", "v", "e", {}, None, 2)


class Kfp:
    """Runs take three looks to end; the nth list is wrong: empty, or without what was made since the one before."""

    def __init__(self, wrong: int, late: bool) -> None:
        self.started: Counter[str] = Counter()
        self.ages: dict[str, int] = {}
        self.fired: list[datetime] = []
        self._wrong, self._late, self._before = wrong, late, set[str]()

    def _listed(self) -> set[str]:
        self._wrong -= 1
        before, self._before = self._before, set(self.ages)
        if self._wrong == 0:
            return before if self._late else set()
        return set(self.ages)

    def runs_fired(self, _experiment: str, start: datetime, end: datetime) -> list[RunState]:
        within = [tick for tick in self.fired if start <= tick < end]
        return [RunState(f"{tick}", "p-main", "RUNNING", tick, None, None, (), "s", tick) for tick in within]

    def schedules_named(self, _names: Collection[str]) -> list[ActualSchedule]:
        return [ActualSchedule("s", "p-main", None, None, enabled=True, created=TICKS[0])]

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
    _run(kfp, [job], 2)
    return job


def _run(kfp: Any, jobs: list[making_up.Job], parallel: int) -> None:
    making_up.MakingUp(kfp, jobs, parallel, lambda _: None, lambda _: None).run()


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
        _run(kfp, jobs(), parallel)
    kfp.call = 0
    last = jobs()
    _run(kfp, last, parallel)
    assert kfp.started == {work.name(tick): 1 for work in works for tick in TICKS}
    assert "backfill-p-other-20260103T000000Z-2" in kfp.started
    assert all(job.done and not job.failed for job in last)


def test_what_the_schedule_itself_ran_since_it_was_asked_for_is_not_run_again() -> None:
    """A list of firings that was wrongly empty, or a controller that is back while a long backfill is at work."""
    kfp, told = Kfp(0, late=False), list[str]()
    api: Any = kfp
    kfp.fired = [TICKS[1]]

    def comes_back(line: str) -> None:
        told.append(line)
        kfp.fired = [TICKS[1], TICKS[4]]

    job = making_up.Job(WORK, TICKS, meanwhile=partial(ran.fired_of, api, WORK))
    making_up.MakingUp(api, [job], 1, comes_back, lambda _: None).run()
    assert sorted(kfp.started) == [WORK.name(TICKS[number]) for number in (0, 2, 3)]
    assert job.otherwise == {TICKS[1], TICKS[4]}
    assert sum("otherwise" in line for line in told) == 2


class Shared:
    """One KFP and two who make up for the same at once: both look, then both start."""

    def __init__(self) -> None:
        self.runs: dict[str, RunState] = {}
        self.terminated: list[str] = []

    def _of(self, name: str) -> list[RunState]:
        return [run for run in self.runs.values() if name in run.name]

    def run(self, run_id: str) -> RunState:
        return self.runs[run_id]

    def runs_named(self, _experiment: str, text: str) -> list[RunState]:
        return self._of(text)

    def runs_with_names(self, names: Collection[str]) -> list[ActualRun]:
        return [ActualRun(run.id, run.name, run.state) for run in self.runs.values() if run.name in names]

    def create_run(self, *, name: str, **_: Any) -> str:
        run_id = f"{len(self.runs)}"
        self.runs[run_id] = RunState(run_id, name, "RUNNING", TICKS[0], None, None, ())
        return run_id

    def terminate_run(self, run_id: str) -> None:
        self.terminated.append(run_id)
        self.runs[run_id] = replace(self.runs[run_id], state="CANCELING")


def test_of_a_firing_that_two_machines_began_at_once_one_run_is_left() -> None:
    kfp, tick = Shared(), TICKS[0]
    api: Any = kfp
    both = [
        making_up.MakingUp(api, [making_up.Job(WORK, [tick])], 1, lambda _: None, lambda _: None)
        for _ in range(2)
    ]
    for one in both:
        one.jobs[0].begun[tick] = one._start(WORK, tick)
    for one in [*both, *both]:
        one._look(one.jobs[0])
    assert kfp.terminated == ["1"]
    assert [one.jobs[0].states[tick].id for one in both] == ["0", "0"]
    stopped, left = replace(kfp.runs["1"], state="FAILED"), replace(kfp.runs["0"], state="SUCCEEDED")
    newest = backfill.newest_attempts([left, stopped], WORK.prefix)
    assert newest == {tick: (1, left)}


def test_what_another_schedule_of_a_name_that_begins_alike_ran_is_not_its_own() -> None:
    """KFP's name of a run tells 25 characters of its schedule's, and by deleted ones nothing else is known."""
    weekly, daily = "predictive-scaling-forecast-weekly", "predictive-scaling-forecast-daily"
    work = replace(WORK, schedule=weekly)
    run = RunState(
        "r", "predictive-scaling-forecaabcde-1-2", "FAILED", TICKS[0], None, None, (), "d", TICKS[0]
    )

    class Two:
        there = (ActualSchedule("d", daily, None, None, enabled=True, created=TICKS[0]),)

        def runs_fired(self, *_: object) -> list[RunState]:
            return [run]

        def schedules_named(self, _names: Collection[str]) -> list[ActualSchedule]:
            return []

        def schedules(self) -> list[ActualSchedule]:
            return [*self.there]

    api: Any = Two()
    within = Range(TICKS[0], TICKS[1])
    assert ran.fired(api, work, within) == {}
    api.there = ()
    assert ran.fired(api, work, within) == {TICKS[0]: "FAILED"}
    there = ActualRun("r", run.name, "FAILED", schedule_id="d", scheduled=TICKS[0])
    lost = Seen((), (there,), TICKS[1])
    assert fired_before(weekly, lost) == TICKS[0]
    assert fired_before(weekly, replace(lost, others=frozenset({"d"}))) is None
