"""Regular expressions of JSON Schemas, for Python's `re`."""

from __future__ import annotations

import re
from typing import Any

# A `$` that is neither escaped nor in a class.
_END = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\$", re.DOTALL)
_NO_BREAK = r"(?!\n)"


def to_the_end(schema: dict[str, Any]) -> dict[str, Any]:
    """In JSON Schema `$` is the very end of a text; Python's is there before a last line break, too."""
    if isinstance(schema.get("pattern"), str):
        schema["pattern"] = _ended(schema["pattern"])
    if isinstance(schema.get("patternProperties"), dict):
        schema["patternProperties"] = {_ended(key): of for key, of in schema["patternProperties"].items()}
    return schema


def _ended(pattern: str) -> str:
    return _END.sub(lambda found: f"${_NO_BREAK}" if found[0] == "$" else found[0], pattern)


def written(pattern: str) -> str:
    """A pattern as the schema has it."""
    return pattern.replace(f"${_NO_BREAK}", "$")
