"""What equal values have in common: one hashable key, so that twins are found by one look at each. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any


def key(value: Any) -> Hashable:
    """Equal for two parsed values just when `strict.alike` says so: 1 is neither 1.0 nor true.

    Keys of maps stay as they are, for there they are compared as Python does.
    """
    if isinstance(value, Mapping):
        return (dict, frozenset((name, key(item)) for name, item in value.items()))
    if isinstance(value, list):
        return (list, tuple(map(key, value)))
    return (type(value), repr(value) if isinstance(value, float) else value)
