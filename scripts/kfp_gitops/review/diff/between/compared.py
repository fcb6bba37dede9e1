"""What a change does to the graph between pipelines. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from functools import partial

from kfp_gitops.language.chains import edges
from kfp_gitops.language.chains.told import Root
from kfp_gitops.review.diff import promises
from kfp_gitops.review.diff.between.following import of_state, roots
from kfp_gitops.review.diff.model import Between, Link, PipelineDiff
from kfp_gitops.review.diff.state import State

MOST = 150
"""Pipelines of the graph whose schedules are looked at, and so many that are drawn."""


def between(before: State, after: State, pipelines: Sequence[PipelineDiff], now: datetime) -> Between | None:
    """The parts of the graph around what changes; None where nothing of it does."""
    old, new = of_state(before, now), of_state(after, now)
    left, right = ({edge.key: edge for edge in side} for side in (old, new))
    links = [Link(left.get(key), right.get(key)) for key in {**left, **right}]
    changed = {name for link in links if link.action for name in (link.edge.source, link.edge.pipeline)}
    changed |= {found.name for found in pipelines if found.semantic}
    near = {edge.key for edge in edges.around([link.edge for link in links], changed)}
    shown = sorted((link for link in links if link.edge.key in near), key=_place)
    return Between(shown, [*_roots(after, shown, now)]) if shown else None


def _place(link: Link) -> tuple[str, str, str]:
    return link.edge.pipeline, link.edge.trigger.name, link.edge.source


def _roots(after: State, links: Sequence[Link], now: datetime) -> Iterator[Root]:
    """The schedules that are on of what leads to other pipelines after merging."""
    leads = sorted({link.after.source for link in links if link.after and not link.after.is_data})
    for name in leads[:MOST]:
        yield from roots(name, after.manifest_in_force(name, now) or {}, now)


def unkept(
    before: State, after: State, found: Between | None, told: Collection[str], now: datetime
) -> Iterator[str]:
    """What pipelines that do not change themselves (none of `told`) promise, and cannot keep from now on."""
    names = dict.fromkeys(link.after.pipeline for link in found.links if link.after) if found else {}
    for name in [name for name in names if name not in told][:MOST]:
        was, is_ = (_lines(state, name, now) for state in (before, after))
        yield from (f"{name}: {line}" for line in is_ if line not in was)


def _lines(state: State, name: str, now: datetime) -> list[str]:
    others = partial(state.manifest_in_force, now=now)
    manifest = others(name)
    return promises.warnings(manifest, now, others) if manifest else []
