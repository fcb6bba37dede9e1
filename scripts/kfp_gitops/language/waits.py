"""How long it is between the firings of a cron expression. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from kfp_gitops.language.cron import YEARS, Cron, Fields

_NEW_YEAR = datetime(2001, 1, 1, tzinfo=UTC)
_SHOWING, _MOST_RARE, _MOST = timedelta(days=8), 13, 3_000  # a week of quarters of an hour; a year of months


@lru_cache(maxsize=1024)
def longest(cron: Cron) -> timedelta:
    """From one firing to the next at most, as the first days of a year show it; zero when it fires once or never."""
    return max(_waits(cron), default=timedelta(0))


@lru_cache(maxsize=1024)
def shortest(cron: Cron) -> timedelta:
    """The same at least, of all days: the first may show no two that follow one another."""
    found = min(_waits(cron), default=timedelta(0))
    over_midnight = cron.over_midnight if isinstance(cron, Fields) else found
    return over_midnight if over_midnight < found and _has_neighbours(cron) else found


def _has_neighbours(cron: Cron) -> bool:
    """Whether it fires on two days of which one follows the other."""
    day, last = _NEW_YEAR, None
    while (at := cron.next_after(day - timedelta(seconds=1))) and at.year < _NEW_YEAR.year + YEARS:
        day = at.replace(hour=0, minute=0, second=0)
        if day == last:
            return True
        day = last = day + timedelta(days=1)
    return False


def _waits(cron: Cron) -> Iterator[timedelta]:
    at = first = cron.next_after(_NEW_YEAR)
    number = 0
    while (
        at is not None
        and first is not None
        and (at - first <= _SHOWING or number < _MOST_RARE)
        and number < _MOST
    ):
        following = cron.next_after(at)
        if following:
            yield following - at
        at, number = following, number + 1
