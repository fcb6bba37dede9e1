"""Status as text for people, health first, and as JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from kfp_gitops.base import alike, columns
from kfp_gitops.operate.status.health import ABOUT, Finding, Kind, Say, findings, minute
from kfp_gitops.operate.status.model import PipelineStatus, Status
from kfp_gitops.operate.status.rows import table

_MOST = 10
"""Lines of a kind; the sum says how many there are."""


def to_text(status: Status, say: Say, width: int = columns.USUAL, *, everything: bool = False) -> str:
    """What needs somebody, with the next command; with `everything` also each pipeline; then the sum."""
    found = findings(status, say)
    lines: list[str] = []
    for kind, its in groupby(found, lambda finding: finding.kind):
        lines += [*_section(kind, list(its), width, everything=everything), ""]
    if everything:
        lines += [*table(status.pipelines, width), ""]
    return "\n".join([*lines, *columns.folded(_sum(status, found), width, 2)])


def _section(kind: Kind, found: Sequence[Finding], width: int, *, everything: bool) -> Iterator[str]:
    yield from columns.folded(f"{kind.upper()} ({len(found):,}): {ABOUT[kind]}", width, 2)
    groups = [[one] for one in found] if everything else alike.grouped(found, _words)
    shown = groups if everything or len(groups) <= _MOST + 1 else groups[:_MOST]
    commands = list(map(_command, shown))
    for (first, *more), command in zip(shown, commands, strict=True):
        name = f"{first.whose} and {len(more):,} more" if more else first.whose
        yield from columns.folded(f"  {name}  {first.cause}" if name else f"  {first.cause}", width, 4)
        if command and len({*commands}) > 1:
            yield from columns.command(command, width, 4)
    if len(shown) < len(groups):
        yield f"  … {sum(map(len, groups[len(shown) :])):,} more (--all)"
    if commands[0] and len({*commands}) == 1:
        yield from columns.command(commands[0], width, 4)


def _words(finding: Finding) -> tuple[str, str, str]:
    shape = alike.shape(finding.cause, finding.name)
    return shape, finding.together or finding.command, finding.team


def _command(group: Sequence[Finding]) -> str:
    return group[0].together or group[0].command if len(group) > 1 else group[0].command


def _sum(status: Status, found: Sequence[Finding]) -> str:
    counts = [
        f"{number:,} {kind}" for kind in Kind if (number := sum(finding.kind is kind for finding in found))
    ]
    well = sum(not pipeline.unhealthy for pipeline in status.pipelines)
    upcoming = _next(status.pipelines)
    more = f"; next firing {upcoming} UTC" if upcoming else ""
    what = f"{status.environment}: {columns.counted(len(status.pipelines), 'pipeline')}"
    return f"{what}, {', '.join([f'{well:,} healthy', *counts])}{more}"


def _next(pipelines: Sequence[PipelineStatus]) -> str:
    moments = [s.next_firing for pipeline in pipelines for s in pipeline.schedules if s.next_firing]
    return minute(min(moments)) if moments else ""


def to_json(status: Status, say: Say) -> str:
    """schemas/status.schema.json: all of it, and what needs somebody as the text has it."""
    told = [_told(finding) for finding in findings(status, say)]
    return json.dumps({**_plain(asdict(status)), "healthy": status.healthy, "findings": told}, indent=2)


def _told(finding: Finding) -> dict[str, str]:
    return {
        "kind": finding.kind,
        "name": finding.name,
        "team": finding.team,
        "cause": finding.cause,
        "command": finding.command,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return (
        [_plain(item) for item in value]
        if isinstance(value, Sequence) and not isinstance(value, str)
        else value
    )
