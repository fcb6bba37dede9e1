"""The swap of one schedule, killed at each of its calls: every firing at most once, and what nobody ran is told."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise, product

import pytest
from fake_kfp import RHYTHMS, FakeKfp, Interruption, KilledError, Told, instant, seconds
from kfp_gitops.base.errors import RemoteError, UnclearError
from kfp_gitops.kfpserver.kfpapi.actual import ActualRun
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.language.manifest import Schedule, Trigger
from kfp_gitops.operate.status import build
from kfp_gitops.reconcile import swap, waits
from kfp_gitops.reconcile.apply import Outcome, Pace, apply
from kfp_gitops.reconcile.drift import Wanted
from kfp_gitops.reconcile.observe import observe
from kfp_gitops.reconcile.plan import plan
from kfp_gitops.reconcile.records import Absent, Desired, DesiredPipeline, Options
from kfp_gitops.reconcile.seen import Seen
from kfp_gitops.reconcile.steps import CreateSchedule

OWNER = Owner("example-repository", "dev")
EVERY_5_MINUTES = Schedule("main", "0 */5 * * * *", None, True, {}, None, None, 10, False, ())
PIPELINE = DesiredPipeline("p", "d", "sha256:a", "sha-1", "sha256:1", "ir", (EVERY_5_MINUTES,))
NO_OPTIONS = Options()
DESIRED = Desired(OWNER, "http://127.0.0.1", "", (PIPELINE,))


def _apply(
    kfp: FakeKfp, desired: Desired, told: Told, wait: int = 600, options: Options = NO_OPTIONS
) -> Outcome:
    actual = observe(kfp, desired, options)
    found = plan(desired, actual, options)
    pace = Pace(workers=1, wait=timedelta(seconds=wait), sleep=kfp.advance)
    return apply(kfp, desired, found, actual, options, told, pace)


def _with(schedule: Schedule = EVERY_5_MINUTES, version: str = "sha-1", **more: object) -> Desired:
    pipeline = replace(PIPELINE, schedules=(schedule,), version=version, **more)  # type: ignore[arg-type]
    return replace(DESIRED, pipelines=(pipeline,))


def _fired(kfp: FakeKfp) -> list[int]:
    return sorted(seconds(run.scheduled) for run, _ in kfp.runs.values() if run.scheduled and run.schedule_id)


def _due(cron: str, since: int, until: int) -> Iterator[int]:
    period, offset = RHYTHMS[cron]
    return (second for second in range(since + 1, until + 1) if (second - offset) % period == 0)


def _makeups(kfp: FakeKfp) -> list[str]:
    return [run.name for run, _ in kfp.runs.values() if "-missed-" in run.name]


@pytest.mark.parametrize("on_missed", ["report", "run"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(1, 21))
def test_a_swap_killed_at_any_call_and_run_again(call: int, after: bool, on_missed: str) -> None:
    schedule = replace(EVERY_5_MINUTES, on_missed=on_missed)  # type: ignore[arg-type]  # one of its literals
    for at, by, latency in product([0, 200, 262, 280, 296], [0, 30, 700], [1, 4]):
        kfp, told = FakeKfp(latency), Told()
        _apply(kfp, _with(schedule), told)
        began = kfp.clock
        kfp.advance(600 + at - kfp.clock % 300)
        kfp.interruption = Interruption(call, after, kill=True)
        with contextlib.suppress(KilledError):
            _apply(kfp, _with(schedule, "sha-2"), told)
        kfp.interruption = None
        kfp.advance(by)
        assert not _apply(kfp, _with(schedule, "sha-2"), told).failed
        kfp.advance(300)
        (record,) = [found.record for found in kfp.recurring.values()]
        assert record.enabled
        fired = _fired(kfp)
        assert max(Counter(fired).values()) == 1, (at, by, latency)
        missed = set(_due("0 */5 * * * *", began, kfp.clock)) - set(fired)
        reported = {seconds(moment) for event in told.events for moment in event.missed}
        if on_missed == "report":
            assert missed == reported, (at, by, latency)
        else:
            assert bool(missed) == (len(_makeups(kfp)) == 1), (at, by, latency)


@pytest.mark.parametrize("at", range(0, 300, 7))
@pytest.mark.parametrize("lag", [0, 5])
def test_a_swap_that_runs_through_misses_no_firing_whenever_it_begins(at: int, lag: int) -> None:
    for latency in (1, 4):
        kfp, told = FakeKfp(latency, lag), Told()
        _apply(kfp, DESIRED, told)
        began = kfp.clock
        kfp.advance(at)
        _apply(kfp, _with(version="sha-2"), told)
        kfp.advance(600)
        assert set(_due("0 */5 * * * *", began, kfp.clock - lag - 1)) <= set(_fired(kfp))
        assert max(Counter(_fired(kfp)).values()) == 1
        assert not [event for event in told.events if event.missed]


def test_an_outage_over_several_firings_gives_one_run() -> None:
    kfp, told = FakeKfp(1), Told()
    schedule = replace(EVERY_5_MINUTES, on_missed="run")
    _apply(kfp, _with(schedule), told)
    (found,) = kfp.recurring
    kfp.set_enabled(found, enabled=False)
    kfp.advance(4000)
    for _ in range(2):
        _apply(kfp, _with(schedule), told)
    assert len(_makeups(kfp)) == 1
    assert len(_fired(kfp)) == 0


@pytest.mark.parametrize("disabled", [0, 3])
@pytest.mark.parametrize("applied", [0, 2, 20])
def test_a_run_that_kfp_does_not_tell_of_yet_is_not_made_up_for(disabled: int, applied: int) -> None:
    """Somebody disables it just after it has fired, and an apply comes before the run is reported."""
    kfp, told = FakeKfp(unseen=5), Told()
    desired = _with(replace(EVERY_5_MINUTES, on_missed="run"))
    kfp.advance(10)
    _apply(kfp, desired, told)
    kfp.advance(290 + disabled)
    (found,) = kfp.recurring
    kfp.set_enabled(found, enabled=False)
    kfp.advance(applied)
    _apply(kfp, desired, told)
    assert (_fired(kfp), _makeups(kfp)) == ([300], [])


def test_frequent_releases_do_not_put_an_interval_off_for_ever() -> None:
    kfp, told = FakeKfp(0), Told()
    every_hour = replace(EVERY_5_MINUTES, cron=None, interval_seconds=3600)
    _apply(kfp, _with(every_hour), told)
    for release in range(20):
        kfp.advance(1000)
        _apply(kfp, _with(every_hour, f"sha-{release % 2 + 1}"), told)
    fired = _fired(kfp)
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
        _apply(kfp, _with(schedule, version), told)
        assert _fired(kfp) == []
    assert not plan(_with(schedule, "sha-2"), observe(kfp, _with(schedule, "sha-2"))).to_do
    kfp.advance(8000)
    assert _fired(kfp) == [100_800, 104_400, 108_000]


def test_a_start_in_the_future_is_kept_over_a_replacement() -> None:
    kfp, told = FakeKfp(0), Told()
    schedule = replace(EVERY_5_MINUTES, start="2026-11-23T01:00:00Z")
    _apply(kfp, _with(schedule), told)
    kfp.advance(1000)
    _apply(kfp, _with(schedule, "sha-2"), told)
    kfp.advance(3000)
    assert _fired(kfp) == [3900]
    assert not plan(_with(schedule, "sha-2"), observe(kfp, _with(schedule, "sha-2"))).to_do


@pytest.mark.parametrize("interval", [None, 300])
def test_nothing_is_missed_before_a_start_in_the_future(interval: int | None) -> None:
    kfp, told = FakeKfp(), Told()
    cron = None if interval else EVERY_5_MINUTES.cron
    schedule = replace(
        EVERY_5_MINUTES, cron=cron, interval_seconds=interval, start="2026-11-23T01:00:00Z", on_missed="run"
    )
    _apply(kfp, _with(schedule), told)
    kfp.advance(1000)
    _apply(kfp, _with(schedule, "sha-2"), told)
    assert (kfp.runs, [event for event in told.events if event.missed]) == ({}, [])


@pytest.mark.parametrize("off", [-600, 600])
def test_with_a_wrong_clock_nothing_is_replaced_and_nothing_fires_twice(off: int) -> None:
    """A proxy's Date, or no Date and this machine's clock: a successor would seem younger than the last firing."""
    kfp, told = FakeKfp(), Told()
    kfp.advance(10)
    _apply(kfp, DESIRED, told)
    kfp.date_off = off
    kfp.advance(50)
    for _ in range(3):
        outcome = _apply(kfp, _with(version="sha-2"), told)
        assert "clocks" in outcome.failed[0][1]
        kfp.advance(300)
    assert len(kfp.recurring) == 1
    kfp.date_off = 0
    assert not _apply(kfp, _with(version="sha-2"), told).failed
    kfp.advance(300)
    assert _fired(kfp) == list(_due(EVERY_5_MINUTES.cron or "", 0, kfp.clock))


def test_on_replace_wait_waits_for_the_runs_in_flight_and_gives_up_in_time() -> None:
    kfp, told = FakeKfp(0, lasts=900), Told()
    schedule = replace(EVERY_5_MINUTES, cron="0 0 * * * *", on_replace="wait")
    _apply(kfp, _with(schedule), told)
    kfp.advance(3700)
    outcome = _apply(kfp, _with(schedule, "sha-2"), told, wait=60)
    assert outcome.postponed == (("p", "1 in flight, and onReplace is wait"),)
    (record,) = [found.record for found in kfp.recurring.values()]
    assert record.enabled  # the old one goes on
    assert not _apply(kfp, _with(schedule, "sha-2"), told, wait=3600).postponed
    assert kfp.clock >= 3600 + 900


def test_renaming_a_schedule_never_fires_under_both_names() -> None:
    kfp, told = FakeKfp(1), Told()
    _apply(kfp, DESIRED, told)
    _apply(kfp, _with(replace(EVERY_5_MINUTES, name="other")), told)
    verbs = [event.action for event in told.events if event.kind == "schedule"]
    assert verbs == ["create", "enable", "delete", "create", "enable"]


def test_a_trigger_is_started_once_even_when_killed_after_it_was_heard() -> None:
    triggered = _with(triggers=(Trigger("changed", {"n": 1}, ()),))
    for call, after in product(range(1, 14), (False, True)):
        kfp, told = FakeKfp(), Told()
        kfp.interruption = Interruption(call, after, kill=True)
        with contextlib.suppress(KilledError):
            _apply(kfp, triggered, told)
        kfp.interruption = None
        _apply(kfp, triggered, told)
        _apply(kfp, triggered, told)
        assert [run.name for run, _ in kfp.runs.values()] == ["p-changed-a"], (call, after)


def test_a_trigger_whose_run_was_deleted_is_not_started_again() -> None:
    triggered = _with(triggers=(Trigger("changed", {}, ()),))
    kfp, told = FakeKfp(), Told()
    _apply(kfp, triggered, told)
    assert [run.name for run, _ in kfp.runs.values()] == ["p-changed-a"]
    kfp.runs.clear()
    assert not plan(triggered, observe(kfp, triggered)).to_do
    _apply(kfp, triggered, told)
    assert not kfp.runs


def test_a_pause_between_a_release_and_its_trigger_puts_it_off() -> None:
    triggered = _with(triggers=(Trigger("changed", {}, ()),))
    kfp, told = FakeKfp(), Told()
    kfp.interruption = Interruption(5, after=True, kill=True)
    with contextlib.suppress(KilledError):
        _apply(kfp, triggered, told)
    assert not kfp.runs
    assert kfp.uploads
    _apply(kfp, _with(triggers=triggered.pipelines[0].triggers, paused_until=instant(4000)), told)
    assert len(kfp.recurring) == 1
    assert not kfp.runs
    _apply(kfp, triggered, told)
    assert [run.name for run, _ in kfp.runs.values()] == ["p-changed-a"]


def test_a_run_that_is_unclear_once_more_after_it_was_settled_is_noted_once_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its note is there already, archived: KFP answers 409, and that alone stands for nothing."""
    triggered = replace(
        DESIRED, pipelines=(replace(PIPELINE, schedules=(), triggers=(Trigger("changed", {}, ()),)),)
    )
    kfp, told, sent = FakeKfp(), Told(), []

    def create_run(*, name: str, **_: object) -> str:
        sent.append(name)
        raise UnclearError("500")

    monkeypatch.setattr(kfp, "create_run", create_run)
    assert _apply(kfp, triggered, told).failed
    (note,) = [found for name, found in kfp._experiments.items() if name.startswith("kfp-gitops-unclear-")]
    kfp.archive_experiment(note.id)
    assert _apply(kfp, triggered, told).failed
    for _ in range(3):
        assert not _apply(kfp, triggered, told).failed
    assert sent == ["p-changed-a"] * 2


