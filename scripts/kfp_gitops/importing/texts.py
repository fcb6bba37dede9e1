"""Manifests as the files that people edit: templates whose defaults are values, and what these values may be."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from typing import Any

from kfp_gitops.base.yamldump import dump
from kfp_gitops.sources.scaffold import JSON_TYPES

_SCHEMAS = "../../../scripts/kfp_gitops/language/schemas"
SCHEMA_LINE = f"# yaml-language-server: $schema={_SCHEMAS}/pipeline-manifest.schema.json\n"
_JINJA = re.compile(r"\{[{%#]")
_SLOT = "kfp-gitops-slot-"
_SLOTTED = re.compile(rf"{_SLOT}(\d+)-")


def template(manifest: Mapping[str, Any], *, outer: bool) -> str:
    """A manifest as a template: of the outer one the name, the owner and each default come from outside."""
    data = copy.deepcopy(dict(manifest))
    slots: list[str] = []

    def slot(expression: str) -> str:
        slots.append(f"{{{{ {expression} }}}}")
        return f"{_SLOT}{len(slots) - 1}-"

    data["metadata"]["owner"] = slot("values.owner | tojson")
    if outer:
        data["metadata"]["name"] = slot("pipeline")
        for name, parameter in data["spec"].get("parameters", {}).items():
            if "default" in parameter:
                parameter["default"] = slot(f"values.parameters[{json.dumps(name)}] | tojson")
    text = _JINJA.sub(lambda found: f"{{{{ '{found[0]}' }}}}", dump(data))
    return SCHEMA_LINE + _SLOTTED.sub(lambda found: slots[int(found[1])], text)


def values(manifest: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """What the environment says: who is asked, and the defaults."""
    parameters = manifest["spec"].get("parameters", {})
    defaults = {name: one["default"] for name, one in parameters.items() if "default" in one}
    return {"owner": owner, **({"parameters": defaults} if defaults else {})}


def values_schema(manifest: Mapping[str, Any], name: str) -> str:
    """The schema of these values."""
    parameters = manifest["spec"].get("parameters", {})
    worth = {key: _property(one) for key, one in parameters.items() if "default" in one}
    properties: dict[str, Any] = {"owner": {"type": "string", "minLength": 1}}
    if worth:
        properties["parameters"] = _object(worth)
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Values of the pipeline {name}",
        **_object(properties),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    closed = {"type": "object", "additionalProperties": False}
    return {**closed, "required": list(properties), "properties": dict(properties)}


def _property(parameter: Mapping[str, Any]) -> dict[str, Any]:
    about = {"description": parameter["description"]} if "description" in parameter else {}
    about |= {"enum": parameter["literals"]} if "literals" in parameter else {}
    return {"type": JSON_TYPES[parameter["type"]], **about}
