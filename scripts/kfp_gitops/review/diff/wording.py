"""Words for records: the same in every format."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from kfp_gitops.reconcile import timing
from kfp_gitops.review.diff.fields import COMPARISONS, is_comparison, is_reference
from kfp_gitops.review.diff.model import Action, Change, EnvironmentDiff, Kind, PipelineDiff

SIGNS: Mapping[Action, str] = {
    Action.ADDED: "+",
    Action.REMOVED: "-",
    Action.CHANGED: "~",
    Action.REWIRED: "~",
    Action.MOVED: "~",
    Action.RENAMED: "~",
}
_MAX = 120


def value(data: Any) -> str:
    """A value as a person says it: references by their names, anything else as JSON, bounded."""
    if data is None:
        return "nothing"
    if is_reference(data):
        return _reference(data)
    if is_comparison(data):
        ((operator, (left, right)),) = data.items()
        return f"{value(left)} {COMPARISONS[operator]} {value(right)}"
    if isinstance(data, str):
        text = (
            data
            if data and data.isprintable() and data == data.strip()
            else json.dumps(data, ensure_ascii=False)
        )
    elif isinstance(data, list) and data and all(isinstance(item, str) for item in data):
        text = ", ".join(data)
    else:
        text = json.dumps(data, ensure_ascii=False)
    return text if len(text) <= _MAX else f"{text[: _MAX - 1]}…"


def _reference(data: Mapping[str, Any]) -> str:
    match data:
        case {"param": name}:
            return f"parameter {name}"
        case {"task": task, "output": output}:
            return f"{task}.{output}"
        case {"item": loop, "field": field}:
            return f"item of {loop}.{field}"
        case {"item": loop}:
            return f"item of {loop}"
        case {"artifact": str(name)}:
            return f"artifact {name}"
        case {"collect": {"task": task, "output": output}}:
            return f"all {task}.{output}"
        case {"oneOf": list(options)}:
            return f"one of {', '.join(map(value, options))}"
        case {"concat": list(parts)}:
            return " + ".join(map(value, parts))
        case {"run": fact}:
            return f"run {fact}"
    return json.dumps(data, ensure_ascii=False)[:_MAX]


def change(found: Change) -> str:
    """One change in one line, without its sign."""
    subject = f"{found.kind} {found.name}"
    match found.action:
        case Action.ADDED:
            return f"{subject}{_detail(found.after)}"
        case Action.REMOVED:
            return f"{subject}{_detail(found.before)}"
        case Action.RENAMED:
            return f"{subject}: was {found.before}"
        case Action.MOVED:
            return f"{subject}: moved from {_group(found.before)} to {_group(found.after)}"
    if found.kind is Kind.COMPONENT and found.field == "code":
        return f"{subject}: code, lines: {len(found.after or [])} added, {len(found.before or [])} removed"
    verb = "rewired " if found.action is Action.REWIRED else ""
    return f"{subject}: {verb}{found.field or 'content'}: {value(found.before)} → {value(found.after)}"


def _detail(data: Any) -> str:
    if data is None:
        return ""
    if isinstance(data, Mapping):
        return f" ({', '.join(f'{key}: {value(item)}' for key, item in data.items())})"
    return f" ({value(data)})"


def _group(groups: Sequence[str]) -> str:
    return " › ".join(groups) or "the top"


def headline(found: PipelineDiff) -> str:
    """What happens to one pipeline, in one line."""
    if found.action is Action.ADDED:
        return f"{found.name}: new pipeline, version {found.version_after or 'not locked yet'}"
    if found.action is Action.REMOVED:
        return f"{found.name}: leaves the manifests"
    if not found.semantic:
        return f"{found.name}: no semantic change"
    if found.new_version:
        return f"{found.name}: version {found.version_before or 'none'} → {found.version_after}"
    if found.unlocked:
        return f"{found.name}: version {found.version_before or 'none'} → not locked yet"
    return f"{found.name}: same version {found.version_after}"


def radius(found: EnvironmentDiff) -> str:
    """The blast radius: `3 versions, 2 schedules replaced, 1 run in flight`."""
    semantic = [pipeline for pipeline in found.pipelines if pipeline.action is not Action.REMOVED]
    counts = [
        (sum(p.action is Action.ADDED for p in found.pipelines), "new pipeline"),
        (sum(p.action is Action.REMOVED for p in found.pipelines), "pipeline removed"),
        (sum(p.new_version for p in semantic), "new version"),
        (sum(p.unlocked for p in semantic if p.semantic), "pipeline not locked yet"),
        (sum(len(p.schedules_added) for p in found.pipelines), "new schedule"),
        (sum(len(p.replaced) for p in semantic), "schedule replaced"),
        (sum(len(p.switched_off) for p in semantic), "schedule switched off"),
        (sum(len(p.schedules_removed) for p in found.pipelines), "schedule removed"),
        (sum(p.in_flight or 0 for p in found.pipelines), "run in flight"),
    ]
    parts = [f"{number} {_plural(what, number)}" for number, what in counts if number]
    if found.changes:
        parts.append(f"{len(found.changes)} {_plural('change', len(found.changes))} of settings and delivery")
    return ", ".join(parts) or "nothing that runs changes"


def _plural(what: str, number: int) -> str:
    noun, space, rest = (
        what.partition(" ")
        if what.endswith(("removed", "replaced", "switched off", "yet", "flight"))
        else (what, "", "")
    )
    return (noun if number == 1 else f"{noun}s") + space + rest


def instants(found: Sequence[datetime], zone: str) -> list[str]:
    """Instants in UTC, and in the team's zone where that is another."""
    if zone == "UTC":
        return [f"{instant:%a %Y-%m-%d %H:%M:%S} UTC" for instant in found]
    place = timing.zone_of(zone)
    return [
        f"{instant:%a %Y-%m-%d %H:%M:%S} UTC = {instant.astimezone(place):%a %H:%M:%S} {zone}"
        for instant in found
    ]
