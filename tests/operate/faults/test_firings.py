"""What firings tell of KFP's controller: that it is down, and that its time zone is not UTC."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kfp_gitops.language import cron
from kfp_gitops.operate.faults import firings
from kfp_gitops.operate.faults.firings import Fired, Outage
from lost_kit import Kfp
from project import Outcome

NOW = datetime(2026, 11, 29, 9, 30, tzinfo=UTC)
HOST = "http://ml-pipeline.ml.svc.cluster.local:8888"
DAILY, WEEKLY, HOURLY = "0 0 3 * * *", "0 30 22 * * 1", "0 0 * * * *"


def _fired(text: str, zone: str, count: int, until: datetime = NOW) -> Fired:
    """The newest firings of a cron that is read in a zone."""
    parsed, here = cron.parse(text), ZoneInfo(zone)
    at = until.astimezone(here).replace(tzinfo=UTC) - timedelta(days=20)
    found: list[datetime] = []
    while (at := parsed.next_after(at)).replace(tzinfo=here) <= until:  # type: ignore[union-attr]  # it fires
        found.append(at.replace(tzinfo=here).astimezone(UTC))
    return Fired(found[-1], [(parsed, found[-count:])])


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        ("Europe/Berlin", "1:00 h ahead of"), ("America/New_York", "5:00 h behind"),
        ("Asia/Kolkata", "5:30 h ahead of"),
        ("Asia/Kathmandu", "5:45 h ahead of"), ("Pacific/Kiritimati", "14:00 h ahead of"),
    ],
)  # fmt: skip
def test_a_zone_is_told_by_how_far_off_all_firings_are(zone: str, told: str) -> None:
    # `* 3 * * *` and `30 22 * * 1` are nothing but themselves some hours later.
    found = firings.time_zone([_fired(DAILY, zone, 3), _fired(WEEKLY, zone, 2)], HOST)
    assert found is not None
    assert f"crons are read {told} UTC" in found.cause
    assert found.command == (
        "kubectl -n ml set env deployment/ml-pipeline-scheduledworkflow CRON_SCHEDULE_TIMEZONE=UTC"
    )


@pytest.mark.parametrize(
    "found",
    [
        [],
        [_fired(DAILY, "UTC", 3)],
        [_fired(DAILY, "Europe/Berlin", 1)],  # one may be chance
        [_fired(DAILY, "Europe/Berlin", 3), _fired(WEEKLY, "UTC", 1)],
        [_fired(HOURLY, "Europe/Berlin", 9)],  # whole hours are not seen in what fires each hour
        [_fired(DAILY, "Europe/Berlin", 3), _fired(WEEKLY, "Asia/Tokyo", 2)],  # somebody ran them by hand
    ],
    ids=["none", "UTC", "one", "one in UTC", "hourly", "of two"],
)
def test_what_is_no_zone_is_not_told(found: list[Fired]) -> None:
    assert firings.time_zone(found, HOST) is None


@given(hour=st.integers(0, 23), minute=st.integers(0, 59), quarters=st.integers(-48, 56).filter(bool))
def test_every_offset_of_a_daily_schedule_is_found(hour: int, minute: int, quarters: int) -> None:
    """As far as one can: a day has two numbers for an offset beyond twelve hours."""
    parsed, offset = cron.parse(f"0 {minute} {hour} * * *"), timedelta(minutes=15 * quarters)
    days = [datetime(2026, 11, day, hour, minute, tzinfo=UTC) - offset for day in (20, 21, 22)]
    found = firings.time_zone([Fired(days[-1], [(parsed, days)])], HOST)
    assert (found is None) == (offset % timedelta(days=1) == timedelta())


def _outages(schedule: str, *hours: int) -> list[Outage]:
    return [Outage(schedule, NOW - timedelta(hours=hours)) for hours in sorted(hours, reverse=True)]


def test_a_controller_that_is_down_is_one_cause() -> None:
    outages = [*_outages("a-hourly", 3, 2, 1), *_outages("b-daily", 2)]
    found = firings.controller(outages, [Fired(NOW - timedelta(hours=4))], HOST)
    assert found is not None
    assert (
        "no schedule has fired since 2026-11-29 05:30 UTC, and 4 firings of a-hourly, b-daily fell"
        in found.cause
    )
    assert "kubectl -n ml rollout restart deployment/ml-pipeline-scheduledworkflow" in found.command


@pytest.mark.parametrize(
    ("outages", "newest"),
    [
        ([], 4),
        (_outages("a-hourly", 1), 4),  # one of one may be the schedule's own
        (_outages("a-hourly", 3, 2, 1), 0),  # another one has fired since
    ],
    ids=["none", "one", "others fire"],
)
def test_a_schedule_that_alone_does_not_fire_is_not_the_controller(
    outages: list[Outage], newest: int
) -> None:
    assert firings.controller(outages, [Fired(NOW - timedelta(hours=newest)), Fired()], HOST) is None


# over HTTP


def test_status_tells_a_controller_that_is_down_once(
    root: Path, command: Callable[..., Outcome], reconcile: Callable[..., Outcome], kfp: Kfp
) -> None:
    base = root / "environments/base.yaml"
    base.write_text(base.read_text().replace("'0 0 3 * * 1'", "'0 0 * * * *'"))
    assert command("render", "--root", root, "--env", "dev", "--lock").code == 0
    assert reconcile("apply").code == 0
    (schedule,) = kfp.server._store.recurring_runs.where("1 = 1")
    now = int(datetime.now(UTC).timestamp())
    # As if it had been there for five hours, with last_fired so that nothing is made up for.
    kfp.server._store.recurring_runs.update(schedule.id, created=now - 5 * 3600, last_fired=now)
    data = json.loads((outcome := reconcile("status", "--json")).out)
    assert outcome.code == 1
    (fault,) = data["faults"]
    assert fault["name"] == "schedule controller" and "no schedule has fired yet" in fault["cause"]
    assert [one["kind"] for one in data["findings"]] == ["server", "missed"], "and what is to be made up for"
    assert len(data["pipelines"][0]["schedules"][0]["missed"]) >= 2
    found = command("doctor", "--root", root, "--env", "dev", "--host", kfp.server.url)
    assert "missing  schedule controller" in found.out
