"""One more pipeline of a template that is there: the values that its schema asks for, with something in each place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kfp_gitops.base import schematext

_BY_TYPE: Mapping[str, object] = {
    "string": "change-me",
    "integer": 1,
    "number": 0.5,
    "boolean": False,
    "array": [],
    "object": {},
    "null": None,
}
_DEEPEST = 20


def entry(pipeline: str, template: str, schema: str) -> dict[str, Any]:
    """What stands below the pipeline's name in an environment's values, from the text of the template's schema.

    What is required alone, and of a key what its schema suggests (`default`, `const`, `examples`, `enum`), else the
    least that its type lets through. A schema may ask for more than this can see: who reads it fills that in.

    Raises:
        ValueError: the text is no JSON.
    """
    found = _value(schematext.loaded(schema), 0)
    named = {"template": template} if template != pipeline else {}
    return {**named, "values": found if isinstance(found, dict) else {}}


def _value(schema: Any, depth: int) -> Any:
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return _BY_TYPE["string"]
    for key in ("default", "const"):
        if key in schema:
            return schema[key]
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    kind = schema.get("type", "object" if "properties" in schema else "string")
    match kind[0] if isinstance(kind, list) and kind else kind:
        case "object":
            properties = schema.get("properties", {})
            return {key: _value(properties.get(key, {}), depth + 1) for key in schema.get("required", ())}
        case "array":
            return [_value(schema.get("items"), depth + 1) for _ in range(min(schema.get("minItems", 0), 1))]
        case "integer" | "number" as number:
            return _number(schema, _BY_TYPE[number])
        case other:
            return _BY_TYPE.get(str(other), _BY_TYPE["string"])


def _number(schema: Mapping[str, Any], usual: Any) -> Any:
    """The usual one, or the nearest bound."""
    nearest = min(usual, schema.get("maximum", usual))
    return max(nearest, schema.get("minimum", nearest))
