"""A plan, for three kinds of readers: text for people (`plantext`), Markdown for pull requests, JSON for machines."""

from __future__ import annotations

import json
from typing import Any

from kfp_gitops.reconcile import timing
from kfp_gitops.reconcile.change import Action, Change
from kfp_gitops.reconcile.plan import Plan
from kfp_gitops.reconcile.plantext import SIGNS, Look, details, summary, to_text


def render(plan: Plan, form: str, look: Look = Look()) -> str:  # noqa: B008  # frozen
    """The plan as text, json or markdown; it ends with its identity. The look is that of the text."""
    if form == "json":
        return json.dumps(as_data(plan), indent=2, ensure_ascii=False)
    return to_markdown(plan) if form == "markdown" else to_text(plan, look)


def to_file(plan: Plan, form: str) -> str:
    """The same for a file that `apply --plan` takes: with what it rests on, a line for each object."""
    shown = render(plan, form)
    lines = "\n".join(plan.basis.lines)
    if form == "json":
        return f"{shown}\n"
    if form == "text":
        return f"{shown}\n\nwhat it rests on, which `apply --plan` compares:\n{lines}\n"
    return f"{shown}\n\n<details><summary>What it rests on</summary>\n\n```json\n{lines}\n```\n\n</details>\n"


def to_markdown(plan: Plan) -> str:
    """A table of what changes; what does not is only counted."""
    shown = [change for change in plan.changes if change.action is not Action.UNCHANGED]
    lines = [f"### Plan for `{plan.environment}`", "", summary(plan), ""]
    if shown:
        lines += ["| | object | why |", "|---|---|---|"]
    for change in shown:
        why = "<br>".join(map(_cell, [change.reason, *details(change, plan.time_zone)]))
        what = f"{SIGNS[change.action]} {change.action}"
        lines.append(f"| {what} | {change.kind} `{_cell(change.name)}` | {why} |")
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


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;") if text else ""
