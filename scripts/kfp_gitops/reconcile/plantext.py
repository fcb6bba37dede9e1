"""A plan as text for people: what changes, what many pipelines have in common once, and one line with the sum.

Nothing that changes is left out of it, whatever the size of the fleet, for it is this text that people approve: where
pipelines change in the same way, the way is told once and every one of them is named.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from kfp_gitops.base import alike, columns, visible
from kfp_gitops.base.errors import UsageError
from kfp_gitops.reconcile import timing, together
from kfp_gitops.reconcile.change import Action, Change, Kind
from kfp_gitops.reconcile.drift import Difference
from kfp_gitops.reconcile.plan import Plan

SIGNS = {
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


@dataclass(frozen=True)
class Look:
    """How a plan is shown: columns of a line, whether also what does not change, whether in colours.

    `most`: lines of changes; 0 is all of them. What is approved is shown with all.
    """

    columns: int = columns.USUAL
    everything: bool = False
    colour: bool = False
    most: int = 0


def to_text(plan: Plan, look: Look = Look()) -> str:
    """What changes, then the sum and the plan's identity."""
    body = [*_changes(plan, look), *_notes(plan, look)]
    identity = f"plan {plan.basis.id}"
    if not body and not plan.to_do:
        return f"{nothing(plan)}\n{identity}"
    return "\n".join([f"plan for {plan.environment} on {plan.host}", *body, total(plan), identity])


def nothing(plan: Plan) -> str:
    """The one line of a plan that does nothing."""
    objects = columns.counted(len(plan.changes), "object")
    what = f"{objects} of {_pipelines(plan)} unchanged" if plan.changes else "nothing is desired"
    return f"{plan.environment}: nothing to do; {what}"


def total(plan: Plan) -> str:
    """The sum: objects by what happens to them, and how many pipelines that is."""
    if not plan.to_do and not plan.conflicts:
        return nothing(plan)
    changed = len(_owners([*plan.to_do, *plan.conflicts]))
    return f"{summary(plan)}; changes in {changed:,} of {_pipelines(plan)}"


def summary(plan: Plan) -> str:
    """How many objects have which action."""
    counts = [(action, sum(change.action is action for change in plan.changes)) for action in Action]
    return ", ".join(f"{number:,} {action}" for action, number in counts if number) or "nothing is desired"


def notes(plan: Plan, look: Look) -> list[str]:
    """What a person should know that changes nothing, the same of many pipelines once."""
    return list(_notes(plan, look))


def _pipelines(plan: Plan) -> str:
    return columns.counted(len(_owners(plan.changes)), "pipeline")


def _owners(changes: Sequence[Change]) -> set[str]:
    """Whose they are; a schedule whose pipeline is in no manifest any more stands under its own name."""
    return {
        change.pipeline
        for change in changes
        if change.kind is Kind.PIPELINE or change.pipeline != change.name
    }


def _changes(plan: Plan, look: Look) -> list[str]:
    if look.everything:
        lines = [line for change in plan.changes for line in _shown_change(change, plan, look)]
    else:
        lines = list(_quietly(plan, look))
    return columns.first_of(lines, look.most, "      … {more} more lines (--all)") if look.most else lines


def is_cut(plan: Plan, look: Look) -> bool:
    """Whether `to_text` leaves lines out."""
    return len(_changes(plan, replace(look, most=0))) > len(_changes(plan, look))


def _quietly(plan: Plan, look: Look) -> Iterator[str]:
    for block in together.blocks(plan):
        if together.are_alike(block):
            yield from _at_once(block, look)
        else:
            yield from (line for its in block for change in its for line in _shown_change(change, plan, look))


def _at_once(block: Sequence[list[Change]], look: Look) -> Iterator[str]:
    yield f"  {len(block):,} pipelines alike:"
    for change in block[0]:
        line = together.shaped(change, _line(change))
        yield from _painted(columns.folded(f"  {line}", look.columns, 10), look)
        for text in of_all(change):
            yield from columns.folded(f"        {text}", look.columns, 10)
    yield from columns.listed(map(together.own, block), look.columns, 6)


def of_all(change: Change) -> Iterator[str]:
    """The differences of a change that others have, too."""
    for found in change.differences:
        old, new = together.without_own(change, found) if found.field == "version" else (found.old, found.new)
        yield alike.named(_difference(Difference(found.field, old, new), whole=False), change.pipeline)


def _shown_change(change: Change, plan: Plan, look: Look) -> Iterator[str]:
    yield from _painted(_fitted(change, look), look)
    for detail in details(change, plan.time_zone, whole=look.everything):
        yield from columns.folded(f"      {detail}", look.columns, 8)


def _painted(lines: Sequence[str], look: Look) -> list[str]:
    """In the colour of the sign that the first of them begins with."""
    return [visible.coloured(lines[0]), *lines[1:]] if look.colour else list(lines)


def _fitted(change: Change, look: Look) -> list[str]:
    line = _line(change)
    if len(line) <= look.columns:
        return [line]
    what, _, why = line.partition("  (")
    return [what, *columns.folded(f"      ({why}", look.columns, 8)]


def _line(change: Change) -> str:
    return f"  {SIGNS[change.action]} {change.action:<9} {change.kind:<10} {named(change)}  ({change.reason})"


def named(change: Change) -> str:
    """The name of an object; that of a version says nothing of whose it is."""
    return f"{change.pipeline} {change.name}" if change.kind is Kind.VERSION else change.name


def details(change: Change, zone: str, *, whole: bool = False) -> Iterator[str]:
    """What matters of a change, a line each; `whole`: also values that are long."""
    if change.action is Action.UNCHANGED:
        return
    yield from _differences(change, whole=whole)
    if change.in_flight:
        yield f"{change.in_flight} in flight, which go on"
    if change.missed:
        many = "1,000 or more" if change.missed >= 1000 else str(change.missed)
        yield f"{many} firings did not happen meanwhile"
    if change.firings:
        yield "next: " + ", ".join(_moment(moment, zone) for moment in change.firings)


def _differences(change: Change, *, whole: bool) -> Iterator[str]:
    return (_difference(found, whole=whole) for found in change.differences)


def _difference(found: Difference, *, whole: bool) -> str:
    return f"{found.field}: {_value(found.old, whole=whole)} → {_value(found.new, whole=whole)}"


def _value(value: object, *, whole: bool) -> str:
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False, default=str)
    return text if whole or len(text) <= _LONG else f"{text[: _LONG - 1]}…"


def _moment(moment: datetime, zone: str) -> str:
    """In UTC, and beside it in the zone in which people of the environment read times."""
    text = timing.rfc3339(moment)
    try:
        there = moment.astimezone(timing.zone_of(zone))
    except UsageError:  # no reason to show no plan
        return text
    return text if zone == "UTC" else f"{text} ({there:%a %H:%M %Z})"


def _notes(plan: Plan, look: Look) -> Iterator[str]:
    told = plan.notes if look.everything else once(plan)
    for note in told:
        yield from columns.folded(f"  note: {note}", look.columns, 4)


def once(plan: Plan) -> Sequence[str]:
    """What is noted of many pipelines in the same words stands there once, with their number."""
    names = {change.pipeline for change in plan.changes}
    found: list[str] = []
    for first, *more in alike.grouped(plan.notes, lambda note: _without(note, names)):
        found.append(f"{first} (and the same of {len(more):,} more: --all)" if more else first)
    return found


def _without(note: str, names: set[str]) -> str:
    """Nor the place that it is told at."""
    words = re.split(r"([\w.-]+)", re.sub(r":\d+:\d+$", "", note))
    return "".join("…" if word in names else word for word in words)
