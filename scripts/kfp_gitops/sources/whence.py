"""From which line of a template a rendered line came: the rendered text is nowhere on disk, and the template is.

Jinja does not say it of what it has rendered, so lines are compared: what stands between the expressions of a line of a
template stands in what it renders to, and lines that look alike are told apart by those around them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from kfp_gitops.base.errors import InputError, Problem

_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}")
_AROUND = 12
_SURE = 3
"""So many letters that stand in both: with fewer, other files are looked at, too."""


@dataclass(frozen=True)
class Place:
    """A file of a template's folder, a line and a column of it, from 1."""

    name: str
    line: int
    column: int


def place(texts: Mapping[str, str], name: str, rendered: Sequence[str], line: int, column: int) -> Place:
    """Where in the templates of a folder it stands what `name` rendered to, as far as can be told; else its begin."""
    if not 0 < line <= len(rendered):
        return Place(name, 1, 1)
    others = [other for other in texts if other != name and other.endswith(".j2")]
    best = _best(texts[name], rendered, line - 1)
    found, where = best, name
    for other in others if best[0] < _SURE else ():
        if (there := _best(texts[other], rendered, line - 1)) > found:
            found, where = there, other
    if found[0] <= 0:
        return Place(name, 1, 1)
    at = -found[2]
    written, shown = texts[where].splitlines()[at], rendered[line - 1]
    alike = written[: column - 1] == shown[: column - 1] and column <= len(written)
    return Place(where, at + 1, column if alike else 1)


def _best(template: str, rendered: Sequence[str], at: int) -> tuple[float, float, int]:
    """(letters in common, those of the lines around, the line from 0 and negative: the first of equals wins)."""
    written = template.splitlines()
    scored = ((_alike(text, rendered[at]), number) for number, text in enumerate(written))
    found = [
        (score, _around(written, number, rendered, at), -number) for score, number in scored if score > 0
    ]
    return max(found, default=(0.0, 0.0, 0))


def _around(written: Sequence[str], number: int, rendered: Sequence[str], at: int) -> float:
    return sum(_run(written, number, rendered, at, step) for step in (-1, 1))


def _run(written: Sequence[str], number: int, rendered: Sequence[str], at: int, step: int) -> float:
    """Letters in common of the neighbours on one side, as far as they match; a line of tags alone renders to none."""
    score = 0.0
    for _ in range(_AROUND):
        number, at = number + step, at + step
        while 0 <= number < len(written) and not _literals(written[number]):
            number += step
        if not (0 <= number < len(written) and 0 <= at < len(rendered)):
            break
        more = _alike(written[number], rendered[at])
        if not more:
            break
        score += more
    return score


def _alike(written: str, shown: str) -> float:
    """Letters that stand in both, where one can have become the other; 0 where it cannot."""
    found = _literals(written)
    if not found or not _pattern(written).fullmatch(shown.rstrip()):
        return 0.0
    return sum(len(part.strip()) for part in found) + (0.5 if not _TAG.search(written) else 0.0)


@lru_cache(maxsize=4096)
def _literals(written: str) -> tuple[str, ...]:
    """What of a line stands in what it renders to."""
    return tuple(part for part in _TAG.split(written) if part.strip())


@lru_cache(maxsize=4096)
def _pattern(written: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, _TAG.split(written.rstrip()))))


@dataclass(frozen=True)
class Shown:
    """A rendered text, which is nowhere on disk: what is wrong in it is shown, and placed where its template stands.

    Problems of it have the path of the template, and line and column of the text; `note` says for what it is rendered.
    """

    texts: Mapping[str, str] = field(repr=False)
    name: str
    folder: str
    text: str = field(repr=False)
    note: str

    def error(self, error: InputError) -> InputError:
        """The same problems, at their places."""
        return InputError(map(self.problem, error.problems))

    def problem(self, problem: Problem) -> Problem:
        """The same, at its place; one of another file stays."""
        if problem.path != f"{self.folder}/{self.name}":
            return problem
        lines = self.text.splitlines() or [""]
        line = min(max(problem.line, 1), len(lines))  # at its end something is missing behind the last line
        at = place(self.texts, self.name, lines, line, problem.column)
        what = f"{problem.what} ({self.note}: line {line} `{lines[line - 1].strip()[:80]}`)"
        return Problem(f"{self.folder}/{at.name}", at.line, at.column, what, problem.todo, problem.fault)
