"""When a trigger may start runs: what a window says is what a clock that is asked each minute says."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kfp_gitops.language.manifest import DAYS, Window, triggers

_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)
_TIMES = st.times().map(lambda one: one.replace(second=0, microsecond=0))
_WINDOWS = st.builds(Window, _TIMES, _TIMES, st.frozensets(st.integers(0, 6), min_size=1))
_MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))


def _open(window: Window, moment: datetime) -> bool:
    """By another way: from the last opening on it is open for so long."""
    length = timedelta(
        hours=window.end.hour - window.start.hour, minutes=window.end.minute - window.start.minute
    )
    length = length if length > timedelta(0) else length + _DAY
    for back in range(2):
        day = (moment - back * _DAY).date()
        begins = datetime.combine(day, window.start, UTC)
        if day.weekday() in window.days and begins <= moment < begins + length:
            return True
    return False


@given(_WINDOWS, _MOMENTS)
def test_it_holds_from_each_opening_for_so_long(window: Window, moment: datetime) -> None:
    assert window.holds(moment) == _open(window, moment)


@given(_WINDOWS, _MOMENTS)
def test_the_next_opening_is_the_first_instant_at_which_it_holds(window: Window, moment: datetime) -> None:
    opening = window.next_opening(moment)
    assert moment <= opening <= moment + 8 * _DAY
    assert window.holds(opening)
    if opening == moment:
        return
    assert not window.holds(moment)
    assert not window.holds(opening - timedelta(microseconds=1))
    step = max((opening - moment) / 500, _MINUTE / 60)
    tried = (moment + number * step for number in range(500))
    assert not any(window.holds(one) for one in tried if one < opening)


@pytest.mark.parametrize(
    ("said", "moment", "holds"),
    [
        ({"from": "06:00", "to": "20:00"}, "2026-11-29T05:59:59", False),
        ({"from": "06:00", "to": "20:00"}, "2026-11-29T06:00:00", True),
        ({"from": "06:00", "to": "20:00"}, "2026-11-29T20:00:00", False),
        ({"from": "22:00", "to": "06:00", "days": ["sun"]}, "2026-11-30T05:00:00", True),  # a Monday
        ({"from": "22:00", "to": "06:00", "days": ["sun"]}, "2026-11-29T05:00:00", False),
        ({"days": ["sun"]}, "2026-11-29T23:59:59", True),
        ({"days": ["sun"]}, "2026-11-30T00:00:00", False),
        ({"from": "06:00", "to": "00:00"}, "2026-11-29T23:59:00", True),
    ],
)
def test_what_a_manifest_says(said: dict[str, object], moment: str, holds: bool) -> None:
    trigger = triggers.of({"name": "t", "runOn": {"pipeline": "p"}, "onlyWithin": said}, ())
    assert trigger.only_within is not None
    assert trigger.only_within.holds(datetime.fromisoformat(f"{moment}Z")) == holds


def test_other_zones_are_read_as_utc() -> None:
    window = Window(time(6), time(8), frozenset(range(len(DAYS))))
    assert window.holds(datetime.fromisoformat("2026-11-29T08:30:00+01:00"))
    assert not window.holds(datetime.fromisoformat("2026-11-29T06:30:00+01:00"))
