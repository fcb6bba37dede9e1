"""The value of a YAML text that is plainly laid out: a key or an item a line. Everything else is left to LibYAML.

Lines of a text stand alone unless one of them begins what another ends; then there is a doubt. So LibYAML is asked for
a line once, whatever it is, and not at all where it is simple: pipelines of one template have most lines in common.
What remains is which map or list a line belongs to. Reads nothing that has a tab, an alias, a tag, a key twice, a text
of several lines or a scalar that is refused.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

from kfp_gitops.base import goyaml, yamlevents

MAX_DEPTH = 32  # containers; `yamltext` has more
_MOST = 4096  # lines
_LONGEST = 500  # characters of a line; LibYAML wants a key's end within 1024
# Printable to LibYAML, but no tab and nothing that YAML 1.1 takes for the end of a line.
_ODD = re.compile("[^\n -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_KEY = re.compile(r"([A-Za-z_][\w./-]*):(?: +(?=[^ ])(.*))?", re.ASCII)
_WORDS = re.compile(r"[A-Za-z_][\w./@=+-]*(?: [\w./@=+-]+)*", re.ASCII)
_QUOTED = re.compile(r"\"([^\"\\]*)\"|'([^']*)'")
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")
_REAL = re.compile(r"-?(?:0|[1-9][0-9]{0,9})\.[0-9]{1,9}")
_NEVER = frozenset("|>&*!?:%@`#,]}-.")
"""What a value that is read here does not begin with."""


class Line(NamedTuple):
    """A line without its indentation: `- - key: value`. If `is_open`, what stands below it may be the value."""

    dashes: int
    key: str | None
    value: Any
    is_open: bool
    nodes: int
    whole_floats: bool


def read(text: str, most: int) -> tuple[Any, bool]:
    """The value, and whether there is a whole float in it.

    Raises:
        DoubtError: another reader is to be asked; it has more than so many nodes, or it is not laid out so plainly.
    """
    if _ODD.search(text):
        raise yamlevents.DoubtError
    reader, nodes, whole_floats = _Reader(), 1, False
    for line in text.split("\n"):
        content = line.lstrip(" ")
        if content and content[0] != "#":
            found = _read_line(content)
            reader.add(len(line) - len(content), found)
            nodes += found[4]
            whole_floats = whole_floats or found[5]
    if not reader.inside or nodes > most:
        raise yamlevents.DoubtError
    return reader.root[0], whole_floats


class _Reader:
    """Puts each line's entry into the map or the list that it belongs to."""

    def __init__(self) -> None:
        self.root: list[Any] = [None]
        self.columns: list[int] = []  # of the entries of what is open, the innermost last
        self.inside: list[Any] = []
        self.wanting: tuple[Any, Any, int] | None = (self.root, 0, -1)
        """What may have its value in the next line: its map or list, its place there, its column."""

    def add(self, column: int, line: Line) -> None:
        dashes, key, value, is_open, _, _ = line
        if (
            dashes
            or self.wanting is not None
            or not self.columns
            or self.columns[-1] != column
            or type(self.inside[-1]) is not dict
        ):
            here = self.at(column, list if dashes else dict)
        else:  # most often
            here = self.inside[-1]
        for _ in range(dashes - 1):
            column += 2
            here = self.opened(here, column, [])
        if key is None:
            here.append(value if type(value) is str else _copied(value))
            self.wanting = (here, -1, column) if is_open else None
            return
        if dashes:
            column += 2
            here = self.opened(here, column, {})
        if key in here:
            raise yamlevents.DoubtError
        here[key] = value if type(value) is str else _copied(value)
        self.wanting = (here, key, column) if is_open else None

    def at(self, column: int, kind: type) -> Any:
        """The map or list whose entries begin at a column: one that is open, or one that the line before wants."""
        columns, inside = self.columns, self.inside
        if self.wanting is not None:
            around, place, outer = self.wanting
            # An item may stand below its key without being indented.
            if column > outer or (column == outer and kind is list and type(around) is dict):
                around[place] = here = kind()
                return self.within(here, column)
        while columns and columns[-1] > column:
            columns.pop()
            inside.pop()
        if kind is dict and inside and type(inside[-1]) is list and columns[-1] == column:
            columns.pop()
            inside.pop()
        if not columns or columns[-1] != column or type(inside[-1]) is not kind:
            raise yamlevents.DoubtError
        return inside[-1]

    def opened(self, around: list[Any], column: int, here: Any) -> Any:
        around.append(here)
        return self.within(here, column)

    def within(self, here: Any, column: int) -> Any:
        if len(self.columns) >= MAX_DEPTH:
            raise yamlevents.DoubtError
        self.columns.append(column)
        self.inside.append(here)
        return here


def _copied(value: Any) -> Any:
    """Lines are kept, and what was read from one of them is the reader's own."""
    kind = type(value)
    if kind is dict:
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if kind is list else value


@lru_cache(maxsize=_MOST)
def _read_line(content: str) -> Line:
    rest = content.rstrip(" ")
    dashes = 0
    while rest[:2] == "- " and rest[2:3] != " ":
        dashes += 1
        rest = rest[2:]
    if rest == "-":
        return Line(dashes + 1, None, None, is_open=True, nodes=dashes + 1, whole_floats=False)
    found = _KEY.fullmatch(rest)
    if len(rest) > _LONGEST or (found is None and not dashes) or (found and found[1] in goyaml.WORDS):
        raise yamlevents.DoubtError
    key, text = (found[1], found[2] or "") if found else (None, rest)
    containers = (dashes - 1 if dashes else 0) + (1 if dashes and found else 0)
    if found and (not text or text[0] == "#"):
        return Line(dashes, key, None, is_open=True, nodes=containers + 1, whole_floats=False)
    value, nodes, whole_floats = _read_value(text)
    return Line(dashes, key, value, is_open=False, nodes=containers + nodes, whole_floats=whole_floats)


def _read_value(text: str) -> tuple[Any, int, bool]:
    """What stands behind a key or a dash, with its nodes and whether there is a whole float in it."""
    if _WORDS.fullmatch(text) and text not in goyaml.WORDS:
        return text, 1, False
    if found := _QUOTED.fullmatch(text):
        return found[1] if found[2] is None else found[2], 1, False
    if _WHOLE.fullmatch(text):
        return int(text), 1, False
    if _REAL.fullmatch(text):
        return float(text), 1, float(text).is_integer()
    return _by_libyaml(text)


def _by_libyaml(text: str) -> tuple[Any, int, bool]:
    """The same, in a document of one item: what is no value on one line is no list of one, or more than that."""
    if text[0] in _NEVER:
        raise yamlevents.DoubtError
    value, whole_floats = yamlevents.read(f"- {text}\n")
    if type(value) is not list or len(value) != 1 or (text[0] != "{" and type(value[0]) is dict):
        raise yamlevents.DoubtError
    return value[0], _nodes(value[0]), whole_floats


def _nodes(value: Any) -> int:
    if type(value) is dict:
        return 1 + sum(map(_nodes, value.values()))
    return 1 + sum(map(_nodes, value)) if type(value) is list else 1
