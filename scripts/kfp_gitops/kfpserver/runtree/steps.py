"""The tasks of a compiled pipeline: what is in what, what waits for what. Keys are the IR's, `id` what people say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any, Literal

from kfp_gitops.language import expansion

Kind = Literal["task", "importer", "group", "condition", "branches", "loop"]

EXECUTOR = "system-container-impl"
_STUBS = ("argostub/createpvc", "argostub/deletepvc")
"""What kfp-kubernetes names as images: the driver does what they stand for."""
_ALWAYS = "ALL_UPSTREAM_TASKS_COMPLETED"
_BRANCHES = "condition-branches"  # as the SDK calls the group of an if with its elif and else
_NAME = r"inputs\.parameter_values\['(?:pipelinechannel--)?([^']*)'\]"
_INPUT = re.compile(rf"double\(int\({_NAME}\)\)|(?:int|double)\({_NAME}\)|{_NAME}")


@dataclass(frozen=True)
class Step:
    """A task or group of the pipeline.

    `after` are the keys of the tasks that it waits for. `at_end`: it runs as the exit hook of these, whatever happened
    to them. `condition` is what must hold for it to run. `items`: how often a loop runs, where the pipeline or the
    run's parameters say it.
    """

    key: str
    id: str
    kind: Kind
    after: tuple[str, ...] = ()
    at_end: bool = False
    condition: str = ""
    items: int | None = None
    inside: tuple[Step, ...] = ()
    template: str = EXECUTOR
    """Argo's template of its pods (argocompiler/container.go addContainerExecutorTemplate, importer.go)."""


def steps(spec: Mapping[str, Any], parameters: Mapping[str, Any]) -> tuple[Step, ...]:
    """The tasks of an IR, as a server gives it back; `parameters` are those of the run.

    Of one that has more than anything can run, only the outermost: it may be anybody's.
    """
    ir = spec.get("pipeline_spec", spec)
    root = ir.get("root") or {}
    return _Reader(ir, _levels(ir), _kubernetes(spec)).dag(root, _defaults(root) | dict(parameters), ())


def numbered(key: str) -> tuple[str, int]:
    """A key as the SDK counts them: `say` before `say-2` before `say-10`."""
    found = re.fullmatch(r"(.+)-(\d+)", key)
    return (found[1], int(found[2])) if found else (key, 1)


def sorted_by_need(found: Sequence[Step]) -> list[Step]:
    """Each after those that it waits for, else by key; those at the end come after what they end."""
    by_key = {step.key: step for step in sorted(found, key=lambda step: numbered(step.key))}
    waits = {key: [name for name in step.after if name in by_key] for key, step in by_key.items()}
    try:
        return [by_key[key] for key in TopologicalSorter(waits).static_order()]
    except CycleError:  # no server would have taken it
        return list(by_key.values())


