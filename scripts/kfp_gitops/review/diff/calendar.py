"""A week of an environment's schedules: who fires when, together with whom, and for how long nobody does."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from kfp_gitops.base import columns
from kfp_gitops.reconcile import timing
from kfp_gitops.review.caching.idle import TODO, WHY
from kfp_gitops.review.diff import promises, schedules
from kfp_gitops.review.diff.between.following import Following
from kfp_gitops.review.diff.model import Between

WEEK = timedelta(days=7)
UNTIMED = "; untimed where no past run is known, see --host"
# A schedule that fires more often than this is told by its number, not by its instants.
MAX_FIRINGS = 7 * 24 * 60
_MOST = 20
"""Schedules that are named, of a list of them."""


@dataclass(frozen=True)
class Entry:
    """One schedule and its firings (aware, UTC) in the week; `capped` when there are more than are kept.

    `idle`: KFP's cache answers every task from the second firing on.
    """

    pipeline: str
    schedule: str
    trigger: str
    enabled: bool
    firings: Sequence[datetime]
    capped: bool
    idle: bool = False

    @property
    def name(self) -> str:
        """The recurring run's name in KFP."""
        return f"{self.pipeline}-{self.schedule}"


@dataclass(frozen=True)
class Follower(Entry):
    """What a trigger starts after another pipeline or by data: `schedule` is its name, and `firings` are about when.

    `unknown`: nobody knows when, be it that it is not known how long runs take.
    """

    unknown: bool = False
    by_data: bool = False


@dataclass(frozen=True)
class Unkept:
    """What a pipeline promises (a key of `slo`) and its schedules cannot keep, with what to do."""

    pipeline: str
    slo: str
    text: str


@dataclass(frozen=True)
class Calendar:
    """A week from `start` (aware, UTC)."""

    environment: str
    start: datetime
    zone: str
    entries: Sequence[Entry]
    unkept: Sequence[Unkept] = ()
    followers: Sequence[Follower] = ()
    chains: Sequence[str] = ()
    graph: Between | None = None
    """What starts what."""

    @property
    def untimed(self) -> bool:
        """Whether it is not known how long something takes after which something else starts."""
        return any(entry.unknown and not entry.by_data for entry in self.followers)

    @property
    def end(self) -> datetime:
        """The end of the week."""
        return self.start + WEEK

    def collisions(self) -> list[tuple[datetime, list[str]]]:
        """Minutes at which more than one schedule fires."""
        minutes: dict[datetime, dict[str, None]] = defaultdict(dict)
        for entry in self.entries:
            for instant in entry.firings:
                minutes[instant.replace(second=0)][entry.name] = None
        return [(minute, list(names)) for minute, names in sorted(minutes.items()) if len(names) > 1]

    def longest_gap(self) -> tuple[datetime, datetime] | None:
        """The longest part of the week in which nothing fires; None when nothing fires at all."""
        instants = sorted(instant for entry in self.entries for instant in entry.firings)
        if not instants:
            return None
        edges = [self.start, *instants, self.end]
        return max(pairwise(edges), key=lambda pair: pair[1] - pair[0])


def calendar(
    environment: str,
    zone: str,
    manifests: Mapping[str, Mapping[str, Any]],
    start: datetime,
    idle: Mapping[str, Sequence[str]] | None = None,
    following: Following | None = None,
) -> Calendar:
    """The calendar of an environment's manifests (pipeline → YAML data); `idle` as `State.idle` has it."""
    entries = [
        replace(_entry(pipeline, name, schedule, start), idle=name in (idle or {}).get(pipeline, ()))
        for pipeline, manifest in sorted(manifests.items())
        for name, schedule in schedules.by_name(manifest).items()
    ]
    unkept = [
        Unkept(pipeline, found.key, found.line)
        for pipeline, manifest in sorted(manifests.items())
        for found in promises.unkept(manifest, start, following.manifest if following else manifests.get)
    ]
    followers, chains = ([*_followers(following, start)], following.chains) if following else ([], [])
    graph = following.graph if following else None
    return Calendar(environment, start, zone, entries, unkept, followers, chains, graph)


def _followers(found: Following, start: datetime) -> Iterator[Follower]:
    """A pipeline that something else starts, whether it has schedules of its own or not."""
    for course in found.courses(start + WEEK):
        edge, starts = course.edge, [moment for moment in course.starts or () if moment >= start]
        what = f"{'when' if edge.is_data else 'after'} {edge.source} {edge.verb}"
        names = (edge.pipeline, edge.trigger.name, what)
        capped = len(starts) > MAX_FIRINGS
        yield Follower(
            *names,
            edge.active,
            starts[:MAX_FIRINGS],
            capped,
            unknown=course.starts is None,
            by_data=edge.is_data,
        )


def _entry(pipeline: str, name: str, schedule: Mapping[str, Any], start: datetime) -> Entry:
    # One instant before the start, so that a firing at the start itself is in the week.
    found = schedules.next_firings(schedule, start - timedelta(seconds=1), MAX_FIRINGS + 1, start + WEEK)
    inside = [instant for instant in found if instant < start + WEEK]
    trigger = str(schedule.get("cron") or f"every {schedule.get('intervalSeconds')} s")
    return Entry(
        pipeline,
        name,
        trigger,
        bool(schedule.get("enabled")),
        inside[:MAX_FIRINGS],
        len(inside) > MAX_FIRINGS,
    )


