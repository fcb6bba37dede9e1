"""What a schedule missed, by hand: of its recurring runs, their runs, and the pauses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kfp_gitops.kfpserver.kfpapi.actual import ActualSchedule
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.language.manifest import Schedule
from kfp_gitops.operate.status.missed import Account, Line, Spell, account
from kfp_gitops.operate.status.model import Cause

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
WANTED = Schedule("s", "0 0 * * * *", None, True, {}, None, None, 1, False, Path())


def _schedule(**changes: object) -> ActualSchedule:
    common: dict[str, Any] = {"id": "s", "name": "s", "pipeline_id": "p", "version_id": "v", "enabled": True}
    given = {"created": NOW - timedelta(hours=3, minutes=30), "cron": "0 0 * * * *", **changes}
    return ActualSchedule(**{**common, **given})


def _run(hour: int, schedule: str = "s", day: int = 24) -> RunState:
    scheduled = datetime(2026, 11, day, hour, tzinfo=UTC)
    return RunState("r", "r", "SUCCEEDED", scheduled, None, None, (), schedule, scheduled)


def missed(schedule: ActualSchedule, runs: Sequence[RunState], now: datetime, **more: Any) -> list[datetime]:
    return [one.at for one in _account(schedule, runs, now, **more).missed]


def _account(schedule: ActualSchedule, runs: Sequence[RunState], now: datetime, **more: Any) -> Account:
    newest = sorted(runs, key=lambda run: run.created or NOW, reverse=True)
    wanted = replace(WANTED, cron=schedule.cron, interval_seconds=schedule.interval_seconds)
    return account(Line(schedule.name, wanted, (schedule,), newest, now, **more))


def _hours(found: list[datetime]) -> list[int]:
    return [tick.hour for tick in found]


def test_hours_without_a_run_since_its_creation_are_missed() -> None:
    assert _hours(missed(_schedule(), [], NOW)) == [9, 10, 11]
    assert _hours(missed(_schedule(), [_run(9), _run(11)], NOW)) == [10]
    assert _hours(missed(_schedule(), [_run(9), _run(11), _run(10, schedule="another")], NOW)) == [10]


def _made(name: str) -> RunState:
    return replace(_run(9), name=name, schedule_id=None, scheduled=None)


def test_what_a_backfill_or_a_make_up_has_run_is_missed_no_more() -> None:
    assert _hours(missed(_schedule(), [_made("backfill-s-20261124T100000Z")], NOW)) == [9, 11]
    assert _hours(missed(_schedule(), [_made("s-missed-20261124T100000Z")], NOW)) == [11]
    others = [
        _made("backfill-other-20261124T100000Z"),
        _made("s-missed-zzz"),
        _made("xs-missed-20261124T110000Z"),
    ]
    assert _hours(missed(_schedule(), others, NOW)) == [9, 10, 11]


def test_a_firing_of_this_minute_may_still_get_its_run() -> None:
    assert missed(_schedule(), [_run(9), _run(10), _run(11)], NOW + timedelta(seconds=90)) == []
    assert _hours(missed(_schedule(), [_run(9), _run(10), _run(11)], NOW + timedelta(minutes=3))) == [12]


def test_start_and_end_are_kept() -> None:
    start, end = NOW - timedelta(hours=2, minutes=30), NOW - timedelta(hours=1, minutes=30)
    assert _hours(missed(_schedule(start=start, end=end), [], NOW)) == [10]


def test_only_the_last_week_and_at_most_a_hundred() -> None:
    old = _schedule(created=NOW - timedelta(days=400), cron="0 0 0 * * *")
    assert len(missed(old, [], NOW)) == 7
    assert len(missed(_schedule(created=NOW - timedelta(days=400), cron="0 * * * * *"), [], NOW)) == 100


def test_runs_that_we_were_not_given_are_not_missed() -> None:
    """A hundred runs are looked at: what is before the oldest of them is not judged."""
    schedule = _schedule(created=NOW - timedelta(days=7), cron="0 0 * * * *")
    newest = [NOW - timedelta(hours=hour) for hour in range(100)]
    runs = [RunState("r", "r", "SUCCEEDED", t, None, None, (), "s", t) for t in newest]
    assert missed(schedule, runs, NOW) == []


def test_an_interval_misses_what_fits_into_the_gap() -> None:
    schedule = _schedule(cron=None, interval_seconds=3600)
    assert len(missed(schedule, [], NOW)) == 3
    late = missed(schedule, [_run(11)], NOW + timedelta(minutes=1))
    assert [f"{tick:%H:%M}" for tick in late] == ["09:30"]  # the one at 11:00 stands for that of 10:30
    assert len(missed(schedule, [_run(9)], NOW)) == 2


# causes


def _causes(account: Account) -> dict[int, Cause]:
    return {one.at.hour: one.cause for one in account.missed}


def test_what_is_off_and_shall_be_on_missed_its_firings_by_that() -> None:
    found = _account(_schedule(enabled=False), [_run(9)], NOW)
    assert _causes(found) == {10: Cause.DISABLED, 11: Cause.DISABLED}
    killed = _schedule(enabled=False, facts={"since": "20261124T093000Z"})
    assert _causes(_account(killed, [], NOW)) == {10: Cause.SWAP, 11: Cause.SWAP}


def test_a_schedule_that_its_manifest_turns_off_missed_nothing() -> None:
    wanted = replace(WANTED, enabled=False)
    assert account(Line("s", wanted, (_schedule(enabled=False),), [], NOW)) == Account()


def test_a_pause_holds_back_what_falls_into_it_and_nothing_else() -> None:
    spell = Spell(NOW - timedelta(hours=2, minutes=10), NOW - timedelta(minutes=30))
    found = _account(_schedule(), [], NOW, spells=(spell,))
    assert (_hours([one.at for one in found.missed]), _hours(list(found.held))) == ([9], [10, 11])


def test_a_pause_that_was_taken_back_ends_when_the_schedule_is_on_again() -> None:
    until_night = Spell(NOW - timedelta(hours=6), NOW + timedelta(hours=8), over=True)
    facts = {"since": "20261124T060000Z", "gaps": "o/20261124T060000Z"}
    resumed = _schedule(created=NOW - timedelta(hours=2, minutes=30), facts=facts)
    found = _account(resumed, [], NOW, spells=(until_night,))
    assert (_hours([one.at for one in found.missed]), _hours(list(found.held))) == ([10, 11], [7, 8, 9])
    again = replace(
        resumed,
        created=NOW - timedelta(minutes=30),
        facts={**facts, "gaps": f"{facts['gaps']}/20261124T093000Z"},
    )
    assert _hours(missed(again, [], NOW, spells=(until_night,))) == [10, 11]
    fires = _schedule(created=NOW - timedelta(days=1))
    assert _hours(missed(fires, [_run(9)], NOW, spells=(until_night,)))[-2:] == [10, 11]
    forced = replace(until_night, over=False)
    assert _account(resumed, [], NOW, spells=(forced,)).missed == ()


def test_a_pause_that_was_taken_back_holds_back_nothing_after_a_new_schedule_has_fired() -> None:
    """Paused, resumed and made anew within minutes; it fires, KFP's controller stops, and it is paused once more."""
    first = Spell(NOW - timedelta(hours=3, minutes=5), NOW + timedelta(hours=8), over=True)
    again = Spell(NOW - timedelta(minutes=5), NOW + timedelta(hours=8))
    off = _schedule(enabled=False, created=NOW - timedelta(hours=3, minutes=3))
    found = _account(off, [_run(9)], NOW + timedelta(minutes=5), spells=(first, again))
    assert (_hours([one.at for one in found.missed]), _hours(list(found.held))) == ([10, 11], [12])


