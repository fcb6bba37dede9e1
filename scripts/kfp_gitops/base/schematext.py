"""The text of a JSON Schema: as JSON, with its regular expressions for Python's `re`, and as YAML, for the lines."""

from __future__ import annotations

import json
import re
from typing import Any

from kfp_gitops.base.yamltext import Document, parse

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


def loaded(text: str) -> Any:
    """Raises ValueError: no JSON, or a number that JSON has not."""
    return json.loads(text, object_hook=to_the_end, parse_constant=_refused)


def _refused(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


# Half of a character that UTF-16 writes as two: JSON escapes it so, and YAML never.
_HALF = re.compile(r"(?<!\\)((?:\\\\)*)\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


def positions(text: str, path: str) -> Document:
    """JSON is YAML but for halves of characters; others stand in their place, since columns count.

    Raises:
        InputError: whatever else YAML has not.
    """
    return parse(_HALF.sub(lambda found: f"{found[1]}xxxxxx", text), path)
