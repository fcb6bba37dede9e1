"""The week of an environment's schedules before and after, drawn: a line for each, a stroke for each firing. Pure.

What fires before stands in the upper half of a line, what fires after in the lower half: position says which, not
colour alone. A schedule that fires too often for strokes is a bar.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from markupsafe import Markup

from kfp_gitops.base import visible
from kfp_gitops.base.webpage.parts import filled
from kfp_gitops.reconcile import timing
from kfp_gitops.review.diff.calendar import UNTIMED, WEEK, Calendar, Entry, Follower, follower, remarks
from kfp_gitops.review.diff.wording import instants

HERE = Path(__file__).parent
MOST = 40
"""Schedules that are drawn; those that change come first, and the rest is counted."""
_STROKES = 200
_CHAINS = 40
_LABEL = 80.0
"""Points that the name of a day takes."""
_LEFT, _DAY, _TOP, _ROW, _HALF = 12.0, 118.0, 34.0, 52.0, 12.0
_WIDTH = _LEFT + 7 * _DAY + 12.0


@dataclass(frozen=True)
class Week:
    """An environment's calendars of one week; `part` says of which pipelines alone, if not of all."""

    before: Calendar
    after: Calendar
    part: str = ""


@dataclass(frozen=True)
class Stroke:
    """One firing, or all of them as a bar: from `x` on so wide."""

    x: float
    y: float
    width: float


@dataclass(frozen=True)
class Schedule:
    """A schedule's line, and what the table beside the picture says of it."""

    name: str
    mark: str
    before: str
    after: str
    strokes_before: Sequence[Stroke]
    strokes_after: Sequence[Stroke]
    y: float
    idle: bool

    @property
    def label(self) -> str:
        """What stands above its line."""
        return f"{self.name}{f' ({self.mark})' if self.mark else ''}"


def drawn(week: Week, name: str) -> Markup:
    """Picture and table; nothing where nothing has a schedule."""
    pairs = _pairs(week)
    if not pairs:
        return Markup("")
    shown = [_schedule(week, *pair, index) for index, pair in enumerate(pairs[:MOST])]
    return filled(
        HERE,
        "week.html",
        name=name,
        week=week,
        schedules=shown,
        more=max(0, len(pairs) - MOST),
        changed=sum(_fires_otherwise(*pair) for pair in pairs),
        width=_WIDTH,
        height=_TOP + _ROW * len(shown) + 8,
        days=[*_days(week.after.start)],
        remarks=[visible.line(line.strip()) for line in remarks(week.after)],
        chains=[visible.line(line) for line in week.after.chains[:_CHAINS]],
        untimed=UNTIMED if week.after.untimed else "",
    )


_Pair = tuple[Entry | None, Entry | None]


def _pairs(week: Week) -> list[_Pair]:
    """Each schedule as it was and as it is, those that differ first."""
    left, right = (_by_name(calendar) for calendar in (week.before, week.after))
    found = [(left.get(name), right.get(name)) for name in sorted({**left, **right})]
    return sorted(found, key=lambda pair: not _differs(*pair))


def _by_name(found: Calendar) -> Mapping[tuple[str, str, bool], Entry]:
    every = (*found.entries, *found.followers)
    return {(entry.pipeline, entry.schedule, isinstance(entry, Follower)): entry for entry in every}


def _differs(old: Entry | None, new: Entry | None) -> bool:
    if old is None or new is None:
        return True
    return (old.trigger, old.enabled, old.firings) != (new.trigger, new.enabled, new.firings)


def _fires_otherwise(old: Entry | None, new: Entry | None) -> bool:
    """Whether it fires at other times in this week: one that is off does not, whatever it says."""
    left, right = ([] if entry is None else [*entry.firings] for entry in (old, new))
    return left != right


def _schedule(week: Week, old: Entry | None, new: Entry | None, index: int) -> Schedule:
    known = new or old
    name = visible.line(known.name) if known else ""
    mark = "new" if old is None else "removed" if new is None else "changed" if _differs(old, new) else ""
    y = _TOP + _ROW * index
    start, zone = week.after.start, week.after.zone
    return Schedule(
        *(name, mark, _words(old, zone), _words(new, zone)),
        [*_strokes(old, start, y + 22)],
        [*_strokes(new, start, y + 22 + _HALF)],
        y,
        idle=bool(new and new.idle),
    )


def _words(entry: Entry | None, zone: str) -> str:
    if entry is None:
        return "none"
    if isinstance(entry, Follower):
        return visible.line(follower(entry, timing.zone_of(zone), zone))
    trigger = visible.line(entry.trigger)
    if not entry.enabled:
        return f"{trigger}, off"
    if not entry.firings:
        return f"{trigger}, not in this week"
    number = f"more than {len(entry.firings):,}" if entry.capped else f"{len(entry.firings):,}"
    times = "firing" if number == "1" else "firings"
    return f"{trigger}, {number} {times}, first {instants(entry.firings[:1], zone)[0]}"


def _strokes(entry: Entry | None, start: datetime, y: float) -> Iterator[Stroke]:
    if entry is None or not entry.firings:
        return
    if len(entry.firings) > _STROKES:
        first, last = _x(entry.firings[0], start), _x(entry.firings[-1], start)
        yield Stroke(first, y, max(2.0, last - first))
        return
    yield from (Stroke(_x(firing, start) - 1, y, 2.5) for firing in entry.firings)


def _x(firing: datetime, start: datetime) -> float:
    return _LEFT + (firing - start) / WEEK * 7 * _DAY


def _days(start: datetime) -> Iterator[tuple[float, str]]:
    """Where each day (UTC) begins, and what it is called; the first one may have begun before."""
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    for number in range(8):
        day = midnight + timedelta(days=number)
        x, end = (_x(max(start, min(at, start + WEEK)), start) for at in (day, day + timedelta(days=1)))
        if end > x:
            yield x, f"{day:%a %d %b}" if end - x > _LABEL else ""
