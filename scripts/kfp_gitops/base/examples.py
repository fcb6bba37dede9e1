"""An example of what a schema accepts: who is told that a value is wrong is shown the shape of a right one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_BY_TYPE: Mapping[str, object] = {
    "object": {"key": "value"},
    "array": ["a", "b"],
    "string": "text",
    "number": 0.5,
    "integer": 3,
    "boolean": True,
    "null": None,
}
_NAMED = ("such as", "e.g.", "for example", "<64 hex", "https://host/")
"""Words that name an example, or the shape itself."""


def of(schema: Any) -> str:
    """An example as YAML and JSON write it; empty where a schema names none and its type alone says too little.

    The first of `examples`, else `const`, the first of `enum`, the `default`, or a number within its bounds.
    """
    found = _value(schema) if isinstance(schema, Mapping) else None
    return "" if found is None else written(found)


def of_type(kind: str, schema: Mapping[str, Any]) -> str:
    """An example of a type, by the schema where that has one of it."""
    found = _value({**schema, "type": kind})
    usual = _BY_TYPE[kind]
    fits = found is not None and type(found) is type(usual)
    return written(found if fits else usual)


def beside(text: str, example: str) -> str:
    """What to do, with an example, where the words name none themselves."""
    if not example or any(word in text for word in _NAMED):
        return text
    return f"{text}, such as {example}"


def written(value: Any) -> str:
    """On one line; a text without quotes where it reads as one."""
    text = json.dumps(value, ensure_ascii=False)
    return (
        value if isinstance(value, str) and value and value[0].isalnum() and value[-1] not in " :" else text
    )


def _value(schema: Mapping[str, Any]) -> Any:
    for key in ("examples", "enum"):
        if isinstance(schema.get(key), list) and schema[key]:
            return schema[key][0]
    for key in ("const", "default"):
        if schema.get(key) not in (None, {}, [], ""):
            return schema[key]
    if schema.get("type") in ("number", "integer") and any(key in schema for key in _BOUNDS):
        return _bounded(schema)
    return None


_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


def _bounded(schema: Mapping[str, Any]) -> Any:
    """The usual number of a type, or the nearest one that its bounds let through."""
    whole = schema["type"] == "integer"
    found: Any = _BY_TYPE[schema["type"]]
    step = 1 if whole else 0.5
    if "minimum" in schema:
        found = max(found, schema["minimum"])
    if "exclusiveMinimum" in schema:
        found = max(found, schema["exclusiveMinimum"] + step)
    if "maximum" in schema:
        found = min(found, schema["maximum"])
    if "exclusiveMaximum" in schema:
        found = min(found, schema["exclusiveMaximum"] - step)
    return found
