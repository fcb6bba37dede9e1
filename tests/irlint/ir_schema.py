"""The JSON Schemas of an IR file, from KFP's own protobuf messages (package kfp-pipeline-spec)."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from kfp.pipeline_spec import pipeline_spec_pb2 as messages

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_COMMENT = (
    "Generated from the protobuf messages of kfp-pipeline-spec by `pytest tests/irlint --update-golden`."
)
_SCALARS = {
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_BOOL: "boolean",
    FieldDescriptor.TYPE_INT32: "integer",
    FieldDescriptor.TYPE_INT64: "integer",
    FieldDescriptor.TYPE_DOUBLE: "number",
}
# What a pipeline cannot do without; protobuf itself requires nothing.
_REQUIRED = {
    "PipelineSpec": ["components", "deploymentSpec", "pipelineInfo", "root", "schemaVersion"],
    "PipelineInfo": ["name"],
    "PipelineTaskSpec": ["componentRef"],
    "ComponentRef": ["name"],
}
# A later kfp adds settings here, and the server drops what it does not know.
_OPEN = {"PipelineConfig", "SinglePlatformSpec"}
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


def _message(descriptor: Descriptor, definitions: dict[str, Any]) -> dict[str, Any]:
    name = descriptor.full_name.split(".", 1)[1]
    if name not in definitions:
        definitions[name] = {}  # messages contain each other
        properties = {field.json_name: _field(field, definitions) for field in descriptor.fields}
        required = {"required": _REQUIRED[name]} if name in _REQUIRED else {}
        closed = {} if name in _OPEN else {"additionalProperties": False}
        definitions[name] = {"type": "object", **required, **closed, "properties": properties}
    return {"$ref": f"#/$defs/{name}"}


def _field(field: FieldDescriptor, definitions: dict[str, Any]) -> dict[str, Any]:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        value = field.message_type.fields_by_name["value"]
        return {"type": "object", "additionalProperties": _one(value, definitions)}
    one = _one(field, definitions)
    return {"type": "array", "items": one} if field.is_repeated else one


def _one(field: FieldDescriptor, definitions: dict[str, Any]) -> dict[str, Any]:
    if field.enum_type is not None:
        return {"enum": [value.name for value in field.enum_type.values]}
    if field.message_type is None:
        return {"type": _SCALARS[field.type]}
    match field.message_type.full_name:
        case "google.protobuf.Struct":
            return {"type": "object"}
        case "google.protobuf.Value":
            return {}
        case "google.protobuf.Duration":
            return {"type": "string"}
        case "ml_pipelines.TaskConfigPassthrough":  # its fields are an enum that grows
            return {"type": "object"}
    return _message(field.message_type, definitions)
