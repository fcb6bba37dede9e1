"""What starts a pipeline, in its row: when, what holds it up, what was missed, and what was started last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from kfp_gitops.operate.statuspage.drawn import Shapes
from kfp_gitops.operate.statuspage.records import Pipeline, Schedule, Seen, Trigger


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


def fired(pipeline: Pipeline, shapes: Shapes, seen: Seen) -> Iterator[Fired]:
    """Its schedules, its backfills, and then its triggers."""
    yield from (_schedule(one, shapes.of(one, seen.week)) for one in pipeline.schedules)
    yield from (Fired("", f"backfill {one.name}: {one.told}", "", on=True) for one in pipeline.backfills)
    yield from (_started(one, shapes.of(one, seen.week), seen.ui) for one in pipeline.triggers)


def _schedule(schedule: Schedule, shape: str) -> Fired:
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
        link=link(ui, trigger.last),
        cause=f"run {run[:8]}" if run != trigger.cause else trigger.cause,
        cause_link=link(ui, run) if run != trigger.cause else "",
    )


def _stands(trigger: Trigger) -> Iterator[str]:
    if trigger.stopped:
        yield f"starts nothing now: {trigger.stopped}"
    if trigger.waiting:
        yield f"{len(trigger.waiting):,} waiting: {trigger.waiting[0].why}"


def link(ui: str, run: str) -> str:
    """Where a run is seen; "": nobody told where people see runs."""
    return f"{ui}/#/runs/details/{quote(run)}" if ui and run else ""


def missed(pipeline: Pipeline) -> str:
    """All of its schedules and triggers: how many, by what, and what a pause or a window held back."""
    starts: list[Schedule | Trigger] = [*pipeline.schedules, *pipeline.triggers]
    gone = [(one.at, one.cause) for schedule in pipeline.schedules for one in schedule.missed]
    gone += [(one.at, one.why) for trigger in pipeline.triggers for one in trigger.missed]
    held, made_up = sum(len(one.held) for one in starts), sum(one.made_up for one in starts)
    causes = ", ".join(dict.fromkeys(cause for _, cause in gone if cause))
    last = max(at for at, _ in gone) if gone else None
    texts = [f"{len(gone)}{f' ({causes})' if causes else ''}, last {minute(last)}"] if gone else []
    texts += (
        [f"{held} held {'back' if any(one.held for one in pipeline.triggers) else 'by a pause'}"]
        if held
        else []
    )
    texts += [f"{made_up} made up"] if made_up else []
    return "; ".join(texts)


def minute(moment: datetime | None) -> str:
    """In UTC, to the minute, without the year."""
    return f"{moment.astimezone(UTC):%m-%d %H:%M}" if moment else ""
