"""How a task runs, from its executor and what the platform document says of that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kfp_gitops.base.yamltext import Path
from kfp_gitops.importing import older
from kfp_gitops.importing.constants import whole
from kfp_gitops.importing.source import PLATFORM, Source

Given = Callable[[Mapping[str, Any]], Any]
"""A value of the platform document (`componentInputParameter: …`, `runtimeValue: …`) as a manifest writes it."""
Text = Callable[[str], Any]
"""A text in which placeholders of the task's inputs may stand, as a manifest writes it."""
_RESOURCES = {
    "cpuRequest": ("resourceCpuRequest", "cpu", "request"),
    "cpuLimit": ("resourceCpuLimit", "cpu", "limit"),
    "memoryRequest": ("resourceMemoryRequest", "memory", "request"),
    "memoryLimit": ("resourceMemoryLimit", "memory", "limit"),
}
_KNOWN = frozenset(
    (
        "secretAsEnv",
        "configMapAsEnv",
        "fieldPathAsEnv",
        "secretAsVolume",
        "configMapAsVolume",
        "pvcMount",
        "emptyDirMounts",
        "genericEphemeralVolume",
        "tolerations",
        "nodeSelector",
        "nodeAffinity",
        "podMetadata",
        "imagePullPolicy",
        "imagePullSecret",
        "securityContext",
        "activeDeadlineSeconds",
    )
)


def settings(source: Source, label: str, text: Text, given: Given) -> dict[str, Any]:
    """The keys of a task that say how the container of an executor runs."""
    container = source.executor(label).get("container", {})
    executors = source.platform.get("deploymentSpec", {}).get("executors", {})
    asked, said = executors.get(label, {}), label in executors
    at = (*PLATFORM, "deploymentSpec", "executors", label)
    for key in sorted(asked.keys() - _KNOWN):
        source.refuse((*at, key), f"the setting {key!r} of an executor", platform=True)
    env = {one["name"]: one.get("value", "") for one in container.get("env", ())}
    found: dict[str, Any] = {
        "resources": _resources(container.get("resources", {}), text),
        "env": {**env, **_env(asked, given)},
        "volumes": dict(_volumes(source, asked, at, given)),
        "placement": _placement(source, asked, at, given),
        "pod": dict(asked.get("podMetadata", {})),
        "image": _image(asked, given),
        "securityContext": _security(asked.get("securityContext", {})),
    }
    seconds = asked.get("activeDeadlineSeconds")
    found["timeoutSeconds"] = 0 if asked == {} and said else None if seconds is None else int(seconds)
    return {key: one for key, one in found.items() if one not in ({}, None)}


def _resources(asked: Mapping[str, Any], text: Text) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for old, (key, kind, part) in _RESOURCES.items():
        if key in asked:
            found.setdefault(kind, {})[part] = text(asked[key])
        elif old in asked:
            found.setdefault(kind, {})[part] = (older.cpu if kind == "cpu" else older.memory)(asked[old])
    if device := asked.get("accelerator"):
        count = text(str(device.get("resourceCount", device.get("count", ""))))
        limit = int(count) if isinstance(count, str) and count.isdecimal() else count
        kind_ = text(str(device.get("resourceType", device.get("type", ""))))
        found["accelerator"] = {key: one for key, one in (("type", kind_), ("limit", limit)) if one != ""}
    return found


def _named(one: Mapping[str, Any], key: str, given: Given) -> Any:
    """The name of a secret, config map or claim: a constant or a reference."""
    parameter = f"{key}Parameter"
    if parameter in one:
        return given(one[parameter])
    if key in one or "constant" in one:  # what kfp wrote before there was such a parameter
        return one.get(key, one.get("constant"))
    return given(one)


def _env(asked: Mapping[str, Any], given: Given) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind, key in (("secret", "secretKey"), ("configMap", "configMapKey")):
        for one in asked.get(f"{kind}AsEnv", ()):
            optional = {"optional": True} if one.get("optional") else {}
            for pair in one.get("keyToEnv", ()):
                name = _named(one, f"{kind}Name", given)
                found[pair["envVar"]] = {kind: name, "key": pair[key], **optional}
    fields = {one["name"]: {"field": one["fieldPath"]} for one in asked.get("fieldPathAsEnv", ())}
    return {**found, **fields}


