"""Status as a table for people and as JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from kfp_gitops.kfpserver.ownership import CHANGED
from kfp_gitops.operate.status.model import PipelineStatus, ScheduleStatus, Status

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
    "HEALTH",
)


def to_text(status: Status) -> str:
    """One row a schedule, then why something is unhealthy."""
    rows = [_HEAD, *(row for pipeline in status.pipelines for row in _rows(pipeline))]
    if not any(pipeline.team for pipeline in status.pipelines):
        rows = [(row[0], *row[2:]) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    for pipeline in status.pipelines:
        lines += [f"{pipeline.name}: {reason}" for reason in pipeline.unhealthy]
        lines += [f"  {line}" for line in pipeline.drift]
    lines += status.other_drift
    return "\n".join(lines)


def _rows(pipeline: PipelineStatus) -> Iterator[tuple[str, ...]]:
    health = "unhealthy" if pipeline.unhealthy else "paused" if pipeline.paused_until else "ok"
    run = pipeline.last_run
    last = f"{run.state} {_minute(run.created)}" if run else "none"
    head = (
        pipeline.name,
        pipeline.team or "-",
        pipeline.version if pipeline.registered else f"{pipeline.version} (not registered)",
        pipeline.release.removeprefix("sha256:")[:12] or "-",
        _short(pipeline.commit) or "-",
    )
    for number, schedule in enumerate(pipeline.schedules or (None,)):
        first = head if number == 0 else ("", "", "", "", "")
        ends = (last, _missed(schedule), health) if number == 0 else ("", _missed(schedule), "")
        yield (*first, *_firing(schedule), *ends)


def _short(commit: str) -> str:
    return commit[:12] + (CHANGED if commit.endswith(CHANGED) else "")


def _missed(schedule: ScheduleStatus | None) -> str:
    return str(len(schedule.missed)) if schedule else "-"


def _firing(schedule: ScheduleStatus | None) -> tuple[str, str]:
    if schedule is None:
        return "-", "-"
    state = {True: "", False: " (disabled)", None: " (not there)"}[schedule.enabled]
    return schedule.trigger + state, _minute(schedule.next_firing)


def _minute(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "-"


def to_json(status: Status) -> str:
    """schemas/status.schema.json."""
    return json.dumps({**_plain(asdict(status)), "healthy": status.healthy}, indent=2)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return (
        [_plain(item) for item in value]
        if isinstance(value, Sequence) and not isinstance(value, str)
        else value
    )
