"""Several boards as one: what each environment's own job wrote, with what was looked at here. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from kfp_gitops.operate.statuspage.records import Board, Coming, Environment, Waits

Way = Mapping[str, Mapping[str, Waits]]
"""Environment → what waits for promotion to it, by pipeline."""


def environments(boards: Iterable[Board]) -> dict[str, Environment]:
    """Each environment by name, as the newest board has it."""
    in_order = sorted(boards, key=lambda board: board.made)
    return {one.name: one for board in in_order for one in board.environments}


def board(
    found: Mapping[str, Environment], order: Sequence[str], made: datetime, period: int, way: Way | None
) -> Board:
    """All of them, in the order that is told and then by name; what waits for promotion as `way` has it, if it does."""
    place = {name: number for number, name in enumerate(order)}
    names = sorted(found, key=lambda name: (place.get(name, len(place)), name))
    return Board(made, period, tuple(_with(found[name], way) for name in names))


def _with(one: Environment, way: Way | None) -> Environment:
    if way is None or one.seen is None or one.name not in way:
        return one
    waits = way[one.name]
    known = {pipeline.name for pipeline in one.seen.pipelines}
    pipelines = tuple(replace(each, waits=waits.get(each.name)) for each in one.seen.pipelines)
    coming = tuple(Coming(name, its) for name, its in waits.items() if name not in known)
    return replace(one, seen=replace(one.seen, pipelines=pipelines, coming=coming))
