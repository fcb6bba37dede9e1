"""Each pipeline of a status: a table where it fits, else some short lines for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kfp_gitops.base import columns
from kfp_gitops.kfpserver.ownership import CHANGED
from kfp_gitops.language.manifest import slo
from kfp_gitops.operate.status.health import minute
from kfp_gitops.operate.status.model import PipelineStatus, Promise, ScheduleStatus, TriggerStatus

_HEAD = (
    "PIPELINE",
    "TEAM",
    "VERSION",
    "RELEASE",
    "COMMIT",
    "SCHEDULE",
    "NEXT (UTC)",
    "LAST RUN",
    "MISSED",
    "SLO",
    "HEALTH",
)
_TEAM, _SLO = _HEAD.index("TEAM"), _HEAD.index("SLO")


def table(pipelines: Sequence[PipelineStatus], width: int) -> list[str]:
    """All of them."""
    rows = [_HEAD, *(row for pipeline in pipelines for row in _rows(pipeline))]
    empty = {_TEAM} if not any(pipeline.team for pipeline in pipelines) else set()
    empty |= {_SLO} if not any(pipeline.promise for pipeline in pipelines) else set()
    rows = [tuple(cell for at, cell in enumerate(row) if at not in empty) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if sum(widths) + 2 * (len(widths) - 1) > width:
        return [line for pipeline in pipelines for line in _stacked(pipeline, width)]
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _stacked(pipeline: PipelineStatus, width: int) -> Iterator[str]:
    _, team, version, release, commit, *_, last, _, _, health = next(_rows(pipeline))
    whose = f" ({team})" if pipeline.team else ""
    yield from columns.folded(f"{pipeline.name}{whose}  {health}, last run {last}", width, 2)
    yield from columns.folded(f"  {version}, release {release}, commit {commit}", width, 4)
    if pipeline.promise:
        yield from columns.folded(f"  slo: {promised(pipeline.promise)}", width, 4)
    for schedule in pipeline.schedules:
        trigger, upcoming = _firing(schedule)
        counts = {
            "missed": len(schedule.missed),
            "held back": len(schedule.held),
            "made up": schedule.made_up,
        }
        told = "".join(f", {number} {what}" for what, number in counts.items() if number)
        known = f", known since {minute(schedule.known_since)}" if schedule.known_since else ""
        yield from columns.folded(f"  {schedule.name}  {trigger}, next {upcoming}{told}{known}", width, 4)
    for one in pipeline.triggers:
        yield from columns.folded(f"  {one.name}  {', '.join(stands(one))}", width, 4)


def stands(found: TriggerStatus) -> Iterator[str]:
    """What a trigger waits for, what holds it up, what it missed, and what it last started, in some words each."""
    yield f"once {found.waits_for}"
    if not found.enabled:
        yield "disabled"
        return
    if found.next_start:
        yield f"next about {minute(found.next_start)}"
    if found.stopped:
        yield f"starts nothing now: {found.stopped}"
    if found.waiting:
        first = found.waiting[0]
        yield f"{len(found.waiting)} waiting ({first.cause}: {first.why})"
    counts = {"missed": len(found.missed), "held back": len(found.held), "made up": found.made_up}
    yield from (f"{number} {what}" for what, number in counts.items() if number)
    if found.last:
        yield f"last for {found.last.cause} at {minute(found.last.at)}: {found.last.name}"
    elif found.looked:
        yield "nothing started yet"


def _rows(pipeline: PipelineStatus) -> Iterator[tuple[str, ...]]:
    health = "unhealthy" if pipeline.unhealthy else "paused" if pipeline.paused_until else "ok"
    run = pipeline.last_run
    head = (
        pipeline.name,
        pipeline.team or "-",
        pipeline.version if pipeline.registered else f"{pipeline.version} (not registered)",
        pipeline.release.removeprefix("sha256:")[:12] or "-",
        _short(pipeline.commit) or "-",
    )
    last = f"{run.state} {minute(run.created)}" if run else "none"
    starts: list[ScheduleStatus | TriggerStatus | None] = [*pipeline.schedules, *pipeline.triggers]
    for number, start in enumerate(starts or [None]):
        first = head if number == 0 else ("", "", "", "", "")
        said = promised(pipeline.promise) if pipeline.promise else "-"
        ends = (last, _missed(start), said, health) if number == 0 else ("", _missed(start), "", "")
        yield (*first, *_firing(start), *ends)


def promised(promise: Promise) -> str:
    """What is promised and how it is kept, such as `fresh 12h of 26h, took 38m of 45m`; `!` where it is not."""
    parts = []
    if promise.fresh:
        late = "!" if "fresh" in promise.broken else ""
        age = slo.written(promise.age) if promise.age is not None else "never"
        parts.append(f"fresh {age} of {slo.written(promise.fresh)}{late}")
    if promise.duration:
        slow = "!" if "duration" in promise.broken else ""
        took = slo.written(promise.slowest) if promise.slowest is not None else "-"
        parts.append(f"took {took} of {slo.written(promise.duration)}{slow}")
    return ", ".join(parts)


def _short(commit: str) -> str:
    return commit[:12] + (CHANGED if commit.endswith(CHANGED) else "")


def _missed(start: ScheduleStatus | TriggerStatus | None) -> str:
    return str(len(start.missed)) if start else "-"


def _firing(schedule: ScheduleStatus | TriggerStatus | None) -> tuple[str, str]:
    if schedule is None:
        return "-", "-"
    if isinstance(schedule, TriggerStatus):
        off = "" if schedule.enabled else " (disabled)"
        upcoming = f"about {minute(schedule.next_start)}" if schedule.next_start else "-"
        return f"once {schedule.waits_for}{off}", upcoming
    state = {True: "", False: " (disabled)", None: " (not there)"}[schedule.enabled]
    return schedule.trigger + state, minute(schedule.next_firing)
