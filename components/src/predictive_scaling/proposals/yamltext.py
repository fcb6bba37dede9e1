"""A YAML text and where each of its values stands. What a value may be is for who asks: scalars are texts here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml
from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from predictive_scaling.base.errors import InputError

__all__ = [
    "MERGE",
    "CollectionNode",
    "MappingNode",
    "Node",
    "ScalarNode",
    "Seen",
    "SequenceNode",
    "composed",
    "objects",
    "plain",
    "same",
    "typed",
    "value_of",
]

_NULL = "tag:yaml.org,2002:null"
MERGE = "<<"


@dataclass(frozen=True)
class Seen:
    """A node of a text, and the name of the file it stands in."""

    file: str
    node: Node

    @property
    def place(self) -> str:
        """`file:line`."""
        return f"{self.file}:{self.node.start_mark.line + 1}"

    @property
    def text(self) -> str | None:
        """A scalar's text; None for null and for what is no scalar."""
        return self.node.value if isinstance(self.node, ScalarNode) and not self.empty else None

    @property
    def empty(self) -> bool:
        """Whether it is null, as a key without a value is."""
        return isinstance(self.node, ScalarNode) and self.node.tag == _NULL

    def pairs(self) -> list[tuple[str, Seen]]:
        """Keys and values of a mapping."""
        if not isinstance(self.node, MappingNode):
            return []
        return [(str(key.value), Seen(self.file, value)) for key, value in self.node.value]

    def items(self) -> list[Seen]:
        """Items of a list."""
        if not isinstance(self.node, SequenceNode):
            return []
        return [Seen(self.file, each) for each in self.node.value]

    def at(self, *names: str) -> Seen | None:
        """The value under these keys; of a key that stands twice the last, as readers of Kubernetes have it."""
        found: Seen | None = self
        for name in names:
            if found is not None:
                found = next((value for key, value in reversed(found.pairs()) if key == name), None)
        return found

    def said(self, *names: str) -> str:
        """The text under these keys; empty where there is none."""
        found = self.at(*names)
        return (found.text if found else None) or ""

    def listed(self, *names: str) -> list[Seen]:
        """The items under these keys."""
        found = self.at(*names)
        return found.items() if found else []


def objects(file: str, text: str) -> list[Seen]:
    """The objects of a text, those of each `kind: List` too. Raises InputError where it is no YAML."""
    return [each for document in composed(file, text) for each in _opened(document) if each.pairs()]


@lru_cache(maxsize=2048)  # each value of a tree is looked up in every patch of it, again and again
def composed(file: str, text: str) -> list[Seen]:
    """The documents of a text, as many as are written. Raises InputError where it is no YAML."""
    try:
        found = list(yaml.compose_all(text, yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
        raise InputError(f"{at}: this is no YAML: {error.problem}; mend it, or delete the file") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError(f"{file}: this is no YAML that can be read; mend it, or delete the file") from error
    return [Seen(file, each) for each in found]


def _opened(document: Seen) -> Iterator[Seen]:
    if document.said("kind").endswith("List") and document.at("items"):
        yield from document.listed("items")
    else:
        yield document


@lru_cache(maxsize=2048)
def plain(text: str) -> list[object]:
    """Texts, lists and mappings of every document, not to be changed: what is compared before and after a change."""
    return list(yaml.load_all(text, yaml.BaseLoader))


def value_of(text: str) -> object:
    """What a value's text stands for, in texts, lists and mappings."""
    return yaml.load(text, yaml.BaseLoader)  # noqa: S506 -- see above


def same(text: str, expected: list[object]) -> bool:
    """Whether a text holds exactly this."""
    try:
        return plain(text) == expected
    except (yaml.YAMLError, RecursionError):
        return False


def typed(text: str) -> list[dict[str, Any]]:
    """The objects of a text as data, those of each `kind: List` too. Raises InputError."""
    try:
        found = [each for each in yaml.safe_load_all(text) if isinstance(each, dict)]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"this is no YAML that can be read: {error}") from error
    lists = [each for each in found if str(each.get("kind")).endswith("List") and "items" in each]
    return [each for each in found if each not in lists] + [one for each in lists for one in each["items"]]
