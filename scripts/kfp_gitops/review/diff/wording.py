"""Words for records: the same in every format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from kfp_gitops.base import visible
from kfp_gitops.reconcile import timing
from kfp_gitops.review.diff import components, details, triggers, values
from kfp_gitops.review.diff.folding import Row
from kfp_gitops.review.diff.model import (
    Action,
    Category,
    Change,
    EnvironmentDiff,
    Kind,
    PipelineDiff,
    SharedDiff,
    StartedRun,
)

SIGNS: Mapping[Action, str] = {
    Action.ADDED: "+",
    Action.REMOVED: "-",
    Action.CHANGED: "~",
    Action.REWIRED: "~",
    Action.MOVED: "~",
    Action.RENAMED: "~",
}
_NAMED = 30
_PLURALS = {Kind.DELIVERY: "delivery objects"}


def value(data: Any) -> str:
    """A value as a person says it; what a line cannot show is counted."""
    return values.shortened(values.words(data))


def change(found: Change) -> str:
    """One change in one line, without its sign."""
    return row(Row([found]))


def row(found: Row) -> str:
    """One change, or several that say the same, in one line without its sign."""
    first = found.first
    if found.own:
        return visible.line(f"{_thing(first)}: its own in each of {len(found.changes):,} pipelines")
    if found.above:
        return visible.line(f"{first.field} of {kinds(found) if found.folded else _one(first)}: as above")
    return visible.line(_sentence(first, kinds(found) if found.folded else _one(first), found.folded))


def own(found: Change) -> str:
    """What one of many pipelines has that each has in a way of its own."""
    return visible.line((summary(found) if found.field is None else _said(found)) or found.action.value)


def _thing(found: Change) -> str:
    """What it is a change of; of the pipeline itself nobody need say that."""
    named = "" if found.kind is Kind.PIPELINE else _one(found)
    return ": ".join(filter(None, (named, found.field or ""))) or str(found.kind)


def _one(found: Change) -> str:
    return f"{found.kind} {found.name}"


def _sentence(first: Change, subject: str, folded: bool) -> str:
    match first.action:
        case Action.ADDED | Action.REMOVED if first.field is None:
            return f"{subject}{_detail(first)}"
        case Action.RENAMED:
            return f"{subject} renamed" if folded else f"{subject}: was {first.before}"
        case Action.MOVED:
            return (
                f"{subject}{'' if folded else ':'} moved from {group(first.before)} to {group(first.after)}"
            )
    verb = "rewired " if first.action is Action.REWIRED else ""
    if not first.field:
        return f"{subject}: {_said(first)}"
    lines = ", lines" if first.kind is Kind.COMPONENT and details.is_code(first) else ""
    if folded:
        return f"{verb}{first.field} of {subject}{lines}: {_said(first)}"
    return f"{subject}: {verb}{first.field}{lines}: {_said(first)}"


def _said(found: Change) -> str:
    """What happened to a field."""
    if details.is_code(found):
        return f"{len(found.after or [])} added, {len(found.before or [])} removed"
    if found.action in (Action.ADDED, Action.REMOVED):
        return f"{found.action}: {came_or_went(found)}"
    if details.opens(found):
        return "new"
    before, after = values.pair(found.before, found.after)
    return f"{before} → {after}"


def came_or_went(found: Change) -> str:
    """The value of a key that came or went: it may be null."""
    if details.opens(found):
        return "new"
    data = found.after if found.action is Action.ADDED else found.before
    return "null" if data is None else value(data)


def _detail(found: Change) -> str:
    inside = summary(found)
    return f" ({inside})" if inside else ""


def summary(found: Change) -> str:
    """What came or went; of a task what it is, for the rest of it has rows of its own."""
    data = found.after if found.action is Action.ADDED else found.before
    if data is None:
        return ""
    if not isinstance(data, Mapping):
        return value(data)
    if found.kind in details.NODES:
        data = {key: data[key] for key in details.HEADS if key in data}
    elif found.kind is Kind.TRIGGER:
        return triggers.words({"runOn": data.get("runOn")} if details.opens(found) else data)
    elif found.kind is Kind.COMPONENT and (images := components.images(data)):
        data = {"image": images}
    elif details.opens(found):
        data = {}
    return ", ".join(_inside(key, item) for key, item in data.items() if (key, item) != ("name", found.name))


def _inside(key: str, data: Any) -> str:
    if key == "loop" and isinstance(data, Mapping):
        return each(data)
    return f"{key}: {group(data) if key == 'in' else value(data)}"


def each(loop: Any) -> str:
    """Over what a loop goes and how many at once: `for each of parameter rows, 4 at once`."""
    loop = loop if isinstance(loop, Mapping) else {}
    items, most = loop.get("items"), loop.get("parallelism")
    short = not isinstance(items, list) or len(items) <= details.LOOP_ITEMS
    over = "" if items is None else f" of {value(items) if short else f'{len(items)} items'}"
    return f"for each{over}, {'all' if most is None else value(most)} at once"


def kinds(found: Row) -> str:
    """Of how many things a row is: `21 components in 4 pipelines`."""
    kind = found.first.kind
    where = f" in {len(found.counts):,} pipelines" if found.pipelines and kind is not Kind.PIPELINE else ""
    if where and len(set(found.names)) == 1:
        return f"{_one(found.first)}{where}"
    return f"{len(found.changes):,} {_PLURALS.get(kind, f'{kind}s')}{where}"


def group(groups: Any) -> str:
    """The groups that something stands in, outermost first."""
    return " › ".join(map(str, groups or ())) or "the top"


def reaches(found: EnvironmentDiff) -> list[str]:
    """How far the changes reach, the farthest first: `category interface: churn (rows must be given)`."""
    by_category = {category: [p for p in found.pipelines if p.category is category] for category in Category}
    return [
        f"category {category}: {', '.join(map(_reach, _by_breaks(pipelines)))}"
        for category, pipelines in reversed(by_category.items())
        if pipelines and category is not Category.NONE
    ]


def _by_breaks(pipelines: Sequence[PipelineDiff]) -> list[list[PipelineDiff]]:
    """Those in which something breaks first: each by itself, or with all in which the same does."""
    groups: dict[tuple[str, ...], list[PipelineDiff]] = {}
    for pipeline in sorted(pipelines, key=lambda pipeline: not pipeline.breaks):
        groups.setdefault(tuple(pipeline.breaks), []).append(pipeline)
    return list(groups.values())


def _reach(found: Sequence[PipelineDiff]) -> str:
    """Pipelines in which the same breaks."""
    what = f" ({'; '.join(found[0].breaks)})" if found[0].breaks else ""
    return f"{some([pipeline.name for pipeline in found], _NAMED)}{what}"


def some(names: Sequence[str], most: int) -> str:
    """Names of things; those that are too many are counted."""
    more = f", … {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


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
        (sum(len(p.triggers_changed) for p in found.pipelines), "trigger changed"),
        (sum(len(p.runs_started) for p in found.pipelines), "run started"),
        (sum(one.after is not None for one in found.backfills), "backfill"),
        (sum(one.after is None for one in found.backfills), "backfill removed"),
        (sum(p.in_flight or 0 for p in found.pipelines), "run in flight"),
    ]
    parts = [f"{number} {_plural(what, number)}" for number, what in counts if number]
    if found.changes:
        parts.append(f"{len(found.changes)} {_plural('change', len(found.changes))} of settings and delivery")
    return ", ".join(parts) or "nothing that runs changes"


def total(found: EnvironmentDiff) -> str:
    """The sum of an environment; where problems are, nothing is told as sure."""
    return _after_problems(found.problems, radius(found) if found.semantic else "")


def shared_total(found: SharedDiff) -> str:
    """How much differs in the files that stand beside the manifests of the environments."""
    count = len(found.changes)
    return _after_problems(found.problems, f"{count} {_plural('change', count)}" if count else "")


def _after_problems(problems: Sequence[object], differs: str) -> str:
    """`no semantic change` is said only of what is sure to be what merging does."""
    count = len(problems)
    if not count:
        return differs or "no semantic change"
    first = f"{count} {_plural('problem', count)}, so merging may do something else"
    return f"{first}; {differs}" if differs else first


def started(found: StartedRun) -> str:
    """A run that merging starts."""
    given = ", ".join(f"{name}: {value(data)}" for name, data in found.parameters.items())
    return f"merging starts a run: trigger {found.trigger}{f' ({given})' if given else ''}"


def _plural(what: str, number: int) -> str:
    noun, space, rest = (
        what.partition(" ")
        if what.endswith(("removed", "replaced", "switched off", "yet", "changed", "started", "flight"))
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
