"""The diff and the calendar for machines; `schemas/diff.schema.json` describes the form."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from kfp_gitops.base.errors import Problem
from kfp_gitops.review.caching import words
from kfp_gitops.review.diff import alike, backfills, details, folding, gated, headings, known_events, wording
from kfp_gitops.review.diff.alike import Section
from kfp_gitops.review.diff.between import drawn
from kfp_gitops.review.diff.calendar import Calendar
from kfp_gitops.review.diff.folding import Row
from kfp_gitops.review.diff.model import Action, Change, EnvironmentDiff, PipelineDiff, SharedDiff

API_VERSION = "kfp-gitops/v1"


def to_json(found: Sequence[EnvironmentDiff], shared: SharedDiff | None = None) -> str:
    """One object for all environments asked for, and for the files that none of them owns."""
    return json.dumps(
        {
            "apiVersion": API_VERSION,
            "kind": "Diff",
            "shared": _shared(shared) if shared else None,
            "environments": [_environment(item) for item in found],
        },
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
        "category": found.category,
        "summary": wording.total(found),
        "problems": [_problem(item) for item in found.problems],
        **_changes(found.changes),
        "common": [_common(row) for row in folding.common(found.pipelines).values()],
        "alike": [_alike(section) for section in alike.sections(found.pipelines) if section.several],
        "pipelines": [_pipeline(item) for item in found.pipelines],
        "events": [known_events.as_json(each, found.zone) for each in found.events],
        "backfills": [backfills.as_json(each) for each in found.backfills],
        "between": _between(found),
        "warnings": list(found.warnings),
        "noise": list(found.noise),
    }


def _between(found: EnvironmentDiff) -> dict[str, Any] | None:
    if found.between is None:
        return None
    return {
        "links": [
            {
                "action": link.action,
                "source": link.edge.source,
                "data": link.edge.is_data,
                "pipeline": link.edge.pipeline,
                "trigger": link.edge.trigger.name,
                "waitsFor": link.edge.verb,
                "active": link.edge.active,
                "text": drawn.sentence(link),
            }
            for link in found.between.links
        ],
        "chains": drawn.chains(found),
    }


def _alike(section: Section) -> dict[str, Any]:
    """Each of these pipelines has all of it, too."""
    own = [{"kind": row.first.kind, "field": row.first.field} for row in section.own]
    return {
        "pipelines": section.names,
        "template": section.template or None,
        "own": own,
        "text": headings.heading(section),
    }


def _pipeline(found: PipelineDiff) -> dict[str, Any]:
    return {
        "name": found.name,
        "template": found.template,
        "action": found.action,
        "semantic": found.semantic,
        "category": found.category,
        "breaks": list(found.breaks),
        "version": {"before": found.version_before, "after": found.version_after},
        "release": {"before": found.release_before, "after": found.release_after},
        **_changes(found.changes),
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
        "runsStarted": [
            {"trigger": item.trigger, "parameters": dict(item.parameters)} for item in found.runs_started
        ],
        "cache": words.as_json(found.caching),
        "runsInFlight": found.in_flight,
        "required": [gated.as_json(one) for one in found.required],
        "warnings": list(found.warnings),
        "noise": list(found.noise),
    }


def _shared(found: SharedDiff) -> dict[str, Any]:
    return {
        "base": found.base,
        "semantic": found.semantic,
        "summary": wording.shared_total(found),
        "problems": [_problem(item) for item in found.problems],
        **_changes(found.changes),
        "warnings": list(found.warnings),
    }


def _problem(found: Problem) -> dict[str, Any]:
    return {
        "path": found.path,
        "line": found.line or None,
        "column": found.column or None,
        "what": found.what,
        "todo": found.todo,
        "text": str(found),
    }


def _changes(found: Sequence[Change]) -> dict[str, Any]:
    """Every change, and besides those that say the same of several things as one."""
    return {
        "changes": [_change(item) for item in found],
        "folded": [_folded(row) for row in folding.rows(found) if row.folded],
    }


def _change(found: Change) -> dict[str, Any]:
    return {
        **_said(found),
        "name": found.name,
        "text": wording.change(found),
        "details": [f"{field}: {text}" for field, text in details.rows(found)],
    }


def _folded(found: Row) -> dict[str, Any]:
    renames = found.first.action is Action.RENAMED  # Each of them has a name of its own before and after.
    said = _said(found.first) | ({"before": None, "after": None} if renames else {})
    return {**said, "names": found.names, "text": wording.row(found)}


def _common(row: Row) -> dict[str, Any]:
    things = [
        {"pipeline": pipeline, "name": name} for pipeline, name in zip(row.pipelines, row.names, strict=True)
    ]
    return {**_said(row.first), "things": things, "text": wording.row(row)}


def _said(found: Change) -> dict[str, Any]:
    return {
        "action": found.action,
        "kind": found.kind,
        "field": found.field,
        "before": found.before,
        "after": found.after,
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
        "triggers": [
            {
                "name": entry.name,
                "trigger": entry.trigger,
                "enabled": entry.enabled,
                "starts": None if entry.unknown else [_instant(instant) for instant in entry.firings],
            }
            for entry in found.followers
        ],
        "chains": list(found.chains),
        "unkept": [{"pipeline": one.pipeline, "slo": one.slo, "text": one.text} for one in found.unkept],
        "longestGap": {"start": _instant(gap[0]), "end": _instant(gap[1])} if gap else None,
    }


def _instant(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
