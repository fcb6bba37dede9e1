"""The swap of one schedule, killed at each of its calls: every firing at most once, and what nobody ran is told."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from dataclasses import replace
from itertools import pairwise, product

import pytest
from fake_calls import Interruption, KilledError
from fake_controller import instant, seconds
from fake_kfp import FakeKfp, Told
from kfp_gitops.reconcile import swap
from kfp_gitops.reconcile.drift import Wanted
from kfp_gitops.reconcile.observe import observe
from kfp_gitops.reconcile.plan import plan
from kfp_gitops.reconcile.records import Absent
from kfp_gitops.reconcile.seen import Seen
from kfp_gitops.reconcile.steps import CreateSchedule
from profiles import some
from swap_kit import DESIRED, EVERY_5_MINUTES, firings, firings_due, makeups, reconciled, releasing


@pytest.mark.parametrize("on_missed", ["report", "run"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(1, 21))
def test_a_swap_killed_at_any_call_and_run_again(call: int, after: bool, on_missed: str) -> None:
    schedule = replace(EVERY_5_MINUTES, on_missed=on_missed)  # type: ignore[arg-type]  # one of its literals
    for at, by, latency in some(product([0, 200, 262, 280, 296], [0, 30, 700], [1, 4]), call):
        kfp, told = FakeKfp(latency), Told()
        reconciled(kfp, releasing(schedule), told)
        began = kfp.clock
        kfp.advance(600 + at - kfp.clock % 300)
        kfp.interruption = Interruption(call, after, kill=True)
        with contextlib.suppress(KilledError):
            reconciled(kfp, releasing(schedule, "sha-2"), told)
        kfp.interruption = None
        kfp.advance(by)
        assert not reconciled(kfp, releasing(schedule, "sha-2"), told).failed
        kfp.advance(300)
        (record,) = [found.record for found in kfp.recurring.values()]
        assert record.enabled
        fired = firings(kfp)
        assert max(Counter(fired).values()) == 1, (at, by, latency)
        missed = set(firings_due("0 */5 * * * *", began, kfp.clock)) - set(fired)
        reported = {seconds(moment) for event in told.events for moment in event.missed}
        if on_missed == "report":
            assert missed == reported, (at, by, latency)
        else:
            made = makeups(kfp)
            assert bool(missed) == bool(made), (at, by, latency)
            # Killed after a first one and left for longer than the schedule's time, another is for what came since.
            assert len(made) == len(set(made)) <= (1 if by < 300 else 2), (at, by, latency)


@pytest.mark.parametrize("at", range(0, 300, 7))
@pytest.mark.parametrize("lag", [0, 5])
def test_a_swap_that_runs_through_misses_no_firing_whenever_it_begins(at: int, lag: int) -> None:
    for latency in (1, 4):
        kfp, told = FakeKfp(latency, lag), Told()
        reconciled(kfp, DESIRED, told)
        began = kfp.clock
        kfp.advance(at)
        reconciled(kfp, releasing(version="sha-2"), told)
        kfp.advance(600)
        assert set(firings_due("0 */5 * * * *", began, kfp.clock - lag - 1)) <= set(firings(kfp))
        assert max(Counter(firings(kfp)).values()) == 1
        assert not [event for event in told.events if event.missed]


def test_an_outage_over_several_firings_gives_one_run() -> None:
    kfp, told = FakeKfp(1), Told()
    schedule = replace(EVERY_5_MINUTES, on_missed="run")
    reconciled(kfp, releasing(schedule), told)
    (found,) = kfp.recurring
    kfp.set_enabled(found, enabled=False)
    kfp.advance(4000)
    for _ in range(2):
        reconciled(kfp, releasing(schedule), told)
    assert len(makeups(kfp)) == 1
    assert len(firings(kfp)) == 0


@pytest.mark.parametrize("disabled", [0, 3])
@pytest.mark.parametrize("applied", [0, 2, 20])
def test_a_run_that_kfp_does_not_tell_of_yet_is_not_made_up_for(disabled: int, applied: int) -> None:
    """Somebody disables it just after it has fired, and an apply comes before the run is reported."""
    kfp, told = FakeKfp(unseen=5), Told()
    desired = releasing(replace(EVERY_5_MINUTES, on_missed="run"))
    kfp.advance(10)
    reconciled(kfp, desired, told)
    kfp.advance(290 + disabled)
    (found,) = kfp.recurring
    kfp.set_enabled(found, enabled=False)
    kfp.advance(applied)
    reconciled(kfp, desired, told)
    assert (firings(kfp), makeups(kfp)) == ([300], [])


def test_frequent_releases_do_not_put_an_interval_off_for_ever() -> None:
    kfp, told = FakeKfp(0), Told()
    every_hour = replace(EVERY_5_MINUTES, cron=None, interval_seconds=3600)
    reconciled(kfp, releasing(every_hour), told)
    for release in range(20):
        kfp.advance(1000)
        reconciled(kfp, releasing(every_hour, f"sha-{release % 2 + 1}"), told)
    fired = firings(kfp)
    assert len(fired) == 20000 // 3600
    assert {later - earlier for earlier, later in pairwise(fired)} == {3600}


@pytest.mark.parametrize("catchup", [False, True])
@pytest.mark.parametrize("interval", [None, 3600])
def test_a_start_in_the_past_never_back_fills(catchup: bool, interval: int | None) -> None:
    kfp, told = FakeKfp(0), Told()
    kfp.advance(100_000)
    schedule = replace(
        EVERY_5_MINUTES, cron=None if interval else "0 0 * * * *", interval_seconds=interval,
        start="2026-11-23T00:00:00Z", catchup=catchup,
    )  # fmt: skip
    for version in ("sha-1", "sha-2"):
        reconciled(kfp, releasing(schedule, version), told)
        assert firings(kfp) == []
    assert not plan(releasing(schedule, "sha-2"), observe(kfp, releasing(schedule, "sha-2"))).to_do
    kfp.advance(8000)
    assert firings(kfp) == [100_800, 104_400, 108_000]


def test_a_start_in_the_future_is_kept_over_a_replacement() -> None:
    kfp, told = FakeKfp(0), Told()
    schedule = replace(EVERY_5_MINUTES, start="2026-11-23T01:00:00Z")
    reconciled(kfp, releasing(schedule), told)
    kfp.advance(1000)
    reconciled(kfp, releasing(schedule, "sha-2"), told)
    kfp.advance(3000)
    assert firings(kfp) == [3900]
    assert not plan(releasing(schedule, "sha-2"), observe(kfp, releasing(schedule, "sha-2"))).to_do


@pytest.mark.parametrize("interval", [None, 300])
def test_nothing_is_missed_before_a_start_in_the_future(interval: int | None) -> None:
    kfp, told = FakeKfp(), Told()
    cron = None if interval else EVERY_5_MINUTES.cron
    schedule = replace(
        EVERY_5_MINUTES, cron=cron, interval_seconds=interval, start="2026-11-23T01:00:00Z", on_missed="run"
    )
    reconciled(kfp, releasing(schedule), told)
    kfp.advance(1000)
    reconciled(kfp, releasing(schedule, "sha-2"), told)
    assert (kfp.runs, [event for event in told.events if event.missed]) == ({}, [])


@pytest.mark.parametrize("off", [-600, 600])
def test_with_a_wrong_clock_nothing_is_replaced_and_nothing_fires_twice(off: int) -> None:
    """A proxy's Date, or no Date and this machine's clock: a successor would seem younger than the last firing."""
    kfp, told = FakeKfp(), Told()
    kfp.advance(10)
    reconciled(kfp, DESIRED, told)
    kfp.date_off = off
    kfp.advance(50)
    for _ in range(3):
        outcome = reconciled(kfp, releasing(version="sha-2"), told)
        assert "clocks" in outcome.failed[0][1]
        kfp.advance(300)
    assert len(kfp.recurring) == 1
    kfp.date_off = 0
    assert not reconciled(kfp, releasing(version="sha-2"), told).failed
    kfp.advance(300)
    assert firings(kfp) == list(firings_due(EVERY_5_MINUTES.cron or "", 0, kfp.clock))


def test_on_replace_wait_waits_for_the_runs_in_flight_and_gives_up_in_time() -> None:
    kfp, told = FakeKfp(0, lasts=900), Told()
    schedule = replace(EVERY_5_MINUTES, cron="0 0 * * * *", on_replace="wait")
    reconciled(kfp, releasing(schedule), told)
    kfp.advance(3700)
    outcome = reconciled(kfp, releasing(schedule, "sha-2"), told, wait=60)
    assert outcome.postponed == (("p", "1 in flight, and onReplace is wait"),)
    (record,) = [found.record for found in kfp.recurring.values()]
    assert record.enabled  # the old one goes on
    assert not reconciled(kfp, releasing(schedule, "sha-2"), told, wait=3600).postponed
    assert kfp.clock >= 3600 + 900


def test_renaming_a_schedule_never_fires_under_both_names() -> None:
    kfp, told = FakeKfp(1), Told()
    reconciled(kfp, DESIRED, told)
    reconciled(kfp, releasing(replace(EVERY_5_MINUTES, name="other")), told)
    verbs = [event.action for event in told.events if event.kind == "schedule"]
    assert verbs == ["create", "enable", "delete", "create", "enable"]


EVERY_MINUTE = replace(EVERY_5_MINUTES, cron="0 * * * * *")


@pytest.mark.parametrize("seed", range(4))
def test_two_hundred_swaps_of_a_schedule_each_minute_lose_no_firing_and_double_none(seed: int) -> None:
    """As on a real server: the controller looks every 30 s, KFP tells of a run up to 10 s after it came."""
    chosen = random.Random(seed)
    kfp = FakeKfp(latency=1, unseen=chosen.randrange(11), cadence=30, phase=chosen.randrange(30))
    told = Told()
    kfp.advance(chosen.randrange(60))
    reconciled(kfp, releasing(EVERY_MINUTE), told, wait=300)
    began = kfp.clock
    for release in range(200):
        kfp.advance(chosen.uniform(1, 150))
        outcome = reconciled(kfp, releasing(EVERY_MINUTE, f"sha-{release % 2 + 2}"), told, wait=300)
        assert not outcome.failed
        assert not outcome.postponed
    kfp.advance(120)
    due = list(firings_due("0 * * * * *", began, kfp.clock - 40))
    fired = firings(kfp)
    assert max(Counter(fired).values()) == 1
    assert [moment for moment in fired if moment <= due[-1]] == due
    assert not [event for event in told.events if event.missed]
    assert sum(event.action == "create" and event.kind == "schedule" for event in told.events) == 201


@pytest.mark.parametrize(
    ("cron", "calls"),
    [
        ("0 0 0 * * *", {"create": 1, "delete": 1, "enable": 1}),  # the next firing is far away
        ("0 */5 * * * *", {"create": 1, "disable": 1, "enable": 1, "delete": 1}),
    ],
)
def test_how_many_calls_touch_a_scheduled_workflow(cron: str, calls: dict[str, int]) -> None:
    kfp, told = FakeKfp(), Told()
    kfp.advance(10)
    schedule = replace(EVERY_5_MINUTES, cron=cron)
    reconciled(kfp, releasing(schedule), told)
    assert kfp.touching == {"create": 1, "enable": 1}
    kfp.touching.clear()
    reconciled(kfp, releasing(schedule, "sha-2"), told)
    assert kfp.touching == calls
    kfp.touching.clear()
    reconciled(kfp, replace(DESIRED, pipelines=(), absent=(Absent("p", "schedules"),)), told)
    assert kfp.touching == {"delete": 1}


def test_a_schedule_whose_runs_never_come_is_replaced_all_the_same() -> None:
    """Its concurrency is used up by a run that takes for ever."""
    kfp, told = FakeKfp(lasts=100_000, cadence=30), Told()
    schedule = replace(EVERY_MINUTE, max_concurrency=1)
    reconciled(kfp, releasing(schedule), told)
    kfp.advance(900)
    outcome = reconciled(kfp, releasing(schedule, "sha-2"), told, wait=300)
    assert (outcome.failed, outcome.postponed) == ((), ())


@pytest.mark.parametrize("on_missed", ["report", "run"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(1, 16))
def test_a_swap_of_what_fires_in_hours_killed_at_any_call(call: int, after: bool, on_missed: str) -> None:
    """Its predecessor is deleted without being disabled first."""
    daily = replace(EVERY_5_MINUTES, cron="0 0 0 * * *", on_missed=on_missed)  # type: ignore[arg-type]  # one of them
    for by, latency in some(product([0, 43_100, 90_000], [1, 4]), call):
        kfp, told = FakeKfp(latency, lag=17, unseen=10), Told()
        kfp.advance(10)
        reconciled(kfp, releasing(daily), told)
        kfp.advance(86_400 + 43_200)
        kfp.interruption = Interruption(call, after, kill=True)
        with contextlib.suppress(KilledError):
            reconciled(kfp, releasing(daily, "sha-2"), told)
        kfp.interruption = None
        kfp.advance(by)
        assert not reconciled(kfp, releasing(daily, "sha-2"), told).failed
        kfp.advance(86_400)
        (record,) = [found.record for found in kfp.recurring.values()]
        assert record.enabled
        fired = firings(kfp)
        assert max(Counter(fired).values()) == 1, (by, latency)
        missed = set(firings_due("0 0 0 * * *", 10, kfp.clock - 40)) - set(fired)
        if on_missed == "report":
            assert missed == {seconds(moment) for event in told.events for moment in event.missed}
        else:
            assert bool(missed) == (len(makeups(kfp)) == 1), (by, latency)


@pytest.mark.parametrize("at", range(45, 66))
def test_a_first_creation_beside_a_firing_tells_of_nothing_missed(at: int) -> None:
    kfp, told = FakeKfp(latency=2, unseen=5, cadence=30), Told()
    kfp.advance(at)
    reconciled(kfp, releasing(EVERY_MINUTE), told)
    assert not [event for event in told.events if event.missed or "may be there" in event.detail]
    assert kfp.clock < at + 40


def test_the_first_object_accounts_for_nothing_before_itself() -> None:
    """A firing between the decision to create it and its creation was nobody's."""
    wanted = Wanted("p", "p-main", EVERY_5_MINUTES, True, "sha-1", "v1")
    step = swap.next_step(wanted, Seen((), None, instant(100)))
    assert isinstance(step, CreateSchedule)
    assert step.covered is None
