"""YAML from strangers as KFP reads it: bounded depth and size, also once its aliases are followed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import yaml

from kfp_gitops.devserver import yamlscalars

MAX_DEPTH = 100
MAX_NODES = 1_000_000


class YamlRefusedError(ValueError):
    """Not YAML, or more of it than is read."""


_MERGE = "tag:yaml.org,2002:merge"
_PLAIN = "!plain"


class _Loader(yaml.CSafeLoader):
    """PyYAML with the scalars and the keys of Go's yaml.v3."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        """Only what has neither quotes nor a tag is looked at."""
        if kind is yaml.ScalarNode and implicit[0]:
            return _MERGE if value == "<<" else _PLAIN
        return super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]  # PyYAML has no types

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        """A map of texts, each key once: else KFP could not write it as JSON."""
        seen: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise YamlRefusedError(
                    f'line {line}: mapping key "{key.value}" already defined at line {seen[key.value]}'
                )
            seen[str(key.value)] = line
            if not isinstance(key, yaml.ScalarNode) or self.construct_object(key) != key.value:
                raise YamlRefusedError("json: unsupported type: map[interface {}]interface {}")
        if any(key.tag == _MERGE and isinstance(value, yaml.ScalarNode) for key, value in node.value):
            raise YamlRefusedError("map merge requires map or sequence of maps as the value")
        return super().construct_mapping(node, deep)


def _plain(_loader: Any, node: Any) -> Any:
    found = yamlscalars.value(node.value)
    if isinstance(found, float) and not math.isfinite(found):
        raise YamlRefusedError(
            f"json: unsupported value: {'NaN' if math.isnan(found) else f'{found:+}'.title()}"
        )
    return found


_Loader.add_constructor(_PLAIN, _plain)
_Loader.add_constructor(_MERGE, lambda _loader, node: node.value)


def load_documents(data: bytes) -> list[Any]:
    """All documents of a text."""
    try:
        text = data.decode("utf-8")
        _check_events(text)
        documents = list(yaml.load_all(text, Loader=_Loader))
    except YamlRefusedError:
        raise
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
