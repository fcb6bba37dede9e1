"""Whether a pipeline's schedules can keep what it promises (`slo`), by when they fire. Pure; looks at no clock.

Results are oldest just before a run ends: the time since the firing before it, and how long the run takes. KFP's
controller starts no run while `maxConcurrency` of a schedule's are active; with `catchup: false` it then starts one for
the last firing that is due (scheduled_workflow.go, GetNextScheduledEpoch).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise

from kfp_gitops.language import cron, waits
from kfp_gitops.language.manifest import AfterRun, OnChange, OnData, Schedule, Slo, Trigger, slo

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


@dataclass(frozen=True)
class Upstream:
    """A pipeline after whose runs others start: what starts it, and what it promises."""

    schedules: Sequence[Schedule]
    triggers: Sequence[Trigger] = ()
    promised: Slo | None = None


def shortfalls(
    promised: Slo | None,
    schedules: Sequence[Schedule],
    triggers: Sequence[Trigger] = (),
    others: Mapping[str, Upstream] | None = None,
) -> Iterator[Shortfall]:
    """All that the schedules cannot keep; `others`: the pipelines of its environment, after which it may start.

    Where those are not known (None), and where data may start it, nobody can say how fresh it is kept.
    """
    if promised is None:
        return
    on = _on(schedules)
    if promised.freshness and not _untold(triggers, others):
        after = [*_followed(triggers, others or {}, timedelta(0), frozenset())]
        if on or after:
            yield from _too_rare(promised, promised.freshness, on, after)
        else:
            yield from _never(promised, schedules, triggers)
    if promised.longest:
        for schedule in on:
            yield from _too_often(promised, promised.longest, schedule)


def _on(schedules: Sequence[Schedule]) -> list[Schedule]:
    return [schedule for schedule in schedules if schedule.enabled and _fires(schedule)]


def _untold(triggers: Sequence[Trigger], others: Mapping[str, Upstream] | None) -> bool:
    """Whether a trigger may keep it fresh of which it is not known here when it starts a run."""
    return any(
        trigger.enabled
        and (isinstance(trigger.run_on, OnData) or (isinstance(trigger.run_on, AfterRun) and others is None))
        for trigger in triggers
    )


def _followed(
    triggers: Sequence[Trigger], others: Mapping[str, Upstream], later: timedelta, been: frozenset[str]
) -> Iterator[tuple[Schedule, timedelta]]:
    """The schedules of what it starts after, however far up, and how long after their firings it may start.

    A run that fails keeps nothing fresh, and what a window shuts out may be any of them.
    """
    for trigger in triggers:
        on = trigger.run_on
        if not isinstance(on, AfterRun) or on.state == "FAILED" or not trigger.enabled or trigger.only_within:
            continue
        found = others.get(on.pipeline)
        if found is None or on.pipeline in been:
            continue
        takes = later + ((found.promised.longest if found.promised else None) or timedelta(0))
        yield from ((schedule, takes) for schedule in _on(found.schedules))
        yield from _followed(found.triggers, others, takes, been | {on.pipeline})


def _fires(schedule: Schedule) -> bool:
    return bool(schedule.interval_seconds) or _read(schedule.cron) is not None


def _never(promised: Slo, schedules: Sequence[Schedule], triggers: Sequence[Trigger]) -> Iterator[Shortfall]:
    why = "none of its schedules is on" if schedules else "it has no schedule"
    on_change = any(isinstance(trigger.run_on, OnChange) for trigger in triggers)
    off = ", and none of its triggers is on" if triggers and not on_change else ""
    more = ", and a trigger starts a run only when a release is new" if on_change else off
    todo = "switch one on" if schedules else "give it one"
    if any(isinstance(trigger.run_on, AfterRun) for trigger in triggers):
        more = ", and nothing starts by itself after whose runs a trigger starts it"
    yield Shortfall(
        "fresh",
        f"nothing keeps `fresh: {promised.fresh}`: {why}{more}",
        f"{todo}, or promise no `fresh` here",
    )


def _too_rare(
    promised: Slo, fresh: timedelta, on: Sequence[Schedule], after: Sequence[tuple[Schedule, timedelta]]
) -> Iterator[Shortfall]:
    """By its own schedules alone, or by those of what it starts after with them: the fresher of the two counts."""
    takes = promised.longest or timedelta(0)
    later = max((late for _, late in after), default=timedelta(0))
    ways = [(_between(on), takes)] if on else []
    ways += [(_between([*on, *(schedule for schedule, _ in after)]), takes + later)] if after else []
    apart, takes = min(ways, key=lambda way: way[0] + way[1])
    oldest = apart + takes
    if oldest < fresh or (takes and oldest == fresh):
        return
    run = f", and a run may take {promised.duration}" if promised.duration else ""
    longest = promised.longest or timedelta(0)
    upstream = f", after {slo.written(takes - longest)} of what it starts after" if takes > longest else ""
    what = f"`fresh: {promised.fresh}` cannot be kept: firings are up to {slo.written(apart)} apart{run}{upstream}"
    yield Shortfall("fresh", what, f"fire more often, or promise fresh: {_kept(oldest)}")


def _between(schedules: Sequence[Schedule]) -> timedelta:
    return _apart(tuple(sorted({schedule.cron or str(schedule.interval_seconds) for schedule in schedules})))


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
