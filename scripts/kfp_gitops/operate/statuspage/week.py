"""In which hours of a week a schedule fires, and how often: what is drawn of it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import groupby

from kfp_gitops.language.cron import Every, Fields
from kfp_gitops.operate.statuspage.records import Fires
from kfp_gitops.reconcile.timing import Timing

HOURS = 7 * 24
_HOUR = timedelta(hours=1)


def begins(now: datetime) -> datetime:
    """The midnight with which the week that is drawn begins: the last one, for what comes is what is asked for."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def told(moments: Iterable[datetime], start: datetime) -> tuple[Fires, ...]:
    """The same of instants that are known one by one."""
    return _joined(Counter(hour for at in moments if 0 <= (hour := (at - start) // _HOUR) < HOURS))


@lru_cache(maxsize=4096)
def fires(timing: Timing, start: datetime) -> tuple[Fires, ...]:
    """The firings from `start`, a full hour, on, in hours that follow one another with as many in each.

    An hour counts as a whole, also the one in which the schedule begins or ends.
    """
    counts = _counts(timing, start)
    return _joined({hour: n for hour, n in counts.items() if _within(timing, start + hour * _HOUR)})


def _joined(counts: Mapping[int, int]) -> tuple[Fires, ...]:
    hours = sorted(counts)
    runs = groupby(enumerate(hours), lambda item: (item[1] - item[0], counts[item[1]]))
    return tuple(
        Fires(first, 1 + sum(1 for _ in rest), count)
        for (_, count), ((_, first), *rest) in ((key, tuple(group)) for key, group in runs)
    )


def _counts(timing: Timing, start: datetime) -> Mapping[int, int]:
    if isinstance(timing.cron, Fields):
        days = ((number, start + timedelta(days=number)) for number in range(8))
        return {
            hour: timing.cron.per_hour
            for number, day in days
            for of_day in timing.cron.hours_of(day.replace(hour=0))
            if 0 <= (hour := number * 24 + of_day - start.hour) < HOURS
        }
    seconds = timing.cron.seconds if isinstance(timing.cron, Every) else timing.seconds
    return dict(_ticks(timing.base, seconds, start)) if seconds else {}


def _ticks(base: datetime, seconds: int, start: datetime) -> Iterator[tuple[int, int]]:
    """How many multiples of an interval after `base` lie in each hour, at its full minute too and not at its end."""
    step, passed = timedelta(seconds=seconds), start - base
    for hour in range(HOURS):
        first = -(-(passed + hour * _HOUR) // step)
        count = -(-(passed + (hour + 1) * _HOUR) // step) - max(first, 1)
        if count > 0:
            yield hour, count


def _within(timing: Timing, hour: datetime) -> bool:
    return timing.base < hour + _HOUR and (timing.end is None or hour <= timing.end)


def days(start: datetime) -> list[str]:
    """What the days that are drawn are called."""
    return [f"{start + timedelta(days=number):%a}" for number in range(7)]