def test_values_that_pause_hold_back_what_came_after_the_last_firing() -> None:
    found = _account(_schedule(enabled=False), [_run(9)], NOW, paused=True)
    assert (found.missed, _hours(list(found.held))) == ((), [10, 11])


def test_what_an_apply_noted_as_turned_off_by_its_manifest_was_owed_nothing() -> None:
    off = Spell(NOW - timedelta(hours=2, minutes=30), datetime.max.replace(tzinfo=UTC), over=True, owed=False)
    assert _hours(missed(_schedule(enabled=False), [], NOW, spells=(off,))) == [9]


def _named(hour: int, name: str, schedule: str = "gone") -> RunState:
    return replace(_run(hour, schedule=schedule), name=f"{name}abcde-1-123456")


def test_one_that_somebody_deleted_misses_what_comes_after_its_last_known_firing() -> None:
    runs = [_named(9, "s"), _named(8, "s"), _named(10, "another"), _made("backfill-s-20261124T110000Z")]
    line = Line("s", WANTED, (), runs, NOW + timedelta(hours=1, minutes=3))
    assert _causes(account(line)) == {10: Cause.DELETED, 12: Cause.DELETED, 13: Cause.DELETED}
    assert account(replace(line, runs=[_named(10, "another")])) == Account()  # it may never have been there


