"""The order in which sibling nodes can be created: what is referred to comes first, else manifest order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kfp_gitops.language.manifest.model import Condition, Guarded, Importer, Loop, Node, Task, bodies, walk
from kfp_gitops.language.manifest.value import Value, references, tasks


class CycleError(Exception):
    """Siblings that wait for each other; `nodes` in the order of the circle."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        super().__init__(" → ".join(node.id for node in nodes))
        self.nodes = nodes


def ordered(siblings: Sequence[Node]) -> list[Node]:
    """Siblings so that each comes after those that it, or anything inside it, waits for.

    Raises:
        CycleError: there is no such order.
    """
    home = {inner.id: node for node in siblings for inner in walk([node])}
    done: dict[str, Node] = {}
    trail: list[Node] = []

    def visit(node: Node) -> None:
        if node.id in done:
            return
        if node in trail:
            raise CycleError(trail[trail.index(node) :])
        trail.append(node)
        for name in waits_for(node):
            if name in home and (home[name] is not node or name == node.id):
                visit(home[name])
        done[trail.pop().id] = node

    for node in siblings:
        visit(node)
    return list(done.values())


def waits_for(node: Node) -> Iterator[str]:
    """The ids that a node, or anything inside it, refers to or comes after; in manifest order."""
    for value in values(node):
        yield from tasks(value)
    if isinstance(node, Task | Importer):
        yield from node.settings.after
    if isinstance(node, Guarded):
        yield from waits_for(node.exit_task)
    for body in bodies(node):
        for inner in body:
            yield from waits_for(inner)


def used_in_groups(body: Sequence[Node]) -> Iterator[Value]:
    """Every reference that something inside the groups of a body uses."""
    for node in walk(inside_groups(body)):
        for value in values(node):
            yield from references(value)


def inside_groups(body: Sequence[Node]) -> list[Node]:
    """What the SDK puts into the groups of a body.

    What a loop there runs over, and what a single `if` asks, it takes from the body itself; the branches of an `if`
    with others stand in a group of their own.
    """
    found: list[Node] = []
    for node in body:
        alone = isinstance(node, Loop) or (isinstance(node, Condition) and len(node.branches) == 1)
        found += bodies(node)[0] if alone else [node] if bodies(node) else []
    return found


def values(node: Node) -> Sequence[Value]:
    """Every value that a node itself gives or compares; not those of the nodes inside it."""
    match node:
        case Task():
            return node.values
        case Importer():
            return [node.uri, node.metadata]
        case Loop():
            return [node.items]
        case Condition():
            return [
                side
                for branch in node.branches
                if branch.when
                for side in (branch.when.left, branch.when.right)
            ]
    return []
