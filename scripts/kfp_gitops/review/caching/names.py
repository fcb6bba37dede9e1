"""The names that the SDK gives to tasks and groups: texts that are put together have them in, so they are in the key.

kfp 2.17: dsl/pipeline_context.py (Pipeline.add_task, get_next_group_id), dsl/tasks_group.py, dsl/for_loop.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from kfp_gitops.language.manifest import (
    Condition,
    Constant,
    Guarded,
    ItemRef,
    Loop,
    Node,
    OutputRef,
    ParameterRef,
    Value,
)


@dataclass
class Names:
    """Counts as the SDK does while it builds a pipeline, in the order of the compiler."""

    hidden: Mapping[str, str]
    tasks: dict[str, str] = field(default_factory=dict)
    items: dict[str, str] = field(default_factory=dict)
    groups: int = 0

    def task(self, node: str, component: str) -> str:
        """The name of a task, by that of its component."""
        base = re.sub("-+", "-", re.sub("[^-0-9a-z]+", "-", component.lower())).strip("-") or "task"
        taken, name, index = set(self.tasks.values()), base, 2
        while name in taken:
            name, index = f"{base}-{index}", index + 1
        self.tasks[node] = name
        return name

    def group(self, node: Node) -> None:
        """Count the groups that a node opens before its body; branches after the first by `branch`."""
        if isinstance(node, Loop):
            raw = isinstance(node.items, Constant) and node.id not in self.hidden
            self.groups += raw
            self.items[node.id] = f"loop-item-param-{self.groups}" if raw else f"{self._list(node)}-loop-item"
        if isinstance(node, Loop | Guarded | Condition):
            self.groups += 1

    def branch(self, index: int) -> None:
        """An elif or else: the second branch brings the group around them all."""
        self.groups += 2 if index == 1 else 1

    def channel(self, reference: Value) -> str:
        """The name of the input by which a reference inside a text reaches a task."""
        match reference:
            case ParameterRef(name):
                return f"pipelinechannel--{name}"
            case OutputRef(task, output):
                return f"pipelinechannel--{self.tasks.get(task, task)}-{output}"
            case ItemRef(loop, None):
                return f"pipelinechannel--{self.items.get(loop, loop)}"
            case ItemRef(loop, name):
                return f"pipelinechannel--{self.items.get(loop, loop)}-subvar-{name}"
        return "pipelinechannel--"

    def _list(self, node: Loop) -> str:
        if node.id in self.hidden:
            return self.hidden[node.id]
        return self.channel(node.items).removeprefix("pipelinechannel--")
