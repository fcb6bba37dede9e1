"""Rows of changes as tables of GitHub's Markdown, and beneath them what does not fit a cell."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from kfp_gitops.base import visible
from kfp_gitops.review.diff import details, values, wording
from kfp_gitops.review.diff.escaping import code, fenced, plain
from kfp_gitops.review.diff.folding import Row
from kfp_gitops.review.diff.model import Action, Kind
from kfp_gitops.review.diff.model import Change as Difference
from kfp_gitops.review.diff.wording import SIGNS

_REMOVED, _ADDED = 40, 200
_NAMES = 100
_VERBS = (Action.REWIRED, Action.MOVED, Action.RENAMED)


@dataclass(frozen=True)
class Room:
    """What there is room for: pictures and code, and how many rows of a table (those beneath a row not counted).

    `names`: of pipelines that a heading is of; `each`: of those of which a row has values of their own.
    """

    pictures: bool
    rows: int
    names: int
    each: int


def rows(found: Sequence[Row], room: Room) -> Iterator[str]:
    """A table, and where there is room code and long texts in full."""
    yield from _table(found, room)
    if room.pictures:
        yield from _in_full([row for row in found if not (row.above or row.own)])
        yield from _in_full([Row([change]) for row in found if row.own for change in row.changes])


def _table(rows: Sequence[Row], room: Room) -> Iterator[str]:
    if not rows:
        return
    yield "| | what | before | after |"
    yield "|---|---|---|---|"
    for row in rows[: room.rows]:
        before, after = _cells(row)
        yield f"| {SIGNS[row.first.action]} | {_subject(row)} | {before} | {after} |"
        if row.own:
            yield from _of_each(row, room)
        elif not row.above:
            yield from (f"| | · {code(field)} | | {code(text)} |" for field, text in details.rows(row.first))
    if (more := len(rows) - room.rows) > 0:
        yield f"| | … {more:,} more | | |"
    yield ""


def _of_each(row: Row, room: Room) -> Iterator[str]:
    """What each of several pipelines has of its own."""
    for name, change in islice(zip(row.pipelines, row.changes, strict=True), room.each):
        before, after = _cells(Row([change]))
        yield f"| | · {code(name)} | {before} | {after} |"
    if (more := len(row.changes) - room.each) > 0:
        yield f"| | · … {more:,} more | | |"


def _subject(row: Row) -> str:
    found = row.first
    if row.own:
        return plain(wording.row(row))
    field = code(found.field) if found.field else ""
    verb = found.action.value if found.action in _VERBS else ""
    if not row.folded:
        return " ".join(filter(None, (f"{found.kind} {code(found.name)}", field, verb)))
    names = ", ".join(map(code, details.names(row, _NAMES)))
    several = f"<details><summary>{wording.kinds(row)}</summary>{names}</details>"
    return " ".join(filter(None, (f"{field} of" if field else "", several, verb)))


def _cells(row: Row) -> tuple[str, str]:
    found = row.first
    if row.own:
        return "", ""
    if row.above:
        return "", "as above"
    if details.is_code(found):
        return f"{len(found.before or [])} lines", f"{len(found.after or [])} lines"
    match found.action:
        case Action.ADDED:
            return "", _cell(found)
        case Action.REMOVED:
            return _cell(found), ""
        case Action.MOVED:
            return code(wording.group(found.before)), code(wording.group(found.after))
        case Action.RENAMED:
            return ("", "") if row.folded else (code(str(found.before)), code(str(found.after)))
    if details.opens(found):
        return "", "new"
    before, after = values.pair(found.before, found.after)
    return "" if found.before is None else code(before), "" if found.after is None else code(after)


def _cell(found: Difference) -> str:
    """What came or went."""
    if found.field is None:
        summary = wording.summary(found)
        return code(summary) if summary else ""
    return wording.came_or_went(found) if details.opens(found) else code(wording.came_or_went(found))


def _in_full(rows: Sequence[Row]) -> Iterator[str]:
    """Code, and texts that the table has only the differing part of."""
    for row in rows:
        if lines := details.code_lines(row.first, _REMOVED, _ADDED) or details.in_full(row.first):
            yield f"<details><summary>{html.escape(_title(row))}</summary>"
            yield ""
            yield from fenced("diff", "\n".join(lines))
            yield "</details>"
            yield ""


def _title(row: Row) -> str:
    subject = wording.kinds(row) if row.folded else row.first.name
    what = row.first.field or ("code" if row.first.kind is Kind.COMPONENT else "the whole")
    return visible.line(f"{what} of {subject}")
