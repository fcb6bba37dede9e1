"""Rows of changes as a page shows them: plain texts, which the templates escape. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from kfp_gitops.base import visible
from kfp_gitops.review.diff import details, values, wording
from kfp_gitops.review.diff.folding import Row
from kfp_gitops.review.diff.model import Action, Change, Kind

MOST = 200
"""Rows of a table, and names behind a row; more are counted."""
_FEW = 5
_OF_EACH = 50
_REMOVED, _ADDED = 200, 400
_WORDS = {**wording.SIGNS, Action.REMOVED: "−"}


@dataclass(frozen=True)
class Line:
    """One row of a table of changes, and what stands beneath it."""

    sign: str
    action: str
    what: str
    field: str = ""
    before: str = ""
    after: str = ""
    names: Sequence[str] = ()
    """The things that it folds."""
    rows: Sequence[tuple[str, str]] = ()
    """Field and value of all that is new."""
    own: Sequence[Line] = ()
    """Of each pipeline what it has of its own."""
    full: Sequence[str] = ()
    """Lines of code, or of a long text, with their signs."""


@dataclass(frozen=True)
class Table:
    """The lines that are shown, and how many are not."""

    lines: Sequence[Line]
    more: int = 0


def table(rows: Sequence[Row], *, brief: bool = False) -> Table:
    """The first rows; those beyond them counted. `brief`: the first few, without what stands beneath them."""
    most = _FEW if brief else MOST
    lines = [_line(row) for row in rows[:most]]
    if brief:
        lines = [replace(line, names=(), rows=(), own=(), full=()) for line in lines]
    return Table(lines, max(0, len(rows) - most))


def _line(row: Row) -> Line:
    first = row.first
    before, after = _values(row)
    return Line(
        _WORDS[first.action],
        str(first.action),
        _what(row),
        "" if row.own else visible.line(first.field or ""),
        before,
        after,
        details.names(row, MOST),
        () if row.own or row.above else [*details.rows(first)],
        [*_of_each(row)] if row.own else (),
        () if row.own or row.above else _full(first),
    )


def _of_each(row: Row) -> Iterator[Line]:
    pairs = [*zip(row.pipelines, row.changes, strict=True)]
    for name, change in pairs[:_OF_EACH]:
        before, after = _values(Row([change]))
        shown = visible.line(name)
        yield Line("", "", shown, before=before, after=after, rows=[*details.rows(change)])
    if (more := len(pairs) - _OF_EACH) > 0:
        yield Line("", "", f"… {more:,} more")


def _what(row: Row) -> str:
    if row.own:
        return wording.row(row)
    return visible.line(wording.kinds(row) if row.folded else f"{row.first.kind} {row.first.name}")


def _values(row: Row) -> tuple[str, str]:
    """What there was and what there is, in words; of what came or went what it is."""
    found = row.first
    if row.own:
        return "", ""
    if row.above:
        return "", "as above"
    if details.is_code(found):
        return _lines(found.before), _lines(found.after)
    match found.action:
        case Action.ADDED:
            return "", _came_or_went(found)
        case Action.REMOVED:
            return _came_or_went(found), ""
        case Action.MOVED:
            return visible.line(wording.group(found.before)), visible.line(wording.group(found.after))
        case Action.RENAMED:
            return ("", "") if row.folded else (visible.line(str(found.before)), visible.line(found.name))
    if details.opens(found):
        return "", "new"
    return values.pair(found.before, found.after)


def _came_or_went(found: Change) -> str:
    return visible.line(wording.summary(found) if found.field is None else wording.came_or_went(found))


def _lines(found: Sequence[str] | None) -> str:
    count = len(found or ())
    return f"{count:,} line{'' if count == 1 else 's'}" if count else ""


def _full(found: Change) -> Sequence[str]:
    """Code that came or went, and texts of which a cell has a part; code that changed is shown side by side."""
    if found.kind is Kind.COMPONENT and found.field == "code":
        return ()
    return details.code_lines(found, _REMOVED, _ADDED) or details.in_full(found)
