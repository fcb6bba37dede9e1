"""Texts that Argo Workflows takes for its own placeholders, wherever in a compiled workflow they stand.

KFP hands every constant, default, description and container to its driver inside an Argo workflow, and Argo looks for
`{{…}}` in all of that. From its source (v4, 2026): `workflow/common/common.go`, `GlobalVarValidWorkflowVariablePrefix`,
is what `workflow/validate` refuses when it cannot resolve it (`failed to resolve {{inputs.name}}`), and what it can is
replaced (`{{workflow.uid}}`); `{{=…}}` is an expression that is evaluated, or fails the run; `retries` and `lastRetry`
are replaced in tasks with `retry`, `node.name` in any. What begins otherwise stays: `{{name}}`, `{{ item }}`, `{{$…}}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from kfp_gitops.base.yamltext import Path

# valyala/fasttemplate, by which Argo finds tags: from a {{ to the next }}, which may belong to another text.
_TAG = re.compile(r"\{\{(.*?)(?:\}\}|\Z)", re.DOTALL)
# Argo reads the text as JSON, in which a tab or a line break is an escape and not a blank (strings.TrimSpace).
_BLANK = r"[^\S\t-\r\x1c-\x1f\u2028\u2029]*"
_KNOWN = re.compile(
    rf"=|{_BLANK}(?:(?:item|steps|inputs|outputs|pod|workflow|tasks|lastRetry)\."
    rf"|(?:retries|node\.name){_BLANK}\Z)"
)
_SHOWN = 60

TODO = "keep the braces apart, such as { {…} }, or put the text together in the component's code"


def placeholder(text: str) -> str:
    """The first placeholder of Argo in a text, as it is written there; empty when there is none."""
    found = _first(text)
    return "" if found is None else _short(found[0])


def said(text: str) -> str:
    """What is wrong with a text that holds a placeholder of Argo; of a text of several lines also which one."""
    found = _first(text)
    assert found is not None
    lines = text[: found.start()].count("\n") + 1
    where = f" in line {lines} of this text" if "\n" in text.strip() else ""
    what = f"Argo takes {_short(found[0])!r}{where} for a placeholder of its own"
    return f"{what}: it refuses the run, or puts something else there"


def places(value: Any, at: Path = ()) -> Iterator[tuple[Path, str]]:
    """Path and text of every text, keys included, below a value that holds a placeholder of Argo."""
    if isinstance(value, dict | list) and _surely_none(value):
        return
    yield from _places(value, at)


def _surely_none(value: Any) -> bool:
    """Whether there is not even a brace beside a brace: of most data in a tenth of the time."""
    try:
        return "{{" not in json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):  # no JSON, such as a number without end
        return False


def _places(value: Any, at: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        if "{{" in value and placeholder(value):
            yield at, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _places(key, (*at, key))
            yield from _places(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _places(item, (*at, index))


def together(parts: Sequence[str]) -> str:
    """The placeholder that parts make together, of which none holds one alone."""
    return "" if any(map(placeholder, parts)) else placeholder("".join(parts))


def _first(text: str) -> re.Match[str] | None:
    for found in _TAG.finditer(text):
        _, _, inner = found[1].rpartition("{{")  # a tag inside a tag is looked up, too
        if _KNOWN.match(found[1]) or ("{{" in found[1] and _KNOWN.match(inner)):
            return found
    return None


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"
