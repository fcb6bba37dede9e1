"""Differences between two JSON-like values, by dotted field; references count as one value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kfp_gitops.review.diff.strict import ABSENT, Place, alike, children, label

# A map with exactly one of these keys (and what belongs to it) is a reference of the manifest language.
_REFERENCES = ("param", "artifact", "task", "item", "collect", "oneOf", "concat", "run")
COMPARISONS: Mapping[str, str] = {"eq": "=", "ne": "≠", "lt": "<", "le": "≤", "gt": ">", "ge": "≥"}
_BESIDE = {"output", "field"}

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


def differences(before: Any, after: Any) -> Iterator[Difference]:
    """(dotted field, before, after) of everything that differs; absent is None.

    An absent key against a null cannot be said so: that is left to `leftover`.
    """
    left, right = (ABSENT if side is None else side for side in (before, after))
    for place, old, new in _leaves(left, right, ()):
        was, is_ = (None if side is ABSENT else side for side in (old, new))
        if not (was is None and is_ is None):
            yield label(place), was, is_


def _leaves(before: Any, after: Any, at: Place) -> Iterator[tuple[Place, Any, Any]]:
    if alike(before, after):
        return
    inside = None if _is_one(before) or _is_one(after) else children(before, after)
    if inside is None:
        yield at, before, after
        return
    for part, old, new in inside:
        yield from _leaves(old, new, (*at, part))


def _is_one(value: Any) -> bool:
    return is_reference(value) or is_comparison(value)
