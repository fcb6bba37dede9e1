"""What of an imported pipeline is a value of its environment: who is asked, parameters' defaults, schedules.

The schema of these values says of each what it is, in the words that the manifest's own has, so that an editor helps.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from kfp_gitops.base import schema
from kfp_gitops.base.schematext import written
from kfp_gitops.sources.scaffold import JSON_TYPES


def values(
    parameters: Mapping[str, Mapping[str, Any]], owner: str, schedules: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What the environment says; `parameters` as a manifest has them."""
    defaults = {name: parameters[name]["default"] for name in settable(parameters)}
    found: dict[str, Any] = {"owner": owner}
    found |= {"parameters": defaults} if defaults else {}
    return found | ({"schedules": [dict(one) for one in schedules]} if schedules else {})


def settable(parameters: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The parameters whose defaults are values."""
    return [name for name, one in parameters.items() if "default" in one]


def values_schema(parameters: Mapping[str, Mapping[str, Any]], name: str) -> str:
    """The schema of these values; schedules may be added to a pipeline that came without."""
    worth = {key: _property(key, parameters[key]) for key in settable(parameters)}
    needed: dict[str, Any] = {
        "owner": {"description": "who is asked when the pipeline fails", "type": "string", "minLength": 1}
    }
    if worth:
        about = {"description": "what a run has that is not given them"}
        needed["parameters"] = {**about, **_object(worth, worth)}
    content = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Values of the pipeline {name}",
        **_object({**needed, "schedules": _schedules()}, needed),
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _object(properties: Mapping[str, Any], required: Mapping[str, Any]) -> dict[str, Any]:
    closed = {"type": "object", "additionalProperties": False}
    return {**closed, "required": list(required), "properties": dict(properties)}


def _property(name: str, parameter: Mapping[str, Any]) -> dict[str, Any]:
    about = parameter.get("description") or f"the default of the parameter {name}"
    only = {"enum": parameter["literals"]} if "literals" in parameter else {}
    return {"description": about, "type": JSON_TYPES[parameter["type"]], **only}


def _schedules() -> dict[str, Any]:
    """As the manifest's schema has them."""
    content = schema.named("pipeline-manifest").content
    one = _as_written(content["$defs"]["schedule"])
    about = "recurring runs of this pipeline; each needs a name, and either cron or intervalSeconds"
    return {"description": about, "type": "array", "items": one}


def _as_written(part: Any) -> Any:
    if isinstance(part, Mapping):
        return {key: written(one) if key == "pattern" else _as_written(one) for key, one in part.items()}
    return [_as_written(one) for one in part] if isinstance(part, list) else part
