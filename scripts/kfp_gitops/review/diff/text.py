"""The diff for a terminal."""

from __future__ import annotations

from collections.abc import Container, Hashable, Iterator, Sequence

from kfp_gitops.base import visible
from kfp_gitops.review.caching import words
from kfp_gitops.review.diff import alike, backfills, details, folding, gated, headings, known_events, wording
from kfp_gitops.review.diff.alike import Section
from kfp_gitops.review.diff.between import drawn
from kfp_gitops.review.diff.folding import Common, Row
from kfp_gitops.review.diff.model import Action, Change, EnvironmentDiff, Firings, SharedDiff
from kfp_gitops.review.diff.wording import SIGNS

_NAMES = 30
_REMOVED, _ADDED = 20, 60


def to_text(found: EnvironmentDiff, *, colour: bool = False) -> str:
    """Headlines, every change with its sign, firings, and last the blast radius."""
    return _printed(_lines(found), colour)


def shared_to_text(found: SharedDiff, *, colour: bool = False) -> str:
    """What differs in the files that no environment owns."""
    return _printed(_shared(found), colour)


def _printed(lines: Iterator[str], colour: bool) -> str:
    return "\n".join(visible.coloured(line) if colour else line for line in map(visible.row, lines))


def _lines(found: EnvironmentDiff) -> Iterator[str]:
    yield f"{found.environment}, compared with {found.base}"
    yield from (f"! {problem}" for problem in found.problems)
    yield from map(visible.line, wording.reaches(found))
    yield from (f"! {text}" for text in found.warnings)
    yield from _events(found)
    yield from (f"  {line}" for line in backfills.lines(found.backfills, len(found.backfills)))
    yield from _changes(found.changes)
    sections = alike.sections(found.pipelines)
    common = alike.common(sections)
    yield from _rows([*common.values()])
    for section in sections:
        yield from _section(section, found.zone, common)
    yield from _between(found)
    yield from (f"  (folded: {text})" for text in found.noise)
    yield wording.total(found)


def _events(found: EnvironmentDiff) -> Iterator[str]:
    yield from (f"  {line}" for line in known_events.lines(found.events, found.zone, len(found.events)))
    yield from (f"      {line}" for line in known_events.bars(found.events))


def _between(found: EnvironmentDiff) -> Iterator[str]:
    """What starts what, and the chains that come of it."""
    lines = drawn.lines(found)
    if lines:
        yield "between pipelines (times in UTC)"
        yield from (f"  {sign} {line}" for sign, line in lines)


def _shared(found: SharedDiff) -> Iterator[str]:
    yield f"beside the manifests, compared with {found.base}"
    yield from (f"! {problem}" for problem in found.problems)
    yield from (f"! {text}" for text in found.warnings)
    yield from _changes(found.changes)
    yield wording.shared_total(found)


def _section(section: Section, zone: str, common: Common) -> Iterator[str]:
    found = section.first
    sign = SIGNS[found.action] if found.action else "~" if section.semantic else "="
    yield f"{sign} {visible.line(headings.heading(section))}"
    if section.several:
        yield f"      {visible.line(wording.some(section.names, _NAMES))}"
    yield from (f"  ! {text}" for text in found.warnings)
    yield from (f"  ! {visible.line(wording.started(run))}" for run in found.runs_started)
    yield from (f"  {line}" for line in gated.lines(section.pipelines))
    yield from _changes(found.changes, common if found.action is None else ())
    yield from _rows(section.own)
    yield from (f"  cache: {line}" for line in words.lines(found.caching))
    yield from (f"  ~ schedule {name} is made anew, pinned to this version" for name in found.replaced)
    for firing in section.firings:
        yield from _firings(firing, zone, found.action)
    yield from (f"    {visible.line(text)}" for text in headings.first_firings(section))
    if section.in_flight:
        yield f"  ! {section.in_flight} in flight; a run goes on with the version that it started with"
    yield from (f"  (folded: {text})" for text in found.noise)


def _changes(changes: Sequence[Change], common: Container[Hashable] = ()) -> Iterator[str]:
    yield from _rows(folding.rows(changes, common))


def _rows(rows: Sequence[Row]) -> Iterator[str]:
    """Each row, and beneath it what does not fit it."""
    for row in rows:
        yield f"  {SIGNS[row.first.action]} {wording.row(row)}"
        yield from (f"      {line}" for line in _beneath(row))


def _beneath(row: Row) -> Iterator[str]:
    if row.own:
        for name, change in zip(row.pipelines, row.changes, strict=True):
            yield f"{name}: {wording.own(change)}"
            yield from (f"    {line}" for line in _beneath(Row([change])))
        return
    if row.folded:
        yield ", ".join(details.names(row, _NAMES))
    if row.above:
        return
    yield from (f"{field}: {text}" for field, text in details.rows(row.first))
    yield from details.code_lines(row.first, _REMOVED, _ADDED)


def _firings(found: Firings, zone: str, action: Action | None) -> Iterator[str]:
    sides = [("was to fire", found.before)] if found.before and not action else []
    sides += [("fires", found.after)] if found.before or found.after else []
    for verb, when in sides:
        label = f"    {found.schedule} {verb} "
        first, *others = wording.instants(when, zone) or ["never"]
        yield label + first
        yield from (" " * len(label) + text for text in others)
    yield from (f"    {found.schedule}: {note}" for note in found.notes)
