"""Argo's nodes, told apart: KFP gives their ids and display names, and an id is a hash of the node's whole name.

Argo calls the workflow's own node after the workflow, a task of a DAG `<node>.<task>`, a try `<node>(0)`, an iteration
`<node>.<task>(0:0)`, and a task's exit hook `<node>.<task>.onExit`. The id is `<workflow>-<FNV-1a of the name>`
(Workflow.NodeID of argo-workflows, pkg/apis/workflow/v1alpha1; seen to hold for every node of 47 recorded runs). So the
names are found again by trying, from the workflow's down, what is called as some record is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

from kfp_gitops.kfpserver.runtree.records import Record

_START, _PRIME, _BITS = 0x811C9DC5, 0x01000193, 0xFFFFFFFF
_TRY = re.compile(r"\(\d+\)$")


@dataclass(eq=False)
class Node:
    """A node that exists: its record is put in by `match`. `tries` are those of a template with a retryStrategy."""

    name: str
    display: str
    hash: int
    parent: Node | None = None
    tries: list[Node] = field(default_factory=list)
    inside: dict[str, Node] = field(default_factory=dict)
    record: Record | None = None

    @property
    def last(self) -> Node:
        """The node in which the tasks are: itself, or its last try."""
        return self.tries[-1] if self.tries else self

    @property
    def within(self) -> list[Node]:
        """The nodes directly below it."""
        return [*self.tries, *self.inside.values()]

    @property
    def workflow(self) -> str:
        """The name of the workflow that it is of."""
        return self.parent.workflow if self.parent else self.name

    @property
    def state(self) -> str:
        """Its state; empty when Argo left it out or nothing is told of it."""
        return self.record.state if self.record else ""


def fnv(text: str, start: int = _START) -> int:
    """FNV-1a of 32 bits; `start` is the hash of what stands before the text."""
    found = start
    for byte in text.encode():
        found = ((found ^ byte) * _PRIME) & _BITS
    return found


def workflow(records: Sequence[Record]) -> str:
    """The workflow's name, which all ids begin with; nothing when no node has followed another yet."""
    names = Counter(child.rpartition("-")[0] for record in records for child in record.children)
    return next((name for name, _ in names.most_common() if name), "")


def tree(records: Sequence[Record]) -> Node | None:
    """All nodes that exist, below the workflow's own; None when there are none yet."""
    name = workflow(records)
    if not name:
        return None
    ids = {_number(child) for record in records for child in record.children}
    root = Node(name, name, fnv(name))
    displays = sorted({_TRY.sub("", record.name) for record in records if record.name} - {name})
    waiting = [root]
    while waiting:
        waiting += _found(waiting.pop(), ids, displays)
    return root


_DIGITS = 10
"""Of a number of 32 bits at most."""


def _number(child: str) -> int:
    text = child.rpartition("-")[2]
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else -1


def _found(node: Node, ids: set[int], displays: Collection[str]) -> list[Node]:
    """What is below a node; each id is found once."""
    if not _TRY.search(node.display):
        node.tries = list(_tries(node, ids))
    for display in displays if not node.tries else ():
        number = fnv(f".{display}", node.hash)
        if number in ids:
            ids.discard(number)
            node.inside[display] = Node(f"{node.name}.{display}", display, number, node)
    return node.within


def _tries(node: Node, ids: set[int]) -> Iterator[Node]:
    for index in count():
        number = fnv(f"({index})", node.hash)
        if number not in ids:
            return
        ids.discard(number)
        yield Node(f"{node.name}({index})", f"{node.display}({index})", number, node)


def walk(root: Node) -> Iterator[Node]:
    """Every node, outer before inner."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += node.within
