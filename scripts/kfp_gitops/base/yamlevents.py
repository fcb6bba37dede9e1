"""The value of a YAML text from LibYAML's events, without the places in it.

What has a fault, an alias or a tag is not read here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

import yaml

from kfp_gitops.base import goyaml, yamlscalar
from kfp_gitops.base.yamltext import MAX_DEPTH


class DoubtError(Exception):
    """Another reader is to be asked."""


def read(text: str) -> tuple[Any, bool]:
    """The value of the one document of a text, and whether there is a whole float in it.

    Raises:
        DoubtError: it is not surely a document without a fault.
    """
    reader = _Reader()
    try:
        value = reader.document(yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.YAMLError:
        raise DoubtError from None
    return value, reader.whole_floats


class _Reader:
    def __init__(self) -> None:
        self.whole_floats = False

    def tell(self, *_: object) -> NoReturn:
        raise DoubtError

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
                    raise DoubtError
        if len(roots) != 1:
            raise DoubtError
        return roots[0]

    def scalar(self, event: Any) -> Any:
        text: str = event.value
        if event.tag is not None:
            raise DoubtError
        if event.style or (text and text[0] not in goyaml.FIRST):
            return text
        if yamlscalar.AMBIGUOUS.fullmatch(text):
            raise DoubtError
        return yamlscalar.plain(text, self, event, ())


_ENDS = frozenset({yaml.MappingEndEvent, yaml.SequenceEndEvent})
_NO_NODES = frozenset(
    {yaml.StreamStartEvent, yaml.StreamEndEvent, yaml.DocumentStartEvent, yaml.DocumentEndEvent}
)


def _opened(event: Any) -> Any:
    kind = type(event)
    if kind is yaml.AliasEvent or event.tag is not None:
        raise DoubtError
    return {} if kind is yaml.MappingStartEvent else []


def _key(event: Any, value: Any, seen: dict[str, Any]) -> str:
    if type(value) is not str or value in seen or (value == "<<" and not event.style):
        raise DoubtError
    return value
