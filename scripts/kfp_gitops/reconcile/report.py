"""A plan, for three kinds of readers: text for people, Markdown for pull requests, JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from kfp_gitops.base import visible
from kfp_gitops.base.errors import UsageError
from kfp_gitops.reconcile import timing
from kfp_gitops.reconcile.change import Action, Change
from kfp_gitops.reconcile.drift import Difference
from kfp_gitops.reconcile.plan import Plan

_SIGNS = {
    Action.CREATE: "+",
    Action.ADOPT: "+",
    Action.START: "+",
    Action.REPLACE: "~",
    Action.ENABLE: "~",
    Action.DISABLE: "-",
    Action.ARCHIVE: "-",
    Action.DELETE: "-",
    Action.CONFLICT: "!",
    Action.UNCHANGED: "=",
}
_LONG = 60


def render(plan: Plan, form: str, *, colour: bool = False) -> str:
    """The plan as text, json or markdown; it ends with its identity."""
    if form == "json":
        return json.dumps(as_data(plan), indent=2, ensure_ascii=False)
    return to_markdown(plan) if form == "markdown" else to_text(plan, colour=colour)


def to_file(plan: Plan, form: str) -> str:
    """The same for a file that `apply --plan` takes: with what it rests on, a line for each object."""
    shown = render(plan, form)
    lines = "\n".join(plan.basis.lines)
    if form == "json":
        return f"{shown}\n"
    if form == "text":
        return f"{shown}\n\nwhat it rests on, which `apply --plan` compares:\n{lines}\n"
    return f"{shown}\n\n<details><summary>What it rests on</summary>\n\n```json\n{lines}\n```\n\n</details>\n"


def to_text(plan: Plan, *, colour: bool = False) -> str:
    """One line an object and what matters of it below, then the sum."""
    lines = [f"plan for {plan.environment} on {plan.host}"]
    for change in plan.changes:
        sign = _SIGNS[change.action]
        line = f"  {sign} {change.action:<9} {change.kind:<10} {change.name}  ({change.reason})"
        lines.append(visible.coloured(line) if colour else line)
        lines += [f"      {detail}" for detail in _details(change, plan.time_zone)]
    lines += [f"  note: {note}" for note in plan.notes]
    return "\n".join([*lines, summary(plan), f"plan {plan.basis.id}"])


def summary(plan: Plan) -> str:
    """How many objects have which action."""
    counts = [(action, sum(change.action is action for change in plan.changes)) for action in Action]
    return ", ".join(f"{number} {action}" for action, number in counts if number) or "nothing is desired"


def to_markdown(plan: Plan) -> str:
    """A table of what changes; what does not is only counted."""
    shown = [change for change in plan.changes if change.action is not Action.UNCHANGED]
    lines = [f"### Plan for `{plan.environment}`", "", summary(plan), ""]
    if shown:
        lines += ["| | object | why |", "|---|---|---|"]
    for change in shown:
        details = "<br>".join(map(_cell, [change.reason, *_details(change, plan.time_zone)]))
        what = f"{_SIGNS[change.action]} {change.action}"
        lines.append(f"| {what} | {change.kind} `{_cell(change.name)}` | {details} |")
    lines += [f"\n{_cell(note)}" for note in plan.notes]
    return "\n".join([*lines, "", f"`plan {plan.basis.id}`"])


def as_data(plan: Plan) -> dict[str, Any]:
    """As schemas/plan.schema.json says."""
    return {
        "apiVersion": "kfp-gitops/v1alpha1",
        "kind": "Plan",
        "environment": plan.environment,
        "host": plan.host,
        "summary": {
            action: number
            for action in Action
            if (number := sum(change.action is action for change in plan.changes))
        },
        **({"selected": list(selected)} if (selected := plan.ground.desired.selected) else {}),
        "notes": list(plan.notes),
        "changes": [_change(change) for change in plan.changes],
        "plan": plan.basis.digest,
        "basis": [json.loads(line) for line in plan.basis.lines],
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "action": change.action,
        "kind": change.kind,
        "pipeline": change.pipeline,
        "name": change.name,
        "reason": change.reason,
        "removal": change.removal,
        "differences": [{"field": d.field, "old": d.old, "new": d.new} for d in change.differences],
        "runsInFlight": change.in_flight,
        "missed": change.missed,
        "nextFirings": [timing.rfc3339(moment) for moment in change.firings],
    }


def _details(change: Change, zone: str) -> Iterator[str]:
    if change.action is Action.UNCHANGED:
        return
    yield from map(_difference, change.differences)
    if change.in_flight:
        yield f"{change.in_flight} in flight, which go on"
    if change.missed:
        many = "1,000 or more" if change.missed >= 1000 else str(change.missed)
        yield f"{many} firings did not happen meanwhile"
    if change.firings:
        yield "next: " + ", ".join(_shown(moment, zone) for moment in change.firings)


def _difference(found: Difference) -> str:
    return f"{found.field}: {_value(found.old)} → {_value(found.new)}"


def _value(value: object) -> str:
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONG else f"{text[: _LONG - 1]}…"


def _shown(moment: datetime, zone: str) -> str:
    """In UTC, and beside it in the zone in which people of the environment read times."""
    text = timing.rfc3339(moment)
    try:
        there = moment.astimezone(timing.zone_of(zone))
    except UsageError:  # no reason to show no plan
        return text
    return text if zone == "UTC" else f"{text} ({there:%a %H:%M %Z})"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;") if text else ""
