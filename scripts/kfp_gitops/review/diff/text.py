"""The diff for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from kfp_gitops.base import visible
from kfp_gitops.review.caching import words
from kfp_gitops.review.diff import wording
from kfp_gitops.review.diff.model import Action, EnvironmentDiff, Firings, PipelineDiff
from kfp_gitops.review.diff.wording import SIGNS


def to_text(found: EnvironmentDiff, *, colour: bool = False) -> str:
    """Headlines, every change with its sign, firings, and last the blast radius."""
    lines = [*_lines(found)]
    return "\n".join(visible.coloured(line) if colour else line for line in lines)


def _lines(found: EnvironmentDiff) -> Iterator[str]:
    yield f"{found.environment}, compared with {found.base}"
    yield from (f"! {text}" for text in found.warnings)
    yield from (f"  {SIGNS[change.action]} {wording.change(change)}" for change in found.changes)
    for pipeline in found.pipelines:
        yield from _pipeline(pipeline, found.zone)
    yield from (f"  (folded: {text})" for text in found.noise)
    yield wording.radius(found) if found.semantic else "no semantic change"


def _pipeline(found: PipelineDiff, zone: str) -> Iterator[str]:
    sign = SIGNS[found.action] if found.action else "~" if found.semantic else "="
    yield f"{sign} {wording.headline(found)}"
    yield from (f"  ! {text}" for text in found.warnings)
    yield from (f"  {SIGNS[change.action]} {wording.change(change)}" for change in found.changes)
    yield from (f"  cache: {line}" for line in words.lines(found.caching))
    yield from (f"  ~ schedule {name} is made anew, pinned to this version" for name in found.replaced)
    for firing in found.firings:
        yield from _firings(firing, zone, found.action)
    if found.in_flight:
        yield f"  ! {found.in_flight} in flight; a run goes on with the version that it started with"
    yield from (f"  (folded: {text})" for text in found.noise)


def _firings(found: Firings, zone: str, action: Action | None) -> Iterator[str]:
    sides = [("fired", found.before)] if found.before and not action else []
    sides += [("fires", found.after)] if found.before or found.after else []
    for verb, when in sides:
        label = f"    {found.schedule} {verb} "
        first, *others = wording.instants(when, zone) or ["never"]
        yield label + first
        yield from (" " * len(label) + text for text in others)
    yield from (f"    {found.schedule}: {note}" for note in found.notes)
