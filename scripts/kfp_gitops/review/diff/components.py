"""What differs between two Component YAML specs: interface, image, code; not the SDK's own version."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from kfp_gitops.review.diff.fields import differences
from kfp_gitops.review.diff.model import Action, Change, Kind

_NOISE = frozenset({"sdkVersion"})
_V1_PORT = re.compile(r"(input|output)s\[(.+?)\]")
_CODE = ("command", "args")


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    """Differences of a pipeline's component specs (name → spec as YAML data)."""
    for name in sorted({**before, **after}):
        if name not in before:
            yield Change(Action.ADDED, Kind.COMPONENT, name, after={"image": images(after[name])})
        elif name not in after:
            yield Change(Action.REMOVED, Kind.COMPONENT, name, before={"image": images(before[name])})
        else:
            yield from _spec_changes(name, before[name], after[name])


def images(spec: Any) -> list[str]:
    """The images that a component runs in."""
    return sorted({str(container["image"]) for _, container in _containers(spec) if "image" in container})


def _spec_changes(name: str, before: Any, after: Any) -> Iterator[Change]:
    found: list[Change] = []
    for field, left, right in differences(_without_code(before), _without_code(after)):
        change = Change(Action.CHANGED, Kind.COMPONENT, name, _short(field), left, right)
        if change not in found:
            found.append(change)
    # The root of a compiled component is the SDK's shell around its step: it says the same once more.
    yield from [change for change in found if not str(change.field).startswith("root.")] or found
    left, right = _code(before), _code(after)
    if left != right:
        yield Change(Action.CHANGED, Kind.COMPONENT, name, "code", *_lines(left, right))


def _lines(before: list[str], after: list[str]) -> tuple[list[str], list[str]]:
    """The lines that went and the lines that came."""
    found = list(difflib.unified_diff(before, after, n=0, lineterm=""))[2:]
    return [line[1:] for line in found if line[:1] == "-"], [line[1:] for line in found if line[:1] == "+"]


def _containers(spec: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if not isinstance(spec, Mapping):
        return
    container = (spec.get("implementation") or {}).get("container")
    if isinstance(container, dict):
        yield "container", container
    executors = ((spec.get("deploymentSpec") or {}).get("executors") or {}).items()
    for label, executor in executors:
        if isinstance(executor, Mapping) and isinstance(executor.get("container"), dict):
            yield label, executor["container"]


def _code(spec: Any) -> list[str]:
    texts = [part for _, container in _containers(spec) for key in _CODE for part in container.get(key) or []]
    return [line for text in texts for line in str(text).splitlines()]


def without_versions(value: Any) -> Any:
    """A document without what the SDK writes of itself."""
    if isinstance(value, Mapping):
        return {key: without_versions(item) for key, item in value.items() if key != "sdkVersion"}
    return [without_versions(item) for item in value] if isinstance(value, list) else value


def _without_code(value: Any) -> Any:
    if isinstance(value, Mapping):
        code = _CODE if "image" in value else ()
        return {
            key: _without_code(item) for key, item in value.items() if key not in _NOISE and key not in code
        }
    return [_without_code(item) for item in value] if isinstance(value, list) else value


def _short(field: str) -> str:
    """`inputDefinitions.parameters.rows.parameterType` → `input rows.parameterType`: what a person calls it."""
    if port := _V1_PORT.match(field):
        return f"{port[1]} {port[2]}{field[port.end() :]}"
    parts = field.split(".")
    if "image" in parts[-1:] and "container" in parts:
        return "image"
    for definitions, word in (("inputDefinitions", "input"), ("outputDefinitions", "output")):
        if definitions in parts:
            rest = parts[parts.index(definitions) + 2 :]
            return f"{word} {'.'.join(rest)}"
    return field
