"""Text in columns: lines are broken between words and never within one, so that what is copied stays whole."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Iterable, Iterator, Sequence

USUAL = 80
"""Columns where nobody says another number: of a file, a pipe, a pod's log."""
_LEAST = 40
_WORD = re.compile(r"""(?:\\.|'[^']*'|"(?:\\.|[^"\\])*"|\S)+""", re.DOTALL)
"""One word of a shell, with its quotes; a quote that nothing closes is a letter, for prose stands there, too."""


def width() -> int:
    """Columns of the terminal, or what COLUMNS says."""
    return max(shutil.get_terminal_size((USUAL, 24)).columns, _LEAST)


def folded(text: str, columns: int, further: int) -> list[str]:
    """The text as lines of so many columns; from the second one on they begin with `further` blanks.

    A word that is longer than a line stands alone and is not cut. The blanks of the text itself stay.
    """
    if len(text) <= columns:
        return [text]
    start = re.match(" *", text)
    first = start[0] if start else ""
    return textwrap.wrap(
        text.strip(" "),
        columns,
        initial_indent=first,
        subsequent_indent=" " * further,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
        replace_whitespace=False,
    ) or [text]


def listed(names: Iterable[str], columns: int, indent: int) -> list[str]:
    """Names with commas between them, as many in a line as fit; a name with blanks in it is not broken."""
    lines: list[str] = []
    for name in _with_commas(list(names)):
        if lines and len(lines[-1]) + 1 + len(name) <= columns:
            lines[-1] += f" {name}"
        else:
            lines.append(" " * indent + name)
    return lines


def _with_commas(names: Sequence[str]) -> Iterator[str]:
    yield from (f"{name}," for name in names[:-1])
    yield from names[-1:]


def command(text: str, columns: int, indent: int) -> list[str]:
    """A command for a shell: where it is longer than a line, a backslash carries it on, as a shell reads it."""
    first, *words = _words(text)
    lines = [" " * indent + first]
    for number, word in enumerate(words, 1):
        mark = 2 if number < len(words) else 0  # the room of ` \`
        if len(lines[-1]) + 1 + len(word) + mark > columns:
            lines[-1] += " \\"
            lines.append(" " * (indent + 2) + word)
        else:
            lines[-1] += f" {word}"
    return lines


def _words(text: str) -> list[str]:
    """As they are written, quoted or not, an option together with its value; `;` and `|` are none of our business."""
    joined: list[str] = []
    for word in _WORD.findall(text):
        if joined and joined[-1].startswith("--") and " " not in joined[-1] and not word.startswith("-"):
            joined[-1] += f" {word}"
        else:
            joined.append(word)
    return joined


def counted(number: int, thing: str) -> str:
    """`1 pipeline`, `1,000 pipelines`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def first_of(lines: Sequence[str], most: int, rest: str) -> list[str]:
    """The first of many lines, and in the words of `rest` how many more there are: `… {more} more (--all)`."""
    if len(lines) <= most + 1:  # a line that says «1 more» is as long as that one
        return list(lines)
    return [*lines[:most], rest.format(more=f"{len(lines) - most:,}")]


def some(names: Sequence[str], most: int = 5) -> str:
    """The first names of a list within a sentence, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
