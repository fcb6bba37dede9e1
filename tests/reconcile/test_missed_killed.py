"""What a status says was missed after swaps that were killed: all that was owed since the first one, and no more."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from fake_calls import Interruption, KilledError
from fake_controller import instant, seconds
from fake_kfp import FakeKfp, Told
from kfp_gitops.kfpserver.kfpapi.actual import ActualRun
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.language.manifest import Schedule
from kfp_gitops.operate.status.missed import GRACE, Account, Line, account
from kfp_gitops.operate.status.model import Cause
from profiles import some
from swap_kit import DESIRED, EVERY_5_MINUTES, firings, firings_due, makeups, reconciled, releasing


def _account(kfp: FakeKfp, schedule: Schedule) -> Account:
    objects = [found.record for found in kfp.recurring.values()]
    runs = [_told(run, kfp._state(end)) for run, end in kfp.runs.values()][::-1]
    return account(Line("p-main", schedule, objects, runs[:99], kfp.now()))


def _told(run: ActualRun, state: str) -> RunState:
    """As a list tells it; KFP names a run of a recurring run after that, cut, and adds to it."""
    name = f"{run.name}abcde-1-{seconds(run.created or instant(0))}" if run.schedule_id else run.name
    return RunState(run.id, name, state, run.created, None, None, (), run.schedule_id, run.scheduled)


def _owed(kfp: FakeKfp, began: int) -> set[int]:
    until = kfp.clock - int(GRACE.total_seconds())
    return set(firings_due("0 */5 * * * *", began, until)) - set(firings(kfp))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(1, 21))
def test_a_status_after_swaps_that_were_killed_tells_all_that_nobody_ran(call: int, after: bool) -> None:
    for at, by, latency in some(product([0, 262, 280, 296], [0, 30, 700], [1, 4]), call):
        kfp, told = FakeKfp(latency), Told()
        reconciled(kfp, DESIRED, told)
        began = kfp.clock
        for version in ("sha-2", "sha-3"):
            kfp.advance(600 + at - kfp.clock % 300)
            kfp.interruption = Interruption(call, after, kill=True)
            with contextlib.suppress(KilledError):
                reconciled(kfp, releasing(version=version), told)
            kfp.interruption = None
            kfp.advance(by)
            assert not reconciled(kfp, releasing(version=version), told).failed
        kfp.advance(300 + int(GRACE.total_seconds()))
        found = _account(kfp, EVERY_5_MINUTES)
        assert {seconds(one.at) for one in found.missed} == _owed(kfp, began), (at, by, latency)
        assert {one.cause for one in found.missed} <= {Cause.SWAP}, found.missed
        assert not found.held


def test_one_that_was_deleted_and_made_anew_tells_what_fell_out_in_between() -> None:
    kfp, told = FakeKfp(1), Told()
    reconciled(kfp, DESIRED, told)
    kfp.advance(1000)
    for run, (
        record,
        end,
    ) in kfp.runs.items():  # as KFP names them: by the name all is known of one that is gone
        kfp.runs[run] = replace(record, name=f"{record.name}abcde-1-2"), end
    last = firings(kfp)[-1]
    kfp.recurring.clear()
    kfp.advance(1000)
    reconciled(kfp, releasing(version="sha-2"), told)
    found = _account(kfp, EVERY_5_MINUTES)
    assert [seconds(one.at) for one in found.missed] == list(range(last + 300, kfp.clock, 300))
    assert {one.cause for one in found.missed} == {Cause.DELETED}


def test_the_first_registration_looks_for_no_runs_and_misses_nothing_from_before() -> None:
    kfp, told = FakeKfp(1), Told()
    asked = []
    kfp.runs_in = asked.append  # type: ignore[assignment,method-assign]  # it is asked what it looks at
    kfp.advance(5000)
    reconciled(kfp, DESIRED, told)
    assert asked == []
    assert _account(kfp, EVERY_5_MINUTES) == Account()


@pytest.mark.parametrize("state", ["", "FAILED"])
def test_what_a_backfill_has_run_is_not_made_up_for_by_an_apply(state: str) -> None:
    kfp, told = FakeKfp(1), Told()
    schedule = replace(EVERY_5_MINUTES, on_missed="run")
    reconciled(kfp, releasing(schedule), told)
    began = kfp.clock
    (found,) = kfp.recurring
    kfp.set_enabled(found, enabled=False)
    kfp.advance(1000)
    for tick in firings_due("0 */5 * * * *", began, kfp.clock):
        name = f"backfill-p-main-{instant(tick):%Y%m%dT%H%M%SZ}"
        kfp.create_run(name=name, pipeline_id="p", version_id="v", experiment_id="e", parameters={})
    if state:
        kfp._state = lambda _end: state  # type: ignore[method-assign]  # so that all end alike
    reconciled(kfp, releasing(schedule), told)
    assert len(makeups(kfp)) == (1 if state else 0)


def test_an_interval_that_is_swapped_keeps_what_it_missed() -> None:
    kfp, told = FakeKfp(1), Told()
    hourly = replace(EVERY_5_MINUTES, cron=None, interval_seconds=3600)
    reconciled(kfp, releasing(hourly), told)
    kfp.advance(4 * 3600)
    (found,) = kfp.recurring
    kfp.set_enabled(found, enabled=False)
    kfp.advance(3 * 3600)
    reconciled(kfp, releasing(hourly, "sha-2"), told)
    kfp.advance(2 * 3600)
    reconciled(kfp, releasing(hourly, "sha-3"), told)
    kfp.advance(1800)
    found_by = _account(kfp, hourly)
    assert len(firings(kfp)) + len(found_by.missed) == int(
        timedelta(hours=9, minutes=30) / timedelta(hours=1)
    )
