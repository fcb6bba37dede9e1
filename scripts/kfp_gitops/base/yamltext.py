"""YAML as text: read with positions and bounds (`yamldump` writes it).

Reading follows YAML 1.2's core schema, and refuses what KFP, kubectl or Argo CD would read as something else
(`goyaml`): nobody should need to know which version a parser implements. But for `y` and `n`: the SDK writes them
without quotes into IR, where KFP takes them for texts, as do we; and `yamldump` puts them in quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from kfp_gitops.base import goyaml
from kfp_gitops.base.errors import InputError, Problem, UsageError, raise_if_any
from kfp_gitops.base.yamlscalar import AMBIGUOUS, of_parameter, plain, short

# Every wheel has it; pure PyYAML writes some texts differently (emoji, empty keys).
if not yaml.__with_libyaml__:
    raise UsageError("PyYAML is built without LibYAML, so it would write other bytes; install PyYAML's wheel")

Path = tuple[str | int, ...]

MAX_BYTES = 2 * 1024 * 1024
MAX_NODES = 100_000
MAX_DEPTH = 64


@dataclass(frozen=True)
class Bounds:
    """The most that is read of one text: its bytes, and its nodes once aliases are written out."""

    bytes: int
    nodes: int


WRITTEN = Bounds(MAX_BYTES, MAX_NODES)
"""What people write."""
GENERATED = Bounds(16 * 1024 * 1024, 500_000)
"""What is written of all pipelines of an environment: of 10,000 a lock has 2.3 MB, and environment.yaml as much."""
_MOST = 100  # faults of scalars that are told of one file

# YAML 1.1, and so LibYAML, ends a line and a comment at these; YAML 1.2, most editors and diffs do not.
_BREAKS = "\x85\u2028\u2029"
_REFUSED = re.compile(f"[{_BREAKS}\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")


@dataclass(frozen=True)
class Document:
    """A parsed YAML document; `value` is JSON-like, positions are (line, column) from 1.

    `written`: how a number stands in the text, where that is not how Python writes it (7e2).
    `whole_floats`: it has a 60.0 somewhere, which JSON Schema takes for an integer and KFP does not.
    """

    path: str
    value: Any
    values_at: Mapping[Path, tuple[int, int]] = field(repr=False)
    keys_at: Mapping[Path, tuple[int, int]] = field(repr=False)
    whole_floats: bool = False
    written: Mapping[Path, str] = field(default_factory=dict, repr=False)

    def spelled(self, at: Path) -> str:
        """How a number stands in the text; empty where that is as Python writes it, or not known."""
        return self.written.get(at, "")

    def position(self, at: Sequence[str | int], *, key: bool = False) -> tuple[int, int]:
        """Where the value (or the key) at a path stands; the nearest parent's place when it has none."""
        path = tuple(at)
        if key and path in self.keys_at:
            return self.keys_at[path]
        while path and path not in self.values_at:
            path = path[:-1]
        return self.values_at.get(path, (1, 1))

    def name(self, at: Sequence[str | int]) -> str:
        """A path as people write it: `spec.tasks.greet`."""
        return ".".join(map(str, at)) or "the document"

    def problem(
        self, at: Sequence[str | int], what: str, todo: str, *, key: bool = False, fault: str = ""
    ) -> Problem:
        """A problem at a path of this document; with its kind where it may be accepted."""
        line, column = self.position(at, key=key)
        return Problem(self.path, line, column, what, todo, fault)


