"""Steps without the pipeline: a run of an IR that the server does not give, read from its nodes alone.

The ids are then the IR's keys, and what has not begun is not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kfp_gitops.kfpserver.runtree.nodes import Node
from kfp_gitops.kfpserver.runtree.steps import Kind, Step, sorted_by_need

_HOOK = ".onExit"


def steps(bodies: Sequence[Node]) -> tuple[Step, ...]:
    """The tasks that are in any of some nodes of the same DAG."""
    found: dict[str, list[Node]] = {}
    hooks: dict[str, list[Node]] = {}
    for body in bodies:
        for name, node in body.inside.items():
            if name.endswith(_HOOK):
                hooks.setdefault(name.removesuffix(_HOOK), []).append(node.last)
            else:
                found.setdefault(name, []).append(node)
    return tuple(sorted_by_need([*_own(found), *_at_end(hooks)]))


def _own(found: dict[str, list[Node]]) -> Iterator[Step]:
    for name, nodes in found.items():
        task = name.removesuffix("-driver")
        if task == name:
            yield _step(name, [node.last for node in nodes])
        elif task not in found:  # it has not come any further
            yield Step(task, task, "task")


def _at_end(hooks: dict[str, list[Node]]) -> Iterator[Step]:
    for name, nodes in hooks.items():
        for step in steps(nodes):
            yield Step(step.key, step.id, step.kind, (name,), at_end=True, inside=step.inside)


def _step(name: str, bodies: Sequence[Node]) -> Step:
    kind, inside = _inside(bodies)
    return Step(name, name, kind, inside=inside)


def _inside(bodies: Sequence[Node]) -> tuple[Kind, tuple[Step, ...]]:
    names = {name for body in bodies for name in body.inside}
    if "iteration-driver" in names:
        items = [
            node.last
            for body in bodies
            for name, node in body.inside.items()
            if name.startswith("iteration-iterations(")
        ]
        found = steps(
            [node.inside["iteration-item"].last for node in items if "iteration-item" in node.inside]
        )
        return "loop", () if [step.key for step in found] == ["executor"] else found
    if not names or "executor" in names:
        return "task", ()
    return "group", steps(bodies)
