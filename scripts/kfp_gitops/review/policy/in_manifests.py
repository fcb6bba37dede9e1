"""What a pipeline manifest says of its tasks, loops, parameters, schedules and triggers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from kfp_gitops.base.yamltext import Document, Path
from kfp_gitops.language.manifest import (
    Condition,
    Importer,
    Loop,
    Manifest,
    Node,
    Task,
    Trigger,
    triggers,
    walk,
)
from kfp_gitops.review.policy.literals import compared, literal, named
from kfp_gitops.review.policy.subject import Subject


def in_manifest(
    environment: str,
    place: str,
    manifest: Manifest,
    idle: Collection[str] = (),
    own_steps: Collection[str] = (),
) -> Iterator[Subject]:
    """Everything of one manifest; `place` is what waivers call it, `idle` what starts runs that the cache makes so.

    `own_steps`: components that KFP itself does, without a pod.
    """
    for kind, name, value, at in _objects(manifest, idle, own_steps):
        yield Subject(kind, environment, f"{place}/{name}" if name else place, value, manifest.document, at)


def _objects(
    manifest: Manifest, idle: Collection[str], own_steps: Collection[str]
) -> Iterator[tuple[str, str, Any, Path]]:
    nodes = [*walk(manifest.body)]
    tasks = [node for node in nodes if isinstance(node, Task)]
    whole = manifest.document.value
    promised = {"slo": whole["slo"]} if "slo" in whole else {}
    accepts = {"acceptedFaults": list(manifest.accepted_faults)}
    yield "pipeline", "", {**whole["metadata"], **promised, **accepts, "tasks": len(tasks)}, ("metadata",)
    for node in nodes:
        yield from _of_node(manifest.document, node, own_steps)
    for parameter in manifest.parameters:
        default = parameter.default.value if parameter.default else None
        yield "parameter", parameter.name, {"name": parameter.name, "value": default}, parameter.at
        if parameter.default:
            yield from _parameters(
                parameter.name, _inside(parameter.name, default), (*parameter.at, "default")
            )
    yield from _of_starts(manifest, idle)


def _of_node(
    document: Document, node: Node, own_steps: Collection[str]
) -> Iterator[tuple[str, str, Any, Path]]:
    if isinstance(node, Task | Importer) and node.settings.retry is not None:
        yield "retry", node.id, _below(document, (*node.at, "retry")), (*node.at, "retry")
    match node:
        case Task():
            yield from _of_task(document, node, own_steps)
        case Importer():
            yield from _parameters(node.id, named("metadata", node.metadata), (*node.at, "importer"))
        case Loop():
            yield "loop", node.id, {"parallelism": node.parallelism}, node.at
            yield from _parameters(node.id, _inside("items", literal(node.items)), node.at)
        case Condition():
            for branch in node.branches:
                if branch.when:
                    yield from _parameters(node.id, compared(branch.when), branch.when.at)


def _of_task(
    document: Document, task: Task, own_steps: Collection[str]
) -> Iterator[tuple[str, str, Any, Path]]:
    if (
        task.kind == "component" and task.name not in own_steps
    ):  # a pipeline has its own tasks; what KFP does itself has no pod to limit
        yield "task", task.id, _below(document, task.at), task.at
    for key, text in task.pod.env.items():
        if isinstance(text, str):  # else from a Secret, a ConfigMap or the pod: there is no value to look at
            yield "variable", f"{task.id}/{key}", {"name": key, "value": text}, (*task.at, "env", key)
    yield from _parameters(task.id, task.pod.labels, task.at)
    yield from _parameters(task.id, task.pod.annotations, task.at)
    found = {key: one for name, value in task.arguments.items() for key, one in named(name, value).items()}
    yield from _parameters(task.id, found, task.arguments_at)


def _of_starts(manifest: Manifest, idle: Collection[str]) -> Iterator[tuple[str, str, Any, Path]]:
    for schedule in manifest.schedules:
        value = {
            "enabled": schedule.enabled,
            "cron": schedule.cron,
            "maxConcurrency": schedule.max_concurrency,
            "idle": schedule.name in idle,
        }
        yield "schedule", schedule.name, value, schedule.at
    for trigger in manifest.triggers:
        said = {**_trigger(trigger), "idle": trigger.name in idle}
        yield "trigger", trigger.name, said, trigger.at
    for start in manifest.starts:
        yield from _parameters(start.name, start.constants, (*start.at, "parameters"))


def _trigger(trigger: Trigger) -> Mapping[str, Any]:
    """As it is written, with what holds where it says nothing."""
    said = triggers.written(trigger)
    defaults = {"enabled": True, "maxConcurrency": trigger.max_concurrency, "onMissed": trigger.on_missed}
    return {**defaults, **{key: value for key, value in said.items() if key not in ("name", "parameters")}}


def _parameters(place: str, given: Mapping[str, Any], at: Path) -> Iterator[tuple[str, str, Any, Path]]:
    for key, value in given.items():
        yield "parameter", f"{place}/{key}", {"name": key, "value": value}, (*at, key)
        yield from _parameters(f"{place}/{key}", _inside(key, value), (*at, key))


def _inside(name: str, value: Any) -> Mapping[str, Any]:
    """What a map or a list holds: a secret in it is as plain as one beside it."""
    if isinstance(value, list):
        return {f"{name}[{index}]": item for index, item in enumerate(value)}
    return value if isinstance(value, Mapping) else {}


def _below(document: Document, at: Path) -> Any:
    value = document.value
    for part in at:
        value = value[part]
    return value
