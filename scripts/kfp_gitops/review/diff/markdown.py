"""The diff as a pull-request comment: GitHub's Markdown, with the changed pipeline as a picture.

Every text of the manifests may come from a stranger: it enters as an escaped code span only.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from kfp_gitops.base import visible
from kfp_gitops.review.caching import words
from kfp_gitops.review.caching.starts import Forecast
from kfp_gitops.review.diff import (
    alike,
    backfills,
    calendar,
    details,
    folding,
    gated,
    graph,
    headings,
    known_events,
    wording,
)
from kfp_gitops.review.diff.alike import Section
from kfp_gitops.review.diff.between import drawn
from kfp_gitops.review.diff.between.compared import MOST
from kfp_gitops.review.diff.calendar import Calendar
from kfp_gitops.review.diff.escaping import code, fenced, plain
from kfp_gitops.review.diff.folding import Common
from kfp_gitops.review.diff.model import Action, EnvironmentDiff, Firings, PipelineDiff, SharedDiff
from kfp_gitops.review.diff.tables import Room, rows

# GitHub refuses a comment of more than 65,536 characters.
MAX_CHARACTERS = 60_000
_NOTE = "> Pictures and code are left out: the whole does not fit a comment. `scripts/diff.py` shows it.\n\n"
_SHORTER = (
    "> **Not all that changes is shown**, for it does not fit a comment: the first rows of each table, "
    "and not the end where it is cut. `scripts/diff.py` shows the whole.\n\n"
)


_NOT_DRAWN = f"Not drawn: more than {MOST} pipelines start one another."
_ALL = Room(True, sys.maxsize, 2_000, sys.maxsize)
_BRIEF = Room(False, sys.maxsize, 500, 20)
_FIRST = Room(False, 5, 50, 5)


def to_markdown(found: Sequence[EnvironmentDiff], shared: SharedDiff | None = None) -> str:
    """One section an environment; cut, and saying so first, when all of them do not fit one comment."""
    text = ""
    for note, room in (("", _ALL), (_NOTE, _BRIEF), (_SHORTER, _FIRST)):
        text = note + visible.shown("\n".join(_lines_of(found, shared, room, MAX_CHARACTERS - len(note))))
        if len(text) <= MAX_CHARACTERS:
            return text
    return text[:MAX_CHARACTERS].rpartition("\n")[0] + "\n"


def _lines_of(
    found: Sequence[EnvironmentDiff], shared: SharedDiff | None, room: Room, most: int
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
    """The week as the terminal shows it: a fenced block keeps its columns; and what starts what, drawn."""
    picture = drawn.picture(found.graph, {}) if found.graph else None
    lines = [*fenced("text", calendar.to_text(found)), *(fenced("mermaid", picture) if picture else ())]
    return "\n".join(lines)


def _lines(found: EnvironmentDiff, room: Room) -> Iterator[str]:
    yield f"## {code(found.environment)}: {wording.total(found)}"
    yield ""
    yield f"Compared with {code(found.base)}."
    yield ""
    yield from _alert("CAUTION", [str(problem) for problem in found.problems])
    yield from _reaches(found)
    yield from _alert("WARNING", found.warnings)
    yield from _events(found, room)
    if found.backfills:
        yield from (f"- {plain(line)}" for line in backfills.lines(found.backfills, room.rows))
        yield ""
    yield from rows(folding.rows(found.changes), room)
    sections = alike.sections(found.pipelines)
    common = alike.common(sections)
    if common:
        yield "The same in several pipelines:"
        yield ""
        yield from rows([*common.values()], room)
    for section in sections:
        yield from _pipelines(section, found.zone, common, room)
    yield from _between(found, room)
    yield from _folded(found.noise)


def _between(found: EnvironmentDiff, room: Room) -> Iterator[str]:
    """Which pipeline starts which, drawn, and in lines; times of chains."""
    lines = drawn.lines(found)
    if not lines:
        return
    yield "### Between pipelines"
    yield ""
    yield from (
        f"- {code(sign)} {plain(line)}" if sign.strip() else f"- {plain(line)}" for sign, line in lines
    )
    yield ""
    if room.pictures:
        picture = drawn.mermaid(found)
        yield from fenced("mermaid", picture) if picture else [_NOT_DRAWN, ""]


def _reaches(found: EnvironmentDiff) -> Iterator[str]:
    """A line for each category: its name in bold type, the pipelines behind it."""
    for text in (reaches := wording.reaches(found)):
        category, _, pipelines = text.partition(": ")
        yield f"- **{category}**: {plain(pipelines)}"
    if reaches:
        yield ""


def _events(found: EnvironmentDiff, room: Room) -> Iterator[str]:
    """Known events that come or go, and their picture."""
    if found.events:
        yield from (f"- {plain(line)}" for line in known_events.lines(found.events, found.zone, room.rows))
        yield ""
        yield from fenced("mermaid", known_events.mermaid(found.events)) if room.pictures else ()


def _shared(found: SharedDiff, room: Room) -> Iterator[str]:
    yield f"## Beside the manifests: {wording.shared_total(found)}"
    yield ""
    yield f"Compared with {code(found.base)}."
    yield ""
    yield from _alert("CAUTION", [str(problem) for problem in found.problems])
    yield from _alert("WARNING", found.warnings)
    yield from rows(folding.rows(found.changes), room)


def _pipelines(section: Section, zone: str, common: Common, room: Room) -> Iterator[str]:
    """What a reviewer must not miss comes first, then what changes and when it runs, last the picture."""
    found = section.first
    headline = headings.heading(section)
    which = [wording.some(section.names, room.names)] if section.several else []
    if not section.semantic:
        yield from _folded([headline, *which, *found.noise])
        return
    yield f"### {code(headline)}"
    yield ""
    yield from _named(which)
    yield from _alert(
        "WARNING", [*found.warnings, *map(wording.started, found.runs_started), *_in_flight(section)]
    )
    yield from _listed(gated.lines(section.pipelines))
    yield from rows(
        [*folding.rows(found.changes, common if found.action is None else ()), *section.own], room
    )
    yield from _caching(found.caching)
    if found.replaced:
        names = ", ".join(map(code, found.replaced))
        yield f"Made anew, pinned to this version: {names}."
        yield ""
    for firing in section.firings:
        yield from _firings(firing, zone)
    yield from _listed(headings.first_firings(section))
    if room.pictures:
        yield from _picture(found)
    yield from _folded(found.noise)


def _named(names: Sequence[str]) -> Iterator[str]:
    for text in names:
        yield f"<details><summary>which</summary>{plain(text)}</details>"
        yield ""


def _listed(texts: Sequence[str]) -> Iterator[str]:
    if texts:
        yield from (f"- {plain(text)}" for text in texts)
        yield ""


def _caching(found: Sequence[Forecast]) -> Iterator[str]:
    lines = words.lines(found)
    if lines:
        yield "KFP's cache:"
        yield ""
        yield from _listed(lines)


def _in_flight(found: Section) -> list[str]:
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
