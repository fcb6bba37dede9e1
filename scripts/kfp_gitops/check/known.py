"""What a value can be, as far as the manifest tells: constants, defaults, what schedules and triggers give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kfp_gitops.check.context import Context
from kfp_gitops.manifest import Constant, ItemRef, Loop, ParameterRef, Value
from kfp_gitops.yamltext import Path


def values(context: Context, value: Value, at: Path) -> Iterator[tuple[Path, Any]]:
    """Every value that something may have, and where it stands; nothing for what only a run tells."""
    match value:
        case Constant(constant):
            yield at, constant
        case ParameterRef(name):
            yield from _of_parameter(context, name)
        case ItemRef(loop, field):
            node = context.scopes.nodes.get(loop)
            if isinstance(node, Loop):
                yield from _items(context, node, field)


def _of_parameter(context: Context, name: str) -> Iterator[tuple[Path, Any]]:
    for parameter in context.manifest.parameters:
        if parameter.name == name and parameter.default is not None:
            yield (*parameter.at, "default"), parameter.default.value
    for start in context.manifest.starts:
        if name in start.parameters:
            yield (*start.at, "parameters", name), start.parameters[name]


def _items(context: Context, loop: Loop, field: str | None) -> Iterator[tuple[Path, Any]]:
    for at, items in values(context, loop.items, (*loop.at, "loop", "items")):
        for index, item in enumerate(items) if isinstance(items, list) else ():
            if field is None:
                yield (*at, index), item
            elif isinstance(item, dict) and field in item:
                yield (*at, index, field), item[field]


def only_in_a_run(context: Context, value: Value) -> bool:
    """Whether the manifest tells nothing of it."""
    return not isinstance(value, Constant) and not any(True for _ in values(context, value, ()))
