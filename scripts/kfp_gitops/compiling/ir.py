"""The compiled pipeline (KFP's intermediate representation) as data."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from kfp_gitops.language.identity import canonical, digest

__all__ = ["at_most", "digest", "documents", "placeholders", "placeholders_in"]

# From the start of a word only: a search from each of its letters would take a minute for a word of 100 kB.
_PLACEHOLDER = re.compile(r"(?<![\w./:-])[\w./:-]+@sha256:0{64}")


def documents(text: str) -> list[dict[str, Any]]:
    """The one or two documents (pipeline spec, platform spec) of an IR text."""
    return [document for document in yaml.load_all(text, Loader=yaml.CSafeLoader) if document]


def at_most(docs: Sequence[Mapping[str, Any]]) -> int:
    """More bytes than the IR has as YAML, in a tenth of the time that writing it takes.

    A character is at most an escape of ten bytes, or a line break and the indentation of the line after it.
    """
    length = len(canonical(docs)) + len(json.dumps(docs[0].get("sdkVersion")))
    return (2 * _depth(docs) + 10) * length + 4096


def _depth(value: Any) -> int:
    if isinstance(value, str) or not isinstance(value, Mapping | Sequence):
        return 0
    items = value.values() if isinstance(value, Mapping) else value
    return 1 + max(map(_depth, items), default=0)


def placeholders(docs: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The images in it, wherever they stand, with the digest that stands for one that nobody has built yet."""
    return placeholders_in(canonical(docs).decode())


def placeholders_in(text: str) -> tuple[str, ...]:
    """The same, of any text."""
    return tuple(sorted(set(_PLACEHOLDER.findall(text))))
