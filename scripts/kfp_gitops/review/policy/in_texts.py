"""Every text of a file, wherever it stands, so that nothing is written where no check looks.

What is told by its name already (an image, a variable, a parameter) is not told again, and comments are not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamltext import Document, Path, parse_all
from kfp_gitops.review.policy.subject import Subject


def in_texts(environment: str, place: str, document: Document, told: Sequence[Path]) -> Iterator[Subject]:
    """A subject for each text of a document, keys included, but for what lies at or below a path of `told`."""
    known = frozenset(told)
    for at, text in texts_of(document.value):
        if not any(at[:length] in known for length in range(len(at) + 1)):
            yield Subject("text", environment, f"{place}#{dotted(at)}", text, document, at)


def dotted(at: Path) -> str:
    """A path as a person writes it: `spec.tasks.load`, list items by their position."""
    return ".".join(map(str, at))


def inner_documents(text: str, path: str) -> list[Document]:
    """The YAML documents that a text holds, such as a kustomize patch; none where it is a plain text."""
    try:
        found = parse_all(text, path)
    except InputError:
        return []
    return [one for one in found if isinstance(one.value, dict | list)]


def texts_of(value: Any, at: Path = ()) -> Iterator[tuple[Path, str]]:
    """Each text of a value with its place, keys included."""
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield (*at, key), str(key)
            yield from texts_of(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from texts_of(inner, (*at, index))