def test_without_triggers_a_release_starts_nothing_then_or_later() -> None:
    triggered = _with(triggers=(Trigger("changed", {}, ()),))
    kfp, told = FakeKfp(), Told()
    _apply(kfp, triggered, told, options=Options(triggers=False))
    _apply(kfp, triggered, told)
    assert not kfp.runs


def test_one_pipelines_failure_does_not_stop_the_others() -> None:
    kfp, told = FakeKfp(), Told()
    both = replace(DESIRED, pipelines=(PIPELINE, replace(PIPELINE, name="q")))
    kfp.interruption = Interruption(6, after=False, kill=False)
    outcome = _apply(kfp, both, told)
    assert [name for name, _ in outcome.failed] == ["p"]
    assert [found.record.name for found in kfp.recurring.values() if found.record.enabled] == ["q-main"]
    assert not _apply(kfp, both, told).failed


def test_a_broken_connection_while_looking_changes_nothing() -> None:
    kfp = FakeKfp()
    kfp.interruption = Interruption(1, after=False, kill=False)
    with pytest.raises(RemoteError):
        _apply(kfp, DESIRED, Told())
    assert not kfp.recurring


def test_versions_beyond_the_newest_few_are_deleted_and_those_in_flight_stay() -> None:
    kfp, told = FakeKfp(lasts=10_000), Told()
    few = replace(DESIRED, keep_versions=1)
    for number in range(1, 6):
        _apply(kfp, replace(few, pipelines=_with(version=f"sha-{number}").pipelines), told)
        kfp.advance(310 if number == 1 else 40)
    versions = set(kfp._pipelines["p"].versions)
    assert versions == {"sha-1", "sha-4", "sha-5"}  # sha-1 has a run in flight