def test_one_of_an_earlier_version_that_tells_of_no_line_missed_nothing_before_itself() -> None:
    old = _schedule(created=NOW - timedelta(minutes=90), facts={"covered": "2026-11-23T00:00:00Z"})
    assert _causes(_account(old, [], NOW)) == {11: Cause.OUTAGE}


def test_runs_of_one_that_was_replaced_are_the_schedules_own() -> None:
    facts = {"since": "20261124T060000Z"}
    new = _schedule(created=NOW - timedelta(hours=1, minutes=30), facts=facts)
    runs = [_named(7, "s"), _named(9, "s"), _run(11)]
    assert _hours(missed(new, runs, NOW)) == [8, 10]


def test_the_trigger_before_counts_for_its_own_time() -> None:
    facts = {"since": "20261124T093000Z", "was": "0_0_*/2_*_*_*@20261124T010000Z/20261124T093000Z"}
    found = missed(_schedule(created=NOW - timedelta(hours=2, minutes=30), facts=facts), [], NOW)
    assert _hours(found) == [2, 4, 6, 8, 10, 11]


def test_each_gap_that_is_noted_has_its_cause() -> None:
    gaps = "d/20261124T060000Z/20261124T080000Z,s/20261124T083000Z/20261124T093000Z,o/20261124T101500Z"
    facts = {"since": "20261124T053000Z", "gaps": gaps}
    found = _account(
        _schedule(created=NOW - timedelta(minutes=30), facts=facts), [], NOW + timedelta(minutes=3)
    )
    assert _causes(found) == {
        6: Cause.OUTAGE, 7: Cause.DELETED, 8: Cause.DELETED, 9: Cause.SWAP, 10: Cause.OUTAGE, 11: Cause.DISABLED,
        12: Cause.OUTAGE,
    }  # fmt: skip


def test_as_many_runs_as_may_go_on_at_once_hold_up_the_next() -> None:
    long = replace(_run(9), state="RUNNING")
    assert _causes(_account(_schedule(), [long], NOW)) == {10: Cause.BUSY, 11: Cause.BUSY}
    ended = replace(long, state="SUCCEEDED", ended=NOW - timedelta(hours=1, minutes=30))
    assert _causes(_account(_schedule(), [ended], NOW)) == {10: Cause.BUSY, 11: Cause.OUTAGE}


@pytest.mark.parametrize(
    ("state", "counts"), [("RUNNING", 1), ("SUCCEEDED", 1), ("FAILED", 0), ("CANCELED", 0)]
)
def test_a_make_up_run_counts_when_it_is_on_its_way_or_succeeded(state: str, counts: int) -> None:
    for name in ("backfill-s-20261124T090000Z", "backfill-s-20261124T090000Z-2", "s-missed-20261124T090000Z"):
        found = _account(_schedule(), [replace(_made(name), state=state), _run(10), _run(11)], NOW)
        assert (found.made_up, len(found.missed)) == (counts, 1 - counts)


