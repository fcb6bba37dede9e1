"""What of a pipeline's manifest nobody is told. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kfp_gitops.language.manifest.model import API_VERSION
from kfp_gitops.review.diff import leftover, nodes
from kfp_gitops.review.diff.hoisted import Hoisted, IrregularError, hoisted, one_sided
from kfp_gitops.review.diff.model import Change, Kind
from kfp_gitops.review.diff.strict import ABSENT, Leaf, Place, Said, alike, unsaid
from kfp_gitops.review.diff.told import NODES, Told

# What every manifest says, so that a new one says nothing by it.
_HEAD: Mapping[Place, Any] = {("apiVersion",): API_VERSION, ("kind",): "PipelineManifest"}


def unsaid_of(
    path: str, name: str, before: Any, after: Any, told: Told, *, inside: str = ""
) -> Iterator[Change]:
    """What of a pipeline's manifest nobody is told; `inside` is what names of a nested one begin with."""
    try:
        left, right = (one_sided() if side is ABSENT else hoisted(side) for side in (before, after))
    except IrregularError:
        left, right = Hoisted(before), Hoisted(after)
    yield from leftover.changes(path, unsaid(left.rest, right.rest, _of_manifest(told, name, inside)))
    yield from leftover.changes(path, _tasks(left, right, told, inside))


def _of_manifest(told: Told, name: str, inside: str) -> Said:
    kinds = {"parameters": Kind.PARAMETER, "outputs": Kind.OUTPUT}

    def said(place: Place, before: Any, after: Any) -> bool:
        match place:
            case ("spec", "parameters" | "outputs" as part, item, *rest):
                return told.says([kinds[part]], inside + item, tuple(rest), before, after)
            case ("schedules", schedule, *rest) if not inside:
                return told.says([Kind.SCHEDULE], schedule, tuple(rest), before, after)
            case ("triggers", trigger, *rest) if not inside:
                return told.says([Kind.TRIGGER], trigger, tuple(rest), before, after)
            case ("spec", _, *_):
                return told.says([Kind.PIPELINE], inside + name, place[1:], before, after)
        if place in _HEAD and before is ABSENT and alike(after, _HEAD[place]):
            return True
        return bool(place) and told.says([Kind.PIPELINE], inside + name, place, before, after)

    return said


def _tasks(left: Hoisted, right: Hoisted, told: Told, inside: str) -> Iterator[Leaf]:
    """Each task beside itself, also where it is told that it has another name or stands in another group."""
    renamed = {new.removeprefix(inside): old for new, old in told.renamed().items() if new.startswith(inside)}
    old_names = {new: old for new, old in renamed.items() if old in left.tasks and old not in right.tasks}
    new_names = {old_names.get(name, name): name for name in right.tasks}
    for old in dict.fromkeys([*new_names, *left.tasks]):
        name = new_names.get(old, old)
        groups, before = left.tasks.get(old, ([], ABSENT))
        new_groups, after = right.tasks.get(name, ([], ABSENT))
        as_it_was = ABSENT if after is ABSENT else nodes.with_old_names(after, old_names)
        yield from _task(name, before, as_it_was, told, inside)
        if [_old_group(group, old_names) for group in new_groups] != groups:
            yield from _group(name, groups, new_groups, told, inside)


def _task(name: str, before: Any, after: Any, told: Told, inside: str) -> Iterator[Leaf]:
    at = ("spec", "tasks", name)
    nothing = after if before is ABSENT else before if after is ABSENT else None
    if nothing == {} and told.whole(inside + name) is not None:
        return  # a group that only holds tasks came or went

    def said(place: Place, old: Any, new: Any) -> bool:
        return told.says(NODES, inside + name, place[len(at) :], old, new)

    yield from unsaid(before, after, said, at)


def _group(name: str, groups: list[str], new_groups: list[str], told: Told, inside: str) -> Iterator[Leaf]:
    came = told.whole(inside + name)
    if came is None and told.moved(inside + name, groups, new_groups):
        return
    if came is None or came.get("in") != (groups or new_groups):
        yield ("spec", "tasks", name, "in"), groups or ABSENT, new_groups or ABSENT


def _old_group(group: str, old_names: Mapping[str, str]) -> str:
    name, space, branch = group.partition(" ")
    return old_names.get(name, name) + space + branch
