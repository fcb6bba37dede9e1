"""Lists of runs, over many pipelines and environments: one question to KFP for all of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import islice
from types import MappingProxyType
from typing import Any

from kfp_gitops.base import columns
from kfp_gitops.base.errors import NotFoundError
from kfp_gitops.kfpserver.kfpapi.actual import ACTIVE
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.kfpserver.kfpapi.transport import each
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.kfpserver.runtree import show
from kfp_gitops.operate.following import Watch
from kfp_gitops.operate.runlook import origin, ours
from kfp_gitops.operate.runlook.origin import Origin
from kfp_gitops.operate.runlook.times import instant, lasting

FAILED = frozenset({"FAILED", "CANCELED"})
MOST = 1000
"""Runs of one list."""
_LOOKED_INTO = 20
"""So many of a list are asked for their tasks: each is a request of its own."""


@dataclass(frozen=True)
class Asked:
    """Which runs: of the pipelines of some names, of these states, since an instant, the newest so many."""

    matches: Callable[[str], bool] = lambda _: True
    one: str = ""
    """The one pipeline whose they are, where only one is asked for: its experiment alone is looked at then."""
    states: frozenset[str] = frozenset()
    since: datetime | None = None
    most: int = MOST


@dataclass(frozen=True)
class Row:
    """One run of a list; `tasks`: which failed, or run, where that was asked for."""

    environment: str
    pipeline: str
    run: RunState
    origin: Origin
    link: str
    tasks: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """What is said of its tasks."""
        return f"{self.run.state.lower()}: {', '.join(self.tasks)}" if self.tasks else ""


@dataclass(frozen=True)
class Listing:
    """The rows, the newest first; `more`: there are others, which were not read."""

    rows: Sequence[Row] = field(default_factory=tuple)
    more: bool = False


def listing(
    watch: Watch, owner: Owner, asked: Asked, called: Mapping[str, str] = MappingProxyType({})
) -> Listing:
    """Ask KFP: for its experiments, then for the runs of the namespace, of which only ours are kept.

    `called`: what KFP calls the pipelines that were made there → their names here.
    """
    its = ours.whole(watch.api, owner, called)
    pipelines = {i: name for i, name in its.experiments.items() if asked.matches(name)}
    only = next((i for i, name in pipelines.items() if name == asked.one), "") if asked.one else ""
    if not pipelines or (asked.one and not only):
        return Listing()
    elsewhere = asked.one in its.by_hand.values()
    found = watch.api.runs_since(asked.since, asked.states, "" if elsewhere else only)
    wanted = (run for run in found if (name := its.of(run)) and asked.matches(name))
    kept = list(islice(wanted, asked.most + 1))
    runs = kept[: asked.most]
    schedules, tasks = _schedules(watch, runs), _tasks(watch, runs)
    rows = [
        Row(
            owner.environment,
            its.of(run),
            run,
            origin.of(run, its.of(run), schedules, watch.api.run_link),
            watch.api.run_link(run.id),
            tasks.get(run.id, ()),
        )
        for run in runs
    ]
    return Listing(rows, len(kept) > asked.most)


def _schedules(watch: Watch, runs: Sequence[RunState]) -> Mapping[str, str]:
    if not any(run.schedule_id for run in runs):
        return {}
    return {found.id: found.name for found in watch.api.schedules()}


def _tasks(watch: Watch, runs: Sequence[RunState]) -> dict[str, tuple[str, ...]]:
    """Of the first of those that failed or run the tasks that do: a list tells none."""
    asked = [run for run in runs if run.state in FAILED or run.state in ACTIVE][:_LOOKED_INTO]

    def look(run: RunState) -> tuple[str, ...]:
        try:
            views = watch.look(run.id).tasks
        except NotFoundError:  # deleted since
            return ()
        return tuple(show.failed(views) if run.state in FAILED else show.running(views))

    return dict(zip((run.id for run in asked), each(look, asked), strict=True))


def to_text(found: Listing, width: int, *, environments: bool, more: str) -> str:
    """A table where it fits, else two lines for each; `more` is how to see the others."""
    if not found.rows:
        return "no runs"
    lines = _table(found.rows, environments=environments)
    if max(map(len, lines)) > width:
        lines = [line for row in found.rows for line in _stacked(row, width, environments=environments)]
    return "\n".join([*lines, *([f"… and older ones ({more})"] if found.more else [])])


_HEAD = ("STATE", "CREATED (UTC)", "ENVIRONMENT", "PIPELINE", "TOOK", "STARTED BY", "RUN", "")


def _table(rows: Sequence[Row], *, environments: bool) -> list[str]:
    cells = [_HEAD, *(_cells(row) for row in rows)]
    if not environments:
        cells = [(*row[:2], *row[3:]) for row in cells]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(text.ljust(w) for text, w in zip(row, widths, strict=True)).rstrip() for row in cells]


def _cells(row: Row) -> tuple[str, ...]:
    run = row.run
    took = lasting(run.created, run.ended)
    return (
        run.state, _second(run.created), row.environment, row.pipeline, took, row.origin.short, run.id, row.word
    )  # fmt: skip


def _stacked(row: Row, width: int, *, environments: bool) -> Iterator[str]:
    run = row.run
    where = f"{row.environment}/" if environments else ""
    took = lasting(run.created, run.ended)
    said = ", ".join(filter(None, (took, row.origin.short)))
    head = f"{run.state:<9}  {_second(run.created)}  {where}{row.pipeline} ({said})"
    yield from columns.folded(head, width, 4)
    yield from columns.folded(f"  {run.id}{f'  {row.word}' if row.word else ''}", width, 4)


def _second(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else "-"


def to_json(found: Listing, unreachable: Mapping[str, str]) -> str:
    """schemas/runs.schema.json; `unreachable`: environment → why nothing is told of it."""
    failed = [{"environment": name, "reason": why} for name, why in sorted(unreachable.items())]
    told = {"runs": [_told(row) for row in found.rows], "more": found.more, "unreachable": failed}
    return json.dumps(told, indent=2)


def _told(row: Row) -> dict[str, Any]:
    run = row.run
    return {
        "environment": row.environment,
        "pipeline": row.pipeline,
        "id": run.id,
        "name": run.name,
        "state": run.state,
        "created": instant(run.created),
        "ended": instant(run.ended),
        "started_by": started_by(row.origin),
        "tasks": list(row.tasks),
        "link": row.link,
    }


def started_by(found: Origin) -> dict[str, Any]:
    """An origin for machines."""
    cause = asdict(found.cause) if found.cause else None
    return {
        "kind": found.kind, "name": found.name, "tick": instant(found.tick), "by": found.by, "cause": cause,
    }  # fmt: skip


def together(found: Sequence[Listing]) -> Listing:
    """Several environments' as one, the newest first."""
    never = datetime.min.replace(tzinfo=UTC)
    rows = sorted(
        (row for one in found for row in one.rows), key=lambda r: r.run.created or never, reverse=True
    )
    return Listing(rows, any(one.more for one in found))
