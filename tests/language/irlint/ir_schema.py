"""The JSON Schemas of an IR file, from KFP's own protobuf messages (package kfp-pipeline-spec)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from kfp.kubernetes.kubernetes_executor_config_pb2 import KubernetesExecutorConfig
from kfp.pipeline_spec import pipeline_spec_pb2 as messages

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_COMMENT = "Generated from the protobuf messages of kfp by `pytest tests/language/irlint --update-golden`."
_SCALARS = {
    FieldDescriptor.TYPE_STRING: {"type": "string"},
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_INT32: {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    FieldDescriptor.TYPE_INT64: {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
    FieldDescriptor.TYPE_DOUBLE: {"type": "number"},
}
# What a pipeline cannot do without; protobuf itself requires nothing.
_REQUIRED = {
    "PipelineSpec": ["components", "deploymentSpec", "pipelineInfo", "root", "schemaVersion"],
    "PipelineInfo": ["name"],
    "PipelineTaskSpec": ["componentRef"],
    "ComponentRef": ["name"],
}
# What grows with KFP. Its server takes a platform document with one unknown key in it for none at all
# (backend/src/apiserver/template/v2_template.go, IsPlatformSpecWithKubernetesConfig), and refuses an unknown value.
_GROWING = {"PipelineConfig", "SinglePlatformSpec", "TaskConfigPassthrough"}
_NEWER = "this needs a newer KFP than 2.17: compile it with kfp 2.17, or leave the setting out"
_DURATION = {
    "type": "string",
    "pattern": r"^-?[0-9]{1,12}(\.[0-9]{1,9})?s$",
    "x-todo": "write seconds, such as 60s",
}
# What KFP's server and driver do with settings that their own version does not know.
_DROPPED = "KFP 2.17 drops it: correct it, or leave it out"  # backend/src/v2/compiler/visitor.go, GetDeploymentConfig
_FATAL = (  # backend/src/v2/cmd/driver/main.go, parseExecConfigJson
    "the driver of a server that does not know it fails the step before it starts (kubeflow/pipelines#12495): "
    "correct it, leave it out, or be sure that the server is newer than 2.17"
)
_EXECUTORS = {
    "type": "object",
    "properties": {
        "executors": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": {"container": {"$ref": "#/$defs/Container"}, "importer": {"type": "object"}},
            },
        }
    },
}
_CONTAINER = {
    "type": "object",
    "required": ["image"],
    "properties": {
        "image": {"type": "string", "minLength": 1},
        "command": {"type": "array", "items": {"type": "string"}},
        "args": {"type": "array", "items": {"type": "string"}},
        "env": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "value": {"type": "string"}},
            },
        },
        "resources": {"type": "object"},
    },
}


def pipeline() -> dict[str, Any]:
    """The schema of the first document, a PipelineSpec."""
    definitions: dict[str, Any] = {"Container": _CONTAINER}
    reference = _message(messages.PipelineSpec.DESCRIPTOR, definitions)
    definitions["PipelineSpec"]["properties"]["deploymentSpec"] = _EXECUTORS
    return {"$schema": _DRAFT, "$comment": _COMMENT, **reference, "$defs": definitions}


def platform() -> dict[str, Any]:
    """The schema of the second document, a PlatformSpec."""
    definitions: dict[str, Any] = {}
    reference = _message(messages.PlatformSpec.DESCRIPTOR, definitions)
    return {"$schema": _DRAFT, "$comment": _COMMENT, **reference, "$defs": definitions}


def containers() -> dict[str, Any]:
    """The schema that knows the settings of the executors in the first document, and nothing of their values."""
    definitions: dict[str, Any] = {}
    executor = _known(messages.PipelineDeploymentConfig.ExecutorSpec.DESCRIPTOR, definitions)
    return _below(executor, ("deploymentSpec", "executors"), definitions, _DROPPED)


def kubernetes() -> dict[str, Any]:
    """The same of what the second document sets for Kubernetes."""
    definitions: dict[str, Any] = {}
    executor = _known(KubernetesExecutorConfig.DESCRIPTOR, definitions)
    path = ("platforms", "kubernetes", "deploymentSpec", "executors")
    return _below(executor, path, definitions, _FATAL)


def _below(one: Any, path: Sequence[str], definitions: dict[str, Any], todo: str) -> dict[str, Any]:
    content = {"additionalProperties": one}
    for key in reversed(path):
        content = {"properties": {key: content}}
    closed = {name: {**definition, "x-todo": todo} for name, definition in definitions.items()}
    return {"$schema": _DRAFT, "$comment": _COMMENT, **content, "$defs": closed}


def _known(descriptor: Descriptor, definitions: dict[str, Any]) -> dict[str, Any]:
    """A message by the names of its fields alone: values may be written in several ways (numbers as texts)."""
    name = descriptor.full_name.split(".", 1)[1]
    if descriptor.full_name.startswith("google.protobuf."):  # data, or one value
        return {}
    if name not in definitions:
        definitions[name] = {}
        properties = {field.json_name: _known_field(field, definitions) for field in descriptor.fields}
        definitions[name] = {"additionalProperties": False, "properties": properties}
    return {"$ref": f"#/$defs/{name}"}


def _known_field(field: FieldDescriptor, definitions: dict[str, Any]) -> dict[str, Any]:
    if field.message_type is None:
        return {}
    if field.message_type.GetOptions().map_entry:
        return {"additionalProperties": _known_field(field.message_type.fields_by_name["value"], definitions)}
    one = _known(field.message_type, definitions)
    return {"items": one} if field.is_repeated else one


def _message(descriptor: Descriptor, definitions: dict[str, Any]) -> dict[str, Any]:
    name = descriptor.full_name.split(".", 1)[1]
    if name not in definitions:
        definitions[name] = {}  # messages contain each other
        properties = {field.json_name: _field(field, definitions) for field in descriptor.fields}
        required = {"required": _REQUIRED[name]} if name in _REQUIRED else {}
        growing = {"x-todo": _NEWER} if name in _GROWING else {}
        definitions[name] = {
            "type": "object", **required, "additionalProperties": False, **growing, "properties": properties,
        }  # fmt: skip
    return {"$ref": f"#/$defs/{name}"}


def _field(field: FieldDescriptor, definitions: dict[str, Any]) -> dict[str, Any]:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        value = field.message_type.fields_by_name["value"]
        return {"type": "object", "additionalProperties": _one(value, definitions)}
    one = _one(field, definitions)
    return {"type": "array", "items": one} if field.is_repeated else one


def _one(field: FieldDescriptor, definitions: dict[str, Any]) -> dict[str, Any]:
    if field.enum_type is not None:
        growing = {"x-todo": _NEWER} if "TaskConfigPassthrough" in field.enum_type.full_name else {}
        return {"enum": [value.name for value in field.enum_type.values], **growing}
    if field.message_type is None:
        return _SCALARS[field.type]
    match field.message_type.full_name:
        case "google.protobuf.Struct":
            return {"type": "object"}
        case "google.protobuf.Value":
            return {}
        case "google.protobuf.Duration":
            return _DURATION
    return _message(field.message_type, definitions)
