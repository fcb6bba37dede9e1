"""A pipeline as a Mermaid flowchart, which GitHub and GitLab draw; what changed is marked.

The marks are `class` lines after the edges: from Mermaid 11 on an edge to a box makes a node of the same id, whose
classes take the place of those that the box was given before (packages/mermaid/src/diagrams/flowchart/flowDb.ts,
mermaid-js/mermaid#6191). A class that is said at the end reaches both, in 10 as in 11.

Names come from a stranger's pull request: only escaped text enters the picture.
"""

from __future__ import annotations

import html
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kfp_gitops.review.diff import nodes, wording
from kfp_gitops.review.diff.model import Action, Change, Kind
from kfp_gitops.review.diff.nodes import Node

MAX_NODES = 150
_TITLE = 80
STYLES = {
    "added": "fill:#1a7f3733,stroke:#1a7f37,stroke-width:2px",
    "removed": "fill:#cf222e22,stroke:#cf222e,stroke-dasharray:4",
    "changed": "fill:#bf870033,stroke:#bf8700,stroke-width:2px",
}


def mermaid(before: Mapping[str, Any], after: Mapping[str, Any], changes: Sequence[Change]) -> str | None:
    """The flowchart of the new pipeline with the removed tasks; None when it has too many tasks to be read."""
    old, new = nodes.flat(before), nodes.flat(after)
    gone = {change.name for change in changes if change.action is Action.REMOVED}
    every = {**new, **{name: node for name, node in old.items() if name not in new and name in gone}}
    if not 0 < len(every) <= MAX_NODES:
        return None
    marks = dict(marks_of(every, changes))
    ids = {name: f"n{index}" for index, name in enumerate(every)}
    lines = ["flowchart LR", *_body(every, ids, "", 1)]
    lines += [f"  {ids[left]} --> {ids[right]}" for left, right in edges(every)]
    lines += [*_classes(ids, marks)]
    return "\n".join(lines)


def _classes(ids: Mapping[str, str], marks: Mapping[str, str]) -> Iterator[str]:
    for name, style in STYLES.items():
        if marked := [ids[node] for node, mark in marks.items() if mark == name]:
            yield f"  classDef {name} {style}"
            yield f"  class {','.join(marked)} {name}"


def marks_of(every: Mapping[str, Node], changes: Sequence[Change]) -> Iterator[tuple[str, str]]:
    """Node → what happened to it, to its component or inside the pipeline that it runs."""
    own: dict[tuple[str, Kind], set[Action]] = defaultdict(set)
    for change in changes:
        own[change.name, change.kind].add(change.action)
    inner = {change.name.rpartition(" › ")[0] for change in changes}
    for name, node in every.items():
        found = own.get((name, node.kind), set())
        for action in (Action.ADDED, Action.REMOVED):
            if action in found:
                yield name, action.value
                break
        else:
            component = (str(node.fields.get("component")), Kind.COMPONENT)
            if found or component in own or node.fields.get("pipeline") in inner:
                yield name, "changed"


def _body(every: Mapping[str, Node], ids: Mapping[str, str], group: str, depth: int) -> Iterator[str]:
    """The nodes directly in a group, its branches as boxes inside it."""
    indent = "  " * depth
    for name, node in every.items():
        if (node.group[-1] if node.group else "") != group:
            continue
        if node.kind is Kind.TASK:
            yield f'{indent}{ids[name]}["{text(name)}"]'
        else:
            yield from _group(every, ids, node, depth)


def _group(every: Mapping[str, Node], ids: Mapping[str, str], node: Node, depth: int) -> Iterator[str]:
    indent = "  " * depth
    yield f'{indent}subgraph {ids[node.id]}["{text(title(node))}"]'
    branches = [
        g for g in dict.fromkeys(n.group[-1] for n in every.values() if n.group) if _is_branch(g, node.id)
    ]
    for index, branch in enumerate(branches):
        label = branch.removeprefix(node.id).strip()
        if label:
            yield f'{indent}  subgraph {ids[node.id]}b{index}["{text(label)}"]'
            yield from _body(every, ids, branch, depth + 2)
            yield f"{indent}  end"
        else:
            yield from _body(every, ids, branch, depth + 1)
    yield f"{indent}end"


def _is_branch(group: str, name: str) -> bool:
    return group == name or group.startswith(f"{name} ")


def title(node: Node) -> str:
    """What stands in a node's box."""
    match node.kind:
        case Kind.CONDITION:
            return f"{node.id}: if {wording.value(node.fields.get('if'))}"
        case Kind.LOOP:
            return f"{node.id}: {wording.each(node.fields.get('loop'))}"
        case _:
            return node.id


def edges(every: Mapping[str, Node]) -> list[tuple[str, str]]:
    """(from, to) of data and order between tasks; the inside of a group counts for its tasks only."""
    found = dict.fromkeys(
        (name, node.id)
        for node in every.values()
        for name in _names(node.fields)
        if name in every
        and name != node.id
        and not _around(every[name], node)
        and not _around(node, every[name])
    )
    return list(found)


def _around(outer: Node, inner: Node) -> bool:
    """Mermaid refuses an arrow between a box and what is in it."""
    return any(_is_branch(group, outer.id) for group in inner.group)


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _names(item)
    elif isinstance(value, Mapping):
        if isinstance(value.get("task"), str):
            yield value["task"]
        after = value.get("after")
        yield from (name for name in after if isinstance(name, str)) if isinstance(after, list) else ()
        for item in value.values():
            yield from _names(item)


def text(text: str) -> str:
    """Mermaid ends a label at a quote and reads # as an entity; a line break would end the statement."""
    flat = " ".join(text.split())
    flat = flat if len(flat) <= _TITLE else f"{flat[: _TITLE - 1]}…"
    return (
        html.escape(flat.replace("#", "♯"), quote=True)
        .replace("&#x27;", "'")
        .replace("&", "#")
        .replace("`", "ˋ")
    )
