"""What stands in the page, worded and shortened: the template puts it in its place, and decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from kfp_gitops.base import alike, columns
from kfp_gitops.kfpserver.ownership import CHANGED
from kfp_gitops.language.manifest import slo
from kfp_gitops.operate.status.health import ABOUT, Kind
from kfp_gitops.operate.statuspage import drawn, starts
from kfp_gitops.operate.statuspage.drawn import Shapes
from kfp_gitops.operate.statuspage.records import (
    Board,
    Environment,
    Finding,
    Pipeline,
    Promise,
    Seen,
    Waits,
)

NOT_REACHED = "not reached"
_MOST = 10
"""Groups of a kind that are told at the top of the page; the rows below have all of it."""
_BAD = frozenset({"server", "failed", "missed", "late"})
_KNOWN = frozenset({"paused", "waiting", "backfill"})
_RUNS = {"SUCCEEDED": "good", "FAILED": "bad", "RUNNING": "info", "PENDING": "warn"}


@dataclass(frozen=True)
class Tag:
    """A word in a box, and of which kind it is."""

    text: str
    looks: str


@dataclass(frozen=True)
class Row:
    """One pipeline in one environment."""

    id: str
    first: bool
    environment: str
    pipeline: Pipeline
    owners: str
    tags: Sequence[Tag]
    commit: str
    release: str
    waits: str
    schedules: Sequence[starts.Fired]
    signs: Sequence[tuple[str, str]]
    strip: str
    newest: str
    link: str
    """Where the newest run is seen; empty: nobody told."""
    missed: str
    promises: Sequence[Tag]
    """What is promised, and how it is kept."""
    stale: bool


@dataclass(frozen=True)
class Group:
    """Findings that are alike; `more` are left out beside the first."""

    first: Finding
    more: int
    row: str
    """The id of the first one's row; empty where it is of no pipeline."""


@dataclass(frozen=True)
class Section:
    """What somebody should know of one kind, in one environment."""

    tag: Tag
    about: str
    count: int
    groups: Sequence[Group]
    left_out: int


@dataclass(frozen=True)
class Card:
    """One environment."""

    environment: Environment
    tags: Sequence[Tag]
    facts: Sequence[tuple[str, str]]
    load: str
    sections: Sequence[Section]


def cards(board: Board, start: datetime) -> list[Card]:
    """The environments, in their order."""
    return [_card(one, start) for one in board.environments]


def _card(one: Environment, start: datetime) -> Card:
    seen = one.seen
    if seen is None:
        return Card(one, tags_of(one), (), "", ())
    return Card(one, tags_of(one), _facts(seen), drawn.load(seen, start), list(_sections(one.name, seen)))


def needing(seen: Seen) -> tuple[int, int]:
    """How many pipelines need somebody, and how much that is of none of them."""
    faults = sum(found.kind not in _KNOWN for found in seen.findings)
    return sum(pipeline.needs for pipeline in seen.pipelines), faults


def tags_of(one: Environment) -> list[Tag]:
    """How an environment is, in a few words."""
    tags = [Tag(NOT_REACHED, "bad")] if one.unseen else []
    if one.seen is None:
        return [*tags, Tag("never seen", "warn")]
    if one.seen.disabled:
        tags.append(Tag("turned off", "info"))
    needs, faults = needing(one.seen)
    if needs:
        tags.append(Tag(f"{needs:,} {'needs' if needs == 1 else 'need'} somebody", "bad"))
    if faults:
        tags.append(Tag(f"{faults:,} of the server or beside the manifests", "bad"))
    return tags or [Tag("all well", "good")]


def _facts(seen: Seen) -> list[tuple[str, str]]:
    waiting = sum(pipeline.waits is not None for pipeline in seen.pipelines) + len(seen.coming or ())
    waits = (
        "not known where this was made" if seen.coming is None else f"{waiting:,}" if waiting else "nothing"
    )
    paused = sum(pipeline.paused_until is not None for pipeline in seen.pipelines)
    upcoming = [s.next for pipeline in seen.pipelines for s in pipeline.schedules if s.next]
    upcoming += [t.next for pipeline in seen.pipelines for t in pipeline.triggers if t.next]
    facts = [
        ("KFP", seen.host),
        ("Pipelines", f"{len(seen.pipelines):,}{f', {paused:,} paused' if paused else ''}"),
        ("Next firing", starts.minute(min(upcoming)) if upcoming else "none"),
        ("Waits for promotion", waits),
    ]
    return [*facts, *((f"Waits: {one.name}", _waits(one.waits)) for one in seen.coming or ())]