def test_an_archived_experiment_is_brought_back_before_its_schedules_are_enabled() -> None:
    kfp, told = FakeKfp(), Told()
    _apply(kfp, DESIRED, told)
    kfp._archive(kfp._experiments["p-dev"].id, archived=True)
    assert not _apply(kfp, DESIRED, told).failed
    assert not kfp._experiments["p-dev"].archived


def test_a_pause_ends_by_itself_and_what_it_missed_is_told() -> None:
    kfp, told = FakeKfp(), Told()
    paused = _with(paused_until=instant(1000))
    _apply(kfp, DESIRED, told)
    kfp.advance(310)
    _apply(kfp, paused, told)
    kfp.advance(1000)
    _apply(kfp, paused, told)
    assert {seconds(moment) for event in told.events for moment in event.missed} == {600, 900, 1200}
    kfp.advance(300)
    assert _fired(kfp) == [300, 1500]


@pytest.mark.parametrize("happened", [True, False])
def test_a_trigger_that_kfp_answered_with_500_is_never_started_again_until_a_person_settles_it(
    happened: bool,
) -> None:
    triggered = _with(triggers=(Trigger("changed", {"n": 1}, ()),))
    kfp, told = FakeKfp(), Told()
    kfp.interruption = Interruption(_call_of("create_run", triggered), after=happened, kill=False, hides=True)
    (failed,) = _apply(kfp, triggered, told).failed
    assert "no apply starts it again" in failed[1]
    for _ in range(3):
        assert not _apply(kfp, triggered, told).failed
    assert [found.record.enabled for found in kfp.recurring.values()] == [True]  # all else went on
    assert len(kfp.ghost_runs) == happened
    assert not kfp.runs
    seen = observe(kfp, triggered)
    (note,) = [note for note in plan(triggered, seen).notes if "may have run" in note]
    assert "p-changed-a" in note
    status = build.build(triggered, seen, plan(triggered, seen), {})
    assert (status.healthy, status.other_drift) == (False, (note,))


