"""YAML from strangers: safe loader, bounded depth and size, also once its aliases are followed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

MAX_DEPTH = 100
MAX_NODES = 1_000_000


class YamlRefusedError(ValueError):
    """Not YAML, or more of it than is read."""


def load_documents(data: bytes) -> list[Any]:
    """All documents of a text."""
    try:
        text = data.decode("utf-8")
        _check_events(text)
        documents = list(yaml.load_all(text, Loader=yaml.CSafeLoader))
    except (yaml.YAMLError, ValueError) as error:
        raise YamlRefusedError(f"not valid YAML: {error}") from error
    _count(documents, {}, set())
    return documents


def _check_events(text: str) -> None:
    """Look at the events first: the C loader recurses without a limit and would take the process with it."""
    depth = 0
    for nodes, event in enumerate(_events(text)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH or nodes > 2 * MAX_NODES:
            raise YamlRefusedError("nested too deeply" if depth > MAX_DEPTH else "too many values")


def _events(text: str) -> Iterator[yaml.Event]:
    yield from yaml.parse(text, Loader=yaml.CSafeLoader)


def _count(value: Any, known: dict[int, int], above: set[int]) -> int:
    """How many values there are with every alias written out."""
    if not isinstance(value, dict | list):
        return 1
    if id(value) in above:
        raise YamlRefusedError("a value contains itself")
    if id(value) not in known:
        inside = above | {id(value)}
        children = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_count(child, known, inside) for child in children)
    if known[id(value)] > MAX_NODES:
        raise YamlRefusedError("too many values once aliases are followed")
    return known[id(value)]
