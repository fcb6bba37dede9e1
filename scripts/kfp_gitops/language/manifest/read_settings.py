"""YAML data → how a task runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kfp_gitops.language.manifest.read_value import optional_value, value_of
from kfp_gitops.language.manifest.settings import (
    AffinityTerm,
    EmptyDir,
    EnvField,
    EnvFrom,
    EphemeralVolume,
    LabelMatch,
    MountedSource,
    Placement,
    Pod,
    Resources,
    Retry,
    SecurityContext,
    Settings,
    Toleration,
    Volume,
)
from kfp_gitops.language.manifest.value import Value


def settings(name: str, data: Mapping[str, Any]) -> Settings:
    """What every kind of task may say."""
    cache = data.get("cache")
    return Settings(
        display_name=data.get("displayName", name),
        after=tuple(data.get("after", [])),
        ignore_upstream_failure=data.get("ignoreUpstreamFailure", False),
        retry=_retry(data["retry"]) if "retry" in data else None,
        cache=True if isinstance(cache, dict) else cache,
        cache_key=cache["key"] if isinstance(cache, dict) else None,
    )


def _retry(data: Mapping[str, Any]) -> Retry:
    return Retry(data["count"], data.get("backoff"), data.get("factor"), data.get("maxBackoff"))


def pod(data: Mapping[str, Any]) -> Pod:
    """What a component's task may say of its container."""
    metadata, image = data.get("pod", {}), data.get("image", {})
    return Pod(
        resources=_resources(data.get("resources", {})),
        env={name: _env(source) for name, source in data.get("env", {}).items()},
        volumes=tuple(_volume(path, source) for path, source in data.get("volumes", {}).items()),
        placement=_placement(data.get("placement", {})),
        labels=metadata.get("labels", {}),
        annotations=metadata.get("annotations", {}),
        pull_policy=image.get("pullPolicy"),
        pull_secrets=tuple(value_of(name) for name in image.get("pullSecrets", [])),
        security=_security(data["securityContext"]) if "securityContext" in data else None,
        timeout_seconds=data.get("timeoutSeconds"),
    )


def _resources(data: Mapping[str, Any]) -> Resources:
    cpu, memory, accelerator = (data.get(kind, {}) for kind in ("cpu", "memory", "accelerator"))
    return Resources(
        optional_value(cpu.get("request")),
        optional_value(cpu.get("limit")),
        optional_value(memory.get("request")),
        optional_value(memory.get("limit")),
        optional_value(accelerator.get("type")),
        optional_value(accelerator.get("limit")),
    )


def _env(source: Any) -> str | EnvFrom | EnvField:
    if isinstance(source, str):
        return source
    if "field" in source:
        return EnvField(source["field"])
    kind = "secret" if "secret" in source else "configMap"
    return EnvFrom(kind, value_of(source[kind]), source["key"], source.get("optional", False))


def _volume(path: str, data: Mapping[str, Any]) -> Volume:
    if "emptyDir" in data:
        spec = data["emptyDir"]
        return EmptyDir(path, spec["name"], spec.get("medium"), spec.get("sizeLimit"))
    if "ephemeral" in data:
        return _ephemeral(path, data["ephemeral"])
    kind = next(kind for kind in ("secret", "configMap", "pvc") if kind in data)
    return MountedSource(
        kind, path, value_of(data[kind]), data.get("optional", False), data.get("subPath", "")
    )


def _ephemeral(path: str, spec: Mapping[str, Any]) -> EphemeralVolume:
    return EphemeralVolume(
        mount_path=path,
        name=spec["name"],
        access_modes=tuple(spec["accessModes"]),
        size=spec["size"],
        storage_class=spec.get("storageClass"),
        labels=spec.get("labels", {}),
        annotations=spec.get("annotations", {}),
    )


def _placement(data: Mapping[str, Any]) -> Placement:
    selector, affinity = data.get("nodeSelector", {}), data.get("nodeAffinity", [])
    return Placement(
        tolerations=tuple(_toleration(item) for item in data.get("tolerations", [])),
        node_selector=value_of(selector) if "param" in selector else selector,
        affinity=value_of(affinity) if isinstance(affinity, dict) else tuple(map(_term, affinity)),
        selector_json=optional_value(data.get("nodeSelectorJson")),
        affinity_json=optional_value(data.get("nodeAffinityJson")),
    )


def _toleration(data: Mapping[str, Any]) -> Toleration | Value:
    if data.keys() & {"param", "task", "item"}:
        return value_of(data)
    return Toleration(*(data.get(key) for key in ("key", "operator", "value", "effect", "seconds")))


def _term(data: Mapping[str, Any]) -> AffinityTerm:
    expressions, fields = data.get("matchExpressions", []), data.get("matchFields", [])
    return AffinityTerm(tuple(_matches(expressions)), tuple(_matches(fields)), data.get("weight"))


def _matches(items: Sequence[Mapping[str, Any]]) -> Iterator[LabelMatch]:
    return (LabelMatch(item["key"], item["operator"], tuple(item.get("values", []))) for item in items)


def _security(data: Mapping[str, Any]) -> SecurityContext:
    return SecurityContext(data.get("runAsUser"), data.get("runAsGroup"), data.get("runAsNonRoot"))