def test_a_noted_run_is_owed_again_once_a_person_has_settled_it() -> None:
    """Without a schedule: one that is on is itself the sign that its version's triggers are done."""
    triggered = replace(
        DESIRED, pipelines=(replace(PIPELINE, schedules=(), triggers=(Trigger("changed", {}, ()),)),)
    )
    kfp, told = FakeKfp(), Told()
    kfp.interruption = Interruption(_call_of("create_run", triggered), after=True, kill=False, hides=True)
    assert _apply(kfp, triggered, told).failed
    (note,) = [found for name, found in kfp._experiments.items() if name.startswith("kfp-gitops-unclear-")]
    kfp.archive_experiment(note.id)
    assert not _apply(kfp, triggered, told).failed
    assert [run.name for run, _ in kfp.runs.values()] == ["p-changed-a"]


@pytest.mark.parametrize("happened", [True, False])
def test_a_recurring_run_that_kfp_answered_with_500_never_fires_beside_the_next_one(happened: bool) -> None:
    for desired, before in ((_with(), None), (_with(version="sha-2"), _with())):
        kfp, told = FakeKfp(), Told()
        if before:
            _apply(kfp, before, told)
        began = kfp.clock
        number = _call_of("create_schedule", desired, before)
        kfp.interruption = Interruption(number, after=happened, kill=False, hides=True)
        assert _apply(kfp, desired, told).failed
        kfp.advance(700)
        assert not _apply(kfp, desired, told).failed
        kfp.advance(700)
        assert len(kfp.ghosts) == happened
        assert not kfp.ghost_runs
        assert max(Counter(_fired(kfp)).values()) == 1
        if before:  # the old one went on meanwhile
            assert _fired(kfp) == list(_due(EVERY_5_MINUTES.cron or "", began, kfp.clock))