def _volumes(
    source: Source, asked: Mapping[str, Any], at: Path, given: Given
) -> Iterator[tuple[str, dict[str, Any]]]:
    mounted: set[str] = set()
    for key, kind in (
        ("secretAsVolume", "secret"),
        ("configMapAsVolume", "configMap"),
        ("pvcMount", "pvc"),
        ("emptyDirMounts", "emptyDir"),
        ("genericEphemeralVolume", "ephemeral"),
    ):
        for index, one in enumerate(asked.get(key, ())):
            path = one["mountPath"]
            if path in mounted:
                source.refuse((*at, key, index), f"two volumes at {path}", platform=True)
            mounted.add(path)
            yield path, _volume(kind, one, given)


def _volume(kind: str, one: Mapping[str, Any], given: Given) -> dict[str, Any]:
    if kind == "emptyDir":
        return {
            "emptyDir": _renamed(one, {"volumeName": "name", "medium": "medium", "sizeLimit": "sizeLimit"})
        }
    if kind == "ephemeral":
        names = {"volumeName": "name", "accessModes": "accessModes", "size": "size"}
        more = _renamed(one.get("metadata", {}), {"labels": "labels", "annotations": "annotations"})
        return {"ephemeral": {**_renamed(one, {**names, "storageClassName": "storageClass"}), **more}}
    sub = {"subPath": one["subPath"]} if one.get("subPath") else {}
    optional = {"optional": True} if one.get("optional") else {}
    return {kind: _named(one, f"{kind}Name", given), **sub, **optional}


def _renamed(one: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {name: one[key] for key, name in names.items() if one.get(key)}


def _placement(source: Source, asked: Mapping[str, Any], at: Path, given: Given) -> dict[str, Any]:
    selector, terms = asked.get("nodeSelector", {}), asked.get("nodeAffinity", [])
    wholes = [one["nodeAffinityJson"] for one in terms if "nodeAffinityJson" in one]
    if len(wholes) > 1 or (wholes and "nodeAffinityJson" not in terms[-1]):
        source.refuse(
            (*at, "nodeAffinity"), "a node affinity as JSON before another part of it", platform=True
        )
    found = {
        "tolerations": [_toleration(one, given) for one in asked.get("tolerations", ())],
        "nodeSelector": dict(selector.get("labels", {})),
        "nodeAffinity": [_term(one) for one in terms if "nodeAffinityJson" not in one],
        "nodeSelectorJson": _whole(selector.get("nodeSelectorJson"), given),
        "nodeAffinityJson": _whole(next(iter(wholes), None), given),
    }
    for key in ("nodeSelector", "nodeAffinity"):  # which a parameter alone may say in place of its parts
        if not found[key] and set(found[f"{key}Json"] or ()) == {"param"}:
            found |= {key: found[f"{key}Json"], f"{key}Json": None}
    return {key: one for key, one in found.items() if one or (key.endswith("Json") and one is not None)}


def _whole(spec: Mapping[str, Any] | None, given: Given) -> Any:
    """All of a placement as JSON: a constant or a reference."""
    return None if spec is None else given(spec)


def _toleration(one: Mapping[str, Any], given: Given) -> Any:
    if "tolerationJson" in one:
        return given(one["tolerationJson"])
    found = _renamed(one, {key: key for key in ("key", "operator", "value", "effect")})
    seconds = one.get("tolerationSeconds")
    return found if seconds is None else {**found, "seconds": int(seconds)}


def _term(one: Mapping[str, Any]) -> dict[str, Any]:
    return _renamed(whole(dict(one)), {key: key for key in ("matchExpressions", "matchFields", "weight")})


def _image(asked: Mapping[str, Any], given: Given) -> dict[str, Any]:
    policy = {"pullPolicy": asked["imagePullPolicy"]} if "imagePullPolicy" in asked else {}
    secrets = [_named(one, "secretName", given) for one in asked.get("imagePullSecret", ())]
    return {**policy, **({"pullSecrets": secrets} if secrets else {})}


def _security(asked: Mapping[str, Any]) -> dict[str, Any]:
    ids = {key: int(asked[key]) for key in ("runAsUser", "runAsGroup") if key in asked}
    return {**ids, **({"runAsNonRoot": asked["runAsNonRoot"]} if "runAsNonRoot" in asked else {})}
