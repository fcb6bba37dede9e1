"""The graph and its chains in words: `Mondays 03:00 train → about 03:20 forecast → about 04:00 report`. Pure."""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kfp_gitops.language.chains import edges
from kfp_gitops.language.chains.edges import Edge
from kfp_gitops.language.manifest import Window

MOST = 200
"""Chains that are told; of a graph in which everything follows everything there are more than anybody reads."""
FIRINGS = 7 * 24 * 60
"""Of a schedule in a week that are looked at."""
_NAMED = 3
_STEPS = 30
"""Of one chain."""
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Root:
    """What begins chains: a pipeline's schedule with its firings in a week, or what has none that is on (`name` "")."""

    pipeline: str
    name: str = ""
    trigger: str = ""
    """Such as `0 0 3 * * 1`."""
    firings: Sequence[datetime] = ()


def chains(
    found: Sequence[Edge],
    roots: Sequence[Root],
    takes: Mapping[str, timedelta],
    most: int = MOST,
    through: Collection[str] | None = None,
) -> list[str]:
    """A line for each way through the graph from what begins it; times in UTC, where it is known how long runs take.

    `through`: only ways that one of these pipelines or data is on.
    """
    if through is not None:
        found = edges.on_ways(found, through)
    after: dict[str, list[Edge]] = defaultdict(list)
    for edge in found:
        after[edge.source].append(edge)
    lines: list[str] = []
    for root in _beginning(found, roots):
        for way in _ways(after, root.pipeline, ()):
            on_it = through is None or not {root.pipeline, *(edge.pipeline for edge in way)}.isdisjoint(
                through
            )
            if way and on_it:
                lines.append(_line(root, way, takes))
            if len(lines) >= most:
                return lines
    return lines


def _beginning(found: Sequence[Edge], roots: Sequence[Root]) -> Iterator[Root]:
    """Schedules that are on, and what is in the graph and begins it without one: data, or what people start."""
    leads = {edge.source for edge in found}
    with_one = {root.pipeline for root in roots}
    yield from (root for root in roots if root.pipeline in leads)
    follows = {edge.pipeline for edge in found}
    yield from (Root(name) for name in sorted(leads - follows - with_one))


def _ways(
    after: Mapping[str, Sequence[Edge]], name: str, way: tuple[Edge, ...]
) -> Iterator[tuple[Edge, ...]]:
    """Each way to an end; one that would come back to where it was ends there."""
    been = {edge.source for edge in way} | {name}
    onward = [edge for edge in after[name] if edge.pipeline not in been]
    if not onward or len(way) >= _STEPS:
        yield way
        return
    for edge in onward:
        yield from _ways(after, edge.pipeline, (*way, edge))


def _line(root: Root, way: Sequence[Edge], takes: Mapping[str, timedelta]) -> str:
    first = root.firings[0] if root.firings and _one_time(root.firings) else None
    text = root.pipeline if way[0].is_data else f"{when(root)}{root.pipeline}"
    passed: timedelta | None = timedelta(0)
    for edge in way:
        long = takes.get(edge.source)
        waited = passed + long if edge.usual and passed is not None and long is not None else None
        step = _Step(edge, first, waited)
        text += f" → {step.text}"
        passed = step.starts
    return text if len(way) < _STEPS else f"{text} → …"


@dataclass(frozen=True)
class _Step:
    """One more in a chain that began `first`, where that is one time of the day; `passed` until what it waits for."""

    edge: Edge
    first: datetime | None
    passed: timedelta | None

    @property
    def starts(self) -> timedelta | None:
        """So long after the first one it starts: at once, or when its window opens; None: nobody knows, or never."""
        window = self.edge.trigger.only_within
        if self.passed is None or not self.edge.active or window is None:
            return self.passed if self.edge.active else None
        if self.first is None:
            return None
        moment = self.first + self.passed
        if window.holds(moment):
            return self.passed
        return window.next_opening(moment) - self.first if self.edge.trigger.on_missed == "run" else None

    @property
    def text(self) -> str:
        """When, and which; what is not to be expected, or not known when, is said with what it waits for."""
        name, starts = self.edge.pipeline, self.starts
        if starts is None:
            if_ = "when" if self.edge.is_data else "once" if self.edge.usual else "if"
            return f"{name} ({if_} {self.edge.source} {self.edge.verb}{''.join(self._held())})"
        return (
            f"about {at(self.first + starts, self.first)} {name}"
            if self.first
            else f"about {span(starts)} later {name}"
        )

    def _held(self) -> Iterator[str]:
        on = self.edge.trigger
        if not self.edge.active:
            yield ", paused" if on.enabled else ", off"
        elif on.only_within and self.passed is not None and self.first:
            yield ", which is outside of its window"
        elif on.only_within:
            yield ", within its window"


def at(moment: datetime, beside: datetime) -> str:
    """A time of the day, with the day where it is another one than that of what began it."""
    return f"{moment:%H:%M}" if moment.date() == beside.date() else f"{moment:%a %H:%M}"


def when(root: Root) -> str:
    """`Mondays 03:00 `, `daily 03:00 `, `28 times a week, first Mon 00:00, `; of nothing that fires nothing."""
    firings = root.firings
    if not firings:
        return f"{root.trigger} (not in this week) " if root.name else ""
    if not _one_time(firings):
        number = f"over {FIRINGS - 1:,}" if len(firings) >= FIRINGS else f"{len(firings):,}"
        return f"{number} times a week, first {firings[0]:%a %H:%M}, "
    days = sorted({firing.weekday() for firing in firings})
    if len(days) == 7:
        return f"daily {firings[0]:%H:%M} "
    names = {firing.weekday(): firing for firing in firings}
    long = len(days) <= _NAMED
    said = (f"{names[day]:%A}s" if long else f"{names[day]:%a}" for day in days)
    return f"{', '.join(said)} {firings[0]:%H:%M} "


def _one_time(firings: Sequence[datetime]) -> bool:
    """Whether all are at the same time of the day."""
    return len({(firing.hour, firing.minute) for firing in firings}) == 1


def span(long: timedelta) -> str:
    """To the minute, in two units at most: `20 min`, `2 h 5 min`, `1 d 2 h`."""
    if long < _MINUTE:
        return "a minute"
    days, rest = divmod(long, _DAY)
    hours, rest = divmod(rest, _HOUR)
    parts = [(days, "d"), (hours, "h"), (rest // _MINUTE, "min")]
    return " ".join([f"{number} {unit}" for number, unit in parts if number][:2])


def window(found: Window) -> str:
    """`06:00 to 20:00, Mon to Fri`; in UTC."""
    days = sorted(found.days)
    names = [calendar.day_abbr[day] for day in days]
    in_a_row = len(days) > 2 and days == [*range(days[0], days[-1] + 1)]
    which = "" if len(days) == 7 else f"{names[0]} to {names[-1]}" if in_a_row else ", ".join(names)
    return f"{found.start:%H:%M} to {found.end:%H:%M}{f', {which}' if which else ''}"


def sentence(edge: Edge) -> str:
    """An edge in one line: `forecast starts after training succeeded (trigger after-training)`."""
    on = edge.trigger
    what = f"when {edge.source} {edge.verb}" if edge.is_data else f"after {edge.source} {edge.verb}"
    more = [f"trigger {on.name}"]
    more += [f"within {window(on.only_within)}"] if on.only_within else []
    more += ["off"] if not on.enabled else ["paused"] if edge.off else []
    return f"{edge.pipeline} starts {what} ({', '.join(more)})"
