"""Whether a pipeline's schedules can keep what it promises (`slo`), by when they fire. Pure; looks at no clock.

Results are oldest just before a run ends: the time since the firing before it, and how long the run takes. KFP's
controller starts no run while `maxConcurrency` of a schedule's are active; with `catchup: false` it then starts one for
the last firing that is due (scheduled_workflow.go, GetNextScheduledEpoch).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise

from kfp_gitops.language import cron, waits
from kfp_gitops.language.manifest import OnChange, Schedule, Slo, Trigger, slo

_NEW_YEAR = datetime(2001, 1, 1, tzinfo=UTC)
_MOST = 3_000
"""Firings of several schedules together that are looked at."""
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Shortfall:
    """What cannot be kept: a key of `slo`, why, and what to do."""

    key: str
    what: str
    todo: str

    @property
    def line(self) -> str:
        """Both."""
        return f"{self.what}; {self.todo}"


def shortfalls(
    promised: Slo | None, schedules: Sequence[Schedule], triggers: Sequence[Trigger] = ()
) -> Iterator[Shortfall]:
    """All that the schedules cannot keep."""
    if promised is None:
        return
    on = [schedule for schedule in schedules if schedule.enabled and _fires(schedule)]
    if promised.freshness and not any(map(_may_keep, triggers)):
        yield from (
            _too_rare(promised, promised.freshness, on) if on else _never(promised, schedules, triggers)
        )
    if promised.longest:
        for schedule in on:
            yield from _too_often(promised, promised.longest, schedule)


def _may_keep(trigger: Trigger) -> bool:
    """Whether it starts runs as often as other pipelines run, or data comes: nobody knows how often that is."""
    return trigger.enabled and not isinstance(trigger.run_on, OnChange)


def _fires(schedule: Schedule) -> bool:
    return bool(schedule.interval_seconds) or _read(schedule.cron) is not None


def _never(promised: Slo, schedules: Sequence[Schedule], triggers: Sequence[Trigger]) -> Iterator[Shortfall]:
    why = "none of its schedules is on" if schedules else "it has no schedule"
    on_change = any(isinstance(trigger.run_on, OnChange) for trigger in triggers)
    off = ", and none of its triggers is on" if triggers and not on_change else ""
    more = ", and a trigger starts a run only when a release is new" if on_change else off
    todo = "switch one on" if schedules else "give it one"
    yield Shortfall(
        "fresh",
        f"nothing keeps `fresh: {promised.fresh}`: {why}{more}",
        f"{todo}, or promise no `fresh` here",
    )


def _too_rare(promised: Slo, fresh: timedelta, on: Sequence[Schedule]) -> Iterator[Shortfall]:
    apart = _apart(tuple(sorted({schedule.cron or str(schedule.interval_seconds) for schedule in on})))
    takes = promised.longest or timedelta(0)
    if apart + takes < fresh or (promised.longest and apart + takes == fresh):
        return
    run = f", and a run may take {promised.duration}" if promised.duration else ""
    what = f"`fresh: {promised.fresh}` cannot be kept: firings are up to {slo.written(apart)} apart{run}"
    yield Shortfall("fresh", what, f"fire more often, or promise fresh: {_kept(apart + takes)}")


def _kept(oldest: timedelta) -> str:
    """The next whole hour or day, in which a run has time to end."""
    unit, letter = (_HOUR, "h") if oldest < 3 * _DAY else (_DAY, "d")
    return f"{oldest // unit + 1}{letter}"


def _too_often(promised: Slo, longest: timedelta, schedule: Schedule) -> Iterator[Shortfall]:
    apart = _least(schedule)
    if not apart or apart * schedule.max_concurrency >= longest:
        return
    every = f"schedule {schedule.name} fires {slo.written(apart)} apart"
    most = f"maxConcurrency: {schedule.max_concurrency}"
    lost = "wait" if schedule.catchup else "wait, and all but the last of them are dropped"
    yield Shortfall(
        "duration",
        f"{every}, and a run may take {promised.duration}: with {most} firings {lost}",
        "fire less often, promise a shorter duration, or let more run at once",
    )


def _least(schedule: Schedule) -> timedelta:
    """From one firing to the next at least; zero where there is only one."""
    found = _read(schedule.cron)
    return waits.shortest(found) if found else timedelta(seconds=schedule.interval_seconds or 0)


@lru_cache(maxsize=1024)
def _apart(firings: tuple[str, ...]) -> timedelta:
    """From one firing of any of these to the next at most: each a cron, or seconds."""
    alone = [_longest(text) for text in firings]
    if len(firings) == 1:
        return alone[0]
    until = _NEW_YEAR + min(2 * max(alone), 400 * _DAY)
    ticks = heapq.merge(*(_ticks(text, until) for text in firings))
    together = max((b - a for a, b in pairwise(islice(ticks, _MOST))), default=min(alone))
    return min(together, *alone)


def _longest(text: str) -> timedelta:
    found = _read(text)
    # One that fires once in five years, or never again, has no wait that could be told.
    return (waits.longest(found) or 5 * 366 * _DAY) if found else timedelta(seconds=int(text))


def _ticks(text: str, until: datetime) -> Iterator[datetime]:
    found = _read(text) or cron.Every(int(text))
    at = found.next_after(_NEW_YEAR)
    while at is not None and at <= until:
        yield at
        at = found.next_after(at)


def _read(text: str | None) -> cron.Cron | None:
    """None for what is no cron, which is refused elsewhere."""
    try:
        return cron.parse(text) if text and not text.isdecimal() else None
    except cron.CronError:
        return None
