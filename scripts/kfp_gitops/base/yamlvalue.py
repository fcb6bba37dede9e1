"""The value of a YAML text without the places in it, in two thirds of the time; `yamltext` for all there is to tell.

What has a fault, an alias or a tag is not read here, nor what is large. So a message never depends on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

import yaml

from kfp_gitops.base import goyaml, yamlscalar, yamltext
from kfp_gitops.base.yamltext import MAX_DEPTH, MAX_NODES, Document


class _DoubtError(Exception):
    """The other reader is to be asked."""


def read(text: str, path: str, most: int = MAX_NODES) -> Document | None:
    """The one document of a text as `yamltext.parse` reads it, but for its places; None: that is to read it.

    At most `most` characters, for every node takes one.
    """
    if len(text) > most or yamltext.has_refused(text):
        return None
    try:
        reader = _Reader()
        value = reader.document(yaml.parse(text, Loader=yaml.CSafeLoader))
    except (_DoubtError, yaml.YAMLError):
        return None
    return Document(path, value, {}, {}, reader.whole_floats)


class _Reader:
    def __init__(self) -> None:
        self.whole_floats = False

    def tell(self, *_: object) -> NoReturn:
        raise _DoubtError

    def document(self, events: Iterable[Any]) -> Any:
        """Each value is put into the map or the list that is open; of a map the key comes first."""
        roots: list[Any] = []
        around: list[Any] = []
        inside: Any = roots
        key: str | None = None
        for event in events:
            kind = type(event)
            if kind in _ENDS:
                inside, key = around.pop(), None
                continue
            if kind in _NO_NODES:
                continue
            value = self.scalar(event) if kind is yaml.ScalarEvent else _opened(event)
            if type(inside) is list:
                inside.append(value)
            elif key is None:
                key = _key(event, value, inside)
                continue
            else:
                inside[key], key = value, None
            if kind is not yaml.ScalarEvent:
                around.append(inside)
                inside = value
                if len(around) > MAX_DEPTH:
                    raise _DoubtError
        if len(roots) != 1:
            raise _DoubtError
        return roots[0]

    def scalar(self, event: Any) -> Any:
        text: str = event.value
        if event.tag is not None:
            raise _DoubtError
        if event.style or (text and text[0] not in goyaml.FIRST):
            return text
        if yamlscalar.AMBIGUOUS.fullmatch(text):
            raise _DoubtError
        return yamlscalar.plain(text, self, event, ())


_ENDS = frozenset({yaml.MappingEndEvent, yaml.SequenceEndEvent})
_NO_NODES = frozenset(
    {yaml.StreamStartEvent, yaml.StreamEndEvent, yaml.DocumentStartEvent, yaml.DocumentEndEvent}
)


def _opened(event: Any) -> Any:
    kind = type(event)
    if kind is yaml.AliasEvent or event.tag is not None:
        raise _DoubtError
    return {} if kind is yaml.MappingStartEvent else []


def _key(event: Any, value: Any, seen: dict[str, Any]) -> str:
    if type(value) is not str or value in seen or (value == "<<" and not event.style):
        raise _DoubtError
    return value
