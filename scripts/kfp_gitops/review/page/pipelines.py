"""One section of a page: a pipeline, or several of which the same is told, with its picture and its code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from markupsafe import Markup

from kfp_gitops.base import visible
from kfp_gitops.base.webpage.parts import filled
from kfp_gitops.review.caching import words
from kfp_gitops.review.diff import components, details, folding, gated, headings, nodes, wording
from kfp_gitops.review.diff.alike import Section
from kfp_gitops.review.diff.folding import Common
from kfp_gitops.review.diff.model import Action, Change, Firings, Kind, PipelineDiff
from kfp_gitops.review.diff.state import PipelineFiles, State
from kfp_gitops.review.page import changes, drawing, sources, tasks

HERE = Path(__file__).parent
_NAMES = 300
_TOLD = 300
"""Tasks of which the cache's part is told one by one."""
_NARROW = 570
"""Points: two pictures that are wider stand one below the other."""
_NOTHING = PipelineFiles("", {})
_INNER = " › "


@dataclass(frozen=True)
class Shown:
    """A section with what it is drawn from: the files of its first pipeline, before and after."""

    section: Section
    zone: str
    common: Common
    sides: tuple[State, State] | None
    anchor: str

    @property
    def name(self) -> str:
        """The pipeline whose picture and code are shown."""
        return self.section.names[0]

    @property
    def heading(self) -> str:
        """What happens, in one line."""
        return visible.line(headings.heading(self.section))

    @property
    def about(self) -> str:
        """The pipelines in short: `churn`, or `churn and 11 more`."""
        more = len(self.section.names) - 1
        return f"{self.name}{f' and {more:,} more' if more else ''}"

    @cached_property
    def files(self) -> tuple[PipelineFiles, PipelineFiles]:
        """Of its first pipeline; what environment.yaml does not name is nothing."""
        if self.sides is None:
            return _NOTHING, _NOTHING
        found = [
            state.pipelines().get(self.name, _NOTHING) if self.name in state.entries() else _NOTHING
            for state in self.sides
        ]
        return found[0], found[1]

    @property
    def of_one(self) -> PipelineDiff:
        """The first pipeline's own record, with its own name where that stands in a text."""
        return self.section.pipelines[0]


def head(shown: Shown, *, brief: bool = False) -> Markup:
    """All that is told in words; `brief`: the first rows of it, and what a reviewer must not miss."""
    section, first = shown.section, shown.section.first
    rows = folding.rows(first.changes, shown.common if first.action is None else ())
    return filled(
        HERE,
        "section.html",
        shown=shown,
        first=first,
        tags=[*_tags(section)],
        names=section.names[:_NAMES] if section.several else (),
        more_names=max(0, len(section.names) - _NAMES) if section.several else 0,
        warnings=[*map(visible.line, (*first.warnings, *map(wording.started, first.runs_started)))],
        required=[*map(visible.line, gated.lines(section.pipelines))],
        table=changes.table([*rows, *section.own], brief=brief),
        releases=[*_releases(shown)],
        cache=[*map(visible.line, words.lines(first.caching))],
        outcomes=[] if brief else [*_outcomes(first)][:_TOLD],
        firings=[_firing(firing, shown.zone) for firing in section.firings],
        first_firings=[*map(visible.line, headings.first_firings(section))],
        noise=[*map(visible.line, first.noise)],
    )


def _tags(section: Section) -> Iterator[tuple[str, str]]:
    """(class, word) of what stands beside the heading."""
    first = section.first
    looks = {"interface": "bad", "results": "warn", "settings": "info"}
    if section.semantic:
        yield looks.get(first.category, ""), f"category {first.category}"
    if first.action is Action.ADDED:
        yield "good", "new"
    if first.action is Action.REMOVED:
        yield "bad", "leaves"
    if first.new_version:
        yield "info", "new version"
    if section.in_flight:
        yield "warn", f"{section.in_flight:,} in flight"
    yield from (("bad", visible.line(text)) for text in first.breaks)


def _releases(shown: Shown) -> Iterator[tuple[str, str, str]]:
    """(what, before, after); of several pipelines there is no one version."""
    found = shown.of_one
    if shown.section.several:
        return
    yield "version", found.version_before or "none", found.version_after or _no_version(found)
    if found.release_before or found.release_after:
        yield "release", found.release_before or "none", found.release_after or "none"


def _no_version(found: PipelineDiff) -> str:
    return "none" if found.action is Action.REMOVED else "not locked yet"


