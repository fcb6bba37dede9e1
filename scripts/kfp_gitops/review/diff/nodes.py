"""A pipeline's tasks and groups, flat and by id, and what differs between two such sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kfp_gitops.review.diff.fields import differences, is_reference, same
from kfp_gitops.review.diff.model import Action, Change, Kind

# What an absent key means, so that writing it out is no change.
_DEFAULTS: Mapping[str, Any] = {"ignoreUpstreamFailure": False}


@dataclass(frozen=True)
class Node:
    """A task or group: `group` names the groups around it (outermost first), `fields` is all but its bodies."""

    id: str
    kind: Kind
    group: tuple[str, ...]
    fields: Mapping[str, Any]


def flat(manifest: Mapping[str, Any]) -> dict[str, Node]:
    """Every node of a manifest (as YAML data) by id, outer before inner, in manifest order."""
    tasks = _mapping(_mapping(manifest.get("spec")).get("tasks"))
    return {node.id: node for node in _nodes(tasks, ())}


def _nodes(tasks: Mapping[str, Any], group: tuple[str, ...]) -> Iterator[Node]:
    for name, data in tasks.items():
        if not isinstance(data, Mapping):
            continue
        yield Node(name, _kind(data), group, _fields(data))
        yield from _nodes(_mapping(data.get("finally")), (*group, f"{name} finally"))
        yield from _nodes(_mapping(data.get("tasks")), (*group, name))
        for index, branch in enumerate(data.get("elif") or [], 1):
            yield from _nodes(_mapping(_mapping(branch).get("tasks")), (*group, f"{name} elif {index}"))
        yield from _nodes(_mapping(_mapping(data.get("else")).get("tasks")), (*group, f"{name} else"))


def _kind(data: Mapping[str, Any]) -> Kind:
    for key, kind in (("if", Kind.CONDITION), ("loop", Kind.LOOP), ("finally", Kind.EXIT_HANDLER)):
        if key in data:
            return kind
    return Kind.TASK


def _fields(data: Mapping[str, Any]) -> dict[str, Any]:
    fields = {key: value for key, value in data.items() if key not in ("tasks", "finally", "elif", "else")}
    for index, branch in enumerate(data.get("elif") or [], 1):
        fields[f"elif {index}"] = _mapping(branch).get("if")
    return {key: value for key, value in fields.items() if key not in _DEFAULTS or value != _DEFAULTS[key]}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def changes(before: Mapping[str, Node], after: Mapping[str, Node]) -> Iterator[Change]:
    """Nodes that came, went, were renamed, moved to another group, or differ in a field."""
    renamed = dict(_renamed(before, after))
    for name, node in after.items():
        old = before.get(name) or before.get(renamed.get(name, ""))
        if old is None:
            yield Change(Action.ADDED, node.kind, name, after=_summary(node))
            continue
        if name in renamed:
            yield Change(Action.RENAMED, node.kind, name, before=old.id, after=name)
        yield from _node_changes(old, node, renamed)
    for name, node in before.items():
        if name not in after and name not in renamed.values():
            yield Change(Action.REMOVED, node.kind, name, before=_summary(node))


def _node_changes(old: Node, new: Node, renamed: Mapping[str, str]) -> Iterator[Change]:
    if old.group != tuple(_with_old_name(part, renamed) for part in new.group):
        yield Change(Action.MOVED, new.kind, new.id, before=list(old.group), after=list(new.group))
    for field, left, right in differences(old.fields, _with_old_names(new.fields, renamed)):
        wired = is_reference(left) or is_reference(right)
        action = Action.REWIRED if wired and left is not None and right is not None else Action.CHANGED
        yield Change(action, new.kind, new.id, field, left, right)


def _renamed(before: Mapping[str, Node], after: Mapping[str, Node]) -> Iterator[tuple[str, str]]:
    """(new id, old id) of nodes that are the same but for their id, where there is no doubt which."""
    gone = [node for name, node in before.items() if name not in after]
    come = [node for name, node in after.items() if name not in before]
    for node in come:
        twins = [old for old in gone if _alike(old, node)]
        rivals = [other for other in come if _alike(other, node)]
        if len(twins) == 1 and len(rivals) == 1:
            yield node.id, twins[0].id


def _alike(left: Node, right: Node) -> bool:
    return (left.kind, left.group) == (right.kind, right.group) and same(left.fields, right.fields)


def _with_old_name(part: str, old_names: Mapping[str, str]) -> str:
    name, space, branch = part.partition(" ")
    return old_names.get(name, name) + space + branch


def _with_old_names(value: Any, old_names: Mapping[str, str]) -> Any:
    """References to renamed tasks as they were, so that a rename is told once and not at every use."""
    if isinstance(value, list):
        return [_with_old_names(item, old_names) for item in value]
    if not isinstance(value, Mapping):
        return value
    renamed = {key: _with_old_names(item, old_names) for key, item in value.items()}
    for key in ("task", "item"):
        if isinstance(renamed.get(key), str):
            renamed[key] = old_names.get(renamed[key], renamed[key])
    if isinstance(renamed.get("after"), list):
        renamed["after"] = [
            old_names.get(item, item) if isinstance(item, str) else item for item in renamed["after"]
        ]
    return renamed


def _summary(node: Node) -> Any:
    """What a new or lost node is, in one value."""
    for key in ("component", "pipeline", "importer", "if", "loop"):
        if key in node.fields:
            return {key: node.fields[key]}
    return None
