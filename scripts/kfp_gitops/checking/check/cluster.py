"""What a task asks of Kubernetes in words of its own, which its API server refuses when the run is on its way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Path
from kfp_gitops.checking.check import known
from kfp_gitops.checking.check.context import Context
from kfp_gitops.language import kubernetes_names as names
from kfp_gitops.language import pod_rules, quantity
from kfp_gitops.language.manifest import (
    AffinityTerm,
    Constant,
    EmptyDir,
    EnvField,
    EnvFrom,
    EphemeralVolume,
    LabelMatch,
    MountedSource,
    ParameterRef,
    Pod,
    Task,
    Toleration,
    Value,
    Volume,
    walk,
)

Found = Iterator[tuple[Path, str | None]]


def problems(context: Context) -> Iterator[Problem]:
    """What is wrong with the pods of all tasks."""
    for task in walk(context.manifest.body):
        if isinstance(task, Task):
            for at, found in _refused(task.pod):
                if found:
                    what = f"Kubernetes refuses this: {found}"
                    yield context.document.problem((*task.at, *at), what, "correct it")
            yield from _above_limit(context, task)


def _refused(pod: Pod) -> Found:
    yield from _env(pod)
    yield from chain.from_iterable(map(_volume, pod.volumes))
    yield from _shared_names(pod)
    yield from _metadata(("pod",), pod.labels, pod.annotations)
    yield from _placement(pod)
    if pod.security and pod.security.non_root and pod.security.user == 0:
        yield ("securityContext", "runAsUser"), "user 0 is root, and `runAsNonRoot` is true"


def _env(pod: Pod) -> Found:
    for name, source in pod.env.items():
        if isinstance(source, EnvField):
            yield ("env", name, "field"), names.field_path(source.path)
        elif isinstance(source, EnvFrom):
            yield ("env", name, "key"), names.data_key(source.key)


def _volume(volume: Volume) -> Found:
    at: Path = ("volumes", volume.mount_path)
    match volume:
        case MountedSource():
            yield (*at, "subPath"), names.sub_path(volume.sub_path) if volume.sub_path else None
        case EphemeralVolume():
            at = (*at, "ephemeral")
            yield (*at, "accessModes"), pod_rules.access_modes(volume.access_modes)
            yield (*at, "size"), pod_rules.size(volume.size)
            yield (*at, "storageClass"), pod_rules.storage_class(volume.storage_class)
            yield from _metadata(at, volume.labels, volume.annotations)


def _shared_names(pod: Pod) -> Found:
    """KFP names a volume by what it mounts, and one name cannot be of two kinds (driver/k8s.go)."""
    seen: dict[str, tuple[str, str]] = {}
    for volume in pod.volumes:
        kind, key, name = _named(volume)
        if name is None:
            continue
        path, other = seen.setdefault(name, (volume.mount_path, kind))
        if kind != other and "MountedSource" in (kind.split()[0], other.split()[0]):
            yield ("volumes", volume.mount_path, *key), f"{path} mounts a volume named {name!r} already"


def _named(volume: Volume) -> tuple[str, Path, str | None]:
    """Of which kind a volume is, where its name stands, and the name if it is known."""
    match volume:
        case MountedSource(kind, _, Constant(name)):
            return f"MountedSource {kind}", (kind,), str(name)
        case MountedSource():
            return "MountedSource", (), None
        case EmptyDir():
            return "EmptyDir", ("emptyDir", "name"), volume.name
        case _:
            return "EphemeralVolume", ("ephemeral", "name"), volume.name


def _metadata(at: Path, labels: Mapping[str, str], annotations: Mapping[str, str]) -> Found:
    for key, value in labels.items():
        yield (*at, "labels", key), pod_rules.label_map({key: value})
    for key in annotations:
        yield (*at, "annotations", key), names.annotation_key(key)
    if all(names.annotation_key(key) is None for key in annotations):
        yield (*at, "annotations"), pod_rules.annotation_map(annotations)


def _placement(pod: Pod) -> Found:
    placement = pod.placement
    for index, toleration in enumerate(placement.tolerations):
        if isinstance(toleration, Toleration):
            yield from _toleration(("placement", "tolerations", index), toleration)
    if isinstance(placement.node_selector, Mapping):
        for key, value in placement.node_selector.items():
            yield ("placement", "nodeSelector", key), pod_rules.label_map({key: value})
    if isinstance(placement.affinity, tuple):
        for index, term in enumerate(placement.affinity):
            yield from _term(("placement", "nodeAffinity", index), term)


def _toleration(at: Path, toleration: Toleration) -> Found:
    """Its words alone; how they go together is told by `pods`."""
    if toleration.key is not None:
        yield (*at, "key"), names.label_key(toleration.key)
    if toleration.operator != "Exists":
        yield (*at, "value"), names.label_value(toleration.value or "")


def _term(at: Path, term: AffinityTerm) -> Found:
    for key, matches in (("matchExpressions", term.expressions), ("matchFields", term.fields)):
        for index, match in enumerate(matches):
            found = pod_rules.match(_as_map(match), of_fields=key == "matchFields")
            yield (*at, key, index), found


def _as_map(match: LabelMatch) -> Mapping[str, Any]:
    return {"key": match.key, "operator": match.operator, "values": list(match.values)}


def _above_limit(context: Context, task: Task) -> Iterator[Problem]:
    """In a run by hand, and in one of each schedule and trigger."""
    resources = task.pod.resources
    for kind, request, limit in (
        ("cpu", resources.cpu_request, resources.cpu_limit),
        ("memory", resources.memory_request, resources.memory_limit),
    ):
        if request is None or limit is None:
            continue
        for given in known.settings(context):
            asked = _amount(request, given, (*task.at, "resources", kind, "request"))
            most = _amount(limit, given, (*task.at, "resources", kind, "limit"))
            if asked and most and quantity.exceeds(asked[0], most[0]):
                what = f"Kubernetes refuses this: {kind} request {asked[0]} of {task.id!r} is above its limit {most[0]}"
                yield context.document.problem(
                    asked[1], what, "request at most the limit", fault=known.fault(asked[1])
                )


def _amount(value: Value, given: Mapping[str, tuple[Any, Path]], at: Path) -> tuple[str, Path] | None:
    match value:
        case Constant(str(text)):
            return text, at
        case ParameterRef(name) if name in given and isinstance(given[name][0], str):
            return given[name]
    return None