def _outcomes(found: PipelineDiff) -> Iterator[tuple[str, str, str, str]]:
    """(start, task, fate, why) of every task."""
    for forecast in found.caching:
        starts = visible.line(", ".join(forecast.starts))
        for one in forecast.now.outcomes:
            several = f" for {one.count} of {one.total}" if one.total > 1 and one.count < one.total else ""
            why = ", ".join(one.because) + (f"; stale: {', '.join(one.stale)}" if one.stale else "")
            yield starts, visible.line(one.task + several), str(one.fate), visible.line(why)


def _firing(found: Firings, zone: str) -> Mapping[str, Any]:
    before, after = wording.instants(found.before, zone), wording.instants(found.after, zone)
    most = max(len(before), len(after))
    both = [(before[n] if n < len(before) else "", after[n] if n < len(after) else "") for n in range(most)]
    return {"schedule": found.schedule, "rows": both, "notes": found.notes}


def is_drawn(shown: Shown) -> bool:
    """Whether anything changes that a picture would show."""
    return any(change.kind in (*details.NODES, Kind.COMPONENT) for change in shown.of_one.changes)


def pictures(shown: Shown) -> Markup:
    """The pipeline before and after, and of each pipeline that runs in it as a task and changes."""
    found = shown.of_one
    manifests = [side.manifest for side in shown.files]
    own = [change for change in found.changes if _INNER not in change.name]
    parts = [_picture(shown, manifests, found.changes, own, "", 0)]
    was, is_ = (side.inner() for side in shown.files)
    for at, inner in enumerate(sorted({**was, **is_}), 1):
        prefix = f"{inner}{_INNER}"
        inside = [_without(prefix, change) for change in found.changes if change.name.startswith(prefix)]
        if inside:
            both = [
                side.document(paths[inner]) or {} if inner in paths else {}
                for side, paths in zip(shown.files, (was, is_), strict=True)
            ]
            parts.append(_picture(shown, both, inside, inside, inner, at))
    return Markup("").join(parts)


def _without(prefix: str, change: Change) -> Change:
    return replace(change, name=change.name.removeprefix(prefix))


def _picture(
    shown: Shown,
    manifests: Sequence[Mapping[str, Any]],
    marked_by: Sequence[Change],
    found: Sequence[Change],
    inner: str,
    at: int,
) -> Markup:
    before, after = (nodes.flat(manifest) for manifest in manifests)
    caching = () if inner else shown.of_one.caching
    told = tasks.tasks(before, after, found, caching, f"{shown.anchor}-{at}-")
    marks = tasks.marks(before, after, marked_by)
    anchors = {name: task.anchor for name, task in told.items()}
    where = f"{inner} in {shown.name}" if inner else shown.name
    drawn = {
        when: drawing.drawn(side, _of_side(marks, when), anchors, visible.line(f"{where} {when}"))
        for when, side in (("before", before), ("after", after))
    }
    every = list({id(task): task for task in told.values()}.values())
    return filled(
        HERE,
        "picture.html",
        where=visible.line(where),
        several=shown.section.several,
        drawn=drawn,
        wide=any(one.width > _NARROW for one in drawn.values()),
        tasks=every[:_TOLD],
        more=max(0, len(every) - _TOLD),
        anchor=f"{shown.anchor}-{at}",
    )


def _of_side(marks: Mapping[str, str], when: str) -> Mapping[str, str]:
    """Before the change nothing is there that came with it, after it nothing that went."""
    other = "added" if when == "before" else "removed"
    return {name: mark for name, mark in marks.items() if mark != other}


def has_code(shown: Shown) -> bool:
    """Whether the code of a component changes."""
    return any(_is_code(change) for change in shown.of_one.changes)


def _is_code(change: Change) -> bool:
    return change.kind is Kind.COMPONENT and details.is_code(change)


def code(shown: Shown) -> Markup:
    """Each component whose code changes, side by side; what pipelines share is told once, elsewhere."""
    found = [
        row.first
        for row in folding.rows(shown.of_one.changes, shown.common)
        if not row.above and _is_code(row.first)
    ]
    return Markup("").join(side_by_side(change, shown.files) for change in found)


def side_by_side(change: Change, files: tuple[PipelineFiles, PipelineFiles]) -> Markup:
    """A component's code before and after; where that is too much, the lines that went and that came."""
    before, after = (_lines(side, change.name) for side in files)
    pairs = sources.compared(before, after) if before and after else None
    lines = details.code_lines(change, 400, 400) if pairs is None else ()
    return filled(HERE, "code.html", name=visible.line(change.name), pairs=pairs, lines=lines)


def _lines(side: PipelineFiles, component: str) -> list[str]:
    path = side.specs().get(component)
    return components.code(next(iter(side.documents(path)), None)) if path else []
