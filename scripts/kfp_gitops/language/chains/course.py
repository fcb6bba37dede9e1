"""When the pipelines that triggers start are to be expected, by when those before start and how long they take. Pure.

It is what an ordinary week looks like, and no promise: runs take as long as their past ones took, none fails, and what
starts them looks every minute. Where it is not known how long a run takes, nothing is told of what follows it.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kfp_gitops.language.chains.edges import Edge, in_order

MOST = 7 * 24 * 60
"""Starts of one pipeline that are worked out: one a minute for a week."""


@dataclass(frozen=True)
class Course:
    """What an edge brings: the starts in the time that was asked for; None: nobody knows how long its source takes."""

    edge: Edge
    starts: Sequence[datetime] | None


def expected(
    found: Sequence[Edge],
    firings: Mapping[str, Sequence[datetime]],
    takes: Mapping[str, timedelta],
    until: datetime,
) -> list[Course]:
    """The starts by each edge up to `until`, in the order of the edges.

    `firings`: when schedules start a pipeline; `takes`: how long a run of it usually takes, as far as that is known.
    """
    into: dict[str, list[Edge]] = defaultdict(list)
    for edge in found:
        into[edge.pipeline].append(edge)
    starts: dict[str, list[datetime]] = {}
    unknown: set[str] = set()
    by_edge: dict[tuple[str, str, str], Sequence[datetime] | None] = {}
    for name in in_order(found):
        brought = {edge.key: _brings(edge, starts, unknown, takes, until) for edge in into[name]}
        by_edge |= brought
        its = [*firings.get(name, ()), *(at for some in brought.values() for at in some or ())]
        starts[name] = sorted(its)[:MOST]
        if not its and None in brought.values():
            unknown.add(name)
    return [Course(edge, by_edge.get(edge.key)) for edge in found]


def _brings(
    edge: Edge,
    starts: Mapping[str, Sequence[datetime]],
    unknown: Collection[str],
    takes: Mapping[str, timedelta],
    until: datetime,
) -> Sequence[datetime] | None:
    """The starts by one edge; what comes outside of its window is missed, or made up for by one run when it opens."""
    if not edge.active or (not edge.usual and not edge.is_data):
        return []
    long = takes.get(edge.source)
    if long is None or edge.is_data or edge.source in unknown:
        return None
    window, moments = edge.trigger.only_within, [at + long for at in starts.get(edge.source, ())]
    if window is not None:
        late = edge.trigger.on_missed == "run"
        opened = (at if window.holds(at) else window.next_opening(at) if late else None for at in moments)
        moments = sorted({at for at in opened if at is not None})
    return [
        at for at in _in_turn(moments, takes.get(edge.pipeline), edge.trigger.max_concurrency) if at < until
    ]


def _in_turn(moments: Iterable[datetime], long: timedelta | None, most: int) -> Iterable[datetime]:
    """Each when there is room for it: no more than `most` go on at once."""
    if long is None:
        return moments
    going: list[datetime] = []
    found = []
    for moment in sorted(moments):
        at = moment if len(going) < most else max(moment, heapq.heappop(going))
        found.append(at)
        heapq.heappush(going, at + long)
    return found
