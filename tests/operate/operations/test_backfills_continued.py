"""Backfills that stand in Git, one look after the other: what is started, held, left out, finished and told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from backfill_kit import NOW, OWNER, Interruption, Kfp, KilledError, Store, backfill, desired
from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.models import NamedExperiment, RunState
from kfp_gitops.language.firings import Range
from kfp_gitops.operate.operations import finished, ran
from kfp_gitops.operate.operations.backfill import Backfill
from kfp_gitops.operate.operations.continuing import Continued, InMemory, continue_backfills
from kfp_gitops.reconcile import backfills
from kfp_gitops.reconcile.backfills import Progress
from kfp_gitops.reconcile.records import Desired

TICKS = [datetime(2026, 1, day, 3, tzinfo=UTC) for day in range(1, 11)]


def _name(tick: datetime, again: str = "") -> str:
    return f"backfill-p-daily-{tick:%Y%m%dT%H%M%SZ}{again}"


def _looked(kfp: Kfp, wanted: Desired, kept: object, times: int = 1, **more: Any) -> list[Continued]:
    found: list[Continued] = []
    for _ in range(times):
        found = continue_backfills(kfp, wanted, kept, **more)  # type: ignore[arg-type]  # as it is given
        kfp.advance(60)
    return found


def _started(kfp: Kfp) -> Sequence[str]:
    return [run.name for run in kfp.runs.values() if run.name.startswith("backfill-")]


def test_as_many_as_there_is_room_for_are_started_and_nobody_waits() -> None:
    kfp, kept = Kfp(lasts=10_000), InMemory()
    [found] = _looked(kfp, desired(backfill()), kept)
    assert list(found.started) == _started(kfp) == [_name(tick) for tick in TICKS[:3]]
    assert [dict(run.parameters) for run in kfp.runs.values()] == [
        {"n": 1, "at": f"{tick:%Y-%m-%dT%H:%M:%SZ}"} for tick in TICKS[:3]
    ]
    [found] = _looked(kfp, desired(backfill()), kept)
    assert found.started == ()
    assert backfills.told(found.progress) == "0/10 done, 3 running"


def test_it_is_carried_on_until_all_have_run_and_is_inert_then() -> None:
    kfp, kept, told = Kfp(), InMemory(), list[tuple[str, str]]()
    wanted = desired(backfill())
    [found] = _looked(kfp, wanted, kept, times=20, tell=lambda *words: told.append(words))
    assert sorted(_started(kfp)) == [_name(tick) for tick in TICKS]
    assert found.progress.finished
    assert told == [("january", "is finished: 10/10 done")]
    before = kfp.calls.total()
    kfp.runs.clear()  # somebody tidies up
    [found] = _looked(kfp, wanted, kept)
    assert (found.progress.ok, kfp.calls.total()) == (10, before + 1)  # the notes, and nothing else
    [found] = _looked(kfp, wanted, InMemory())  # and where nothing was kept the note says so
    assert (found.progress.ok, _started(kfp)) == (10, [])


def test_one_that_is_finished_begins_anew_where_its_days_change_and_not_where_its_schedule_does() -> None:
    kfp, kept = Kfp(), InMemory()
    _looked(kfp, desired(backfill()), kept, times=20)
    later = backfill(cron="0 0 4 * * *")
    assert _looked(kfp, desired(later), kept)[0].progress.finished
    longer = backfill(end="2026-01-12", firings=12)
    _looked(kfp, desired(longer), kept, times=20)
    assert len(_started(kfp)) == 12
    assert max(kfp.names().values()) == 1


def test_where_the_cron_changes_after_it_began_it_is_held() -> None:
    kfp, kept = Kfp(), InMemory()
    _looked(kfp, desired(backfill()), kept)
    [found] = _looked(kfp, desired(backfill(cron="0 0 4 * * *")), kept, times=5)
    assert "the cron of its schedule changed after it began" in found.held
    assert len(_started(kfp)) == 3


def test_the_newest_first() -> None:
    kfp = Kfp()
    _looked(kfp, desired(backfill(newest_first=True)), InMemory(), times=30)
    assert _started(kfp) == [_name(tick) for tick in reversed(TICKS)]


def test_what_the_schedule_has_run_is_left_out_and_what_failed_of_it_is_not() -> None:
    kfp, kept = Kfp(), InMemory()
    for tick, state in zip(TICKS, ("SUCCEEDED", "FAILED", ""), strict=False):
        kfp.fired(tick, state)
    kfp.create_run(name=f"p-daily-missed-{TICKS[5]:%Y%m%dT%H%M%SZ}", parameters={})
    [found] = _looked(kfp, desired(backfill()), kept, times=30)
    left_out = {TICKS[0], TICKS[2], TICKS[5]}
    assert _started(kfp) == [_name(tick) for tick in TICKS if tick not in left_out]
    assert (found.progress.ok, found.progress.left_out) == (7, 3)


def test_what_has_run_runs_once_more_where_that_is_asked_for_and_once_only() -> None:
    kfp, kept = Kfp(), InMemory()
    for tick in TICKS:
        kfp.fired(tick, "SUCCEEDED")
    _looked(kfp, desired(backfill()), kept, times=5)
    assert _started(kfp) == []
    again = backfill(id="again", skip_existing=False)
    _looked(kfp, desired(again), kept, times=30)
    _looked(kfp, desired(again), InMemory(), times=30)
    assert _started(kfp) == [_name(tick, "-again") for tick in TICKS]


@pytest.mark.parametrize("schedule", ["daily", ""])
def test_what_another_backfill_ran_once_more_or_runs_now_is_left_out(schedule: str) -> None:
    kfp, kept = Kfp(lasts=100), InMemory()
    first = backfill(id="first", schedule=schedule, skip_existing=False, end="2026-01-05", firings=5)
    kfp.fails = frozenset({backfills.name(first, TICKS[1])})
    _looked(kfp, desired(first), kept, times=3)
    [*_, found] = _looked(kfp, desired(first, backfill(id="second", schedule=schedule)), kept, times=5)
    ran_by = [(run.name.partition("Z")[0][-15:], run.name.endswith("-first")) for run in kfp.runs.values()]
    assert sorted(ran_by) == sorted(
        (f"{tick:%Y%m%dT%H%M%S}", whose)
        for ticks, whose in ((TICKS[:5], True), ([TICKS[1], *TICKS[5:]], False))
        for tick in ticks
    )
    assert found.progress.left_out == 4


def test_run_py_leaves_out_what_a_backfill_of_git_ran_once_more() -> None:
    kfp, work = Kfp(), Backfill("p-daily", "", "", "e", {}, None, 1)
    kfp.fired(TICKS[0], "FAILED")
    kfp.fails |= {_name(TICKS[2], "-again")}
    for tick, again in ((0, "-again"), (1, "-again"), (1, "-other-2"), (2, "-again"), (3, "-2"), (4, "")):
        kfp.create_run(name=_name(TICKS[tick], again), parameters={})
    kfp.advance(1_000)
    found = ran.ran(kfp, work, Range(TICKS[0], TICKS[9]))  # type: ignore[arg-type]  # a fake
    assert found.fired == {TICKS[0]: "SUCCEEDED", TICKS[1]: "SUCCEEDED", TICKS[2]: "FAILED"}
    assert sorted(found.attempts) == TICKS[3:5]
    assert ran.fired_of(kfp, work, TICKS[1:6]) == {TICKS[1], TICKS[3], TICKS[4]}  # type: ignore[arg-type]  # a fake


def test_of_an_attempt_that_went_well_the_firing_is_left_out_though_the_first_was_deleted() -> None:
    kfp = Kfp()
    kfp.create_run(name=_name(TICKS[0], "-2"), parameters={})
    _looked(kfp, desired(backfill()), InMemory(), times=30)
    assert kfp.names() == {_name(TICKS[0], "-2"): 1, **{_name(tick): 1 for tick in TICKS[1:]}}


def test_a_run_of_somebody_else_in_another_experiment_is_not_stopped_for_its_name() -> None:
    kfp, kept = Kfp(lasts=10_000), InMemory()
    _looked(kfp, desired(backfill()), kept)
    theirs = kfp.create_run(name=_name(TICKS[0]), parameters={}, experiment_id="theirs")
    _looked(kfp, desired(backfill()), kept, times=3)
    assert kfp.run(theirs).state == "RUNNING"


@pytest.mark.parametrize(
    ("step", "asked"),
    [(timedelta(minutes=1), 2), (timedelta(hours=1), 2), (timedelta(days=1), 2), (timedelta(days=7), 2)],
)
def test_what_ran_for_some_firings_takes_few_questions_that_few_others_answer(
    step: timedelta, asked: int
) -> None:
    asks = list[str]()

    class Api:
        def runs_named(self, _experiment: str, text: str) -> list[RunState]:
            asks.append(text)
            return []

    ticks = [datetime(2026, 1, 20, 23, 50, tzinfo=UTC) + number * step for number in range(25)]
    work = Backfill("p-daily", "", "", "e", {}, None, 1)
    ran.backfilled(Api(), work, ticks)  # type: ignore[arg-type]  # what it asks of it
    assert len(asks) <= asked
    assert all(any(_name(tick).startswith(text) for text in asks) for tick in ticks)
    assert min(map(len, asks)) >= len("backfill-p-daily-2026")


def test_what_run_py_has_begun_is_not_run_twice() -> None:
    kfp = Kfp()
    for tick in TICKS[:4]:
        kfp.create_run(name=_name(tick), parameters={})
    _looked(kfp, desired(backfill()), InMemory(), times=30)
    assert kfp.names() == {_name(tick): 1 for tick in TICKS}


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"paused_until": NOW + timedelta(days=9)}, "its pipeline is paused"),
        ({}, "the environment is disabled"),
    ],
)
def test_a_pause_or_a_disabled_environment_holds_it_and_what_runs_goes_on(
    more: dict[str, object], why: str
) -> None:
    kfp, kept = Kfp(), InMemory()
    _looked(kfp, desired(backfill()), kept)
    held = desired(backfill(), **more)
    if not more:
        pipeline = replace(held.pipelines[0], paused_until=NOW + timedelta(days=9999))
        held = replace(held, disabled=True, pipelines=(pipeline,))
    [found] = _looked(kfp, held, kept, times=5)
    assert (found.held, len(_started(kfp))) == (why, 3)
    assert found.progress.ok == 3
    _looked(kfp, desired(backfill()), kept, times=30)
    assert kfp.names() == {_name(tick): 1 for tick in TICKS}


@pytest.mark.parametrize("schedule", ["daily", ""])
def test_until_its_version_is_registered_it_waits(schedule: str) -> None:
    kfp, kept = Kfp(registered=False), InMemory()
    wanted = desired(backfill(schedule=schedule))
    [found] = _looked(kfp, wanted, kept)
    assert ("not registered" in found.held, found.error) == (True, "")
    kfp.registered = True
    assert _looked(kfp, wanted, kept)[0].started


def test_after_a_loss_of_the_database_nothing_is_started() -> None:
    kfp = Kfp()
    [found] = _looked(kfp, desired(backfill()), InMemory(), times=3, starts=False)
    assert (found.held, _started(kfp)) == ("nothing is started now", [])


def test_one_that_is_deleted_before_its_end_is_told_and_nothing_more_of_it_begins() -> None:
    kfp, kept, told = Kfp(), InMemory(), list[tuple[str, str]]()
    _looked(kfp, desired(backfill()), kept)
    assert _looked(kfp, desired(), kept, times=9, tell=lambda *words: told.append(words)) == []
    assert told == [
        (
            "january",
            "was deleted before its end: 0 of 10 firings done, 3 begun and left to end, 7 will not be run",
        )
    ]
    assert len(_started(kfp)) == 3
    _looked(kfp, desired(backfill()), kept, times=30)  # reverted
    assert kfp.names() == {_name(tick): 1 for tick in TICKS}


def test_of_a_part_of_the_environment_nothing_is_forgotten() -> None:
    kfp, kept = Kfp(), InMemory()
    _looked(kfp, desired(backfill()), kept)
    _looked(kfp, replace(desired(), selected=("other",)), kept)
    assert "january" in kept.read()


def test_one_that_fails_is_told_and_not_run_again() -> None:
    kfp, kept = Kfp(fails=frozenset({_name(TICKS[4])})), InMemory()
    [found] = _looked(kfp, desired(backfill()), kept, times=20)
    assert (found.progress.ok, found.progress.bad, found.progress.failed) == (9, 1, (4,))
    assert kfp.names() == {_name(tick): 1 for tick in TICKS}


def test_a_run_that_somebody_deletes_is_not_started_again() -> None:
    kfp, kept = Kfp(lasts=10_000), InMemory()
    _looked(kfp, desired(backfill(parallel=1)), kept, times=2)
    kfp.runs.clear()
    _looked(kfp, desired(backfill(parallel=1)), kept, times=20)
    assert _started(kfp) == [_name(TICKS[1])]


def test_a_run_that_was_never_sent_is_sent_after_a_while() -> None:
    kfp = Kfp()
    kept = Store(kfp)
    kfp.interruption = Interruption(kfp.calls.total() + 8, after=False)
    while kfp.interruption:
        kfp.interruption.call = 1 if kfp.calls["runs_with_names"] > 2 else 11
        try:
            _looked(kfp, desired(backfill(parallel=1)), kept)
        except KilledError:
            break
    assert _started(kfp) == []
    _looked(kfp, desired(backfill(parallel=1)), kept, times=5)
    assert _started(kfp) == []
    _looked(kfp, desired(backfill(parallel=1)), kept, times=8)
    assert _started(kfp)[0] == _name(TICKS[0])


def test_of_two_that_two_machines_began_at_once_the_later_one_is_stopped() -> None:
    kfp, kept = Kfp(lasts=10_000), InMemory()
    _looked(kfp, desired(backfill(parallel=1)), kept)
    later = kfp.create_run(name=_name(TICKS[0]), parameters={})
    _looked(kfp, desired(backfill(parallel=1)), kept)
    assert [run.state for run in kfp.runs.values()] == ["RUNNING", "CANCELED"]
    assert kfp.runs[later].state == "CANCELED"


def test_what_was_kept_and_is_no_such_text_is_as_if_nothing_was() -> None:
    kfp = Kfp(lasts=10_000)
    kept = InMemory({"january": "{damaged"})
    _looked(kfp, desired(backfill()), kept, times=2)
    assert len(_started(kfp)) == 3


def test_what_was_kept_of_more_firings_than_there_are_is_not_believed() -> None:
    kfp, kept = Kfp(lasts=10_000), InMemory()
    _looked(kfp, desired(backfill()), kept)
    text = kept.texts["january"]
    kept.texts["january"] = text.replace('"total": 10', '"total": 99').replace('"2"', '"77"')
    assert kept.texts["january"] != text
    _looked(kfp, desired(backfill()), kept, times=2)
    assert sorted(_started(kfp)) == [_name(tick) for tick in TICKS[:3]]


def test_a_firing_that_has_just_passed_is_left_to_the_schedule() -> None:
    kfp = Kfp(now_=TICKS[-1] + timedelta(seconds=30))
    [found] = _looked(kfp, desired(backfill(parallel=50)), InMemory())
    assert len(found.started) == 9


def _late(kfp: Kfp, **more: Any) -> None:
    """Its controller is down since before the last firing of the range."""
    kfp.schedule = replace(kfp.schedule, created=TICKS[0] - timedelta(days=1), **more)
    for tick in TICKS[:7]:
        kfp.fired(tick, "SUCCEEDED")


def test_the_newest_firing_is_left_to_kfp_until_it_fires_anything_again() -> None:
    kfp, kept = Kfp(now_=TICKS[-1] + timedelta(hours=9)), InMemory()
    _late(kfp)
    [found] = _looked(kfp, desired(backfill()), kept, times=9)
    assert _started(kfp) == [_name(TICKS[7]), _name(TICKS[8])]
    assert found.held == "KFP may still run the firing of 2026-01-10 03:00 itself (doctor.py)"
    other = RunState("o", "other", "RUNNING", kfp.now_, None, None, (), "other", kfp.now_)
    kfp.runs["o"], kfp.made["o"] = other, kfp.now_  # it is up, and has passed ours by
    _looked(kfp, desired(backfill()), kept)
    assert _started(kfp)[-1] == _name(TICKS[9])


def test_when_it_fires_it_late_the_backfill_leaves_it_out() -> None:
    kfp, kept = Kfp(now_=TICKS[-1] + timedelta(hours=9)), InMemory()
    _late(kfp)
    _looked(kfp, desired(backfill()), kept, times=9)
    kfp.fired(TICKS[9], "SUCCEEDED")
    [found] = _looked(kfp, desired(backfill()), kept, times=3)
    assert (len(_started(kfp)), found.progress.left_out, bool(found.progress.finished)) == (2, 8, True)


def test_with_catch_up_all_that_it_has_not_fired_is_left_to_it() -> None:
    kfp, kept = Kfp(now_=TICKS[-1] + timedelta(hours=9)), InMemory()
    _late(kfp, catchup=True)
    wanted = desired(backfill())
    its = replace(wanted.pipelines[0].schedules[0], catchup=True)
    wanted = replace(wanted, pipelines=(replace(wanted.pipelines[0], schedules=(its,)),))
    _looked(kfp, wanted, kept, times=9)
    assert _started(kfp) == []


def test_while_its_last_run_goes_on_the_next_firing_may_still_come() -> None:
    kfp, kept = Kfp(now_=TICKS[-1] + timedelta(hours=9), lasts=100_000), InMemory()
    _late(kfp)
    other = RunState("o", "other", "RUNNING", kfp.now_, None, None, (), "other", kfp.now_)
    kfp.runs["o"], kfp.made["o"] = other, kfp.now_
    kfp.made[f"f-{TICKS[6]}"] = kfp.now_  # still running
    [found] = _looked(kfp, desired(backfill(parallel=9)), kept, times=2)
    assert "may still run" in found.held
    assert _name(TICKS[9]) not in _started(kfp)


def test_a_schedule_that_was_made_after_a_firing_owes_it_not() -> None:
    kfp, kept = Kfp(now_=TICKS[-1] + timedelta(hours=9)), InMemory()
    kfp.schedule = replace(kfp.schedule, created=TICKS[-1] + timedelta(hours=1))
    _looked(kfp, desired(backfill(parallel=20)), kept)
    assert len(_started(kfp)) == 10


def test_ten_thousand_firings_take_bounded_requests_and_go_on_where_they_were() -> None:
    """A firing a minute for a week: what is asked in one look does not grow with how far it is."""
    kfp, kept = Kfp(lasts=50, latency=0), InMemory()
    many = backfill(cron="0 * * * * *", end="2026-01-07", firings=10_080, parallel=50, schedule="")
    [found] = _looked(kfp, desired(many), kept, times=100)
    assert len(found.progress.done) == 99 * 50
    calls = kfp.calls.total()
    _looked(kfp, desired(many), kept)
    started = 50
    assert kfp.calls.total() - calls <= started + 15
    assert len(kept.read()["january"]) < 2_000
    lost = InMemory()
    times, before = 0, kfp.calls["create_run"]
    while kfp.calls["create_run"] == before:  # where nothing is kept what has run is found by its name
        calls = kfp.calls.total()
        _looked(kfp, desired(many), lost)
        assert kfp.calls.total() - calls <= 120
        times += 1
    assert times <= 12
    [found] = _looked(kfp, desired(many), lost, times=120)
    assert found.progress.finished
    assert (len(kfp.names()), max(kfp.names().values()), kfp.most_at_once) == (10_080, 1, 50)
    assert kfp.calls.total() < 10_080 * 1.5


@pytest.mark.parametrize(
    "facts",
    [
        {"id": ""},
        {"counts": "²/0/0/1"},
        {"counts": f"1/0/0/{10**20}"},
        {"counts": "1/0/0/" + "9" * 5_000},
        {"at": str(10**20)},
        {"at": "²"},
        {"failed": "²"},
        {"failed": "9" * 5_000},
    ],
    ids=lambda facts: " ".join(f"{key}={text[:8]}" for key, text in facts.items()),
)
def test_a_note_that_somebody_else_wrote_stops_nothing(facts: dict[str, str]) -> None:
    given = {"id": "january", "asked": "a", "counts": "1/0/0/1", "at": "1", **facts}
    text = ownership.describe(OWNER, **{key: text for key, text in given.items() if text})
    name = f"{finished.PREFIX}x"
    kfp = Kfp(notes=[NamedExperiment(name, name, text, archived=True)])
    found = finished.read(kfp.notes, OWNER)
    assert [(backfills.told(one), one.failed) for one in found.values()] in ([], [("1/1 done", ())])
    _looked(kfp, desired(backfill()), InMemory())
    assert len(_started(kfp)) == 3


@pytest.mark.parametrize("key", ["total", "finished"])
def test_what_was_kept_of_more_than_anybody_counts_is_as_if_nothing_was(key: str) -> None:
    text = replace(Progress.of(backfill()), **{key: 10**20}).text()  # type: ignore[arg-type]  # one of its numbers
    assert backfills.read(text) is None


def test_whose_notes_they_are_is_asked() -> None:
    kfp = Kfp()
    _looked(kfp, desired(backfill()), InMemory(), times=20)
    other = replace(desired(backfill()), owner=replace(OWNER, environment="prod"))
    kfp.runs.clear()
    assert _looked(kfp, other, InMemory())[0].started


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("number", range(1, 8))
def test_a_list_that_is_wrong_once_starts_nothing_that_has_run(number: int, late: bool) -> None:
    """Whose run has ended nobody stops: it is by two lists that it is known to have none."""
    kfp = Kfp(lasts=0)
    for tick in TICKS[:4]:
        kfp.create_run(name=_name(tick), parameters={})
    for tick in TICKS[4:6]:
        kfp.fired(tick, "SUCCEEDED")
    kept = InMemory()
    for _ in range(12):
        kfp.wrong_list = (number, late)
        _looked(kfp, desired(backfill()), kept)
    kfp.wrong_list = None
    _looked(kfp, desired(backfill()), kept, times=20)
    assert kfp.names() == Counter(
        {
            **{_name(tick): 1 for tick in (*TICKS[:4], *TICKS[6:])},
            **{n: 1 for n in kfp.names() if n[0] == "p"},
        }
    )


def test_a_clock_that_is_wrong_for_once_while_lists_are_late_starts_nothing_twice() -> None:
    kfp, kept = Kfp(lasts=300, lag=90), InMemory()
    for look in range(30):
        kfp.off = timedelta(hours=look == 1)
        _looked(kfp, desired(backfill()), kept)
    assert sorted(_started(kfp)) == [_name(tick) for tick in TICKS]


def test_a_clock_that_went_back_makes_nothing_wait_for_it() -> None:
    kfp = Kfp()
    kept = InMemory()
    ahead = int((NOW + timedelta(days=2)).timestamp())
    kept.keep("january", Progress.of(backfill(parallel=1)).with_begun((0,), ahead).text())
    _looked(kfp, desired(backfill(parallel=1)), kept, times=20)
    assert _started(kfp)[0] == _name(TICKS[0])