def _call_of(method: str, desired: Desired, before: Desired | None = None) -> int:
    """The number of the call of an apply that is this one."""
    kfp = FakeKfp()
    if before:
        _apply(kfp, before, Told())
    calls, real = kfp.calls, getattr(kfp, method)
    found: list[int] = []

    def noted(*args: object, **more: object) -> object:
        found.append(kfp.calls - calls + 1)
        return real(*args, **more)

    setattr(kfp, method, noted)
    _apply(kfp, desired, Told())
    return found[0]


EVERY_MINUTE = replace(EVERY_5_MINUTES, cron="0 * * * * *")


@pytest.mark.parametrize("seed", range(4))
def test_two_hundred_swaps_of_a_schedule_each_minute_lose_no_firing_and_double_none(seed: int) -> None:
    """As on a real server: the controller looks every 30 s, KFP tells of a run up to 10 s after it came."""
    chosen = random.Random(seed)
    kfp = FakeKfp(latency=1, unseen=chosen.randrange(11), cadence=30, phase=chosen.randrange(30))
    told = Told()
    kfp.advance(chosen.randrange(60))
    _apply(kfp, _with(EVERY_MINUTE), told, wait=300)
    began = kfp.clock
    for release in range(200):
        kfp.advance(chosen.uniform(1, 150))
        outcome = _apply(kfp, _with(EVERY_MINUTE, f"sha-{release % 2 + 2}"), told, wait=300)
        assert not outcome.failed
        assert not outcome.postponed
    kfp.advance(120)
    due = list(_due("0 * * * * *", began, kfp.clock - 40))
    fired = _fired(kfp)
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
    _apply(kfp, _with(schedule), told)
    assert kfp.touching == {"create": 1, "enable": 1}
    kfp.touching.clear()
    _apply(kfp, _with(schedule, "sha-2"), told)
    assert kfp.touching == calls
    kfp.touching.clear()
    _apply(kfp, replace(DESIRED, pipelines=(), absent=(Absent("p", "schedules"),)), told)
    assert kfp.touching == {"delete": 1}


