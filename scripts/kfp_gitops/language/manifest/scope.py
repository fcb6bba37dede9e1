"""Where each node of a manifest stands: the groups around it, outermost first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from kfp_gitops.language.manifest.model import Condition, Guarded, Loop, Manifest, Node, bodies, walk


@dataclass(frozen=True)
class Group:
    """One body around a node: which group it belongs to and which of its branches it is."""

    node: Condition | Loop | Guarded
    branch: int


@dataclass(frozen=True)
class Scopes:
    """The nodes of a manifest by id, and the groups around each."""

    nodes: Mapping[str, Node]
    around: Mapping[str, tuple[Group, ...]]

    @classmethod
    def of(cls, manifest: Manifest) -> Scopes:
        """Where the nodes of a manifest stand; of nodes with the same id, the last one."""
        found = dict(_placed(manifest.body, ()))
        return cls({node.id: node for node in walk(manifest.body)}, found)

    @cached_property
    def _keys(self) -> Mapping[str, tuple[tuple[str, int], ...]]:
        return {
            name: tuple((group.node.id, group.branch) for group in groups)
            for name, groups in self.around.items()
        }

    def loops(self, node: str) -> tuple[str, ...]:
        """The ids of the loops around a node."""
        return tuple(group.node.id for group in self.around[node] if isinstance(group.node, Loop))

    def apart(self, node: str, user: str | None) -> tuple[Group, ...]:
        """The groups around a node that are not around its user as well (None: the pipeline itself)."""
        keys, others = self._keys[node], self._keys[user] if user is not None else ()
        shared = 0
        while shared < min(len(keys), len(others)) and keys[shared] == others[shared]:
            shared += 1
        return self.around[node][shared:]


def _placed(nodes: Sequence[Node], groups: tuple[Group, ...]) -> Iterator[tuple[str, tuple[Group, ...]]]:
    for node in nodes:
        yield node.id, groups
        if isinstance(node, Guarded):
            yield node.exit_task.id, groups
        if isinstance(node, Condition | Loop | Guarded):
            for index, body in enumerate(bodies(node)):
                yield from _placed(body, (*groups, Group(node, index)))
