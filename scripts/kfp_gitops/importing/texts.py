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


def template(manifest: Mapping[str, Any], file: str = "") -> str:
    """A manifest as a template; `file` is the name of one inside, whose name and parameters are its own."""
    data = copy.deepcopy(dict(manifest))
    slots: list[str] = []
    begin = _in_none(_SLOT, dump(data))

    def slot(expression: str) -> str:
        slots.append(f"{{{{ {expression} }}}}")
        return f"{begin}{len(slots) - 1}-"

    data["metadata"]["owner"] = slot("values.owner | tojson")
    for name, node in settable.needing(file, data):
        node["resources"] = slot(f"values.resources[{json.dumps(name)}] | tojson")
    if not file:
        data["metadata"]["name"] = slot("pipeline | tojson")
        for name, parameter in settable.with_defaults(data["spec"].get("parameters", {})).items():
            default = slot(f"values.parameters[{json.dumps(name)}] | tojson")
            data["spec"]["parameters"][name] = {**parameter, "default": default}
        data["schedules"] = slot("values.schedules | default([]) | tojson")
    slotted = re.compile(rf"{begin}(\d+)-")
    return SCHEMA_LINE + slotted.sub(lambda found: slots[int(found[1])], plainly(dump(data)))


def plainly(text: str) -> str:
    """A text as a template that gives it again: what an import reads is no code, whoever wrote it."""
    return _JINJA.sub(lambda found: f"{{{{ '{found[0]}' }}}}", text)


def _in_none(word: str, text: str) -> str:
    """The word, longer where the text has it: nothing that somebody wrote is taken for a place of ours."""
    while word in text:
        word += "x-"
    return word
