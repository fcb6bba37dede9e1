"""JSON bodies, read as protojson reads messages: both spellings of a name, nothing unknown, the right types.

The real server would drop some of what is refused here; strict is the safe side for a test partner.
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
from kfp_gitops.devserver.errors import InvalidArgumentError

_CAMEL = re.compile(r"(?<=[a-z0-9])([A-Z])")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def read_object(text: bytes | str, what: str) -> Any:
    """A JSON object, whatever is in it."""
    try:
        value = json.loads(text, parse_constant=_no_constant, parse_float=_finite)
        json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair is no text
    except (ValueError, RecursionError) as error:
        raise InvalidArgumentError(f"{what} is not valid JSON: {error or 'nested too deeply'}") from error
    if not isinstance(value, dict):
        raise InvalidArgumentError(f"{what} must be a JSON object")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text} is out of range")
    return number


@dataclass(frozen=True)
class Message:
    """A message with its name, for the errors."""

    what: str
    fields: Mapping[str, Any]

    @classmethod
    def parse(cls, text: bytes | str, what: str, *allowed: str) -> Message:
        return cls.of(read_object(text or b"{}", what), what, *allowed)

    @classmethod
    def of(cls, value: Mapping[str, Any], what: str, *allowed: str) -> Message:
        """Names become snake case; null means absent; what is not allowed is refused."""
        fields = {_CAMEL.sub(r"_\1", name).lower(): v for name, v in value.items() if v is not None}
        for name in fields:
            if name not in allowed:
                raise InvalidArgumentError(f"{what}: unknown field {name!r}")
        return cls(what, fields)

    def has(self, name: str) -> bool:
        return name in self.fields

    def text(self, name: str) -> str:
        return str(self._typed(name, str, "a string", ""))

    def boolean(self, name: str) -> bool:
        return bool(self._typed(name, bool, "a boolean", False))

    def object(self, name: str) -> dict[str, Any]:
        return dict(self._typed(name, dict, "an object", {}))

    def message(self, name: str, *allowed: str) -> Message:
        return Message.of(self.object(name), f"{self.what}.{name}", *allowed)

    def array(self, name: str) -> list[Any]:
        return list(self._typed(name, list, "an array", []))

    def integer(self, name: str) -> int:
        """An int64: a string by the specification, a number as the official SDK sends it."""
        value = self.fields.get(name, 0)
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,19}", value, re.ASCII):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not -(1 << 63) <= value < 1 << 63:
            raise InvalidArgumentError(f"{self.what}.{name} must be an integer, not {value!r}")
        return value

    def time(self, name: str) -> int | None:
        """A timestamp as epoch seconds; absent is None."""
        text = self.text(name)
        return timestamp(text, f"{self.what}.{name}") if text else None

    def strings(self, name: str) -> dict[str, str]:
        values = self.object(name)
        if not all(isinstance(v, str) for v in values.values()):
            raise InvalidArgumentError(f"{self.what}.{name} must map strings to strings")
        return values

    def _typed(self, name: str, kind: type, wanted: str, default: Any) -> Any:
        value = self.fields.get(name, default)
        if not isinstance(value, kind):
            raise InvalidArgumentError(f"{self.what}.{name} must be {wanted}, not {value!r:.80}")
        return value


def timestamp(text: str, what: str) -> int:
    try:
        if not _TIMESTAMP.fullmatch(text):
            raise ValueError("a date, T, a time and a zone")
        return epoch(datetime.fromisoformat(text.upper()))
    except ValueError as error:
        raise InvalidArgumentError(f"{what}: {text!r} is not an RFC 3339 timestamp") from error
