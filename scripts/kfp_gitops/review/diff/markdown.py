"""The diff as a pull-request comment: GitHub's Markdown, with the changed pipeline as a picture.

Every text of the manifests may come from a stranger: it enters as an escaped code span only.
"""

from __future__ import annotations

import html
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kfp_gitops.base import visible
from kfp_gitops.review.caching import words
from kfp_gitops.review.caching.starts import Forecast
from kfp_gitops.review.diff import calendar, details, folding, graph, known_events, values, wording
from kfp_gitops.review.diff.calendar import Calendar
from kfp_gitops.review.diff.escaping import code, fenced, plain
from kfp_gitops.review.diff.folding import Common, Row
from kfp_gitops.review.diff.model import Action, EnvironmentDiff, Firings, Kind, PipelineDiff, SharedDiff
from kfp_gitops.review.diff.model import Change as Difference
from kfp_gitops.review.diff.wording import SIGNS

# GitHub refuses a comment of more than 65,536 characters.
MAX_CHARACTERS = 60_000
_REMOVED, _ADDED = 40, 200
_NAMES = 100
_VERBS = (Action.REWIRED, Action.MOVED, Action.RENAMED)
_NOTE = "> Pictures and code are left out: the whole does not fit a comment. `scripts/diff.py` shows it.\n\n"
_SHORTER = (
    "> **Not all that changes is shown**, for it does not fit a comment: the first rows of each table, "
    "and not the end where it is cut. `scripts/diff.py` shows the whole.\n\n"
)


@dataclass(frozen=True)
class _Room:
    """What there is room for: pictures and code, and how many rows of a table (those beneath a row not counted)."""

    pictures: bool
    rows: int


_ALL = _Room(True, sys.maxsize)
_BRIEF = _Room(False, sys.maxsize)
_FIRST = _Room(False, 5)


def to_markdown(found: Sequence[EnvironmentDiff], shared: SharedDiff | None = None) -> str:
    """One section an environment; cut, and saying so first, when all of them do not fit one comment."""
    text = ""
    for note, room in (("", _ALL), (_NOTE, _BRIEF), (_SHORTER, _FIRST)):
        text = note + visible.shown("\n".join(_lines_of(found, shared, room, MAX_CHARACTERS - len(note))))
        if len(text) <= MAX_CHARACTERS:
            return text
    return text[:MAX_CHARACTERS].rpartition("\n")[0] + "\n"


def _lines_of(
    found: Sequence[EnvironmentDiff], shared: SharedDiff | None, room: _Room, most: int
) -> Iterator[str]:
    """The lines of all sections, up to the one with which they are too long: the rest is not worked out."""
    parts = [_shared(shared, room)] if shared and (shared.semantic or shared.problems) else []
    for line in _parted([*parts, *(_lines(one, room) for one in found)]):
        yield line
        most -= len(line) + 1
        if most < -1:  # The last line has no line break.
            return


def _parted(parts: Sequence[Iterator[str]]) -> Iterator[str]:
    """Lines of sections, one empty line between two, and none but a line break at the end."""
    empty = 0
    for index, part in enumerate(parts):
        empty = min(index, 1)
        for line in part:
            if line:
                yield from [""] * empty
                yield line
            empty = 0 if line else empty + 1
    yield ""


def calendar_markdown(found: Calendar) -> str:
    """The week as the terminal shows it: a fenced block keeps its columns."""
    return "\n".join(fenced("text", calendar.to_text(found)))


def _lines(found: EnvironmentDiff, room: _Room) -> Iterator[str]:
    yield f"## {code(found.environment)}: {wording.total(found)}"
    yield ""
    yield f"Compared with {code(found.base)}."
    yield ""
    yield from _alert("CAUTION", [str(problem) for problem in found.problems])
    yield from _reaches(found)
    yield from _alert("WARNING", found.warnings)
    yield from _events(found, room)
    yield from _rows(folding.rows(found.changes), room)
    common = folding.common(found.pipelines)
    if common:
        yield "The same in several pipelines:"
        yield ""
        yield from _rows([*common.values()], room)
    for pipeline in found.pipelines:
        yield from _pipeline(pipeline, found.zone, common, room)
    yield from _folded(found.noise)


def _reaches(found: EnvironmentDiff) -> Iterator[str]:
    """A line for each category: its name in bold type, the pipelines behind it."""
    for text in (reaches := wording.reaches(found)):
        category, _, pipelines = text.partition(": ")
        yield f"- **{category}**: {plain(pipelines)}"
    if reaches:
        yield ""


def _events(found: EnvironmentDiff, room: _Room) -> Iterator[str]:
    """Known events that come or go, and their picture."""
    if found.events:
        yield from (f"- {plain(line)}" for line in known_events.lines(found.events, found.zone, room.rows))
        yield ""
        yield from fenced("mermaid", known_events.mermaid(found.events)) if room.pictures else ()


