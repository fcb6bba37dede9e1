"""Facts of a run that KFP's driver leaves placeholders: the pipeline root, and all that are a part of something else.

backend/src/v2/driver/resolve.go, resolveInputParameter (2.17.0), compares the whole text of a constant with each; only
`{{$.workspace_path}}` may be a part of a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfp_gitops.language.irlint.finding import Finding
from kfp_gitops.language.irlint.view import Ir, bound, texts

_FACT = re.compile(r"\{\{\$\.(pipeline_[a-z_]+)\}\}")
_ROOT = "pipeline_root"


def findings(ir: Ir) -> Iterator[Finding]:
    """Constants of tasks that hold one where nothing replaces it."""
    for parent in ir.all():
        for key, task in parent.tasks.items():
            for name, source in bound(task, "parameters").items():
                constant = source.get("runtimeValue", {}).get("constant")
                at = (*parent.at, "dag", "tasks", key, "inputs", "parameters", name)
                for fact in _left(constant):
                    what = f"task {key!r} is given {{{{$.{fact}}}}} where KFP 2.17 does not replace it"
                    todo = "write the path" if fact == _ROOT else "give it as an argument of its own"
                    yield Finding(0, at, what, todo, "fact-left")


def _left(constant: object) -> list[str]:
    if isinstance(constant, str) and (whole := _FACT.fullmatch(constant)):
        return [_ROOT] if whole[1] == _ROOT else []
    return [fact for text in texts(constant) for fact in _FACT.findall(text)]
