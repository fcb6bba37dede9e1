"""The graph between the pipelines of one state, what begins its chains, and when what follows is expected. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from kfp_gitops.language.chains import course, edges, told
from kfp_gitops.language.chains.course import Course
from kfp_gitops.language.chains.edges import Edge
from kfp_gitops.language.chains.told import Root
from kfp_gitops.review.diff import schedules
from kfp_gitops.review.diff.model import Between, Link
from kfp_gitops.review.diff.state import State

_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Following:
    """A graph as it is in force; `takes`: how long a run of a pipeline usually takes, where it is known."""

    edges: Sequence[Edge]
    roots: Sequence[Root] = ()
    takes: Mapping[str, timedelta] = field(default_factory=dict)
    manifest: Callable[[str], Mapping[str, Any] | None] = lambda _: None
    """Of each pipeline of the environment, as it is in force."""

    @property
    def graph(self) -> Between:
        """To be drawn, with nothing in it that changes."""
        return Between([Link(edge, edge) for edge in self.edges], self.roots, self.takes)

    @property
    def chains(self) -> list[str]:
        """Each way through it, in words."""
        return told.chains(self.edges, self.roots, self.takes)

    def courses(self, until: datetime) -> list[Course]:
        """When each edge starts its pipeline."""
        firings: dict[str, list[datetime]] = defaultdict(list)
        for root in self.roots:
            firings[root.pipeline] += root.firings
        return course.expected(self.edges, firings, self.takes, until)


def following(
    state: State, start: datetime, takes: Mapping[str, timedelta], part: Collection[str] | None = None
) -> Following:
    """The graph of a state, or the parts of it in which one of these pipelines is; a week of it from `start` on."""
    every = of_state(state, start)
    found = every if part is None else edges.around(every, part)
    leads = sorted({edge.source for edge in found if not edge.is_data})
    begins = (roots(name, state.manifest_in_force(name, start) or {}, start) for name in leads)
    manifest = partial(state.manifest_in_force, now=start)
    return Following(found, [root for its in begins for root in its], takes, manifest)


def of_state(state: State, now: datetime) -> tuple[Edge, ...]:
    """The whole graph of a state, as it is in force."""
    folders, entries = state.pipelines(), state.entries()
    triggers = {name: folders[name].triggers for name in entries if name in folders}
    paused = {
        name
        for name in entries
        if triggers.get(name) and schedules.is_paused(entries[name].paused_until, now)
    }
    return edges.edges(triggers, paused)


def roots(pipeline: str, manifest: Mapping[str, Any], start: datetime) -> Iterator[Root]:
    """Each schedule of a pipeline that is on, with its firings in the week from `start` on."""
    for name, schedule in schedules.by_name(manifest).items():
        if schedule.get("enabled"):
            since = start - timedelta(seconds=1)  # a firing at the start itself is in the week
            fires = schedules.next_firings(schedule, since, told.FIRINGS, start + _WEEK)
            trigger = str(schedule.get("cron") or f"every {schedule.get('intervalSeconds')} s")
            yield Root(pipeline, name, trigger, [moment for moment in fires if moment < start + _WEEK])
