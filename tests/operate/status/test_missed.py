"""What a schedule missed, by hand: of its recurring runs, their runs, and the pauses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kfp_gitops.kfpserver.kfpapi.actual import ActualSchedule
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.language.manifest import Schedule
from kfp_gitops.operate.status.missed import Account, Line, account

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def _schedule(**changes: object) -> ActualSchedule:
    common = {"id": "s", "name": "s", "pipeline_id": "p", "version_id": "v", "enabled": True}
    given = {"created": NOW - timedelta(hours=3, minutes=30), "cron": "0 0 * * * *", **changes}
    return ActualSchedule(**common, **given)  # type: ignore[arg-type]


def _run(hour: int, schedule: str = "s", day: int = 24) -> RunState:
    scheduled = datetime(2026, 11, day, hour, tzinfo=UTC)
    return RunState("r", "r", "SUCCEEDED", scheduled, None, None, (), schedule, scheduled)


def missed(schedule: ActualSchedule, runs: Sequence[RunState], now: datetime, **more: Any) -> list[datetime]:
    return [one.at for one in _account(schedule, runs, now, **more).missed]


def _account(schedule: ActualSchedule, runs: Sequence[RunState], now: datetime, **more: Any) -> Account:
    newest = sorted(runs, key=lambda run: run.created or NOW, reverse=True)
    wanted = Schedule("s", schedule.cron, schedule.interval_seconds, True, {}, None, None, 1, False, Path())
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
