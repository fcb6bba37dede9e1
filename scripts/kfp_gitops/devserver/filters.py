"""List filters, as filter.go turns them into SQL: AND of predicates, texts compared as MySQL does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from kfp_gitops.devserver import mysql
from kfp_gitops.devserver.body import Message
from kfp_gitops.devserver.errors import InvalidArgumentError, MalformedError, UnknownApiVersionError

# backend/api/v2beta1/filter.proto; there is no 4.
_OPERATIONS = {
    1: "EQUALS",
    2: "NOT_EQUALS",
    3: "GREATER_THAN",
    5: "GREATER_THAN_EQUALS",
    6: "LESS_THAN",
    7: "LESS_THAN_EQUALS",
    8: "IN",
    9: "IS_SUBSTRING",
}
_SQL = {
    "EQUALS": "=",
    "NOT_EQUALS": "<>",
    "GREATER_THAN": ">",
    "GREATER_THAN_EQUALS": ">=",
    "LESS_THAN": "<",
    "LESS_THAN_EQUALS": "<=",
}
_NUMBERS = frozenset({"created", "updated", "scheduled", "finished", "last_run_created"})
_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2}).{0,2}", re.DOTALL)
_GO_TYPES = {
    "int_value": "int32",
    "long_value": "int64",
    "string_value": "string",
    "timestamp_value": "int64",
}
_GO_TYPES |= {"int_values": "[]int32", "long_values": "[]int64", "string_values": "[]string"}


@dataclass(frozen=True)
class Condition:
    """A WHERE clause and its values."""

    sql: str
    values: tuple[object, ...] = ()

    def __and__(self, other: Condition) -> Condition:
        return Condition(f"({self.sql}) AND ({other.sql})", self.values + other.values)


EVERYTHING = Condition("1 = 1")

_VALUES: Mapping[str, Callable[[Message], object]] = {
    "int_value": lambda p: p.integer("int_value"),
    "long_value": lambda p: p.integer("long_value"),
    "string_value": lambda p: p.text("string_value"),
    "timestamp_value": lambda p: p.time("timestamp_value"),
    "int_values": lambda p: _list(p, "int_values", int),
    "long_values": lambda p: [int(v) for v in _list(p, "long_values", (int, str))],
    "string_values": lambda p: _list(p, "string_values", str),
}


@dataclass(frozen=True)
class Predicate:
    """One of a filter, read but not yet judged; `kind` is the field its value stands in, if it has one."""

    operation: str
    key: str
    kind: str
    value: object


def read(text: str) -> list[Predicate]:
    """The predicates of a `filter` query parameter; InvalidArgumentError if it is none.

    It is decoded once more than other parameters, so `+` and `%` in it do not survive.
    """
    if not text:
        return []
    if bad := _BAD_ESCAPE.search(text):
        shown = json.dumps(bad[0], ensure_ascii=False)
        raise InvalidArgumentError(f"failed to decode filter spec: invalid URL escape {shown}")
    try:
        items = Message.parse(unquote_plus(text), "predicates").array("predicates")
        return [_predicate(item) for item in items]
    except MalformedError as error:
        told = error.told if error.told.startswith("proto: ") else f"proto: {error.told}"
        raise InvalidArgumentError(f"failed to parse filter spec: {told}") from error


def _predicate(item: Any) -> Predicate:
    if not isinstance(item, dict):
        raise MalformedError(f"proto: syntax error: unexpected token {json.dumps(item)}")
    found = Message.of(item, "operation", "key", *_VALUES)
    kind = found.one_of("Predicate.value", *_VALUES)
    operation = found.enum("operation", {0: "OPERATION_UNSPECIFIED", **_OPERATIONS})
    return Predicate(operation, found.text("key"), kind, _VALUES[kind](found) if kind else None)


def _list(predicate: Message, name: str, kind: type | tuple[type, ...]) -> list[Any]:
    values = predicate.message(name, "values").array("values")
    if not all(isinstance(v, kind) and not isinstance(v, bool) and str(v) for v in values):
        raise MalformedError(f"proto: invalid value for {name} field values")
    if name == "long_values" and not all(re.fullmatch(r"-?[0-9]{1,18}", str(v), re.ASCII) for v in values):
        raise MalformedError(f"proto: invalid value for {name} field values")
    return values


def tagged(predicates: Iterable[Predicate]) -> Condition:
    """What is asked of tags: filter.go `parseTagFilters`, EQUALS and nothing else."""
    condition = EVERYTHING
    for predicate in predicates:
        if not predicate.key.startswith("tags."):
            continue
        key = json.dumps(predicate.key, ensure_ascii=False)
        if predicate.operation != "EQUALS":
            raise InvalidArgumentError(
                f"only EQUALS operation is supported for tag filtering, got {predicate.operation} for key {key}"
            )
        if not isinstance(predicate.value, str):
            raise InvalidArgumentError(f"tag filter value must be a string for key {key}")
        condition &= _tag(predicate.key.removeprefix("tags."), predicate.value)
    return condition


def _tag(name: str, value: str) -> Condition:
    same = f"COLLATE {mysql.COLLATION} = ?"
    sql = f"EXISTS (SELECT 1 FROM json_each(tags) WHERE key {same} AND value {same})"  # noqa: S608 constants
    return Condition(sql, (name, value))


def condition(predicates: Iterable[Predicate], columns: Mapping[str, str]) -> Condition:
    """All of them; InvalidArgumentError for what filter.go does not support."""
    found = EVERYTHING
    for predicate in predicates:
        _check(predicate)
        if predicate.key not in columns:
            key = json.dumps(predicate.key, ensure_ascii=False)
            raise InvalidArgumentError(f"no support for filtering on unrecognized field {key}")
        found &= _compare(predicate, columns[predicate.key])
    return found


def _check(predicate: Predicate) -> None:
    """filter.go `parsePredicates` and `checkPredicate`; the last text is the original's, in its order."""
    operation, value = predicate.operation, predicate.value
    if operation not in _OPERATIONS.values():
        raise UnknownApiVersionError(
            "Error using Filter.Predicate.Operation with go_client.Predicate_Operation"
        )
    if not predicate.kind:
        raise UnknownApiVersionError("Error using Filter.Predicate.Value with <nil>")
    if not predicate.key:
        raise InvalidArgumentError(
            f"Predicate key cannot be empty for operation {operation} and value {value}"
        )
    if (operation == "IN") != isinstance(value, list):
        kind = _GO_TYPES[predicate.kind]
        scalar = f"cannot use IN operator with scalar type {kind}"
        array = f"cannot use scalar operator {operation} on array type {kind}"
        raise InvalidArgumentError(scalar if operation == "IN" else array)
    if operation == "IS_SUBSTRING" and not isinstance(value, str):
        raise InvalidArgumentError(f"cannot use non string value type string with operator {value}")


def _compare(predicate: Predicate, column: str) -> Condition:
    value = predicate.value
    if predicate.operation == "IS_SUBSTRING":
        return Condition(
            f"{column} LIKE ?", (f"%{value}%",)
        )  # wildcards in the value work, as in the original
    left = column if column in _NUMBERS else f"{column} COLLATE {mysql.COLLATION}"
    if isinstance(value, list):
        return Condition(f"{left} IN ({', '.join('?' * len(value))})", tuple(_as(column, v) for v in value))
    return Condition(f"{left} {_SQL[predicate.operation]} ?", (_as(column, value),))


def _as(column: str, value: object) -> object:
    return mysql.number(value) if column in _NUMBERS and isinstance(value, str) else value
