"""Each pipeline of a status: a table where it fits, else some short lines for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kfp_gitops.base import columns
from kfp_gitops.kfpserver.ownership import CHANGED
from kfp_gitops.language.manifest import slo
from kfp_gitops.operate.status.health import minute
from kfp_gitops.operate.status.model import PipelineStatus, Promise, ScheduleStatus

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
    for number, schedule in enumerate(pipeline.schedules or (None,)):
        first = head if number == 0 else ("", "", "", "", "")
        said = promised(pipeline.promise) if pipeline.promise else "-"
        ends = (last, _missed(schedule), said, health) if number == 0 else ("", _missed(schedule), "", "")
        yield (*first, *_firing(schedule), *ends)


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


def _missed(schedule: ScheduleStatus | None) -> str:
    return str(len(schedule.missed)) if schedule else "-"


def _firing(schedule: ScheduleStatus | None) -> tuple[str, str]:
    if schedule is None:
        return "-", "-"
    state = {True: "", False: " (disabled)", None: " (not there)"}[schedule.enabled]
    return schedule.trigger + state, minute(schedule.next_firing)
