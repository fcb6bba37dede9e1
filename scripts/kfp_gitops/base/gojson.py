"""How long JSON is that Go's encoding/json writes: KFP's compiler passes messages about as such texts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

# Written as six characters each, so that the text may stand inside HTML (encoding/json, HTMLEscape).
_ESCAPED = re.compile("[<>&\u2028\u2029]")


def size(value: Any) -> int:
    """Bytes of a JSON-like value as `json.Marshal` writes it, but for digits of floats that are no whole numbers."""
    return len(text(value).encode("utf-8", "surrogatepass"))


def text(value: Any) -> str:
    """The JSON itself, with the same exception."""
    found = json.dumps(_whole(value), ensure_ascii=False, separators=(",", ":"))
    return _ESCAPED.sub(lambda one: f"\\u{ord(one[0]):04x}", found)


def _whole(value: Any) -> Any:
    """60.0 is 60 in Go's JSON."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return int(value)
    if isinstance(value, Mapping):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_whole(item) for item in value]
    return value
