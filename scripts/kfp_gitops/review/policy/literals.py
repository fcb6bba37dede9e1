"""What of a manifest's value is written down, beside what is known only in a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kfp_gitops.language.manifest import (
    Comparison,
    ConcatValue,
    Constant,
    EntriesValue,
    ItemRef,
    ListValue,
    MapValue,
    OutputRef,
    ParameterRef,
    Value,
)


def literal(value: Value) -> Any:
    """A value without its references: of a text of several parts those that are written; None where nothing is."""
    match value:
        case Constant(found):
            return found
        case ConcatValue(items):
            return "".join(str(found) for item in items if (found := literal(item)) is not None) or None
        case ListValue(items):
            return [literal(item) for item in items]
        case MapValue(items):
            return {key: literal(item) for key, item in items.items()}
        case EntriesValue(items):
            return {str(found): literal(item) for key, item in items if (found := literal(key)) is not None}
    return None


def named(name: str, value: Value) -> Mapping[str, Any]:
    """The value under its name; empty where nothing of it is written."""
    found = literal(value)
    return {} if found is None and not isinstance(value, Constant) else {name: found}


def compared(condition: Comparison) -> Mapping[str, Any]:
    """What is compared with a literal, by its name: `{eq: [{param: token}, abc]}` says that a token is abc."""
    sides = (condition.left, condition.right), (condition.right, condition.left)
    return {
        name: literal(other) for one, other in sides if (name := _name(one)) and literal(other) is not None
    }


def _name(value: Value) -> str:
    match value:
        case ParameterRef(name):
            return name
        case OutputRef(_, output):
            return output
        case ItemRef(loop, field):
            return field or loop
    return ""
