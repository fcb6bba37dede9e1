"""Placeholders in a command line that KFP does not replace as they are written.

The launcher looks for exact texts (backend/src/v2/component/launcher_v2.go, `getPlaceholders`, 2.17), so another
quote, a blank or a missing part leaves the placeholder to the container. So it does with facts of the run, such as
`{{$.pipeline_job_uuid}}`: the driver replaces those where they are a task's whole argument, and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfp_gitops.language import argotext

_EXACT = re.compile(
    r"\{\{\$(?:|\.inputs\.parameters\['[^']*'\]|\.outputs\.parameters\['[^']*'\]\.output_file"
    r"|\.(?:inputs|outputs)\.artifacts\['[^']*'\]\.(?:uri|path))\}\}"
)
_LIKE = re.compile(
    r"\{\{\s*\$[.}\s][^{}]*\}*"
    r"|\{+\s*\$?\.?\s*(?:inputs|outputs)\s*\.\s*(?:parameters|artifacts)\b[^{}]*\}*"
    r"|\$\.(?:inputs|outputs)\.(?:parameters|artifacts)\b\S*"
)
TODO = (
    "write {{$.inputs.parameters['NAME']}}, {{$.inputs.artifacts['NAME'].path}}, "
    "{{$.outputs.parameters['NAME'].output_file}} or {{$.outputs.artifacts['NAME'].path}}"
)


def misspelt(text: str) -> Iterator[str]:
    """Every part of a text that looks like a placeholder of KFP and is none; not what Argo takes for its own."""
    if "inputs" not in text and "outputs" not in text and "{{" not in text:
        return
    rest = _EXACT.sub("\n", text)
    for found in _LIKE.finditer(rest):
        if not argotext.placeholder(found[0]):
            yield found[0].strip()
