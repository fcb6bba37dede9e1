"""A recurring run as KFP tells it, as our record.

Whoever may write to the namespace decides what stands in it: what cannot be read of one is told, and stops nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.actual import ActualSchedule
from kfp_gitops.kfpserver.kfpapi.told import Told

T = TypeVar("T")
_NOTHING: dict[str, Any] = {}


class _Reading:
    """Takes one field after the other, and notes what cannot be read."""

    def __init__(self) -> None:
        self.damaged: list[str] = []

    def take(self, name: str, read: Callable[[], T], instead: T) -> T:
        try:
            return read()
        except (ValueError, TypeError, AttributeError, ArithmeticError):
            self.damaged.append(name)
            return instead


def schedule(found: Told, now: datetime) -> ActualSchedule:
    """A recurring run as our record; `now` stands for a creation that is not told.

    One that KFP itself cannot read has an id and an error alone (toApiRecurringRun).
    """
    read = _Reading()
    fields: dict[str, Any] = {"pipeline_id": None, "version_id": None}
    fields |= read.take("pipeline_version_reference", lambda: _source(found), _NOTHING)
    fields |= read.take("trigger", lambda: _trigger(found.trigger), _NOTHING)
    fields |= read.take("runtime_config", lambda: _config(found.runtime_config), _NOTHING)
    description = read.take("description", lambda: _told(found, "description"), "")
    made = read.take("created_at", lambda: _date(found.created_at), now)
    return ActualSchedule(
        id=str(found.recurring_run_id or ""),
        name=read.take("display_name", lambda: _told(found, "display_name"), ""),
        enabled=found.status == "ENABLED",
        created=made,
        owner=ownership.owner(description),
        facts=ownership.facts(description),
        max_concurrency=read.take("max_concurrency", lambda: int(found.max_concurrency or 1), 1),
        catchup=not found.no_catchup,
        experiment_id=read.take("experiment_id", lambda: _text(found.experiment_id), ""),
        service_account=read.take("service_account", lambda: _text(found.service_account), ""),
        plugins=bool(found.plugins_input),
        **fields,
        damaged=tuple(read.damaged),
    )


def _source(found: Told) -> dict[str, Any]:
    reference = found.pipeline_version_reference
    return {
        "pipeline_id": _text(reference.pipeline_id) or None if reference else None,
        "version_id": _text(reference.pipeline_version_id) or None if reference else None,
        "inline": bool(found.pipeline_spec),
    }


def _trigger(found: Any) -> dict[str, Any]:
    """In an interval of 0 seconds nothing fires (periodic_schedule.go)."""
    cron, periodic = (found.cron_schedule, found.periodic_schedule) if found else (None, None)
    times = cron or periodic
    return {
        "cron": _text(cron.cron) if cron else None,
        "interval_seconds": int(periodic.interval_second) if periodic else None,
        "start": _real(times, "start_time") if times else None,
        "end": _real(times, "end_time") if times else None,
    }


def _config(found: Any) -> dict[str, Any]:
    parameters: Mapping[str, Any] = (found.parameters if found else None) or {}
    return {
        "parameters": {str(key): value for key, value in parameters.items()},
        "pipeline_root": _text(found.pipeline_root) if found else "",
    }


def _told(found: Told, name: str) -> str:
    if found.has(name) and getattr(found, name) is None:
        raise TypeError("no text")
    return getattr(found, name) or ""


def _text(found: object) -> str:
    if found is not None and not isinstance(found, str):
        raise TypeError("no text")
    return found or ""


def _date(found: datetime | None) -> datetime:
    if found is None:
        raise ValueError("no date")
    return found


def _real(found: Told, name: str) -> datetime | None:
    """KFP writes 1970 for «not yet»."""
    if not found.has(name):
        return None
    instant = _date(getattr(found, name))
    return instant if instant.year > 1970 else None
