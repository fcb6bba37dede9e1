"""List filters, as filter.go turns them into SQL: AND of predicates, text compared without regard to case."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from kfp_gitops.devserver.body import Message
from kfp_gitops.devserver.errors import InvalidArgumentError

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
_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")


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


def parse(text: str, columns: Mapping[str, str], *, tags: bool) -> Condition:
    """The condition of a `filter` query parameter.

    It is decoded once more than other parameters, so `+` and `%` in it do not survive (facts 4.1).
    """
    if not text:
        return EVERYTHING
    if _BAD_ESCAPE.search(text):
        raise InvalidArgumentError("filter: invalid URL escape")
    condition = EVERYTHING
    for item in Message.parse(unquote_plus(text), "filter", "predicates").array("predicates"):
        condition &= _predicate(item, columns, tags)
    return condition


def _predicate(item: Any, columns: Mapping[str, str], tags: bool) -> Condition:
    if not isinstance(item, dict):
        raise InvalidArgumentError("filter: a predicate must be an object")
    predicate = Message.of(item, "predicate", "operation", "key", *_VALUES)
    operation, value, key = _operation(predicate), _value(predicate), predicate.text("key")
    _check(operation, value)
    if tags and key.startswith("tags."):
        return _tag(operation, key.removeprefix("tags."), value)
    if key not in columns:
        raise InvalidArgumentError(f"no support for filtering on unrecognized field {key!r}")
    return _compare(operation, columns[key], value)


def _operation(predicate: Message) -> str:
    given = predicate.fields.get("operation")
    name = _OPERATIONS.get(given) if type(given) is int else given  # True is no 1 here
    if name not in _OPERATIONS.values():
        raise InvalidArgumentError(f"invalid predicate operation: {given!r}")
    return str(name)


def _value(predicate: Message) -> object:
    given = [name for name in _VALUES if predicate.has(name)]
    if len(given) != 1:
        raise InvalidArgumentError(f"a predicate has exactly one value, not {len(given)}")
    return _VALUES[given[0]](predicate)


def _list(predicate: Message, name: str, kind: type | tuple[type, ...]) -> list[Any]:
    values = predicate.message(name, "values").array("values")
    if not all(isinstance(v, kind) and not isinstance(v, bool) and str(v) for v in values):
        raise InvalidArgumentError(f"predicate.{name}: wrong type of value")
    if name == "long_values" and not all(re.fullmatch(r"-?[0-9]{1,18}", str(v), re.ASCII) for v in values):
        raise InvalidArgumentError(f"predicate.{name}: not an integer")
    return values


def _check(operation: str, value: object) -> None:
    """filter.go `checkPredicate`."""
    if operation == "IN" and not isinstance(value, list):
        raise InvalidArgumentError("cannot use IN operator with scalar type")
    if operation != "IN" and isinstance(value, list):
        raise InvalidArgumentError(f"cannot use scalar operator {operation} on array type")
    if operation == "IS_SUBSTRING" and not isinstance(value, str):
        raise InvalidArgumentError("cannot use non string value type with operator IS_SUBSTRING")


def _compare(operation: str, column: str, value: object) -> Condition:
    if operation == "IS_SUBSTRING":
        return Condition(
            f"{column} LIKE ?", (f"%{value}%",)
        )  # wildcards in the value work, as in the original
    if isinstance(value, list):
        return Condition(f"{column} COLLATE NOCASE IN ({', '.join('?' * len(value))})", tuple(value))
    return Condition(f"{column} {_SQL[operation]} ? COLLATE NOCASE", (value,))


def _tag(operation: str, name: str, value: object) -> Condition:
    """Facts 4.3: tags can be filtered by EQUALS only."""
    if operation != "EQUALS" or not isinstance(value, str):
        raise InvalidArgumentError("tags can only be filtered with EQUALS and a string")
    return Condition("EXISTS (SELECT 1 FROM json_each(tags) WHERE key = ? AND value = ?)", (name, value))
