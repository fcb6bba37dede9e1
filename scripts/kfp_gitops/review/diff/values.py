"""Values in words. What does not fit a line is cut so that what differs is seen, and the cut says how much it hides."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from typing import Any

from kfp_gitops.base import visible
from kfp_gitops.review.diff.fields import COMPARISONS, is_comparison, is_reference

LINE = 120
"""Characters of a value that are shown whatever they are."""
# Of a longer one, in characters: what stands around a difference, and its beginning and its end.
_AROUND = 24
_SIDE = 200
MOST = 2 * _SIDE
"""Characters of a value that stands alone."""


def words(data: Any) -> str:
    """A value as a person says it, the whole in one line: references by their names, anything else as JSON."""
    if data is None:
        return "nothing"
    if is_reference(data):
        return visible.line(_reference(data))
    if is_comparison(data):
        ((operator, (left, right)),) = data.items()
        return f"{words(left)} {COMPARISONS[operator]} {words(right)}"
    if isinstance(data, str):
        return data if _is_plain(data) else _json(data)
    if isinstance(data, list) and data and all(isinstance(item, str) and _is_plain(item) for item in data):
        return ", ".join(data)
    return _json(data)


def pair(before: Any, after: Any) -> tuple[str, str]:
    """Two different values in words that differ as well, the window around the difference where they are long."""
    left, right = words(before), words(after)
    if _looks(left) == _looks(right):
        left, right = _json(before), _json(after)
    if _looks(left) == _looks(right):
        left, right = ascii(before), ascii(after)
    if max(len(left), len(right)) <= LINE:
        return left, right
    start, end = _common(left, right)
    return _window(left, start, end), _window(right, start, end)


def shortened(text: str, most: int = MOST) -> str:
    """A text of a value that nothing is compared with; what is left out is counted."""
    return text if len(text) <= most else f"{text[:most]}… {len(text) - most:,} more characters"


def fits(before: Any, after: Any) -> bool:
    """Whether a line shows both of two values from beginning to end."""
    return max(len(words(before)), len(words(after))) <= LINE


def _common(left: str, right: str) -> tuple[int, int]:
    """How many characters two different texts share at their beginnings, and of the rest at their ends."""
    most = min(len(left), len(right))
    start = next((i for i in range(most) if left[i] != right[i]), most)
    end = next((i for i in range(most - start) if left[-1 - i] != right[-1 - i]), most - start)
    return start, end


def _window(text: str, start: int, end: int) -> str:
    """What differs of a text, and a little around it."""
    left, right = max(0, start - _AROUND), min(len(text), len(text) - end + _AROUND)
    middle = text[left:right]
    if (more := len(middle) - MOST) > 0:
        middle = f"{middle[:_SIDE]}… {more:,} more characters …{middle[-_SIDE:]}"
    return f"{'…' if left else ''}{middle}{'…' if right < len(text) else ''}"


def _looks(text: str) -> str:
    """What a reader can tell apart: not two ways to write one letter."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _is_plain(text: str) -> bool:
    return bool(text) and text.isprintable() and text == text.strip()


def _json(data: Any) -> str:
    return visible.line(json.dumps(data, ensure_ascii=False, default=str))


def _reference(data: Mapping[str, Any]) -> str:
    match data:
        case {"param": name}:
            return f"parameter {name}"
        case {"task": task, "output": output}:
            return f"{task}.{output}"
        case {"item": loop, "field": field}:
            return f"item of {loop}.{field}"
        case {"item": loop}:
            return f"item of {loop}"
        case {"artifact": str(name)}:
            return f"artifact {name}"
        case {"collect": {"task": task, "output": output}}:
            return f"all {task}.{output}"
        case {"oneOf": list(options)}:
            return f"one of {', '.join(map(words, options))}"
        case {"concat": list(parts)}:
            return " + ".join(map(words, parts))
        case {"run": fact}:
            return f"run {fact}"
    return _json(data)
