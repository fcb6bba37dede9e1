"""Files of other tools, whichever they are of."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from kfp_gitops.base.errors import raise_if_any
from kfp_gitops.base.yamltext import Document, Path, parse_all
from kfp_gitops.importing.foreign import chained, deploykf, operator
from kfp_gitops.importing.foreign.asked import Found
from kfp_gitops.importing.source import MALFORMED

_HEAD = 100_000
_IR = re.compile(r"^(# PIPELINE DEFINITION|components:|pipelineInfo:)", re.MULTILINE)
"""How a compiled pipeline begins, whatever the code in it says."""
_LOOKS = (
    re.compile(r"""["']?apiVersion["']?\s*:\s*["']?pipelines\.kubeflow\.org/v1(alpha|beta)\d"""),
    re.compile(r"^(recurring_runs|experiments):", re.MULTILINE),
)
_INSTANT = re.compile(
    r"^([ \t]*(?:- +)?[\w-]+: +)(\d{4}-\d\d-\d\d(?:[Tt ]\S.*?)?)([ \t]*(?: #.*)?)$", re.MULTILINE
)
"""Within a line: what may begin in one and end in another takes minutes for a file of blank lines."""


def is_foreign(text: str) -> bool:
    """Whether a text is a file of one of these tools, YAML or JSON, as far as its beginning says."""
    head = text[:_HEAD]
    return not _IR.search(head) and any(look.search(head) for look in _LOOKS)


def read(texts: Mapping[str, str], beside: Callable[[str, str], str | None]) -> Found:
    """What files ask for; texts by their path. `beside(path, name)` is a file of the repository that a path is in.

    Raises:
        InputError: one is no YAML, or holds something else as well.
    """
    found = Found()
    for path, text in texts.items():
        for document in parse_all(_INSTANT.sub(_quoted, text), path):
            if document.value is not None:
                _document(document, partial(beside, path), found)
    chained.chain(found)
    raise_if_any(found.problems)
    return found


def _quoted(found: re.Match[str]) -> str:
    """Instants are texts to these tools, and people leave their quotes away."""
    return f"{found[1]}'{found[2]}'{found[3]}"


def _document(document: Document, beside: deploykf.Beside, found: Found) -> None:
    value = document.value
    if deploykf.is_one(value):
        _shaped(document, (), found, lambda: deploykf.read(document, beside, found))
    elif isinstance(value, Mapping) and value.get("kind") == "List":
        for number, item in enumerate(value.get("items") or []):
            _resource(document, ("items", number), item, found)
    else:
        _resource(document, (), value, found)


def _resource(document: Document, at: Path, value: Any, found: Found) -> None:
    if operator.is_one(value):
        _shaped(document, at, found, lambda: operator.read(document, at, found))
        return
    kind = value.get("kind") if isinstance(value, Mapping) else None
    what = f"{kind or 'this'} is none of the resources of sky-uk/kfp-operator"
    found.problems.append(document.problem(at, what, "give it in a file of its own, or leave it out"))


def _shaped(document: Document, at: Path, found: Found, work: Callable[[], None]) -> None:
    try:
        work()
    except MALFORMED as error:
        what = f"this is not of the shape that its tool gives it ({type(error).__name__}: {error})"
        found.problems.append(document.problem(at, what, "correct it; its tool would refuse it, too"))