@pytest.mark.parametrize(
    "text", ["", "x", "d/", "d/2026", "d/20261124T080000Z/20261124T060000Z", "q/1,,,/", "@", "0_0@x/y"]
)
def test_facts_that_somebody_damaged_are_passed_over(text: str) -> None:
    facts = {"since": text, "gaps": text, "was": text, "covered": text, "start": text}
    assert _hours(missed(_schedule(facts=facts), [], NOW)) == [9, 10, 11]


def test_what_is_older_than_a_full_page_of_runs_is_unknown_and_said() -> None:
    busy = [
        replace(_run(9), id=str(n), created=NOW - timedelta(minutes=90), schedule_id=None) for n in range(100)
    ]
    found = _account(_schedule(), busy, NOW)
    assert (found.known_since, _hours([one.at for one in found.missed])) == (
        NOW - timedelta(minutes=90),
        [11],
    )
    assert _account(_schedule(), busy[1:], NOW).known_since is None


def test_a_cron_of_a_fixed_delay_counts_from_what_fired_as_an_interval_does() -> None:
    """After a replacement it counts from that one's creation, whatever its predecessor's did."""
    facts = {"since": "20261113T000500Z", "gaps": ""}
    every = _schedule(created=NOW - timedelta(hours=9, minutes=20), cron="@every 2h", facts=facts)
    since = NOW - timedelta(days=3, minutes=50)
    ticks = [since + timedelta(hours=2 * number) for number in range(35)]
    ticks += [every.created + timedelta(hours=2 * number) for number in (1, 2, 3, 4)]
    runs = [replace(_run(0), created=tick, scheduled=tick) for tick in ticks if tick < NOW]
    assert missed(every, runs, NOW + timedelta(minutes=5))[-1] < since
    assert missed(every, [run for run in runs if run.scheduled != ticks[10]], NOW)[-1] == ticks[10]


def test_runs_of_another_schedule_whose_name_begins_alike_are_not_its_own() -> None:
    """KFP's name of a run tells 25 characters of its schedule's."""
    name = "predictive-scaling-forecast-weekly"
    weekly = _schedule(id="w", name=name, created=NOW - timedelta(days=4), cron="0 0 3 * * 1")
    daily = [
        replace(_run(hour, schedule="d", day=day), name="predictive-scaling-forecaabcde-1-2")
        for day in (21, 22, 23, 24)
        for hour in (3, 4)
    ]
    others = {"predictive-scaling-forecast-daily": {"d"}}
    assert missed(weekly, daily, NOW, others=others) == [datetime(2026, 11, 23, 3, tzinfo=UTC)]
    gone = {"predictive-scaling-forecast-daily": {"its successor"}}
    assert missed(weekly, daily[1::2], NOW, others=gone) == [datetime(2026, 11, 23, 3, tzinfo=UTC)]


def test_what_fired_by_another_time_zone_is_not_missed_at_the_instants_in_utc() -> None:
    """Else `run.py --backfill --missed` would run each of them once more."""
    daily = _schedule(created=NOW - timedelta(days=4), cron="0 0 6 * * *")
    shifted = [_run(4, day=day) for day in (21, 22, 23, 24)]
    assert missed(daily, shifted, NOW) == []
    assert missed(daily, shifted[:1], NOW - timedelta(days=1)) == [datetime(2026, 11, 22, 6, tzinfo=UTC)]
    behind = [_run(11, day=day) for day in (21, 22, 23)]
    assert missed(daily, behind, NOW - timedelta(hours=2)) == [], "today's comes at 11:00"
    mended = [*shifted[:2], _run(6, day=24)]
    assert missed(daily, mended, NOW) == [datetime(2026, 11, 23, 6, tzinfo=UTC)]


def test_what_an_earlier_trigger_fired_is_no_firing_by_another_zone() -> None:
    facts = {"since": "20261123T120000Z", "was": "0_0_4_*_*_*@20261120T000000Z/20261123T120000Z"}
    changed = _schedule(created=NOW - timedelta(days=1), cron="0 0 6 * * *", facts=facts)
    runs = [_run(4, schedule="s", day=day) for day in (20, 21, 23)]
    assert [tick.day for tick in missed(changed, runs, NOW)] == [22, 24]
