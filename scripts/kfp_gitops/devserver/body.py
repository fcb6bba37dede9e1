"""JSON bodies, read as protojson reads messages: both spellings of a name, nothing unknown, the right types.

Its errors are protojson's, without the line and column that it tells.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kfp_gitops.devserver.clock import epoch
from kfp_gitops.devserver.errors import MalformedError

_API = "kubeflow.pipelines.backend.api.v2beta1"
_CAMEL = re.compile(r"(?<=[a-z0-9])([A-Z])")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)


def read_object(text: bytes | str) -> Any:
    """A JSON object, whatever is in it."""
    try:
        value = json.loads(text, parse_constant=_no_constant, parse_float=_finite)
        json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair is no text
    except json.JSONDecodeError as error:
        raise MalformedError(_syntax(error)) from error
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"proto: syntax error: {error or 'nested too deeply'}") from error
    if not isinstance(value, dict):
        shown = json.dumps(value)
        raise MalformedError(f"proto: syntax error: unexpected token {shown[: 1 if shown[0] in '[' else 80]}")
    return value


def _syntax(error: json.JSONDecodeError) -> str:
    rest = error.doc[error.pos :].strip()
    if not rest:
        return "unexpected EOF"
    word = re.match(r"\w+", rest)
    return f"proto: syntax error: invalid value {word[0] if word else rest[0]}"


def _no_constant(name: str) -> Any:
    raise ValueError(f"invalid value {name}")


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text} is out of range")
    return number


@dataclass(frozen=True)
class Message:
    """A message, its names in snake case; null is absence."""

    fields: Mapping[str, Any]

    @classmethod
    def parse(cls, text: bytes | str, *allowed: str) -> Message:
        return cls.of(read_object(text or b"{}"), *allowed)

    @classmethod
    def of(cls, value: Mapping[str, Any], *allowed: str) -> Message:
        """What is not allowed is refused."""
        fields: dict[str, Any] = {}
        for given, content in value.items():
            name = _CAMEL.sub(r"_\1", given).lower()
            if name not in allowed:
                raise MalformedError(f"proto: unknown field {_quoted(given)}")
            if content is not None:
                fields[name] = content
        return cls(fields)

    def has(self, name: str) -> bool:
        return name in self.fields

    def one_of(self, group: str, *names: str) -> str:
        """Which of the fields of a oneof is there, if any; `group` is its name in the API."""
        given = [name for name in self.fields if name in names]
        if len(given) > 1:
            raise MalformedError(
                f"proto: error parsing {_quoted(given[1])}, oneof {_API}.{group} is already set"
            )
        return given[0] if given else ""

    def text(self, name: str) -> str:
        return str(self._typed(name, str, "string", ""))

    def boolean(self, name: str) -> bool:
        return bool(self._typed(name, bool, "bool", False))

    def object(self, name: str) -> dict[str, Any]:
        return dict(self._typed(name, dict, "message", {}))

    def message(self, name: str, *allowed: str) -> Message:
        return Message.of(self.object(name), *allowed)

    def array(self, name: str) -> list[Any]:
        return list(self._typed(name, list, "repeated", []))

    def enum(self, name: str, values: Mapping[int, str]) -> str:
        """By its name or its number; a number that is none of its values is none at all."""
        value = self.fields.get(name, 0)
        if type(value) is int:  # True is no 1 here
            return values.get(value, "")
        if value not in values.values():
            raise self._invalid(name, "enum")
        return str(value)

    def integer(self, name: str) -> int:
        """An int64: a string by the specification, a number as the official SDK sends it."""
        value = self.fields.get(name, 0)
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,19}", value, re.ASCII):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not -(1 << 63) <= value < 1 << 63:
            raise self._invalid(name, "int64")
        return value

    def time(self, name: str) -> int | None:
        """A timestamp as epoch seconds; absent is None."""
        text = self.fields.get(name)
        return None if text is None else timestamp(text)

    def strings(self, name: str) -> dict[str, str]:
        values = self.object(name)
        for value in values.values():
            if not isinstance(value, str):
                raise MalformedError(f"proto: invalid value for string field value: {json.dumps(value)}")
        return values

    def _typed(self, name: str, kind: type, wanted: str, default: Any) -> Any:
        value = self.fields.get(name, default)
        if not isinstance(value, kind):
            raise self._invalid(name, wanted)
        return value

    def _invalid(self, name: str, kind: str) -> MalformedError:
        camel = re.sub(r"_(\w)", lambda m: m[1].upper(), name)
        shown = json.dumps(self.fields[name], ensure_ascii=False)
        return MalformedError(f"proto: invalid value for {kind} field {camel}: {shown:.80}")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def timestamp(text: Any) -> int:
    try:
        if not (isinstance(text, str) and _TIMESTAMP.fullmatch(text)):
            raise ValueError("a date, T, a time and a zone")
        return epoch(datetime.fromisoformat(text))
    except ValueError as error:
        raise MalformedError(f"proto: invalid google.protobuf.Timestamp value {json.dumps(text)}") from error
