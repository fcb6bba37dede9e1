"""What a plan rests on, as lines that files carry: its identity, and what moved between two of them. Pure.

One line for each object, canonical JSON that begins with `{"object": `, so that a text, a Markdown comment, JSON and
YAML can all hold them, and git shows what changed. The digest is of these lines and of nothing else.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kfp_gitops.base.errors import InputError, Problem

FORMAT = 1
"""Raised when the same state gives other lines: a plan of another version is told apart from a world that moved."""
ID = 12
"""Hex digits that people compare and type; files and machines have all 64."""
NAME = "approved-plan.yaml"
_BEGINNING = '{"object": '
_LINE = re.compile(r"^\s*(?:- )?(\{\"object\": .*\})\s*$", re.MULTILINE)
_TOLD = re.compile(rf"^\W*plan\W+([0-9a-f]{{{ID},64}})\W*$", re.MULTILINE)
_AGAIN = "write it anew with `reconcile.py plan --out FILE` (or `--approve`); it is never edited"


def path(environment: str) -> str:
    """Where the plan stands that is approved for an environment."""
    return f"environments/{environment}/{NAME}"


@dataclass(frozen=True)
class Difference:
    """One fact of an object, as text; None is «not there»."""

    field: str
    old: str | None
    new: str | None

    def __str__(self) -> str:
        return f"{self.field}: {self.old or 'nothing'} → {self.new or 'nothing'}"


@dataclass(frozen=True)
class Moved:
    """An object that is not as it was, or is to be treated in another way."""

    object: str
    differences: tuple[Difference, ...]

    @property
    def other_end(self) -> bool:
        """Whether it is wanted in another way."""
        return any(found.field.startswith("wanted") for found in self.differences)

    def __str__(self) -> str:
        return f"{self.object}: {'; '.join(map(str, self.differences))}"


@dataclass(frozen=True)
class Basis:
    """All that a plan would do and rests on: a canonical line for each object, by name.

    ASCII, so nothing in them is invisible. Of 1,000 pipelines the lines are 2 MB, and as objects five times as much.
    """

    lines: tuple[str, ...]

    @classmethod
    def of(cls, objects: Mapping[str, Mapping[str, Any]]) -> Basis:
        """Whatever order the objects come in."""
        return cls(tuple(_line(name, objects[name]) for name in sorted(objects)))

    @cached_property
    def digest(self) -> str:
        """64 hex digits."""
        found = hashlib.sha256()
        for number, line in enumerate(self.lines):
            found.update(f"\n{line}".encode() if number else line.encode())
        return found.hexdigest()

    @property
    def id(self) -> str:
        """What `plan` ends with."""
        return self.digest[:ID]

    def objects(self) -> dict[str, dict[str, Any]]:
        """Object → its facts."""
        found = [json.loads(line) for line in self.lines]
        return {item.pop("object"): item for item in found}


class Lines:
    """A basis in the making: what was told of an object is a line at once, for the facts take five times as much."""

    def __init__(self) -> None:
        self._lines: dict[str, str] = {}

    def tell(
        self, name: str, facts: Mapping[str, Any], merged: Callable[[dict[str, Any], Any], Mapping[str, Any]]
    ) -> None:
        """Facts of an object; `merged` puts them to those that were told of it before."""
        if name in self._lines:
            before = json.loads(self._lines[name])
            before.pop("object")
            facts = merged(before, facts)
        self._lines[name] = _line(name, _settled(facts))

    def basis(self) -> Basis:
        """All of it."""
        return Basis(tuple(self._lines[name] for name in sorted(self._lines)))


def _settled(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """In an order of its own, whatever order KFP tells of several live ones in."""
    if len(facts.get("live", ())) < 2:
        return facts
    return {**facts, "live": sorted(facts["live"], key=lambda item: json.dumps(item, sort_keys=True))}


def _line(name: str, facts: Mapping[str, Any]) -> str:
    rest = json.dumps(facts, sort_keys=True)[1:]
    return f"{_BEGINNING}{json.dumps(name)}{', ' if facts else ''}{rest}"


def moved(then: Basis, now: Basis) -> list[Moved]:
    """The objects in which two differ, by name, each with before and after."""
    before, after = then.objects(), now.objects()
    same = {json.loads(line)["object"] for line in {*then.lines} & {*now.lines}}  # to Python 1 is true
    names = sorted((before.keys() | after.keys()) - same)
    return [Moved(name, tuple(_differences(before.get(name, {}), after.get(name, {})))) for name in names]


def moved_beyond(then: Basis, now: Basis) -> list[Moved]:
    """The same without what carrying out the first brings about: objects that it changes, to the same end."""
    changes = {name for name, facts in then.objects().items() if facts.get("do")}
    return [item for item in moved(then, now) if item.object not in changes or item.other_end]


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    before, after = dict(_flat("", old)), dict(_flat("", new))
    for field in sorted(before.keys() | after.keys()):
        if before.get(field) != after.get(field):
            yield Difference(field, before.get(field), after.get(field))


def _flat(at: str, value: Any) -> Iterator[tuple[str, str]]:
    """Facts by path; of several alike the first is told without a number, for mostly it is the only one."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flat(f"{at}.{key}" if at else key, inner)
    elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        for number, inner in enumerate(value):
            yield from _flat(f"{at}.{number + 1}" if number else at, inner)
    elif at:
        yield at, json.dumps(value, sort_keys=True, ensure_ascii=False)


def to_yaml(basis: Basis, comments: Iterable[str]) -> str:
    """A file of its own: nothing in it depends on when it is written."""
    return "".join(yaml_lines(basis, comments))


def yaml_lines(basis: Basis, comments: Iterable[str]) -> Iterator[str]:
    """The same, a line at a time."""
    yield from (f"# {line}\n" for line in comments)
    yield f"plan: {basis.digest}\nbasis:\n"
    yield from (f"- {line}\n" for line in basis.lines)


def read(text: str, path: str) -> Basis:
    """What a file of any form says that a plan rests on.

    Raises:
        InputError: it says nothing, or is not as it was written.
    """
    told, objects = _json(text) or _lines(text, path)
    if not objects or not told:
        raise InputError([Problem(path, 1, 1, "holds no plan", _AGAIN)])
    basis = Basis.of(objects)
    if not basis.digest.startswith(told):
        what = f"says plan {told[:ID]}, and its lines are of plan {basis.id}: it was changed"
        raise InputError([Problem(path, 1, 1, what, _AGAIN)])
    return basis


def _json(text: str) -> tuple[str, dict[str, Any]] | None:
    """Of `--format json`; None when it is something else."""
    try:
        found = json.loads(text)
        items = [dict(item) for item in found["basis"]]
        return str(found["plan"]), {item.pop("object"): item for item in items}
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _lines(text: str, path: str) -> tuple[str, dict[str, Any]]:
    objects: dict[str, Any] = {}
    for match in _LINE.finditer(text):
        line = text.count("\n", 0, match.start(1)) + 1
        try:
            facts = json.loads(match[1])
        except (ValueError, RecursionError):
            raise InputError([Problem(path, line, 1, "no line of a plan", _AGAIN)]) from None
        name = str(facts.pop("object"))
        if name in objects:
            raise InputError([Problem(path, line, 1, f"{name!r} stands here twice", _AGAIN)])
        objects[name] = facts
    told = _TOLD.findall(text)
    return (told[-1] if told else ""), objects
