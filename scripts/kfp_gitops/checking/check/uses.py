"""Where a manifest hands values to KFP's importer and to Kubernetes, and by which rule each is judged.

What a parameter of a pipeline inside another one is used for becomes a rule of its interface, so that a constant is
judged at the line where it is given, however many pipelines further in it is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Path
from kfp_gitops.checking.check import known
from kfp_gitops.checking.check.context import Context, shown
from kfp_gitops.language import kubernetes_names as names
from kfp_gitops.language import pod_rules, storage
from kfp_gitops.language.manifest import (
    EnvFrom,
    Importer,
    MountedSource,
    ParameterRef,
    Pod,
    Resources,
    Task,
    Toleration,
    Value,
    walk,
)
from kfp_gitops.language.manifest.value import tasks as tasks_of
from kfp_gitops.sources.components import Interface, Rule

_CLAIM: Mapping[str, pod_rules.Rule] = {
    "accessModes": pod_rules.access_modes,
    "size": pod_rules.size,
    "name": pod_rules.text(names.object_name),
    "nameSuffix": pod_rules.text(lambda suffix: names.object_name(f"{'0' * 36}{suffix}")),
    "storageClass": pod_rules.storage_class,
    "volumeName": pod_rules.text(names.object_name),
    "annotations": pod_rules.annotation_map,
    "dataSource": pod_rules.data_source,
}


@dataclass(frozen=True)
class Use:
    """A value at a path of the manifest, and the rule that it must satisfy."""

    value: Value
    at: Path
    rule: Rule


def problems(context: Context) -> Iterator[Problem]:
    """Every constant that breaks the rule of where it is used."""
    for use in _uses(context):
        for constant, at in known.constants(context, use.value, use.at):
            if fault := use.rule(constant):
                yield context.document.problem(at, *fault, fault=known.fault(at))


def rules(context: Context) -> Mapping[str, tuple[Rule, ...]]:
    """The rules of each parameter, for the pipeline around this one."""
    found: dict[str, tuple[Rule, ...]] = {}
    for use in _uses(context):
        if isinstance(use.value, ParameterRef):
            found[use.value.name] = (*found.get(use.value.name, ()), use.rule)
    return found


def _uses(context: Context) -> Iterator[Use]:
    read = _read(context)
    for parameter in context.manifest.parameters:
        if parameter.literals:
            yield Use(ParameterRef(parameter.name), parameter.at, partial(_one_of, parameter.literals))
    for node in walk(context.manifest.body):
        if isinstance(node, Importer):
            rule = partial(_importer, node.type, node.to_workspace, node.id in read)
            yield Use(node.uri, (*node.at, "importer", "uri"), rule)
        elif isinstance(node, Task):
            yield from _arguments(node, context.interface(node))
            for suffix, value, pod_rule in _of_pod(node.pod):
                yield Use(value, (*node.at, *suffix), _mended(pod_rule))


def _one_of(literals: Sequence[Any], value: Any) -> storage.Fault | None:
    if value in literals:
        return None
    return (
        f"{shown(value)} is none of the literals of this parameter",
        f"choose one of: {', '.join(map(repr, literals))}",
    )


def _importer(type_name: str, to_workspace: bool, is_read: bool, uri: Any) -> storage.Fault | None:
    if not isinstance(uri, str):
        return None
    return storage.importer(uri, type_name, to_workspace=to_workspace, is_read=is_read)


def _read(context: Context) -> set[str]:
    """The tasks of whose outputs a component is given one; what a pipeline inside does with one is not looked at."""
    tasks = (
        node for node in walk(context.manifest.body) if isinstance(node, Task) and node.kind == "component"
    )
    return {name for task in tasks for value in task.arguments.values() for name in tasks_of(value)}


def _arguments(task: Task, interface: Interface | None) -> Iterator[Use]:
    for name, value in task.arguments.items():
        at = (*task.arguments_at, name)
        if task.kind == "createPvc" and name in _CLAIM:
            yield Use(value, at, _mended(_CLAIM[name]))
        elif task.kind == "deletePvc":
            yield Use(value, at, _mended(_CLAIM["name"]))
        elif interface:
            yield from (Use(value, at, rule) for rule in interface.rules.get(name, ()))


def _mended(rule: pod_rules.Rule) -> Rule:
    def judged(value: Any) -> storage.Fault | None:
        found = rule(value)
        return (f"Kubernetes refuses this: {found}", "correct it") if found else None

    return judged


def _of_pod(pod: Pod) -> Iterator[tuple[Path, Value, pod_rules.Rule]]:
    yield from _of_resources(pod.resources)
    for name, source in pod.env.items():
        if isinstance(source, EnvFrom):
            yield ("env", name, source.kind), source.name, pod_rules.text(names.object_name)
    for volume in pod.volumes:
        if isinstance(volume, MountedSource):
            yield ("volumes", volume.mount_path, volume.kind), volume.name, pod_rules.text(names.volume_name)
    for index, secret in enumerate(pod.pull_secrets):
        yield ("image", "pullSecrets", index), secret, pod_rules.text(names.object_name)
    placement = pod.placement
    for index, toleration in enumerate(placement.tolerations):
        if not isinstance(toleration, Toleration):
            yield ("placement", "tolerations", index), toleration, pod_rules.tolerations
    if not isinstance(placement.node_selector, Mapping):
        yield ("placement", "nodeSelector"), placement.node_selector, pod_rules.label_map
    if not isinstance(placement.affinity, tuple):
        yield ("placement", "nodeAffinity"), placement.affinity, pod_rules.node_affinity
    if placement.selector_json is not None:
        yield ("placement", "nodeSelectorJson"), placement.selector_json, pod_rules.label_map
    if placement.affinity_json is not None:
        yield ("placement", "nodeAffinityJson"), placement.affinity_json, pod_rules.node_affinity


def _of_resources(resources: Resources) -> Iterator[tuple[Path, Value, pod_rules.Rule]]:
    for kind, key, value, rule in (
        ("cpu", "request", resources.cpu_request, pod_rules.amount),
        ("cpu", "limit", resources.cpu_limit, pod_rules.amount),
        ("memory", "request", resources.memory_request, pod_rules.amount),
        ("memory", "limit", resources.memory_limit, pod_rules.amount),
        ("accelerator", "type", resources.accelerator_type, pod_rules.text(names.accelerator)),
        ("accelerator", "limit", resources.accelerator_limit, pod_rules.count),
    ):
        if value is not None:
            yield ("resources", kind, key), value, rule
