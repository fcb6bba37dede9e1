"""Code before and after, side by side: equal lines around a difference, the rest of them counted. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kfp_gitops.base import visible
from kfp_gitops.review.diff import values

AROUND = 3
"""Equal lines that are shown before and after a difference."""
MOST_LINES = 400
"""Of a table; more are counted."""
# Comparing takes time that grows with the product of the lines.
_COMPARED = 1_500


@dataclass(frozen=True)
class Side:
    """A line of one side; `number` counts from 1, 0 where there is none."""

    number: int = 0
    text: str = ""


@dataclass(frozen=True)
class Pair:
    """What stands beside one another: `same`, `changed`, `removed` (no right side), `added` (no left one).

    `folded`: as many equal lines are left out here, and there are no sides.
    """

    kind: str
    left: Side = Side()
    right: Side = Side()
    folded: int = 0


def compared(before: Sequence[str], after: Sequence[str]) -> list[Pair] | None:
    """The pairs; None where there are too many lines to be compared."""
    if max(len(before), len(after)) > _COMPARED:
        return None
    found = [*_pairs(before, after)]
    more = len(found) - MOST_LINES
    return [*found[:MOST_LINES], Pair("cut", folded=more)] if more > 0 else found


def _pairs(before: Sequence[str], after: Sequence[str]) -> Iterator[Pair]:
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    codes = matcher.get_opcodes()
    for index, (verb, start, end, new_start, new_end) in enumerate(codes):
        if verb == "equal":
            yield from _equal(before, start, end, new_start, (index > 0, index < len(codes) - 1))
            continue
        for step in range(max(end - start, new_end - new_start)):
            left = _side(before, start + step, end)
            right = _side(after, new_start + step, new_end)
            kind = "changed" if left.number and right.number else "removed" if left.number else "added"
            yield Pair(kind, left, right)


def _equal(lines: Sequence[str], start: int, end: int, new: int, around: tuple[bool, bool]) -> Iterator[Pair]:
    """Those beside a difference; what lies between is counted."""
    first = start + AROUND if around[0] else start
    last = end - AROUND if around[1] else end
    for at in range(start, end):
        if at < first or at >= last or last - first <= 1:
            text = _shown(lines[at])
            yield Pair("same", Side(at + 1, text), Side(new + at - start + 1, text))
        elif at == first:
            yield Pair("folded", folded=last - first)


def _side(lines: Sequence[str], at: int, end: int) -> Side:
    return Side(at + 1, _shown(lines[at])) if at < end else Side()


def _shown(line: str) -> str:
    return values.shortened(visible.row(line))
