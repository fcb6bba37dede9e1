"""A plan, for three kinds of readers: text for people (`plantext`), Markdown for pull requests, JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from kfp_gitops.reconcile import timing, together
from kfp_gitops.reconcile.change import Action, Change
from kfp_gitops.reconcile.plan import Plan
from kfp_gitops.reconcile.plantext import SIGNS, Look, details, named, once, to_text, total


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
    """A table of what changes, what many pipelines have in common once; what does not change is only counted."""
    blocks = together.blocks(plan)
    single = [change for block in blocks if not together.are_alike(block) for its in block for change in its]
    lines = [
        f"### Plan for `{plan.environment}`",
        "",
        total(plan),
        "",
        *(_table(single, plan) if single else ()),
    ]
    for block in filter(together.are_alike, blocks):
        lines += ["", f"**{len(block):,} pipelines alike**, such as `{_cell(block[0][0].pipeline)}`:", ""]
        lines += [*_table(block[0], plan), "", "<details><summary>which</summary>", ""]
        lines += [f"- {_cell(together.own(its))}" for its in block] + ["", "</details>"]
    lines += [f"\n{_cell(note)}" for note in once(plan)]
    return "\n".join([*lines, "", f"`plan {plan.basis.id}`"])


def _table(changes: Sequence[Change], plan: Plan) -> Iterator[str]:
    yield from ("| | object | why |", "|---|---|---|")
    for change in changes:
        why = "<br>".join(map(_cell, [change.reason, *details(change, plan.time_zone)]))
        what = f"{SIGNS[change.action]} {change.action}"
        yield f"| {what} | {change.kind} `{_cell(named(change))}` | {why} |"


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
