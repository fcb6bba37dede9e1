"""What a value will be in a run, as far as a manifest tells: constants, defaults, and what schedules and triggers give.

A parameter without a default, an output and an artifact are known only in a run, and are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kfp_gitops.base.yamltext import Path
from kfp_gitops.checking.check.context import Context
from kfp_gitops.language.manifest import Constant, ItemRef, Loop, OutputRef, ParameterRef, Task, Value

_UUID = "0" * 36
"""In place of what KFP names a claim by when it is given only the end of the name (driver/k8s.go, createPVC)."""


def constants(context: Context, value: Value, at: Path) -> Iterator[tuple[Any, Path]]:
    """Each constant that a value at a path can be, and where that stands."""
    match value:
        case Constant(constant):
            yield constant, at
        case ParameterRef(name):
            yield from _parameter(context, name)
        case OutputRef(task, "name"):
            yield from _claim(context, task)
        case ItemRef(loop, field):
            yield from _items(context, loop, field)


def fault(place: Path, kind: str = "unfit-default") -> str:
    """The kind of what is wrong with a constant that stands there: a run may give a parameter something else."""
    return kind if place[:2] == ("spec", "parameters") else ""


def only_in_a_run(context: Context, value: Value) -> bool:
    """Whether the manifest tells nothing of it."""
    return next(constants(context, value, ()), None) is None


def _parameter(context: Context, name: str) -> Iterator[tuple[Any, Path]]:
    for parameter in context.manifest.parameters:
        if parameter.name == name and parameter.default is not None:
            yield parameter.default.value, (*parameter.at, "default")
    for start in context.manifest.starts:
        if name in start.constants:
            yield start.constants[name], (*start.at, "parameters", name)


def _claim(context: Context, task: str) -> Iterator[tuple[Any, Path]]:
    """The name of a volume claim that a step makes."""
    node = context.scopes.nodes.get(task)
    if not isinstance(node, Task) or node.kind != "createPvc":
        return
    for argument, prefix in (("name", ""), ("nameSuffix", _UUID)):
        if argument in node.arguments:
            place = (*node.arguments_at, argument)
            for found, where in constants(context, node.arguments[argument], place):
                yield f"{prefix}{found}", where


def _items(context: Context, loop: str, field: str | None) -> Iterator[tuple[Any, Path]]:
    node = context.scopes.nodes.get(loop)
    if not isinstance(node, Loop):
        return
    for items, where in constants(context, node.items, (*node.at, "loop", "items")):
        for index, item in enumerate(items if isinstance(items, list) else ()):
            if field is None:
                yield item, (*where, index)
            elif isinstance(item, dict) and field in item:
                yield item[field], (*where, index, field)


def settings(context: Context) -> list[Mapping[str, tuple[Any, Path]]]:
    """What the parameters are in a run by hand, and in one of each schedule and trigger: name → value and its place."""
    by_hand = {
        parameter.name: (parameter.default.value, (*parameter.at, "default"))
        for parameter in context.manifest.parameters
        if parameter.default is not None
    }
    started = [
        {name: (value, (*start.at, "parameters", name)) for name, value in start.constants.items()}
        for start in context.manifest.starts
    ]
    return [by_hand, *({**by_hand, **given} for given in started)]
