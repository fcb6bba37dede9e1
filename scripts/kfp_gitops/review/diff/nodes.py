"""A pipeline's tasks and groups, flat and by id, and what differs between two such sets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kfp_gitops.review.diff import likeness
from kfp_gitops.review.diff.fields import differences, is_reference
from kfp_gitops.review.diff.model import Action, Change, Kind

# Maps whose keys a person chooses: none of them makes a reference.
_OWN_KEYS = frozenset({"arguments", "env", "volumes", "labels", "annotations", "nodeSelector", "metadata"})


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
    branches = [(f"elif {index}", branch) for index, branch in enumerate(data.get("elif") or [], 1)]
    for about, branch in [*branches, ("else", data.get("else"))]:
        own = {key: value for key, value in _mapping(branch).items() if key != "tasks"}
        fields |= {about if key == "if" else f"{about} {key}": value for key, value in own.items()}
    return fields


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def changes(before: Mapping[str, Node], after: Mapping[str, Node]) -> Iterator[Change]:
    """Nodes that came, went, were renamed, moved to another group, or differ in a field.

    What came or went has its whole value: a mapping of its fields, without the bodies of a group.
    """
    renamed = dict(_renamed(before, after))
    kept = set(renamed.values())
    for name, node in after.items():
        old = before.get(name) or before.get(renamed.get(name, ""))
        if old is None:
            yield Change(Action.ADDED, node.kind, name, after=_whole(node))
            continue
        if name in renamed:
            yield Change(Action.RENAMED, node.kind, name, before=old.id, after=name)
        yield from _node_changes(old, node, renamed)
    for name, node in before.items():
        if name not in after and name not in kept:
            yield Change(Action.REMOVED, node.kind, name, before=_whole(node))


def _node_changes(old: Node, new: Node, renamed: Mapping[str, str]) -> Iterator[Change]:
    if old.group != tuple(_with_old_name(part, renamed) for part in new.group):
        yield Change(Action.MOVED, new.kind, new.id, before=list(old.group), after=list(new.group))
    for field, left, right in differences(old.fields, with_old_names(new.fields, renamed)):
        wired = is_reference(left) or is_reference(right)
        action = Action.REWIRED if wired and left is not None and right is not None else Action.CHANGED
        yield Change(action, new.kind, new.id, field, left, right)


def _renamed(before: Mapping[str, Node], after: Mapping[str, Node]) -> Iterator[tuple[str, str]]:
    """(new id, old id) of nodes that are the same but for their id, where there is no doubt which."""
    gone = _by_likeness(node for name, node in before.items() if name not in after)
    come = _by_likeness(node for name, node in after.items() if name not in before)
    for like, found in come.items():
        twins = gone.get(like, [])
        if len(twins) == 1 and len(found) == 1:
            yield found[0].id, twins[0].id


def _by_likeness(nodes: Iterable[Node]) -> dict[Hashable, list[Node]]:
    """Nodes that are the same but for their id, together: one look at each, however many there are."""
    found: dict[Hashable, list[Node]] = defaultdict(list)
    for node in nodes:
        found[node.kind, node.group, likeness.key(node.fields)].append(node)
    return found


def _with_old_name(part: str, old_names: Mapping[str, str]) -> str:
    name, space, branch = part.partition(" ")
    return old_names.get(name, name) + space + branch


def with_old_names(fields: Mapping[str, Any], old_names: Mapping[str, str]) -> Mapping[str, Any]:
    """References to renamed tasks as they were, so that a rename is told once and not at every use."""
    if not old_names:
        return fields
    found = {name: _as_it_was(value, old_names, name in _OWN_KEYS) for name, value in fields.items()}
    if isinstance(after := fields.get("after"), list):
        found["after"] = [old_names.get(name, name) if isinstance(name, str) else name for name in after]
    return found


def _as_it_was(value: Any, old_names: Mapping[str, str], own_keys: bool = False) -> Any:
    """Only references: a variable that is called `task`, or a map in a literal, is what it says."""
    if isinstance(value, list):
        return [_as_it_was(item, old_names) for item in value]
    if not isinstance(value, Mapping) or (set(value) == {"literal"} and not own_keys):
        return value
    refers = is_reference(value) and not own_keys
    return {
        name: old_names.get(item, item)
        if refers and name in ("task", "item") and isinstance(item, str)
        else _as_it_was(item, old_names, name in _OWN_KEYS and not own_keys)
        for name, item in value.items()
    }


def _whole(node: Node) -> dict[str, Any] | None:
    """All that a new or lost node says, and the groups that it stands in."""
    return {**node.fields, **({"in": list(node.group)} if node.group else {})} or None
