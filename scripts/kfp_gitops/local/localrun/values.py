"""The values that flow between tasks, as KFP's backend passes them.

The backend carries parameters as protobuf values in Go: numbers are doubles, whole ones are written without a
fraction, and an input of type STRING takes any value as its JSON text (backend/src/v2/driver/resolve.go,
`handleParamTypeValidationAndConversion`). `kfp.local` passes 1 in a list as 1.0 instead.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

# From here on Go writes a number with an exponent, which Python reads as a float.
_EXPONENT_FROM = 1e21

_KINDS = {
    "NUMBER_INTEGER": "number",
    "NUMBER_DOUBLE": "number",
    "STRING": "string",
    "BOOLEAN": "bool",
    "LIST": "list",
    "STRUCT": "map",
    "TASK_FINAL_STATUS": "map",
    "TASK_CONFIG": "map",
}


class InputError(ValueError):
    """A task cannot be given its inputs; the message says which and why."""


@dataclass(frozen=True)
class Artifact:
    """One artifact: where it lies, its type (`system.Dataset`) and its metadata.

    `id` is what a cache knows it by, as KFP by the number of its record: another whenever a task has run again.
    """

    name: str
    uri: str
    schema_title: str
    schema_version: str
    metadata: Mapping[str, Json]
    id: str = ""


@dataclass(frozen=True)
class Collected:
    """The outputs of a loop's iterations, in order.

    Kept apart from a plain list because the backend flattens nested loops into one list (`CollectInputs`), but leaves
    a list that a task itself returned as it is.
    """

    items: tuple[Json, ...]


@dataclass(frozen=True)
class Outputs:
    """What a task or a group of tasks produced."""

    parameters: Mapping[str, Json | Collected]
    artifacts: Mapping[str, tuple[Artifact, ...]]


NOTHING = Outputs({}, {})


def canonical(value: Json) -> Json:
    """The value as a task would read it from the backend's JSON: whole numbers are ints."""
    match value:
        case float():
            return _number(value)
        case list():
            return [canonical(item) for item in value]
        case dict():
            return {key: canonical(item) for key, item in value.items()}
        case _:
            return value


def _number(value: float) -> Json:
    if not math.isfinite(value):
        raise InputError(f"{value} is not a JSON number")
    return int(value) if value.is_integer() and abs(value) < _EXPONENT_FROM else value


def plain(value: Json | Collected) -> Json:
    """The value as a consumer gets it."""
    return list(value.items) if isinstance(value, Collected) else value


def as_text(value: Json) -> str:
    """The value as text, the way the backend's `PbValueToText` makes it."""
    match value:
        case str():
            return value
        case float():
            return format(Decimal(repr(value)), "f")
        case _:
            return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def kind(value: Json) -> str:
    """The JSON kind of a value; in Python a bool is an int, here it is not."""
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "list"
        case _:
            return "map"


def mismatch(value: Json, parameter_type: str) -> str:
    """Why a value is not of a parameter type of the IR; empty if it is."""
    wanted = _KINDS.get(parameter_type)
    if wanted in (None, kind(value)):
        return ""
    return f"expects {parameter_type}, got a {kind(value)}"
