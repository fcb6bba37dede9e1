"""What a pipeline promises (`slo`) and what starts it cannot keep, of manifests as they are in force. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from kfp_gitops.language.attainable import Shortfall, Upstream, shortfalls
from kfp_gitops.language.chains import edges
from kfp_gitops.language.manifest import AfterRun, Schedule, reader, slo
from kfp_gitops.reconcile import timing

Others = Callable[[str], Mapping[str, Any] | None]
"""A pipeline of the environment → its manifest as it is in force: only those after whose runs others start are read."""


def unkept(manifest: Mapping[str, Any], now: datetime, others: Others | None = None) -> list[Shortfall]:
    """All of it; nothing of what is no manifest, which is told elsewhere. A schedule that has ended is off."""
    try:
        return [*_unkept(manifest, now, others)]
    except (KeyError, TypeError, AttributeError, ValueError):
        return []


def _unkept(manifest: Mapping[str, Any], now: datetime, others: Others | None) -> Iterator[Shortfall]:
    if "slo" not in manifest:
        return iter(())
    found = _upstream(manifest, now)
    above = None if others is None else _above(found, others, now)
    return shortfalls(found.promised, found.schedules, found.triggers, above)


def _upstream(manifest: Mapping[str, Any], now: datetime) -> Upstream:
    schedules = [_at(schedule, now) for schedule in reader.schedules(manifest)]
    promised = slo.of(manifest) if "slo" in manifest else None
    return Upstream(schedules, edges.read(manifest), promised)


def _above(found: Upstream, others: Others, now: datetime) -> dict[str, Upstream]:
    """The pipelines after which it starts, and those before them."""
    above: dict[str, Upstream] = {}
    waiting = [*_followed(found)]
    for name in waiting:  # it grows meanwhile
        manifest = others(name) if name not in above else None
        if manifest is not None:
            above[name] = _upstream(manifest, now)
            waiting += _followed(above[name])
    return above


def _followed(found: Upstream) -> Iterator[str]:
    yield from (trigger.run_on.pipeline for trigger in found.triggers if isinstance(trigger.run_on, AfterRun))


def _at(schedule: Schedule, now: datetime) -> Schedule:
    end = timing.instant(schedule.end)
    return replace(schedule, enabled=False) if end is not None and end <= now else schedule


def warnings(manifest: Mapping[str, Any], now: datetime, others: Others | None = None) -> list[str]:
    """A line for each."""
    return [f"slo: {found.line}" for found in unkept(manifest, now, others)]
