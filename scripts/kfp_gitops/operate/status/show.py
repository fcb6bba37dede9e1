"""Status as text for people, health first, and as JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
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
    same = [[finding] for finding in found] if everything else _same(found)
    shown = same if everything or len(same) <= _MOST + 1 else same[:_MOST]
    one = len({finding.command for finding in found}) == 1
    for first, *more in shown:
        name = f"{first.name} and {len(more):,} more" if more else first.name
        yield from columns.folded(f"  {name}  {first.cause}" if name else f"  {first.cause}", width, 4)
        if not one:
            yield from columns.command(first.command, width, 4)
    if len(shown) < len(same):
        yield f"  … {sum(map(len, same[len(shown) :])):,} more (--all)"
    if one:
        yield from columns.command(found[0].command, width, 4)


def _same(found: Sequence[Finding]) -> list[list[Finding]]:
    """Findings in the same words with the same command together, where they are many."""
    return alike.grouped(found, lambda one: (alike.shape(one.cause, one.name), one.command))


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
