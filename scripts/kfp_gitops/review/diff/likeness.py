"""What equal values have in common: one hashable key, so that twins are found by one look at each. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any


def key(value: Any) -> Hashable:
    """Equal for two JSON-like values that mean the same: 1 is 1.0, true is not 1, nothing is like a NaN."""
    if isinstance(value, bool):
        return (bool, value)
    if isinstance(value, Mapping):
        return (dict, frozenset((name, key(item)) for name, item in value.items()))
    if isinstance(value, list):
        return (list, tuple(map(key, value)))
    return object() if value != value else value  # noqa: PLR0124 a NaN is not even like itself
