"""Outputs of conditions: whoever refers to one takes the same `oneOf`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from kfp_gitops.language.manifest.model import (
    Branch,
    Comparison,
    Condition,
    Guarded,
    Importer,
    Loop,
    Node,
    Output,
    Task,
    walk,
)
from kfp_gitops.language.manifest.value import ConcatValue, ListValue, MapValue, OneOfRef, OutputRef, Value

_Known = Mapping[tuple[str, str], OneOfRef]


def resolved(
    body: tuple[Node, ...], outputs: tuple[Output, ...]
) -> tuple[tuple[Node, ...], tuple[Output, ...]]:
    """The same, with the `oneOf` that a condition gives in place of each reference to an output of it."""
    known = dict(_known(body))
    if not known:  # as mostly
        return body, outputs

    def taken(value: Value) -> Value:
        return _resolved(value, known)

    return _nodes(body, taken), tuple(replace(one, value=taken(one.value)) for one in outputs)


def _known(body: Sequence[Node]) -> Iterator[tuple[tuple[str, str], OneOfRef]]:
    for node in walk(body):
        for output in node.outputs if isinstance(node, Condition) else ():
            if isinstance(output.value, OneOfRef):
                yield (node.id, output.name), replace(output.value, name=(node.id, output.name))


def _resolved(value: Value, known: _Known) -> Value:
    match value:
        case OutputRef(task, output):
            return known.get((task, output), value)
        case ListValue(items) | ConcatValue(items):
            return replace(value, items=tuple(_resolved(item, known) for item in items))
        case MapValue(items):
            return MapValue({key: _resolved(item, known) for key, item in items.items()})
    return value


def _nodes(body: Sequence[Node], taken: Callable[[Value], Value]) -> tuple[Node, ...]:
    return tuple(_node(node, taken) for node in body)


def _node(node: Node, taken: Callable[[Value], Value]) -> Node:
    match node:
        case Task():
            return _task(node, taken)
        case Importer():
            return replace(node, uri=taken(node.uri), metadata=taken(node.metadata))
        case Condition():
            return replace(node, branches=tuple(_branch(branch, taken) for branch in node.branches))
        case Loop():
            return replace(node, items=taken(node.items), body=_nodes(node.body, taken))
        case Guarded():
            return replace(node, exit_task=_task(node.exit_task, taken), body=_nodes(node.body, taken))


def _task(task: Task, taken: Callable[[Value], Value]) -> Task:
    return replace(task, arguments={name: taken(value) for name, value in task.arguments.items()})


def _branch(branch: Branch, taken: Callable[[Value], Value]) -> Branch:
    when: Comparison | None = branch.when
    if when:
        when = replace(when, left=taken(when.left), right=taken(when.right))
    return replace(branch, when=when, body=_nodes(branch.body, taken))
