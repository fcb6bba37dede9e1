"""What a pipeline promises (`slo`) and its schedules cannot keep, of manifests as they are in force. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from kfp_gitops.language.attainable import Shortfall, shortfalls
from kfp_gitops.language.manifest import Schedule, reader, slo
from kfp_gitops.reconcile import timing


def unkept(manifest: Mapping[str, Any], now: datetime) -> list[Shortfall]:
    """All of it; nothing of what is no manifest, which is told elsewhere. A schedule that has ended is off."""
    try:
        return [*_unkept(manifest, now)]
    except (KeyError, TypeError, AttributeError, ValueError):
        return []


def _unkept(manifest: Mapping[str, Any], now: datetime) -> Iterator[Shortfall]:
    if "slo" not in manifest:
        return iter(())
    schedules = [_at(schedule, now) for schedule in reader.schedules(manifest)]
    return shortfalls(slo.of(manifest), schedules, reader.triggers(manifest))


def _at(schedule: Schedule, now: datetime) -> Schedule:
    end = timing.instant(schedule.end)
    return replace(schedule, enabled=False) if end is not None and end <= now else schedule


def warnings(manifest: Mapping[str, Any], now: datetime) -> list[str]:
    """A line for each."""
    return [f"slo: {found.line}" for found in unkept(manifest, now)]
