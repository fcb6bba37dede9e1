"""YAML data → values: which maps are references, and what is made of constants alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kfp_gitops.language.manifest.value import (
    ArtifactRef,
    CollectRef,
    ConcatValue,
    Constant,
    EntriesValue,
    ItemRef,
    ListValue,
    MapValue,
    OneOfRef,
    OutputRef,
    ParameterRef,
    RunRef,
    Value,
)


def value_of(data: Any) -> Value:
    """A constant, a reference, or a list or map that holds references."""
    if isinstance(data, list):
        items = tuple(value_of(item) for item in data)
        return _constant_if_all(items, data) or ListValue(items)
    if isinstance(data, dict):
        return _reference(data) or _map(data)
    return Constant(data)


def optional_value(data: Any) -> Value | None:
    """The same, and nothing for nothing."""
    return None if data is None else value_of(data)


def entries_of(data: Any) -> Value:
    """A map, or the entries of one, each with its key and its value."""
    if isinstance(data, list):
        return EntriesValue(tuple((value_of(entry["key"]), value_of(entry["value"])) for entry in data))
    return value_of(data)


def _constant_if_all(items: Sequence[Value], data: Any) -> Constant | None:
    if not all(isinstance(item, Constant) for item in items):
        return None
    values = [item.value for item in items if isinstance(item, Constant)]
    return Constant(dict(zip(data, values, strict=True)) if isinstance(data, dict) else values)


def _map(data: dict[str, Any]) -> Value:
    items = {key: value_of(item) for key, item in data.items()}
    return _constant_if_all(tuple(items.values()), data) or MapValue(items)


def _reference(data: dict[str, Any]) -> Value | None:
    match data:
        case {"param": name}:
            return ParameterRef(name)
        case {"artifact": name}:
            return ArtifactRef(name)
        case {"task": task, "output": output}:
            return OutputRef(task, output)
        case {"item": loop, **rest}:
            return ItemRef(loop, rest.get("field"))
        case {"collect": {"task": task, "output": output}}:
            return CollectRef(task, output)
        case {"oneOf": options}:
            return OneOfRef(tuple(OutputRef(option["task"], option["output"]) for option in options))
        case {"concat": items}:
            return ConcatValue(tuple(value_of(item) for item in items))
        case {"run": fact}:
            return RunRef(fact)
        case {"literal": value}:
            return Constant(value)
    return None
