"""Records ↔ JSON: `status.json`, which other machines read, and the next page for what it can no longer see."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from kfp_gitops.base import schema
from kfp_gitops.base.errors import InputError, raise_if_any
from kfp_gitops.base.yamltext import Document
from kfp_gitops.operate.statuspage.records import VERSION, Board
from kfp_gitops.reconcile import timing

SCHEMA = "status-page"


def to_json(board: Board) -> str:
    """schemas/status-page.schema.json; one line, for 1,000 pipelines are half a megabyte."""
    return json.dumps(_plain(board), ensure_ascii=False, separators=(",", ":")) + "\n"


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, datetime):
        return timing.rfc3339(value)
    if isinstance(value, Sequence):
        return [_plain(item) for item in value]
    return {name: _plain(getattr(value, name)) for name in _names(value.__class__)}


@cache
def _names(record: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(record))


def from_json(text: str, path: str) -> Board:
    """What `to_json` wrote.

    Raises:
        InputError: it is no such file, or of another version.
    """
    value = _value(text, path)
    version = value.get("version") if isinstance(value, dict) else None
    if version != VERSION:
        todo = f"have it made anew by this kfp-gitops, which reads and writes version {VERSION}"
        raise InputError.of(path, f"a status.json of version {version!r}", todo)
    raise_if_any(schema.problems(schema.named(SCHEMA), Document(path, value, {}, {})))
    try:
        found: Board = _reader(Board)(value)
    except (ValueError, OverflowError):  # the 99th of a month fits the schema
        raise InputError.of(path, "an instant that there is not", "have it made anew") from None
    return found


def _value(text: str, path: str) -> Any:
    try:
        found = json.loads(text)
        if "\\u" in text:
            json.dumps(found, ensure_ascii=False).encode()  # half a pair of UTF-16 can be written nowhere
        return found
    except (ValueError, RecursionError):
        raise InputError.of(path, "no JSON", "remove it, or have it made anew") from None


@cache
def _reader(wanted: Any) -> Callable[[Any], Any]:
    """How a value of a field of this type is read from JSON that the schema has admitted."""
    if wanted is datetime:
        return timing.instant
    if is_dataclass(wanted):
        return _record(wanted)
    if get_origin(wanted) is UnionType:
        return _optional(next(each for each in get_args(wanted) if each is not NoneType))
    if get_origin(wanted) is Sequence:
        of = _reader(get_args(wanted)[0])
        return lambda found: tuple(map(of, found))
    return lambda found: found


def _optional(wanted: Any) -> Callable[[Any], Any]:
    read = _reader(wanted)
    return lambda found: None if found is None else read(found)


def _record(wanted: Any) -> Callable[[Mapping[str, Any]], Any]:
    readers = {name: _reader(of) for name, of in get_type_hints(wanted).items()}
    return lambda found: wanted(**{name: readers[name](value) for name, value in found.items()})
