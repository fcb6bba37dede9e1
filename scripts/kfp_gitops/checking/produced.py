"""What a run of a pipeline leaves that another one may be given: outputs of its tasks, and its own.

A task is named by its id alone, whatever groups it stands in; one of a pipeline inside it has no name of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kfp_gitops.checking.check.context import Context
from kfp_gitops.language.irlint import view
from kfp_gitops.language.manifest import (
    CollectRef,
    Condition,
    Group,
    Importer,
    Loop,
    OneOfRef,
    OutputRef,
    Task,
)
from kfp_gitops.sources import components
from kfp_gitops.sources.components import Port


@dataclass(frozen=True)
class Produced:
    """An output by the type of what is handed over: of an `artifact` it is the URI, a str.

    `many`: a run has as many as a loop has items, or several tasks have this id; `maybe`: or none.
    """

    type: str
    artifact: bool = False
    many: bool = False
    maybe: bool = False

    @classmethod
    def of(cls, port: Port, *, many: bool = False, maybe: bool = False) -> Produced:
        """The output of a task, or of a pipeline."""
        return cls(port.type or "str", port.type is None, many or port.many, maybe)


def of_manifest(context: Context) -> dict[str, Produced]:
    """`TASK.OUTPUT` and `OUTPUT` of a pipeline with tasks."""
    found: dict[str, Produced] = {}
    for task, node in context.scopes.nodes.items():
        if isinstance(node, Task | Importer):
            around = context.scopes.around[task]
            for name, port in (context.outputs(task) or {}).items():
                found[f"{task}.{name}"] = Produced.of(
                    port, many=_loops(around), maybe=_may_be_skipped(around)
                )
    return {**found, **dict(_own(context, found))}


def _own(context: Context, of_tasks: Mapping[str, Produced]) -> Iterator[tuple[str, Produced]]:
    for output in context.manifest.outputs:
        port = context.kind(output.value)
        if port is None:
            continue
        match output.value:
            case OutputRef(task, name):
                yield output.name, of_tasks.get(f"{task}.{name}") or Produced.of(port)
            case OneOfRef((first, *_)):
                around = context.scopes.around[first.task][:-1]  # without the condition that it is one of
                yield output.name, Produced.of(port, many=_loops(around), maybe=_may_be_skipped(around))
            case CollectRef():
                yield output.name, Produced.of(port, many=True)


def _loops(around: tuple[Group, ...]) -> bool:
    return any(isinstance(group.node, Loop) for group in around)


def _may_be_skipped(around: tuple[Group, ...]) -> bool:
    return any(isinstance(group.node, Condition) for group in around)


def of_ir(spec: Mapping[str, Any]) -> dict[str, Produced]:
    """The same of a compiled pipeline, of a task by its key and by the name that KFP shows."""
    ir = view.Ir(spec)
    found: dict[str, Produced] = {}
    for name, one in _of_dag(ir, ir.root, many=False, maybe=False):
        found[name] = replace(one, many=True) if name in found else one
    own = components.ir_ports(ir.root.node.get("outputDefinitions", {}))
    return {**found, **{name: Produced.of(port) for name, port in own.items()}}


def _of_dag(ir: view.Ir, dag: view.Component, *, many: bool, maybe: bool) -> Iterator[tuple[str, Produced]]:
    """What is in a DAG that runs `many` times, or `maybe` not at all."""
    for name, task in dag.tasks.items():
        component = ir.component(task)
        if component is None:
            continue
        each = many or bool(view.iterator(task))
        skipped = maybe or "condition" in task.get("triggerPolicy", {})
        names = dict.fromkeys((name, str(task.get("taskInfo", {}).get("name", name))))
        for output, port in components.ir_ports(component.node.get("outputDefinitions", {})).items():
            yield from ((f"{one}.{output}", Produced.of(port, many=each, maybe=skipped)) for one in names)
        yield from _of_dag(ir, component, many=each, maybe=skipped)
