"""The ids and the order of a manifest for the tasks of its compiled pipeline.

A task, a loop and a guarded group stand in the IR under their display name, mostly the id itself. An importer and a
condition have no name there but the SDK's, `importer-2` or `condition-3`: counted in the order in which they were made,
so they are told apart only in the version that this very manifest compiles to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from kfp_gitops.kfpserver.runtree.steps import Kind, Step, numbered
from kfp_gitops.language.manifest import (
    Branch,
    Condition,
    Guarded,
    Importer,
    Loop,
    Manifest,
    Node,
    Task,
    ordered,
)

_COUNTED = ("importer", "condition", "branches")


@dataclass(frozen=True)
class Ids:
    """A manifest and the pipelines inside it; `same`: the run's version is what this manifest compiles to."""

    manifest: Manifest
    inner: Mapping[str, Manifest]
    same: bool

    def __call__(self, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        """The steps of a run with the ids of the manifest, in its order; what it does not have comes after."""
        return self._body(steps, self.manifest.body)

    def _body(self, steps: Sequence[Step], nodes: Sequence[Node]) -> tuple[Step, ...]:
        pairs = dict(self._pairs(steps, nodes))
        places = {id(node): index for index, node in enumerate(_listed(nodes))}
        known = sorted((step for step in steps if step.key in pairs), key=lambda s: places[id(pairs[s.key])])
        others = [step for step in steps if step.key not in pairs]
        return tuple(_put_in([self._named(step, pairs[step.key]) for step in known], others))

    def _pairs(self, steps: Sequence[Step], nodes: Sequence[Node]) -> Iterator[tuple[str, Node]]:
        """The key of each step whose node is certain."""
        wanted, found = defaultdict(list), defaultdict(list)
        for node in _listed(ordered(nodes)):
            wanted[_known_by(node)].append(node)
        for step in sorted(steps, key=lambda step: numbered(step.key)):
            found[(_class(step), "" if _class(step) in _COUNTED else step.id)].append(step)
        for name, some in found.items():
            if len(some) == len(wanted[name]) and (self.same or name[0] not in _COUNTED):
                yield from zip((step.key for step in some), wanted[name], strict=True)

    def _named(self, step: Step, node: Node) -> Step:
        step = replace(step, id=node.id)
        match node:
            case Condition(branches=branches) if len(branches) > 1:
                arms = sorted(step.inside, key=lambda arm: numbered(arm.key))
                if len(arms) != len(branches):
                    return step
                return replace(step, inside=tuple(map(self._arm, arms, branches, range(len(arms)))))
            case Condition(branches=(Branch(body=body),)) | Loop(body=body) | Guarded(body=body):
                return replace(step, inside=self._body(step.inside, body))
            case Task(kind="pipeline", name=name) if name in self.inner:
                return replace(step, inside=self._body(step.inside, self.inner[name].body))
        return step

    def _arm(self, step: Step, branch: Branch, index: int) -> Step:
        word = "else" if branch.when is None else "elif" if index else "if"
        return replace(step, id=branch.display_name or word, inside=self._body(step.inside, branch.body))


def _put_in(known: Sequence[Step], others: Sequence[Step]) -> list[Step]:
    """Steps that the manifest does not have: each before the first one that waits for it."""
    found = list(known)
    for step in reversed(others):
        waiting = (index for index, one in enumerate(found) if step.key in one.after)
        found.insert(next(waiting, len(known)), step)
    return found


def _listed(nodes: Sequence[Node]) -> Iterator[Node]:
    """What stands beside each other in the IR: an exit task is beside the group that it ends, and read after it."""
    for node in nodes:
        yield node
        if isinstance(node, Guarded):
            yield node.exit_task


def _class(step: Step) -> str:
    """A task may be a pipeline, and so a group."""
    same: Mapping[Kind, str] = {"group": "task"}
    return same.get(step.kind, step.kind)


def _known_by(node: Node) -> tuple[str, str]:
    """The class and the name under which a node's step is found."""
    match node:
        case Condition(branches=branches):
            return ("branches" if len(branches) > 1 else "condition"), ""
        case Importer():
            return "importer", ""
        case Loop(display_name=name):
            return "loop", name
        case Guarded(display_name=name):
            return "task", name
        case Task(settings=settings):
            return "task", settings.display_name
