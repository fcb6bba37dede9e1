"""The few messages of ML Metadata that are read, with the fields that are: all others are left out of what is parsed.

Names, numbers and types as in third_party/ml-metadata/ml_metadata/proto/metadata_store.proto and
metadata_store_service.proto of KFP 2.17 (ML Metadata 1.14). A map is the same on the wire as its entries in a list, and
is read as that. In a pool of their own, so that they never meet the originals.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

_NUMBERS = {"double": 1, "int64": 3, "int32": 5, "bool": 8, "string": 9}
"""google.protobuf.FieldDescriptorProto.Type; every other word is a message, which is 11."""
_STRUCT = "google.protobuf.Struct"
_MESSAGES: Mapping[str, str] = {
    "Value": f"""
        1 int_value int64
        2 double_value double
        3 string_value string
        4 struct_value {_STRUCT}
        6 bool_value bool""",
    "Property": """
        1 key string
        2 value Value""",
    "Step": """
        2 key string""",
    "Path": """
        1 steps Step*""",
    "Event": """
        1 artifact_id int64
        2 execution_id int64
        3 path Path
        4 type int32""",
    "Artifact": """
        1 id int64
        2 type_id int64
        3 uri string
        5 custom_properties Property*
        6 state int32""",
    "ArtifactType": """
        1 id int64
        2 name string""",
    "Execution": """
        1 id int64
        3 last_known_state int32
        5 custom_properties Property*""",
    "Context": """
        1 id int64
        5 custom_properties Property*""",
    "ListOperationOptions": """
        1 max_result_size int32
        3 next_page_token string""",
    "GetContextByTypeAndNameRequest": """
        1 type_name string
        2 context_name string""",
    "GetContextByTypeAndNameResponse": """
        1 context Context""",
    "GetExecutionsByContextRequest": """
        1 context_id int64
        2 options ListOperationOptions""",
    "GetExecutionsByContextResponse": """
        1 executions Execution*
        2 next_page_token string""",
    "GetEventsByExecutionIDsRequest": """
        1 execution_ids int64*""",
    "GetEventsByExecutionIDsResponse": """
        1 events Event*""",
    "GetArtifactsByIDRequest": """
        1 artifact_ids int64*
        3 populate_artifact_types bool""",
    "GetArtifactsByIDResponse": """
        1 artifacts Artifact*
        2 artifact_types ArtifactType*""",
}
"""Message → its fields: number, name, type, with a star for a list."""
STATES: Mapping[int, str] = {
    1: "NEW", 2: "RUNNING", 3: "COMPLETE", 4: "FAILED", 5: "CACHED", 6: "CANCELED",
}  # fmt: skip
"""Execution.State. CANCELED is what KFP's driver calls a task whose condition was not met."""
OUTPUT = 4
"""Event.Type: an output of the execution; KFP's launcher writes no other kind of output."""


@cache
def message(name: str) -> Any:
    """The class of a message."""
    from google.protobuf import message_factory

    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"mlmd.{name}"))


@cache
def _pool() -> Any:
    from google.protobuf import descriptor_pb2, descriptor_pool, struct_pb2

    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(struct_pb2.DESCRIPTOR.serialized_pb)
    file = descriptor_pb2.FileDescriptorProto(
        name="mlmd.proto", package="mlmd", syntax="proto2", dependency=[struct_pb2.DESCRIPTOR.name]
    )
    for name, fields in _MESSAGES.items():
        added = file.message_type.add(name=name)
        for number, field, kind, label in _fields(fields):
            its = added.field.add(number=number, name=field, label=label, type=_NUMBERS.get(kind, 11))
            if kind not in _NUMBERS:
                its.type_name = f".{kind}" if "." in kind else f".mlmd.{kind}"
    pool.AddSerializedFile(file.SerializeToString())
    return pool


def _fields(text: str) -> Iterator[tuple[int, str, str, Any]]:
    for line in text.strip().splitlines():
        number, name, kind = line.split()
        yield int(number), name, kind.rstrip("*"), 3 if kind.endswith("*") else 1


def properties(found: Any) -> dict[str, Any]:
    """The custom properties of a message as plain values; one of a kind that is not known here is left out."""
    return {
        entry.key: _plain(getattr(entry.value, fields[0][0].name))
        for entry in found.custom_properties
        if (fields := entry.value.ListFields())
    }


def _plain(value: Any) -> Any:
    return unstruct(value) if hasattr(value, "fields") else value


def unstruct(struct: Any) -> dict[str, Any]:
    """A google.protobuf.Struct as JSON: its numbers are doubles, and whole ones are written without a point."""
    return {name: _unvalue(value) for name, value in struct.fields.items()}


def _unvalue(value: Any) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            return unstruct(value.struct_value)
        case "list_value":
            return [_unvalue(item) for item in value.list_value.values]
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() and abs(number) < 2**63 else number
        case "string_value" | "bool_value" as kind:
            return getattr(value, kind)
    return None