class _Reader:
    """Builds one document from parser events: no recursion in C, no tag, no unbounded alias."""

    def __init__(self, path: str, events: Iterator[Any], found: list[Problem], bounds: Bounds) -> None:
        self.path, self.events, self.found, self.bounds = path, events, found, bounds
        self.nodes = 0
        self.characters = 0
        self.anchors: dict[str, tuple[Any, int, int]] = {}
        self.values_at: dict[Path, tuple[int, int]] = {}
        self.keys_at: dict[Path, tuple[int, int]] = {}
        self.whole_floats = False
        self.written: dict[Path, str] = {}

    def fail(self, event: Any, what: str, todo: str) -> InputError:
        mark = event.start_mark
        return InputError.of(self.path, what, todo, mark.line + 1, mark.column + 1)

    def tell(self, event: Any, what: str, todo: str, text: str) -> str:
        """A fault of one scalar, beside which the rest can be read; `text` stands in its place."""
        self.found += self.fail(event, what, todo).problems
        if len(self.found) >= _MOST:
            raise InputError(self.found)
        return text

    def count(self, event: Any, nodes: int, characters: int = 0) -> None:
        """Keep the bounds, aliases counted as if they were written out: that is what becomes of them."""
        self.nodes += nodes
        self.characters += characters
        if self.characters > self.bounds.bytes:
            what = f"more than {self.bounds.bytes} characters after aliases are expanded"
            raise self.fail(event, what, "make the file smaller")
        if self.nodes > self.bounds.nodes:
            what = f"more than {self.bounds.nodes} nodes after aliases are expanded"
            raise self.fail(event, what, "make the file smaller")

    def read(self, event: Any, at: Path) -> Any:
        if len(at) > MAX_DEPTH:
            raise self.fail(event, f"nested deeper than {MAX_DEPTH} levels", "flatten it")
        mark = event.start_mark
        self.values_at[at] = (mark.line + 1, mark.column + 1)
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event)
        before = self.nodes, self.characters
        self.count(event, 1)
        value = self.node(event, at)
        if event.anchor:
            self.anchors[event.anchor] = (value, self.nodes - before[0], self.characters - before[1])
        return value

    def node(self, event: Any, at: Path) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event, at)
        if event.tag not in (None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
            raise self.fail(event, f"tag {event.tag!r} is not allowed", "write plain YAML")
        return self.mapping(at) if isinstance(event, yaml.MappingStartEvent) else self.sequence(at)

    def alias(self, event: Any) -> Any:
        if event.anchor not in self.anchors:
            raise self.fail(
                event, f"alias *{event.anchor} has no complete anchor before it", "write the value"
            )
        value, nodes, characters = self.anchors[event.anchor]
        self.count(event, nodes, characters)
        return value

    def scalar(self, event: Any, at: Path) -> Any:
        if event.tag not in (None, "!", "tag:yaml.org,2002:str"):
            raise self.fail(event, f"tag {event.tag!r} is not allowed", "write plain YAML")
        text: str = event.value
        self.characters += len(text)  # of what is written out itself there is never too much
        if event.tag == "!" and not event.style:
            what = f"{short(text)} after `!` is a text to YAML, and as without it to KFP and kubectl"
            return self.tell(event, what, "put a text in quotes, and take the `!` away", text)
        if event.style or event.tag is not None:  # LibYAML says "" where PyYAML says None
            return text
        if (
            text and text[0] not in goyaml.FIRST
        ):  # most texts: nothing else that a plain scalar can be begins so
            return text
        if AMBIGUOUS.fullmatch(text):
            what = f"{short(text)} is read differently by YAML 1.1 and YAML 1.2{of_parameter(at)}"
            todo = f"write '{short(text)}' in quotes for a text, or true, false or a decimal number"
            return self.tell(event, what, todo, text)
        value = plain(text, self, event, at)
        if type(value) in (int, float) and str(value) != text:
            self.written[at] = text
        return value

    def sequence(self, at: Path) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self.read(event, (*at, len(items))))
        return items

    def mapping(self, at: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.key(event, result, at)
            self.keys_at[(*at, key)] = (event.start_mark.line + 1, event.start_mark.column + 1)
            result[key] = self.read(next(self.events), (*at, key))
        return result

    def key(self, event: Any, seen: Mapping[str, Any], at: Path) -> str:
        key = self.scalar(event, at) if isinstance(event, yaml.ScalarEvent) else None
        if not isinstance(key, str):
            raise self.fail(event, "a key must be a text", "put it in quotes")
        if key == "<<" and not event.style:
            raise self.fail(event, "merge keys (<<) are not YAML 1.2", "write the keys out")
        if key in seen:
            self.tell(event, f"key {key!r} is given twice", "keep one of them", key)
        return key


def parse_all(text: str, path: str, bounds: Bounds = WRITTEN) -> list[Document]:
    """Read every document of a YAML text.

    Raises:
        InputError: not YAML, too large, too deep, duplicate keys, tags, or a plain scalar that the two
            YAML versions read differently; with line and column.
    """
    if len(text.encode("utf-8", "surrogatepass")) > bounds.bytes:
        raise InputError.of(path, f"larger than {bounds.bytes} bytes", "split the file", 1, 1)
    if found := has_refused(text):
        raise InputError([_refused(found, path)])
    told: list[Problem] = []
    try:
        documents = list(_documents(text, path, told, bounds))
    except yaml.YAMLError as error:
        raise InputError([*told, _syntax_problem(error, text, path)]) from None
    except InputError as error:
        raise InputError([*told, *error.problems]) from None
    raise_if_any(told)
    return documents


def has_refused(text: str) -> re.Match[str] | None:
    """The first character that may not stand in a text."""
    return None if text.isascii() else _REFUSED.search(text)


def _documents(text: str, path: str, found: list[Problem], bounds: Bounds) -> Iterator[Document]:
    events = yaml.parse(text, Loader=yaml.CSafeLoader)
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            reader = _Reader(path, events, found, bounds)
            value = reader.read(next(events), ())
            yield Document(path, value, reader.values_at, reader.keys_at, reader.whole_floats, reader.written)


def _refused(found: re.Match[str], path: str) -> Problem:
    """A character that may not stand in a text, where it stands."""
    before, code = found.string[: found.start()], ord(found[0])
    what, todo = "half of a surrogate pair, which is no character", "write the whole character"
    if found[0] in _BREAKS:
        what = f"U+{code:04X} is a line break to YAML 1.1 and none to YAML 1.2"
        todo = f"break the line, or write \\u{code:04x} in a text in double quotes"
    elif _CONTROL.fullmatch(found[0]):
        what, todo = f"not YAML: the control character U+{code:04X}", "remove it"
    return Problem(path, before.count("\n") + 1, len(before) - before.rfind("\n"), what, todo)


def _syntax_problem(error: yaml.YAMLError, text: str, path: str) -> Problem:
    if isinstance(error, yaml.reader.ReaderError) and (found := _CONTROL.search(text)):
        return _refused(found, path)
    mark = getattr(error, "problem_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read"
    todo = "correct the syntax here or just above"
    if "cannot start any token" in what:
        todo = "indent with spaces instead of tabs, or put the text in quotes"
    return Problem(path, *_within(text, line, column), f"not YAML: {what}", todo)


def _within(text: str, line: int, column: int) -> tuple[int, int]:
    """The place, or the end of the text: where something is missing there, libyaml names the line after the last."""
    lines = text.split("\n")
    return (line, column) if line <= len(lines) else (len(lines), len(lines[-1]) + 1)


def parse(text: str, path: str, bounds: Bounds = WRITTEN) -> Document:
    """Read exactly one YAML document (an empty text is a null document)."""
    documents = parse_all(text, path, bounds)
    if len(documents) > 1:
        raise InputError.of(path, "more than one YAML document", "keep one, without `---` between", 1, 1)
    return documents[0] if documents else Document(path, None, {}, {})
