"""Differences between two JSON-like values, by dotted field; references count as one value."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

# A map with exactly one of these keys (and what belongs to it) is a reference of the manifest language.
_REFERENCES = ("param", "artifact", "task", "item", "collect", "oneOf", "concat", "run")
COMPARISONS: Mapping[str, str] = {"eq": "=", "ne": "≠", "lt": "<", "le": "≤", "gt": ">", "ge": "≥"}
_BESIDE = {"output", "field"}
# Lists whose order means nothing.
_SETS = frozenset({"after"})

Difference = tuple[str, Any, Any]


def is_reference(value: Any) -> bool:
    """Whether a value of a manifest refers to something that is known only when it runs."""
    if not isinstance(value, Mapping):
        return False
    keys = set(value) - _BESIDE
    return len(keys) == 1 and next(iter(keys)) in _REFERENCES


def is_comparison(value: Any) -> bool:
    """Whether a value is a condition: `{gt: [left, right]}`."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return False
    ((operator, sides),) = value.items()
    return operator in COMPARISONS and isinstance(sides, list) and len(sides) == 2


def same(left: Any, right: Any) -> bool:
    """Equal as the manifest language means it: order of keys and 1 against 1.0 do not count, true against 1 does."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def differences(before: Any, after: Any, at: str = "") -> Iterator[Difference]:
    """(dotted field, before, after) of everything that differs; absent is None, and so is an empty map."""
    before, after = _bare(before), _bare(after)
    if same(before, after) or (_last(at) in _SETS and _as_set(before) == _as_set(after)):
        return
    if _is_branch(before) and _is_branch(after):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from differences(before.get(key), after.get(key), f"{at}.{key}" if at else str(key))
    elif (pairs := _paired(before, after)) is not None:
        for label, old, new in pairs:
            yield from differences(old, new, f"{at}[{label}]")
    else:
        yield at, before, after


def _bare(value: Any) -> Any:
    return None if value in ({}, []) else value


def _last(at: str) -> str:
    return at.rpartition(".")[2]


def _as_set(value: Any) -> set[str]:
    return (
        {json.dumps(item, sort_keys=True) for item in value or []}
        if isinstance(value, list | None)
        else set()
    )


def _is_branch(value: Any) -> bool:
    return isinstance(value, Mapping) and not is_reference(value) and not is_comparison(value)


def _paired(before: Any, after: Any) -> list[tuple[str, Any, Any]] | None:
    """Items of two lists by their `name`, as Kubernetes merges them; by position when there are as many."""
    if not (isinstance(before, list) and isinstance(after, list)):
        return None
    if not all(isinstance(item, Mapping) for item in [*before, *after]):
        return None
    if all("name" in item for item in [*before, *after]):
        left, right = ({str(item["name"]): item for item in items} for items in (before, after))
        if len(left) == len(before) and len(right) == len(after):
            return [(name, left.get(name), right.get(name)) for name in {**left, **right}]
    if len(before) == len(after):
        return [(str(index), old, new) for index, (old, new) in enumerate(zip(before, after, strict=True))]
    return None