def _shared(found: SharedDiff, room: _Room) -> Iterator[str]:
    yield f"## Beside the manifests: {wording.shared_total(found)}"
    yield ""
    yield f"Compared with {code(found.base)}."
    yield ""
    yield from _alert("CAUTION", [str(problem) for problem in found.problems])
    yield from _alert("WARNING", found.warnings)
    yield from _rows(folding.rows(found.changes), room)


def _pipeline(found: PipelineDiff, zone: str, common: Common, room: _Room) -> Iterator[str]:
    """What a reviewer must not miss comes first, then what changes and when it runs, last the picture."""
    if not found.semantic:
        yield from _folded([wording.headline(found), *found.noise])
        return
    yield f"### {code(wording.headline(found))}"
    yield ""
    yield from _alert(
        "WARNING", [*found.warnings, *map(wording.started, found.runs_started), *_in_flight(found)]
    )
    yield from _rows(folding.rows(found.changes, common if found.action is None else ()), room)
    yield from _caching(found.caching)
    if found.replaced:
        names = ", ".join(map(code, found.replaced))
        yield f"Made anew, pinned to this version: {names}."
        yield ""
    for firing in found.firings:
        yield from _firings(firing, zone)
    if room.pictures:
        yield from _picture(found)
    yield from _folded(found.noise)


def _rows(rows: Sequence[Row], room: _Room) -> Iterator[str]:
    yield from _table(rows, room)
    if room.pictures:
        yield from _in_full([row for row in rows if not row.above])


def _caching(found: Sequence[Forecast]) -> Iterator[str]:
    lines = words.lines(found)
    if lines:
        yield "KFP's cache:"
        yield ""
        yield from (f"- {plain(line)}" for line in lines)
        yield ""


def _in_flight(found: PipelineDiff) -> list[str]:
    return (
        [f"{found.in_flight} in flight; a run goes on with the version that it started with"]
        if found.in_flight
        else []
    )


def _alert(kind: str, texts: Sequence[str]) -> Iterator[str]:
    if texts:
        yield f"> [!{kind}]"
        yield from (f"> - {plain(text)}" for text in texts)
        yield ""


def _table(rows: Sequence[Row], room: _Room) -> Iterator[str]:
    if not rows:
        return
    yield "| | what | before | after |"
    yield "|---|---|---|---|"
    for row in rows[: room.rows]:
        before, after = _cells(row)
        yield f"| {SIGNS[row.first.action]} | {_subject(row)} | {before} | {after} |"
        if not row.above:
            yield from (f"| | · {code(field)} | | {code(text)} |" for field, text in details.rows(row.first))
    if (more := len(rows) - room.rows) > 0:
        yield f"| | … {more:,} more | | |"
    yield ""


def _subject(row: Row) -> str:
    found = row.first
    field = code(found.field) if found.field else ""
    verb = found.action.value if found.action in _VERBS else ""
    if not row.folded:
        return " ".join(filter(None, (f"{found.kind} {code(found.name)}", field, verb)))
    names = ", ".join(map(code, details.names(row, _NAMES)))
    several = f"<details><summary>{wording.kinds(row)}</summary>{names}</details>"
    return " ".join(filter(None, (f"{field} of" if field else "", several, verb)))


def _cells(row: Row) -> tuple[str, str]:
    found = row.first
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


def _firings(found: Firings, zone: str) -> Iterator[str]:
    yield f"Schedule {code(found.schedule)}:"
    yield ""
    before, after = wording.instants(found.before, zone), wording.instants(found.after, zone)
    if before or after:
        yield "| next firings before | after |"
        yield "|---|---|"
        yield from (f"| {_at(before, n)} | {_at(after, n)} |" for n in range(max(len(before), len(after))))
        yield ""
    yield from (f"- {plain(note)}" for note in found.notes)
    yield ""


def _at(texts: Sequence[str], index: int) -> str:
    if index < len(texts):
        return texts[index]
    return "none" if index == 0 else ""


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


def _picture(found: PipelineDiff) -> Iterator[str]:
    if found.graph:
        yield "<details open><summary>the pipeline, changed tasks marked</summary>"
        yield ""
        yield from fenced("mermaid", found.graph)
        yield "</details>"
        yield ""
    elif found.action is not Action.REMOVED and any(change.kind in details.NODES for change in found.changes):
        yield f"Not drawn: it has more than {graph.MAX_NODES} tasks and groups."
        yield ""


def _folded(texts: Sequence[str]) -> Iterator[str]:
    if texts:
        yield "<details><summary>without effect</summary>"
        yield ""
        yield from (f"- {plain(text)}" for text in texts)
        yield ""
        yield "</details>"
        yield ""
