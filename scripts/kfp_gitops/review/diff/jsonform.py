"""The diff and the calendar for machines; `schemas/diff.schema.json` describes the form."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from kfp_gitops.review.caching import words
from kfp_gitops.review.diff import wording
from kfp_gitops.review.diff.calendar import Calendar
from kfp_gitops.review.diff.model import Change, EnvironmentDiff, PipelineDiff

API_VERSION = "kfp-gitops/v1"


def to_json(found: Sequence[EnvironmentDiff]) -> str:
    """One object for all environments asked for."""
    return json.dumps(
        {"apiVersion": API_VERSION, "kind": "Diff", "environments": [_environment(item) for item in found]},
        indent=2,
        ensure_ascii=False,
    )


def calendars_to_json(found: Sequence[Calendar]) -> str:
    """Every firing of the week, collisions, and the longest gap."""
    return json.dumps(
        {
            "apiVersion": API_VERSION,
            "kind": "ScheduleCalendar",
            "environments": [_calendar(item) for item in found],
        },
        indent=2,
        ensure_ascii=False,
    )


def _environment(found: EnvironmentDiff) -> dict[str, Any]:
    return {
        "environment": found.environment,
        "base": found.base,
        "semantic": found.semantic,
        "summary": wording.radius(found),
        "changes": [_change(item) for item in found.changes],
        "pipelines": [_pipeline(item) for item in found.pipelines],
        "warnings": list(found.warnings),
        "noise": list(found.noise),
    }


def _pipeline(found: PipelineDiff) -> dict[str, Any]:
    return {
        "name": found.name,
        "action": found.action,
        "semantic": found.semantic,
        "version": {"before": found.version_before, "after": found.version_after},
        "release": {"before": found.release_before, "after": found.release_after},
        "changes": [_change(item) for item in found.changes],
        "schedulesAdded": list(found.schedules_added),
        "schedulesReplaced": list(found.replaced),
        "schedulesSwitchedOff": list(found.switched_off),
        "schedulesRemoved": list(found.schedules_removed),
        "firings": [
            {
                "schedule": item.schedule,
                "before": [_instant(instant) for instant in item.before],
                "after": [_instant(instant) for instant in item.after],
                "notes": list(item.notes),
            }
            for item in found.firings
        ],
        "cache": words.as_json(found.caching),
        "runsInFlight": found.in_flight,
        "warnings": list(found.warnings),
        "noise": list(found.noise),
    }


def _change(found: Change) -> dict[str, Any]:
    return {
        "action": found.action,
        "kind": found.kind,
        "name": found.name,
        "field": found.field,
        "before": found.before,
        "after": found.after,
        "text": wording.change(found),
    }


def _calendar(found: Calendar) -> dict[str, Any]:
    gap = found.longest_gap()
    return {
        "environment": found.environment,
        "start": _instant(found.start),
        "end": _instant(found.end),
        "schedules": [
            {
                "name": entry.name,
                "trigger": entry.trigger,
                "enabled": entry.enabled,
                "firings": [_instant(instant) for instant in entry.firings],
                "capped": entry.capped,
                "idle": entry.idle,
            }
            for entry in found.entries
        ],
        "collisions": [
            {"minute": _instant(minute), "schedules": names} for minute, names in found.collisions()
        ],
        "longestGap": {"start": _instant(gap[0]), "end": _instant(gap[1])} if gap else None,
    }


def _instant(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