@dataclass(frozen=True)
class _Reader:
    ir: Mapping[str, Any]
    levels: int
    kubernetes: Mapping[str, Any]
    """Executor's label → what kfp-kubernetes says of it."""

    def dag(
        self, component: Mapping[str, Any], known: Mapping[str, Any], around: tuple[str, ...]
    ) -> tuple[Step, ...]:
        tasks = (component.get("dag") or {}).get("tasks") or {}
        return tuple(sorted_by_need([self._step(key, task, known, around) for key, task in tasks.items()]))

    def _step(
        self, key: str, task: Mapping[str, Any], known: Mapping[str, Any], around: tuple[str, ...]
    ) -> Step:
        name = str((task.get("componentRef") or {}).get("name", ""))
        component = (self.ir.get("components") or {}).get(name) or {}
        trigger = task.get("triggerPolicy") or {}
        given = _defaults(component) | _given(task, known)
        inside = (
            self.dag(component, given, (*around, name))
            if name not in around and len(around) < self.levels
            else ()
        )
        return Step(
            key=key,
            id=str((task.get("taskInfo") or {}).get("name") or key),
            kind=self._kind(key, task, component),
            after=tuple(dict.fromkeys([*(task.get("dependentTasks") or ()), *_producers(task)])),
            at_end=trigger.get("strategy") == _ALWAYS,
            condition=_readable(str(trigger.get("condition") or "")),
            items=_items(task, given),
            inside=inside,
            template=self._template(task, component),
        )

    def _template(self, task: Mapping[str, Any], component: Mapping[str, Any]) -> str:
        label = str(component.get("executorLabel") or "")
        executor = ((self.ir.get("deploymentSpec") or {}).get("executors") or {}).get(label) or {}
        if "importer" in executor:
            workspace = (executor["importer"] or {}).get("downloadToWorkspace")
            return f"system-importer{'-workspace' if workspace else ''}"
        if (executor.get("container") or {}).get("image") in _STUBS:
            return "system-container-driver"
        metadata = (self.kubernetes.get(label) or {}).get("podMetadata")
        counts = [len((metadata or {}).get(name) or ()) for name in ("annotations", "labels")]
        before = "" if metadata is None else f"metadata-{counts[0]}-{counts[1]}-"
        return f"{before}{'retry-' if task.get('retryPolicy') else ''}{EXECUTOR}"

    def _kind(self, key: str, task: Mapping[str, Any], component: Mapping[str, Any]) -> Kind:
        if "parameterIterator" in task or "artifactIterator" in task:
            return "loop"
        if "dag" in component:
            if (task.get("triggerPolicy") or {}).get("condition"):
                return "condition"
            return "branches" if key.startswith(_BRANCHES) else "group"
        executors = (self.ir.get("deploymentSpec") or {}).get("executors") or {}
        return "importer" if "importer" in (executors.get(component.get("executorLabel")) or {}) else "task"


def _kubernetes(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    platforms = (spec.get("platform_spec") or {}).get("platforms") or {}
    found = ((platforms.get("kubernetes") or {}).get("deploymentSpec") or {}).get("executors") or {}
    return found if isinstance(found, dict) else {}


def _levels(ir: Mapping[str, Any]) -> int:
    """So many levels of tasks inside one another are read."""
    components = {"": ir.get("root") or {}, **(ir.get("components") or {})}
    parts = {
        name: [
            str((task.get("componentRef") or {}).get("name", ""))
            for task in ((component.get("dag") or {}).get("tasks") or {}).values()
        ]
        for name, component in components.items()
    }
    return 0 if expansion.too_much(parts, "") else expansion.MOST_LEVELS


def _readable(condition: str) -> str:
    """A condition as the SDK writes it, with the inputs' names alone: `int(inputs.parameter_values['x']) == 3`."""
    return _INPUT.sub(lambda found: next(filter(None, found.groups()), ""), condition)


def _producers(task: Mapping[str, Any]) -> Iterator[str]:
    """What it waits for because it takes an output of it (dag.go `addImplicitDependencies`)."""
    inputs = task.get("inputs") or {}
    for kind, found in (("parameters", "taskOutputParameter"), ("artifacts", "taskOutputArtifact")):
        for source in (inputs.get(kind) or {}).values():
            if source.get(found):
                yield str(source[found].get("producerTask", ""))


def _defaults(component: Mapping[str, Any]) -> dict[str, Any]:
    declared = (component.get("inputDefinitions") or {}).get("parameters") or {}
    return {name: found["defaultValue"] for name, found in declared.items() if "defaultValue" in found}


def _given(task: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of a task whose values are known before it runs."""
    sources = ((task.get("inputs") or {}).get("parameters") or {}).items()
    constants = {
        name: source["runtimeValue"]["constant"]
        for name, source in sources
        if "constant" in (source.get("runtimeValue") or {})
    }
    handed = {
        name: known[source["componentInputParameter"]]
        for name, source in sources
        if source.get("componentInputParameter") in known
    }
    return constants | handed


def _items(task: Mapping[str, Any], given: Mapping[str, Any]) -> int | None:
    items = (task.get("parameterIterator") or {}).get("items") or {}
    try:
        found = json.loads(items["raw"]) if "raw" in items else given.get(items.get("inputParameter", ""))
    except ValueError:
        return None
    return len(found) if isinstance(found, list) else None
