"""The key under which KFP keeps the result of a task, and looks for one before it runs a task. Pure.

What 2.17.0 does (backend/src/v2/cacheutils/cache.go, backend/src/v2/driver/cache.go): the key is a message of the
values of the parameters, the names of the input artifacts in the metadata store, names and types of the outputs, the
image, command and arguments in one list as they are written (placeholders are not replaced), and the names of mounted
volume claims. Not in it: variables, secrets, config maps, resources, the name of the task, where an artifact lies. The
result is looked up within one pipeline name and one namespace, and only for a task that enables its cache.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kfp_gitops.base import gojson

Message = Mapping[str, Any]
"""A message of KFP's API in the JSON of protobuf."""


def cache_key(
    inputs: Message,
    outputs: Message,
    output_types: Mapping[str, str],
    command_and_args: Sequence[str],
    image: str,
    claims: Iterable[str] = (),
) -> dict[str, Any]:
    """The key of a task, `inputs` and `outputs` being those of its ExecutorInput; empty parts are left out.

    `output_types` has the type of each output parameter (`NUMBER_INTEGER`), `claims` the names of mounted claims.

    Raises:
        ValueError: an output parameter without a type.
    """
    container = {"image": image, "cmdArgs": list(command_and_args), "pvcNames": sorted(set(claims))}
    found = {
        "inputArtifactNames": {name: _names(given) for name, given in _map(inputs, "artifacts").items()},
        "inputParameterValues": dict(_map(inputs, "parameterValues")),
        "outputArtifactsSpec": _artifacts(_map(outputs, "artifacts")),
        "outputParametersSpec": {name: _type(output_types, name) for name in _map(outputs, "parameters")},
    }
    full = {name: part for name, part in found.items() if part}
    return {**full, "containerSpec": {name: part for name, part in container.items() if part}}


def fingerprint(key: Message) -> str:
    """What the result of a task is kept under: SHA-256, in hexadecimal.

    Raises:
        ValueError: a number that JSON has not.
    """
    return _sha256(gojson.text(key, doubles=True))


def fingerprint_of_name(component: str, cache_key_of_task: str) -> str:
    """The same for a task with a `cacheKey`, in KFP 2.18 and later: nothing else of the task is in it.

    Merged after 2.17.0 (kubeflow/pipelines#13762, July 2026); 2.17.0 and before do not read the field. `component` is
    the name in the task's `componentRef`, such as `comp-train`.
    """
    return _sha256(f"{component}\0{cache_key_of_task}" if component else cache_key_of_task)


def outputs_of(component: Message) -> dict[str, Any]:
    """The outputs of a component of the IR, as the driver provisions them, but for where they lie (driver.go)."""
    declared = component.get("outputDefinitions") or {}
    artifacts = {
        name: {"artifacts": [_provisioned(name, item)]} for name, item in _map(declared, "artifacts").items()
    }
    return {"artifacts": artifacts, "parameters": {name: {} for name in _map(declared, "parameters")}}


def output_types_of(component: Message) -> dict[str, str]:
    """The types of the output parameters of a component of the IR."""
    declared = _map(component.get("outputDefinitions") or {}, "parameters")
    unknown = "PARAMETER_TYPE_ENUM_UNSPECIFIED"
    return {name: str(item.get("parameterType", unknown)) for name, item in declared.items()}


def _provisioned(name: str, declared: Message) -> dict[str, Any]:
    found = {"name": name, "type": declared.get("artifactType"), "metadata": declared.get("metadata")}
    return {key: value for key, value in found.items() if value is not None}


def _names(given: Message) -> dict[str, Any]:
    names = [str(artifact.get("name", "")) for artifact in given.get("artifacts") or ()]
    return {"artifactNames": names} if names else {}


def _artifacts(outputs: Message) -> dict[str, Any]:
    """The first artifact of each output, without its place."""
    first = {name: (given.get("artifacts") or [None])[0] for name, given in outputs.items()}
    return {
        name: {key: artifact[key] for key in ("name", "type", "metadata") if _is_set(artifact, key)}
        for name, artifact in first.items()
        if artifact is not None
    }


def _is_set(artifact: Message, key: str) -> bool:
    """A text is not there when it is empty; a message is, when it has nothing in it."""
    return artifact.get(key) is not None and artifact[key] != ""


def _type(types: Mapping[str, str], name: str) -> str:
    if name not in types:
        raise ValueError(f"unknown output parameter {name!r}: its component does not declare it")
    return types[name]


def _map(message: Message, key: str) -> Mapping[str, Any]:
    return message.get(key) or {}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