def row_id(environment: str, pipeline: Pipeline) -> str:
    """How a link leads to the row of a pipeline."""
    return f"{environment}.{pipeline.name}"


def _sections(name: str, seen: Seen) -> Iterator[Section]:
    found = [(one, "") for one in seen.findings]
    found += [(one, row_id(name, each)) for each in seen.pipelines for one in each.findings]
    order: dict[str, int] = {kind: number for number, kind in enumerate(Kind)}
    found.sort(key=lambda item: order.get(item[0].kind, len(order)))
    for kind, its in groupby(found, lambda item: item[0].kind):
        same = list(its)
        groups = alike.grouped(same, lambda item: alike.shape(item[0].cause, item[0].name))
        shown = groups if len(groups) <= _MOST + 1 else groups[:_MOST]
        left = sum(map(len, groups[len(shown) :]))
        told = [Group(first, len(more), row) for (first, row), *more in shown]
        yield Section(Tag(kind, _looks(kind)), ABOUT.get(kind, ""), len(same), told, left)


def _looks(kind: str) -> str:
    return "bad" if kind in _BAD else "info" if kind in _KNOWN else "warn"


def bodies(board: Board, shapes: Shapes) -> list[list[Row]]:
    """The rows of each pipeline, by name; its environments in their order."""
    found: dict[str, list[Row]] = {}
    for one in board.environments:
        for pipeline in one.seen.pipelines if one.seen else ():
            rows = found.setdefault(pipeline.name, [])
            rows.append(_row(one, pipeline, shapes, first=not rows))
    return [found[name] for name in sorted(found)]


def _row(one: Environment, pipeline: Pipeline, shapes: Shapes, *, first: bool) -> Row:
    assert one.seen is not None
    commit = pipeline.commit
    signs, strip = drawn.strip(pipeline.runs) if pipeline.runs else ([], "")
    owner = pipeline.owner if pipeline.owner != pipeline.team else ""
    return Row(
        id=row_id(one.name, pipeline),
        first=first,
        environment=one.name,
        pipeline=pipeline,
        owners=" · ".join(filter(None, (pipeline.team, owner))),
        tags=list(_tags(pipeline)),
        commit=commit[:12] + (CHANGED if commit.endswith(CHANGED) else ""),
        release=short(pipeline.release),
        waits=_waits(pipeline.waits) if pipeline.waits else "",
        schedules=[*starts.fired(pipeline, shapes, one.seen)],
        signs=[(_RUNS.get(state, ""), text) for state, text in signs],
        strip=strip,
        newest=starts.minute(pipeline.runs[0].created) if pipeline.runs else "",
        link=starts.link(one.seen.ui, pipeline.runs[0].id) if pipeline.runs else "",
        missed=starts.missed(pipeline),
        promises=list(_promises(pipeline.promise)) if pipeline.promise else [],
        stale=one.unseen is not None,
    )


def _tags(pipeline: Pipeline) -> Iterator[Tag]:
    kinds = list(dict.fromkeys(found.kind for found in pipeline.findings))
    yield from (Tag(kind, _looks(kind)) for kind in kinds)
    if not kinds:
        yield Tag("unhealthy", "bad") if pipeline.needs else Tag("ok", "good")


def _promises(promise: Promise) -> Iterator[Tag]:
    """A promise that is not kept is marked."""
    told = (
        ("fresh", "fresh", promise.fresh, promise.age, "never"),
        ("duration", "took", promise.duration, promise.slowest, "-"),
    )
    for name, verb, wanted, found, nothing in told:
        if wanted is not None:
            kept = nothing if found is None else _span(found)
            yield Tag(f"{verb} {kept} of {_span(wanted)}", "bad" if name in promise.broken else "")


def _span(seconds: int) -> str:
    return slo.written(timedelta(seconds=seconds))


def _waits(waits: Waits) -> str:
    since = f" since {waits.since:%Y-%m-%d}" if waits.since else ""
    return f"{short(waits.release)} of {waits.origin}{since}"


def short(release: str) -> str:
    """The beginning of a digest, also of an image's."""
    return release.rpartition("sha256:")[2][:12]


def heading(board: Board) -> str:
    """What the page is of."""
    return f"Status of {columns.some([one.name for one in board.environments]) or 'no environment'}"


def duration(seconds: int) -> str:
    """In words; empty for none."""
    for unit, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= unit and seconds % unit == 0:
            return name if seconds == unit else columns.counted(seconds // unit, name)
    return columns.counted(seconds, "second") if seconds else ""
