"""One value of a YAML text is set or taken out, and every other line stays: comments, order, quotes.

LibYAML says where a node begins and ends; a block's end it puts behind the comments that follow, so that is had from
what stands in it last.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamltext import Path, parse

_PLAIN = re.compile(r"[A-Za-z][\w./-]*", re.ASCII)
_KEY = re.compile(r"[A-Za-z_][\w./-]*", re.ASCII)
_PRINTABLE = re.compile("[ -~\xa1-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]*")
_Node = Any  # yaml's own nodes have no types


class UneditableError(Exception):
    """The text is written in a way that cannot be changed by lines: an alias, several documents."""


def put(text: str, at: Path, value: Any) -> str:
    """The text with a value at a path of keys (and of items that are there); maps on the way are made.

    Raises:
        UneditableError: it is not written so plainly.
    """
    wanted = _with(parse(text, "").value, at, value)
    return _proved(_put(text, at, value), wanted)


def take(text: str, at: Path) -> str:
    """The text without a key that is there; a block map that would be left empty becomes `{}`.

    Raises:
        UneditableError: it is not written so plainly.
    """
    if not isinstance(at[-1], str):
        raise UneditableError("an item of a list cannot be taken out alone")
    wanted = _without(parse(text, "").value, at)
    return _proved(_take(text, at), wanted)


def _proved(text: str, wanted: Any) -> str:
    try:
        found = parse(text, "").value
    except InputError as error:
        raise UneditableError(error.problems[0].what) from None
    if found != wanted or json.dumps(found) != json.dumps(wanted):
        raise UneditableError("it is not written so plainly that one line of it can be changed")
    return text


def _with(value: Any, at: Path, new: Any) -> Any:
    if not at:
        return new
    if isinstance(value, list) and isinstance(at[0], int):
        return [_with(item, at[1:], new) if index == at[0] else item for index, item in enumerate(value)]
    found = dict(value) if isinstance(value, Mapping) else {}
    found[at[0]] = _with(found.get(at[0]), at[1:], new)
    return found


def _without(value: Any, at: Path) -> Any:
    if isinstance(value, list):
        return [_without(item, at[1:]) if index == at[0] else item for index, item in enumerate(value)]
    if len(at) == 1:
        return {key: item for key, item in value.items() if key != at[0]}
    return {**value, at[0]: _without(value[at[0]], at[1:])}


def _put(text: str, at: Path, value: Any) -> str:
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    if root is None:
        return f"{text}{_lines(at, value, 0)}"
    node, depth = root, 0
    while depth < len(at) and (below := _below(node, at[depth])) is not None:
        node, depth = below, depth + 1
    begin, end = _extent(text, node)
    if depth == len(at):
        style = node.style if isinstance(node, yaml.ScalarNode) else None
        return _joined(text, begin, end, flow(value, style))
    rest = at[depth:]
    if not isinstance(node, yaml.MappingNode):  # null, which may be written with no letter at all
        return _joined(text, begin, end, flow(_with(None, rest, value)))
    if node.flow_style:
        entry: str = f"{', ' if node.value else ''}{_key(rest[0])}: {flow(_with(None, rest[1:], value))}"
        return text[: end - 1].rstrip() + entry + text[end - 1 :]
    return _after_line(text, end, _lines(rest, value, node.start_mark.column))


def _joined(text: str, begin: int, end: int, written: str) -> str:
    """Behind a key that has no value a blank is wanted."""
    blank = " " if begin and text[begin - 1] == ":" else ""
    return text[:begin] + blank + written + text[end:]


def _after_line(text: str, end: int, lines: str) -> str:
    found = text.find("\n", end)
    return f"{text}\n{lines}" if found < 0 else text[: found + 1] + lines + text[found + 1 :]


def _lines(at: Path, value: Any, column: int) -> str:
    """Block style, a key a line."""
    if len(at) == 1:
        return f"{' ' * column}{_key(at[0])}: {flow(value)}\n"
    return f"{' ' * column}{_key(at[0])}:\n{_lines(at[1:], value, column + 2)}"


def _take(text: str, at: Path) -> str:
    around: _Node = yaml.compose(text, Loader=yaml.CSafeLoader)
    for part in at[:-1]:
        around = _below(around, part)
    index = next(i for i, (key, _) in enumerate(around.value) if key.value == at[-1])
    key, value = around.value[index]
    end = max(_extent(text, value)[1], _offset(text, key.end_mark))
    if around.flow_style:
        return _out_of_flow(text, around.value, index, end)
    if len(around.value) == 1:
        begin = _offset(text, key.start_mark)
        return f"{text[:begin].rstrip(' ')}{' ' * around.start_mark.column}{{}}{text[end:]}"
    begin = text.rfind("\n", 0, _offset(text, key.start_mark)) + 1
    found = text.find("\n", end)
    return text[:begin] + ("" if found < 0 else text[found + 1 :])


def _out_of_flow(text: str, entries: Sequence[tuple[_Node, _Node]], index: int, end: int) -> str:
    begin = _offset(text, entries[index][0].start_mark)
    if index + 1 < len(entries):
        return text[:begin] + text[_offset(text, entries[index + 1][0].start_mark) :]
    if index:
        begin = _extent(text, entries[index - 1][1])[1]
    return text[:begin] + text[end:]


def _below(node: _Node, part: str | int) -> _Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
        return node.value[part]
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == part), None)
    return None


def _extent(text: str, node: _Node) -> tuple[int, int]:
    begin = _offset(text, node.start_mark)
    return begin, max(begin, _end(text, node))


def _end(text: str, node: _Node) -> int:
    if isinstance(node, yaml.ScalarNode):
        end = _offset(text, node.end_mark)
        return len(text[:end].rstrip()) if node.style in ("|", ">") else end
    if node.flow_style or not node.value:
        return _offset(text, node.end_mark)
    last = node.value[-1]
    if isinstance(last, tuple):
        return max(_offset(text, last[0].end_mark) + 1, _end(text, last[1]))
    return _end(text, last)


def _offset(text: str, mark: Any) -> int:
    at = 0
    for _ in range(mark.line):
        at = text.index("\n", at) + 1
    return at + int(mark.column)


def flow(value: Any, style: str | None = None) -> str:
    """A value on one line; a text in quotes of a style where that is given."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if not isinstance(value, str):
        return json.dumps(value, allow_nan=False)
    if style not in ("'", '"') and _is_plain(value):
        return value
    if style == '"' or not _PRINTABLE.fullmatch(value):
        return json.dumps(value, ensure_ascii=not _PRINTABLE.fullmatch(value))
    return "'" + value.replace("'", "''") + "'"


def _key(text: str | int) -> str:
    return str(text) if _KEY.fullmatch(str(text)) and _is_plain(str(text)) else flow(str(text), "'")


def _is_plain(text: str) -> bool:
    """Whether it is read as this text without quotes, by all that read it."""
    try:
        return bool(_PLAIN.fullmatch(text)) and parse(f"- {text}\n", "").value == [text]
    except InputError:
        return False
