"""The root of a compiled component, the SDK's shell around its one step, where it only says the same once more. Pure.

In a component that is a graph the root is the graph itself: its constants, wiring and conditions are nobody's echo.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kfp_gitops.review.diff.strict import ABSENT, alike, held

Keys = tuple[str, ...]


def without_shells(before: Any, after: Any) -> tuple[Any, Any]:
    """Two specs without those parts of their roots that in both repeat the step."""
    left, right = dict(_echoes(before)), dict(_echoes(after))
    for kind in left.keys() & right.keys():
        before, after = _without(before, left[kind]), _without(after, right[kind])
    return before, after


def _echoes(spec: Any) -> Iterator[tuple[str, Keys]]:
    """(what, place) of each part of a root that is what the SDK makes of the step's own definitions."""
    components, tasks = _get(spec, "components"), _get(spec, "root", "dag", "tasks")
    if not (isinstance(components, Mapping) and isinstance(tasks, Mapping)):
        return
    if not len(components) == len(tasks) == 1:
        return
    ((component, definition),), ((task, call),) = components.items(), tasks.items()
    if _get(call, "componentRef", "name") != component or not isinstance(definition, Mapping):
        return
    inputs, outputs = definition.get("inputDefinitions"), definition.get("outputDefinitions")
    parts: list[tuple[str, Keys, Any]] = [
        ("inputs", ("root", "inputDefinitions"), inputs),
        ("outputs", ("root", "outputDefinitions"), outputs),
        ("passed", ("root", "dag", "tasks", task, "inputs"), _passed(inputs)),
        ("returned", ("root", "dag", "outputs"), _returned(outputs, task)),
    ]
    for what, place, wanted in parts:
        if alike(held(spec, place), wanted or ABSENT):
            yield what, place


def _passed(inputs: Any) -> dict[str, Any]:
    words = (("artifacts", "componentInputArtifact"), ("parameters", "componentInputParameter"))
    found = {kind: {name: {word: name} for name in _names(inputs, kind)} for kind, word in words}
    return {kind: names for kind, names in found.items() if names}


def _returned(outputs: Any, task: str) -> dict[str, Any]:
    def artifact(name: str) -> Any:
        return {"artifactSelectors": [{"outputArtifactKey": name, "producerSubtask": task}]}

    def parameter(name: str) -> Any:
        return {"valueFromParameter": {"outputParameterKey": name, "producerSubtask": task}}

    made = (("artifacts", artifact), ("parameters", parameter))
    found = {kind: {name: form(name) for name in _names(outputs, kind)} for kind, form in made}
    return {kind: names for kind, names in found.items() if names}


def _names(definitions: Any, kind: str) -> list[str]:
    found = _get(definitions, kind)
    return [*found] if isinstance(found, Mapping) else []


def _get(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _without(spec: Any, place: Keys) -> Any:
    """A copy of maps without what stands at a place."""
    key, *rest = place
    if not isinstance(spec, Mapping) or key not in spec:
        return spec
    if not rest:
        return {name: value for name, value in spec.items() if name != key}
    return {**spec, key: _without(spec[key], tuple(rest))}