def test_a_schedule_whose_runs_never_come_is_replaced_all_the_same() -> None:
    """Its concurrency is used up by a run that takes for ever."""
    kfp, told = FakeKfp(lasts=100_000, cadence=30), Told()
    schedule = replace(EVERY_MINUTE, max_concurrency=1)
    _apply(kfp, _with(schedule), told)
    kfp.advance(900)
    outcome = _apply(kfp, _with(schedule, "sha-2"), told, wait=300)
    assert (outcome.failed, outcome.postponed) == ((), ())


@pytest.mark.parametrize("on_missed", ["report", "run"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(1, 16))
def test_a_swap_of_what_fires_in_hours_killed_at_any_call(call: int, after: bool, on_missed: str) -> None:
    """Its predecessor is deleted without being disabled first."""
    daily = replace(EVERY_5_MINUTES, cron="0 0 0 * * *", on_missed=on_missed)  # type: ignore[arg-type]  # one of them
    for by, latency in product([0, 43_100, 90_000], [1, 4]):
        kfp, told = FakeKfp(latency, lag=17, unseen=10), Told()
        kfp.advance(10)
        _apply(kfp, _with(daily), told)
        kfp.advance(86_400 + 43_200)
        kfp.interruption = Interruption(call, after, kill=True)
        with contextlib.suppress(KilledError):
            _apply(kfp, _with(daily, "sha-2"), told)
        kfp.interruption = None
        kfp.advance(by)
        assert not _apply(kfp, _with(daily, "sha-2"), told).failed
        kfp.advance(86_400)
        (record,) = [found.record for found in kfp.recurring.values()]
        assert record.enabled
        fired = _fired(kfp)
        assert max(Counter(fired).values()) == 1, (by, latency)
        missed = set(_due("0 0 0 * * *", 10, kfp.clock - 40)) - set(fired)
        if on_missed == "report":
            assert missed == {seconds(moment) for event in told.events for moment in event.missed}
        else:
            assert bool(missed) == (len(_makeups(kfp)) == 1), (by, latency)


@pytest.mark.parametrize("at", range(45, 66))
def test_a_first_creation_beside_a_firing_tells_of_nothing_missed(at: int) -> None:
    kfp, told = FakeKfp(latency=2, unseen=5, cadence=30), Told()
    kfp.advance(at)
    _apply(kfp, _with(EVERY_MINUTE), told)
    assert not [event for event in told.events if event.missed or "may be there" in event.detail]
    assert kfp.clock < at + 40


def test_the_first_object_accounts_for_nothing_before_itself() -> None:
    """A firing between the decision to create it and its creation was nobody's."""
    wanted = Wanted("p", "p-main", EVERY_5_MINUTES, True, "sha-1", "v1")
    step = swap.next_step(wanted, Seen((), None, instant(100)))
    assert isinstance(step, CreateSchedule)
    assert step.covered is None


def _on(kfp: FakeKfp) -> list[str]:
    return [found.record.id for found in kfp.recurring.values() if found.record.enabled]


def _released(cron: str, on_missed: str = "report") -> tuple[FakeKfp, Desired]:
    """A schedule that fires, and a release that replaces it."""
    kfp, schedule = FakeKfp(latency=1), replace(EVERY_5_MINUTES, cron=cron, on_missed=on_missed)
    _apply(kfp, _with(schedule), Told())
    kfp.advance(650 - kfp.clock)
    return kfp, _with(schedule, "sha-2")


@pytest.mark.parametrize("hides", [False, True])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("cron", ["0 */5 * * * *", "0 0 0 * * *"])
@pytest.mark.parametrize("call", range(1, 21))
def test_an_apply_that_fails_anywhere_leaves_no_schedule_off(
    cron: str, call: int, after: bool, hides: bool
) -> None:
    """There may be no next apply: a Job has four tries, and who applied by hand has gone home."""
    kfp, desired = _released(cron)
    kfp.interruption = Interruption(call, after, kill=False, hides=hides)
    with contextlib.suppress(RemoteError):
        _apply(kfp, desired, Told())
    assert len(_on(kfp)) == 1
    kfp.interruption = None
    kfp.advance(400)
    assert not _apply(kfp, desired, Told()).failed
    kfp.advance(400)
    assert len(_on(kfp)) == 1
    assert _fired(kfp) == [moment for moment in range(300, kfp.clock + 1, 300) if cron.startswith("0 */5")]


def test_a_swap_that_has_no_time_left_leaves_no_schedule_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Off and waiting for a run when --wait is over: the old one fires on."""
    kfp, desired = _released("0 */5 * * * *")
    (old,) = _on(kfp)
    monkeypatch.setattr(waits, "reason_to_wait", lambda *_, **__: None)  # so that it begins beside a firing
    kfp.unseen = 60
    kfp.advance(899 - kfp.clock)
    assert _apply(kfp, desired, Told(), wait=0).postponed
    assert _on(kfp) == [old]
    monkeypatch.undo()
    assert not _apply(kfp, desired, Told()).postponed
    kfp.advance(600)
    assert _fired(kfp) == list(range(300, kfp.clock + 1, 300))


@pytest.mark.parametrize("unclear", [False, True])
def test_what_cannot_be_made_up_for_leaves_no_schedule_off(
    unclear: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that was refused is the old one's to make up for; one that may be there is nobody's any more."""
    kfp, desired = _released("0 */5 * * * *", "run")
    (old,) = _on(kfp)
    monkeypatch.setattr(waits, "reason_to_wait", lambda *_, **__: None)
    monkeypatch.setattr(waits, "unsettled", lambda *_: False)
    monkeypatch.setattr(kfp, "runs_of_schedule", _while_a_firing_passes(kfp, kfp.runs_of_schedule))

    def refuse(**_: object) -> str:
        raise UnclearError("500") if unclear else RemoteError("400")

    monkeypatch.setattr(kfp, "create_run", refuse)
    kfp.advance(870 - kfp.clock)
    assert _apply(kfp, desired, Told()).failed
    assert len(_on(kfp)) == 1 and (_on(kfp) == [old]) == (not unclear)
    monkeypatch.undo()
    kfp.advance(1)
    assert (900 in _fired(kfp)) == (not unclear)


def _while_a_firing_passes(
    kfp: FakeKfp, read: Callable[[str], list[ActualRun]]
) -> Callable[[str], list[ActualRun]]:
    def reading(schedule_id: str) -> list[ActualRun]:
        if len(kfp.recurring) > 1 and not _on(kfp) and kfp.clock < 910:
            kfp.advance(910 - kfp.clock)
        return read(schedule_id)

    return reading
