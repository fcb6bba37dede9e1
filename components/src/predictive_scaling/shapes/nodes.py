"""YAML documents as nodes that know their place: texts, lists and mappings, and no reader's guess of a type.

Built from the parser's events without recursion, and bounded in size, number and depth: what is read may be anybody's.
An alias is the node that it names, never a copy, so that a file of aliases to aliases stays as small as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from predictive_scaling.base.errors import InputError

MAX_CHARACTERS = 64 * 2**20
MAX_DOCUMENTS = 50_000
MAX_DEPTH = 100
MERGE = "<<"
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(eq=False)
class Node:
    """A value and where it stands, as `path:line:column`; None is YAML's null."""

    place: str
    value: str | list[Node] | dict[str, Node] | None

    def at(self, *names: str) -> Node | None:
        """The node under these keys; None where there is none, or null."""
        node: Node | None = self
        for name in names:
            found = node.value if node else None
            node = found.get(name) if isinstance(found, dict) else None
        return node if node is not None and node.value is not None else None

    def text(self, *names: str) -> str:
        """The scalar under these keys; empty where there is none."""
        node = self.at(*names)
        return node.value if node and isinstance(node.value, str) else ""


def documents(text: str, path: str) -> Iterator[Node]:
    """The documents of a YAML text that hold anything; raises InputError with the place of what cannot be read."""
    if len(text) > MAX_CHARACTERS:
        raise InputError(
            f"{path}: more than {MAX_CHARACTERS >> 20} MiB of YAML; give what concerns the services"
        )
    try:
        yield from _built(text, path)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else path
        raise InputError(f"{at}: this is no YAML: {error.problem or error.context}; mend it") from error
    except yaml.YAMLError as error:  # such as a character that YAML does not allow
        raise InputError(f"{path}: this is no YAML: {' '.join(str(error).split())[:200]}; mend it") from error


def _built(text: str, path: str) -> Iterator[Node]:
    found = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.DocumentStartEvent):
            builder = _Builder(path)
        elif isinstance(event, yaml.NodeEvent | yaml.CollectionEndEvent):
            builder.take(event)
        elif isinstance(event, yaml.DocumentEndEvent) and builder.root and builder.root.value is not None:
            found += 1
            if found > MAX_DOCUMENTS:
                raise InputError(f"{builder.root.place}: more than {MAX_DOCUMENTS} documents")
            yield builder.root


@dataclass
class _Builder:
    """One document as it comes, event by event."""

    path: str
    root: Node | None = None
    _open: list[Node] = field(default_factory=list)
    _keys: list[Node | None] = field(default_factory=list)
    _anchors: dict[str, Node] = field(default_factory=dict)

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()
            self._keys.pop()
            return
        place = f"{self.path}:{event.start_mark.line + 1}:{event.start_mark.column + 1}"
        node = self._node(event, place)
        self._add(node)
        if isinstance(event, yaml.CollectionStartEvent):
            if len(self._open) >= MAX_DEPTH:
                raise InputError(f"{place}: nested deeper than {MAX_DEPTH}; this is no Kubernetes object")
            self._open.append(node)
            self._keys.append(None)

    def _node(self, event: Any, place: str) -> Node:
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise InputError(f"{place}: the alias *{event.anchor} has no anchor; mend it")
            return self._anchors[event.anchor]
        node = Node(place, _value(event))
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _add(self, node: Node) -> None:
        if not self._open:
            self.root = node
            return
        into, key = self._open[-1].value, self._keys[-1]
        if isinstance(into, list):
            into.append(node)
        elif key is None:
            self._keys[-1] = node
        elif isinstance(into, dict):
            name = self._name(key, into)
            into[name] = node
            self._keys[-1] = None

    @staticmethod
    def _name(key: Node, into: dict[str, Node]) -> str:
        name = key.value if key.value is not None else "null"
        if not isinstance(name, str):
            raise InputError(f"{key.place}: a key that is no text; Kubernetes has none")
        if name == MERGE:
            raise InputError(f"{key.place}: merge keys are not read; give what `kubectl kustomize` prints")
        if name in into:
            raise InputError(f"{key.place}: {name[:80]!r} stands twice; keep one of them")
        return name


def _value(event: Any) -> str | list[Node] | dict[str, Node] | None:
    if isinstance(event, yaml.SequenceStartEvent):
        return []
    if isinstance(event, yaml.MappingStartEvent):
        return {}
    plain = not event.style
    return None if plain and event.value in _NULLS else str(event.value)
