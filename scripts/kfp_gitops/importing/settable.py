"""What of an imported pipeline is a value of its environment: who is asked, defaults, resources of tasks, schedules.

The schema of these values says of each what it is, in the words that the manifest's own has, so that an editor helps.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kfp_gitops.base import schema
from kfp_gitops.base.schematext import written
from kfp_gitops.sources.scaffold import JSON_TYPES

_REFERENCE = "#/$defs/"
_BODIES = ("tasks", "finally")


@dataclass(frozen=True)
class Settable:
    """The parameters that have defaults, as a manifest has them, and what tasks of which name need."""

    parameters: Mapping[str, Mapping[str, Any]]
    resources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, manifest: Mapping[str, Any], inner: Mapping[str, Mapping[str, Any]]) -> Settable:
        """Of a manifest and those of the pipelines inside it."""
        resources = {name: node["resources"] for name, node in needing("", manifest)}
        for file, one in inner.items():
            resources |= {name: node["resources"] for name, node in needing(file, one)}
        return cls(with_defaults(manifest["spec"].get("parameters", {})), resources)

    def values(self, owner: str, schedules: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """What the environment says."""
        defaults = {name: one["default"] for name, one in self.parameters.items()}
        found: dict[str, Any] = {"owner": owner}
        found |= {"parameters": defaults} if defaults else {}
        found |= {"resources": dict(self.resources)} if self.resources else {}
        return found | ({"schedules": [dict(one) for one in schedules]} if schedules else {})

    def schema(self, name: str) -> str:
        """The schema of these values; schedules may be added to a pipeline that came without."""
        needed: dict[str, Any] = {"owner": _OWNER}
        if self.parameters:
            defaults = {key: _property(key, one) for key, one in self.parameters.items()}
            needed["parameters"] = _object("what a run has that is not given them", defaults, defaults)
        if self.resources:
            tasks = {key: {"$ref": f"{_REFERENCE}resources"} for key in self.resources}
            about = "what the containers of tasks need; of a pipeline inside as pipeline/task"
            needed["resources"] = _object(about, tasks, tasks)
        content = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": f"Values of the pipeline {name}",
            **_object("", {**needed, "schedules": _SCHEDULES}, needed),
            "$defs": _definitions(["schedule", *(["resources"] if self.resources else [])]),
        }
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


_OWNER = {"description": "who is asked when the pipeline fails", "type": "string", "minLength": 1}
_SCHEDULES = {
    "description": "recurring runs of this pipeline; each needs a name, and either cron or intervalSeconds",
    "type": "array",
    "items": {"$ref": f"{_REFERENCE}schedule"},
}


def with_defaults(parameters: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The parameters that have one."""
    return {name: one for name, one in parameters.items() if "default" in one}


def needing(file: str, manifest: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The tasks of a manifest that say what they need in constants, by name; `file`: of the pipeline inside."""
    for name, node in _nodes(manifest["spec"].get("tasks", {})):
        if "resources" in node and _is_constant(node["resources"]):
            yield f"{file}/{name}" if file else name, node


def _nodes(tasks: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, node in tasks.items():
        yield name, node
        for branch in (node, *node.get("elif", ()), node.get("else", {})):
            for body in _BODIES:
                yield from _nodes(branch.get(body, {}))


def _is_constant(resources: Mapping[str, Any]) -> bool:
    """A reference is a map, at the third level alone (`resources.cpu.request`)."""
    parts = [part for part in resources.values() if isinstance(part, Mapping)]
    return not any(isinstance(one, Mapping) for part in parts for one in part.values())


def _object(about: str, properties: Mapping[str, Any], required: Iterable[str]) -> dict[str, Any]:
    closed = {"type": "object", "additionalProperties": False}
    described = {"description": about} if about else {}
    return {**described, **closed, "required": list(required), "properties": dict(properties)}


def _property(name: str, parameter: Mapping[str, Any]) -> dict[str, Any]:
    about = parameter.get("description") or f"the default of the parameter {name}"
    only = {"enum": parameter["literals"]} if "literals" in parameter else {}
    return {"description": about, "type": JSON_TYPES[parameter["type"]], **only}


def _definitions(names: Iterable[str]) -> dict[str, Any]:
    """Parts of the manifest's schema, with all that they refer to."""
    known = schema.named("pipeline-manifest").content["$defs"]
    found: dict[str, Any] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop(0)
        if name not in found:
            found[name] = _as_written(known[name])
            waiting += _named_in(found[name])
    return found


def _named_in(part: Any) -> Iterator[str]:
    if isinstance(part, Mapping):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"].removeprefix(_REFERENCE)
        for one in part.values():
            yield from _named_in(one)
    elif isinstance(part, list):
        for one in part:
            yield from _named_in(one)


_OR_REFERENCE = {"if": {"type": "object"}, "then": {"$ref": f"{_REFERENCE}reference"}}


def _as_written(part: Any) -> Any:
    """As the file of the schema has it; where a reference may stand, too, values have a constant."""
    if isinstance(part, Mapping) and part.items() >= _OR_REFERENCE.items():
        rest = {key: one for key, one in part.items() if key not in (*_OR_REFERENCE, "else", "examples")}
        return _as_written({**rest, **part["else"]})
    if isinstance(part, Mapping):
        return {key: written(one) if key == "pattern" else _as_written(one) for key, one in part.items()}
    return [_as_written(one) for one in part] if isinstance(part, list) else part
