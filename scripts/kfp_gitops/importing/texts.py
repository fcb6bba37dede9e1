"""Manifests as the files that people edit: templates whose defaults, resources and schedules are values."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from typing import Any

from kfp_gitops.base.yamldump import dump
from kfp_gitops.importing import settable

_SCHEMAS = "../../../scripts/kfp_gitops/language/schemas"
SCHEMA_LINE = f"# yaml-language-server: $schema={_SCHEMAS}/pipeline-manifest.schema.json\n"
_JINJA = re.compile(r"\{[{%#]")
_SLOT = "kfp-gitops-slot-"
_SLOTTED = re.compile(rf"{_SLOT}(\d+)-")


def template(manifest: Mapping[str, Any], file: str = "") -> str:
    """A manifest as a template; `file` is the name of one inside, whose name and parameters are its own."""
    data = copy.deepcopy(dict(manifest))
    slots: list[str] = []

    def slot(expression: str) -> str:
        slots.append(f"{{{{ {expression} }}}}")
        return f"{_SLOT}{len(slots) - 1}-"

    data["metadata"]["owner"] = slot("values.owner | tojson")
    for name, node in settable.needing(file, data):
        node["resources"] = slot(f"values.resources[{json.dumps(name)}] | tojson")
    if not file:
        data["metadata"]["name"] = slot("pipeline | tojson")
        for name, parameter in settable.with_defaults(data["spec"].get("parameters", {})).items():
            default = slot(f"values.parameters[{json.dumps(name)}] | tojson")
            data["spec"]["parameters"][name] = {**parameter, "default": default}
        data["schedules"] = slot("values.schedules | default([]) | tojson")
    text = _JINJA.sub(lambda found: f"{{{{ '{found[0]}' }}}}", dump(data))
    return SCHEMA_LINE + _SLOTTED.sub(lambda found: slots[int(found[1])], text)
