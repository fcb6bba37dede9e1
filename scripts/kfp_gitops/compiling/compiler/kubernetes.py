"""Settings of a pod through kfp-kubernetes, which writes them into the IR's second document.

Imported only for manifests that use it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kfp_gitops.compiling import lean
from kfp_gitops.compiling.compiler.sdk import Channels
from kfp_gitops.language.manifest import (
    AffinityTerm,
    EmptyDir,
    EnvField,
    EnvFrom,
    EphemeralVolume,
    LabelMatch,
    MountedSource,
    Placement,
    Pod,
    Toleration,
    Value,
    Volume,
)
from kfp_gitops.language.manifest.reader import PVC_INPUTS

k8s = lean.import_kfp_kubernetes()

COMPONENTS = {"createPvc": k8s.CreatePVC, "deletePvc": k8s.DeletePVC}


def arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of one of the steps for volumes, under the names of KFP."""
    return {PVC_INPUTS[name]: value for name, value in given.items()}


def apply(task: Any, pod: Pod, channels: Channels) -> None:
    """Everything that a pod asks of Kubernetes, in the order of the manifest's reference."""
    _env(task, pod, channels)
    for volume in pod.volumes:
        _volume(task, volume, channels)
    _placement(task, pod.placement, channels)
    for key, value in pod.labels.items():
        k8s.add_pod_label(task, label_key=key, label_value=value)
    for key, value in pod.annotations.items():
        k8s.add_pod_annotation(task, annotation_key=key, annotation_value=value)
    if pod.pull_policy:
        k8s.set_image_pull_policy(task, pod.pull_policy)
    if pod.pull_secrets:
        k8s.set_image_pull_secrets(task, [channels(name) for name in pod.pull_secrets])
    if pod.security:
        k8s.set_security_context(task, pod.security.user, pod.security.group, pod.security.non_root)
    if pod.timeout_seconds is not None:
        k8s.set_timeout(task, pod.timeout_seconds)


def _env(task: Any, pod: Pod, channels: Channels) -> None:
    for (kind, name, optional), keys in _sources(pod):
        if kind == "secret":
            k8s.use_secret_as_env(task, secret_name=channels(name), secret_key_to_env=keys, optional=optional)
        else:
            k8s.use_config_map_as_env(
                task, config_map_name=channels(name), config_map_key_to_env=keys, optional=optional
            )
    for variable, source in pod.env.items():
        if isinstance(source, EnvField):
            k8s.use_field_path_as_env(task, env_name=variable, field_path=source.path)


def _sources(pod: Pod) -> Iterator[tuple[tuple[str, Value, bool], dict[str, str]]]:
    """The variables of one object together, key → variable; a key that is used twice begins anew."""
    found: list[tuple[tuple[str, Value, bool], dict[str, str]]] = []
    for variable, source in pod.env.items():
        if not isinstance(source, EnvFrom):
            continue
        which = (source.kind, source.name, source.optional)
        keys = next((keys for known, keys in found if known == which and source.key not in keys), None)
        if keys is None:
            found.append((which, keys := {}))
        keys[source.key] = variable
    yield from found


def _volume(task: Any, volume: Volume, channels: Channels) -> None:
    path = volume.mount_path
    match volume:
        case MountedSource("secret"):
            k8s.use_secret_as_volume(task, channels(volume.name), path, volume.optional)
        case MountedSource("configMap"):
            k8s.use_config_map_as_volume(task, channels(volume.name), path, volume.optional)
        case MountedSource():
            k8s.mount_pvc(task, channels(volume.name), path, volume.sub_path)
        case EmptyDir():
            k8s.empty_dir_mount(task, volume.name, path, volume.medium, volume.size_limit)
        case EphemeralVolume():
            k8s.add_ephemeral_volume(
                task,
                volume_name=volume.name,
                mount_path=path,
                access_modes=list(volume.access_modes),
                size=volume.size,
                storage_class_name=volume.storage_class,
                labels=dict(volume.labels),
                annotations=dict(volume.annotations),
            )


def _placement(task: Any, placement: Placement, channels: Channels) -> None:
    for toleration in placement.tolerations:
        if isinstance(toleration, Toleration):
            k8s.add_toleration(
                task,
                toleration.key,
                toleration.operator,
                toleration.value,
                toleration.effect,
                toleration.seconds,
            )
        else:
            k8s.add_toleration_json(task, channels(toleration))
    if not isinstance(placement.node_selector, Mapping):
        k8s.add_node_selector_json(task, channels(placement.node_selector))
    else:
        for key, value in placement.node_selector.items():
            k8s.add_node_selector(task, label_key=key, label_value=value)
    if not isinstance(placement.affinity, tuple):
        k8s.add_node_affinity_json(task, channels(placement.affinity))
    else:
        for term in placement.affinity:
            _term(task, term)
    if placement.selector_json is not None:
        k8s.add_node_selector_json(task, channels(placement.selector_json))
    if placement.affinity_json is not None:
        k8s.add_node_affinity_json(task, channels(placement.affinity_json))


def _term(task: Any, term: AffinityTerm) -> None:
    expressions, fields = list(map(_match, term.expressions)), list(map(_match, term.fields))
    k8s.add_node_affinity(task, match_expressions=expressions, match_fields=fields, weight=term.weight)


def _match(match: LabelMatch) -> dict[str, Any]:
    return {"key": match.key, "operator": match.operator, "values": list(match.values)}