def to_text(found: Calendar) -> str:
    """Days down, hours across: how many firings fall into the hour (++ for more than 99); in 80 columns."""
    return "\n".join(line for text in _lines(found) for line in columns.folded(text, columns.USUAL, 4))


def _lines(found: Calendar) -> Iterator[str]:
    zone = timing.zone_of(found.zone)
    yield f"{found.environment}: firings from {found.start:%Y-%m-%d %H:%M} to {found.end:%Y-%m-%d %H:%M} UTC"
    if not found.entries:
        yield "  no schedules"
        yield from _following(found)
        yield from _broken(found)
        return
    yield ""
    yield from _table(found)
    yield ""
    entries = [f"  {entry.name}: {_entry_text(entry, zone, found.zone)}" for entry in found.entries]
    yield from columns.first_of(entries, _MOST, "  … {more} more (--format json)")
    yield from _following(found)
    yield from remarks(found)


def _following(found: Calendar) -> Iterator[str]:
    """What starts after something else, and the chains of it."""
    zone = timing.zone_of(found.zone)
    entries = [f"  {entry.name}: {follower(entry, zone, found.zone)}" for entry in found.followers]
    yield from columns.first_of(entries, _MOST, "  … {more} more (--format json)")
    if found.chains:
        yield f"  chains (UTC{UNTIMED if found.untimed else ''}):"
        yield from columns.first_of(
            [f"    {line}" for line in found.chains], _MOST, "    … {more} more (--format json)"
        )


def follower(entry: Follower, zone: ZoneInfo, name: str) -> str:
    """What starts it, and about when; times are those of past runs."""
    if not entry.enabled:
        return f"{entry.trigger}, off"
    if entry.unknown:
        return f"{entry.trigger}, not known when"
    if not entry.firings:
        return f"{entry.trigger}, not to be expected in this week"
    first, number = entry.firings[0], len(entry.firings)
    local = "" if name == "UTC" else f" ({first.astimezone(zone):%a %H:%M} {name})"
    times = f"about {number:,} {'start' if number == 1 else 'starts'}"
    return f"{entry.trigger}, {times}, first {first:%a %m-%d %H:%M} UTC{local}"


def _table(found: Calendar) -> Iterator[str]:
    counts = Counter((moment.date(), moment.hour) for entry in found.entries for moment in entry.firings)
    yield f"  {'UTC':<6} {' '.join(f'{hour:02}' for hour in range(24))}"
    for offset in range(8 if found.start.hour or found.start.minute else 7):
        day = (found.start + timedelta(days=offset)).date()
        yield f"  {day:%a %d} {' '.join(_mark(counts[day, hour]) for hour in range(24))}"


def _mark(number: int) -> str:
    return " ·" if number == 0 else f"{number:>2}" if number < 100 else "++"


def _entry_text(entry: Entry, zone: ZoneInfo, name: str) -> str:
    if not entry.enabled:
        return f"{entry.trigger}, disabled"
    if not entry.firings:
        return f"{entry.trigger}, does not fire in this week"
    first = entry.firings[0]
    local = "" if name == "UTC" else f" ({first.astimezone(zone):%a %H:%M} {name})"
    number = f"more than {MAX_FIRINGS}" if entry.capped else str(len(entry.firings))
    times = "firing" if number == "1" else "firings"
    return f"{entry.trigger}, {number} {times}, first {first:%a %m-%d %H:%M:%S} UTC{local}"


def remarks(found: Calendar) -> Iterator[str]:
    """Lines of what stands out in the week, with a sign where a reviewer must not miss it."""
    still = [entry.name for entry in found.entries if entry.idle]
    if still:
        yield f"  ! {columns.some(still, _MOST)}: {WHY}; {TODO}"
    yield from _broken(found)
    together = sorted(found.collisions(), key=lambda item: (-len(item[1]), item[0]))
    for minute, names in together[:10]:
        yield f"  ! {minute:%a %m-%d %H:%M} UTC: {columns.some(names)} fire together"
    if len(together) > 10:
        yield f"  ! and {len(together) - 10} more minutes at which schedules fire together"
    gap = found.longest_gap()
    if gap is None:
        yield "  nothing fires in this week"
    else:
        yield f"  longest time without a firing: {schedules.length(gap[1] - gap[0])}, from {gap[0]:%a %m-%d %H:%M} UTC"


def _broken(found: Calendar) -> Iterator[str]:
    """What cannot be kept, by what is said of it: many pipelines are made from one template."""
    alike: dict[str, list[str]] = defaultdict(list)
    for one in found.unkept:
        alike[one.text].append(one.pipeline)
    lines = [f"  ! {columns.some(names)}: {text}" for text, names in alike.items()]
    yield from columns.first_of(lines, _MOST, "  … {more} more (--format json)")
