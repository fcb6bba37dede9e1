"""What stands in the page, worded and shortened: the template puts it in its place, and decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from urllib.parse import quote

from kfp_gitops.base import alike, columns
from kfp_gitops.kfpserver.ownership import CHANGED
from kfp_gitops.language.manifest import slo
from kfp_gitops.operate.status.health import ABOUT, Kind
from kfp_gitops.operate.statuspage import drawn
from kfp_gitops.operate.statuspage.drawn import Shapes
from kfp_gitops.operate.statuspage.records import (
    Board,
    Environment,
    Finding,
    Pipeline,
    Promise,
    Schedule,
    Seen,
    Trigger,
    Waits,
)

NOT_REACHED = "not reached"
_MOST = 10
"""Groups of a kind that are told at the top of the page; the rows below have all of it."""
_BAD = frozenset({"server", "failed", "missed", "late"})
_KNOWN = frozenset({"paused", "waiting"})
_RUNS = {"SUCCEEDED": "good", "FAILED": "bad", "RUNNING": "info", "PENDING": "warn"}


@dataclass(frozen=True)
class Tag:
    """A word in a box, and of which kind it is."""

    text: str
    looks: str


@dataclass(frozen=True)
class Fired:
    """A schedule in its row: `shape` is the id of its drawing."""

    shape: str
    trigger: str
    next: str
    on: bool
    notes: Sequence[str] = ()
    last: str = ""
    """Of a trigger: when it last started a run."""
    link: str = ""
    """Where that is seen."""
    cause: str = ""
    cause_link: str = ""
    """Where the run is seen that it was started for."""


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
    schedules: Sequence[Fired]
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
    upcoming = [
        s.next for pipeline in seen.pipelines for s in (*pipeline.schedules, *pipeline.triggers) if s.next
    ]
    facts = [
        ("KFP", seen.host),
        ("Pipelines", f"{len(seen.pipelines):,}{f', {paused:,} paused' if paused else ''}"),
        ("Next firing", minute(min(upcoming)) if upcoming else "none"),
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
    week, commit, one_ui = one.seen.week, pipeline.commit, one.seen.ui
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
        schedules=[
            *(_fired(one, shapes.of(one, week)) for one in pipeline.schedules),
            *(_started(one, shapes.of(one, week), one_ui) for one in pipeline.triggers),
        ],
        signs=[(_RUNS.get(state, ""), text) for state, text in signs],
        strip=strip,
        newest=minute(pipeline.runs[0].created) if pipeline.runs else "",
        link=_link(one_ui, pipeline.runs[0].id) if pipeline.runs else "",
        missed=_missed(pipeline),
        promises=list(_promises(pipeline.promise)) if pipeline.promise else [],
        stale=one.unseen is not None,
    )


def _tags(pipeline: Pipeline) -> Iterator[Tag]:
    kinds = list(dict.fromkeys(found.kind for found in pipeline.findings))
    yield from (Tag(kind, _looks(kind)) for kind in kinds)
    if not kinds:
        yield Tag("unhealthy", "bad") if pipeline.needs else Tag("ok", "good")


def _fired(schedule: Schedule, shape: str) -> Fired:
    state = {True: "", False: " (off)", None: " (not there)"}[schedule.enabled]
    return Fired(shape, schedule.trigger + state, minute(schedule.next), bool(schedule.enabled))


def _started(trigger: Trigger, shape: str, ui: str) -> Fired:
    """What it waits for, what holds it up, and what it last started."""
    state = "" if trigger.enabled else " (off)"
    upcoming = f"about {minute(trigger.next)}" if trigger.next else ""
    run = trigger.cause.removeprefix("run ")
    return Fired(
        shape,
        f"once {trigger.waits_for}{state}",
        upcoming,
        trigger.enabled,
        notes=[*_stands(trigger)],
        last=f"last {minute(trigger.at)}" if trigger.last else "",
        link=_link(ui, trigger.last),
        cause=trigger.cause,
        cause_link=_link(ui, run) if run != trigger.cause else "",
    )


def _stands(trigger: Trigger) -> Iterator[str]:
    if trigger.stopped:
        yield f"starts nothing now: {trigger.stopped}"
    if trigger.waiting:
        yield f"{len(trigger.waiting):,} waiting: {trigger.waiting[0].why}"


def _link(ui: str, run: str) -> str:
    return f"{ui}/#/runs/details/{quote(run)}" if ui and run else ""


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


def _missed(pipeline: Pipeline) -> str:
    """All of its schedules and triggers: how many, by what, and what a pause or a window held back."""
    starts = [*pipeline.schedules, *pipeline.triggers]
    missed = [(one.at, one.cause) for schedule in pipeline.schedules for one in schedule.missed]
    missed += [(one.at, one.why) for trigger in pipeline.triggers for one in trigger.missed]
    held, made_up = sum(len(one.held) for one in starts), sum(one.made_up for one in starts)
    causes = ", ".join(dict.fromkeys(cause for _, cause in missed if cause))
    last = max(at for at, _ in missed) if missed else None
    texts = [f"{len(missed)}{f' ({causes})' if causes else ''}, last {minute(last)}"] if missed else []
    texts += [f"{held} held {'back' if any(one.held for one in pipeline.triggers) else 'by a pause'}"] if held else []
    texts += [f"{made_up} made up"] if made_up else []
    return "; ".join(texts)


def _waits(waits: Waits) -> str:
    since = f" since {waits.since:%Y-%m-%d}" if waits.since else ""
    return f"{short(waits.release)} of {waits.origin}{since}"


def short(release: str) -> str:
    """The beginning of a digest, also of an image's."""
    return release.rpartition("sha256:")[2][:12]


def minute(moment: datetime | None) -> str:
    """In UTC, to the minute, without the year."""
    return f"{moment.astimezone(UTC):%m-%d %H:%M}" if moment else ""


def heading(board: Board) -> str:
    """What the page is of."""
    return f"Status of {columns.some([one.name for one in board.environments]) or 'no environment'}"


def duration(seconds: int) -> str:
    """In words; empty for none."""
    for unit, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= unit and seconds % unit == 0:
            return name if seconds == unit else columns.counted(seconds // unit, name)
    return columns.counted(seconds, "second") if seconds else ""
