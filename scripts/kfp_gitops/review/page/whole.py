"""The whole page of a diff: what merging does, in one file of at most 1 MB that stands by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from markupsafe import Markup

from kfp_gitops.base import visible
from kfp_gitops.base.webpage import shell
from kfp_gitops.base.webpage.parts import MAX_BYTES, filled
from kfp_gitops.review.diff import alike, backfills, details, folding, known_events, wording
from kfp_gitops.review.diff.folding import Common
from kfp_gitops.review.diff.model import Change, EnvironmentDiff, Kind, SharedDiff
from kfp_gitops.review.page import between, changes, pieces, pipelines, week
from kfp_gitops.review.page.evidence import Evidence
from kfp_gitops.review.page.pieces import Fitted, Piece, Rank
from kfp_gitops.review.page.pipelines import Shown

HERE = Path(__file__).parent
_RESERVE = 60_000
"""Bytes for the contents, and for what is said of what is left out."""
_LINKS, _TEXTS, _NAMED, _MISSING, _ENVIRONMENTS = 150, 100, 30, 60, 200
_SHARED = "the files beside the manifests"


@dataclass(frozen=True)
class Environment:
    """One environment's part of the page."""

    found: EnvironmentDiff
    index: int
    sections: Sequence[Shown]
    common: Common

    @property
    def anchor(self) -> str:
        """The id of its heading."""
        return f"e{self.index}"

    @property
    def total(self) -> str:
        """What merging does there, in one line."""
        return visible.line(wording.total(self.found))

    @property
    def semantic(self) -> list[tuple[int, Shown]]:
        """The sections in which something changes, and their numbers."""
        return [(at, shown) for at, shown in enumerate(self.sections) if shown.section.semantic]

    @property
    def anchors(self) -> dict[str, str]:
        """Pipeline → the id of the section in which it is told."""
        return {name: shown.anchor for _, shown in self.semantic for name in shown.section.names}

    @property
    def idle(self) -> list[str]:
        """What is told of pipelines whose files differ without effect."""
        return [shown.heading for shown in self.sections if not shown.section.semantic]


def to_html(
    found: Sequence[EnvironmentDiff], shared: SharedDiff | None, evidence: Evidence, most: int = MAX_BYTES
) -> str:
    """The page; what is too much for `most` bytes is left out, and it says what and where it is."""
    environments = [_environment(one, at, evidence) for at, one in enumerate(found[:_ENVIRONMENTS])]
    every = [piece for one in environments for piece in _pieces(one, evidence)]
    every += _of_shared(shared) if shared else []
    nothing = _page(found, environments, shared, evidence, pieces.fitted([], 0))
    fitted = pieces.fitted(every, most - len(nothing.encode()) - _RESERVE)
    return _page(found, environments, shared, evidence, fitted)


def _environment(found: EnvironmentDiff, index: int, evidence: Evidence) -> Environment:
    sections = alike.sections(found.pipelines)
    common = alike.common(sections)
    sides = evidence.sides.get(found.environment)
    shown = [
        Shown(section, found.zone, common, sides, f"e{index}p{at}") for at, section in enumerate(sections)
    ]
    return Environment(found, index, shown, common)


def _pieces(one: Environment, evidence: Evidence) -> Iterator[Piece]:
    name = one.found.environment
    of_it = (one.index, -1)
    yield Piece(Rank.HEAD, of_it, name, name, partial(_head, one))
    yield Piece(Rank.SUM, of_it, name, name, partial(_sum, one))
    if one.found.between:
        yield Piece(Rank.BETWEEN, of_it, name, name, partial(between.drawn, one.found, one.anchors))
    if name in evidence.weeks:
        drawn = partial(week.drawn, evidence.weeks[name], f"a week of {name}")
        yield Piece(Rank.WEEK, of_it, name, name, drawn)
    for at, shown in one.semantic:
        place = one.index, at
        brief = partial(pipelines.head, shown, brief=True)
        yield Piece(Rank.CHANGES, place, shown.name, name, partial(pipelines.head, shown), brief)
        if pipelines.is_drawn(shown):
            yield Piece(Rank.PICTURE, place, shown.name, name, partial(pipelines.pictures, shown))
        if pipelines.has_code(shown):
            yield Piece(Rank.CODE, place, shown.name, name, partial(pipelines.code, shown))


def _of_shared(found: SharedDiff) -> list[Piece]:
    table = changes.table(folding.rows(found.changes))
    make = partial(filled, HERE, "table.html", table=table, caption=_SHARED)
    return [Piece(Rank.SUM, (-1, -1), _SHARED, _SHARED, make)] if table.lines else []


def _head(one: Environment) -> Markup:
    found = one.found
    return filled(
        HERE,
        "environment.html",
        problems=_bounded(found.problems),
        reaches=[text.removeprefix("category ").partition(": ") for text in wording.reaches(found)],
        warnings=_bounded(found.warnings),
        events=known_events.lines(found.events, found.zone, _TEXTS),
        bars=known_events.bars(found.events),
        backfills=backfills.lines(found.backfills, _TEXTS),
    )


def _bounded(texts: Sequence[object]) -> list[str]:
    shown = [visible.line(str(text)) for text in texts[:_TEXTS]]
    return [*shown, *([f"… {len(texts) - _TEXTS:,} more"] if len(texts) > _TEXTS else [])]


def _sum(one: Environment) -> Markup:
    """Settings and delivery, what pipelines share, and what has no effect."""
    common = [*one.common.values()]
    return filled(
        HERE,
        "sum.html",
        changes=changes.table(folding.rows(one.found.changes)),
        common=changes.table(common),
        code=Markup("").join(_common_code(one, row.first, row.pipelines[0]) for row in common),
        noise=_bounded([*one.found.noise, *one.idle]),
        name=one.found.environment,
    )


def _common_code(one: Environment, change: Change, pipeline: str) -> Markup:
    """Code that changes alike in several pipelines, as the first of them has it."""
    if change.kind is not Kind.COMPONENT or not details.is_code(change):
        return Markup("")
    shown = next((shown for shown in one.sections if pipeline in shown.section.names), None)
    if shown is None or shown.sides is None:
        return Markup("")
    before, after = (state.pipelines().get(pipeline) for state in shown.sides)
    return pipelines.side_by_side(change, (before, after)) if before and after else Markup("")


def _page(
    found: Sequence[EnvironmentDiff],
    environments: Sequence[Environment],
    shared: SharedDiff | None,
    evidence: Evidence,
    fitted: Fitted,
) -> str:
    missing = [*pieces.missing(fitted)]
    body = filled(
        HERE,
        "whole.html",
        base=visible.line(found[0].base if found else shared.base if shared else ""),
        made=evidence.made,
        environments=environments,
        more=[one.environment for one in found[_ENVIRONMENTS:]],
        shared=shared,
        shared_total=visible.line(wording.shared_total(shared)) if shared else "",
        shared_problems=_bounded(shared.problems) if shared else [],
        shared_warnings=_bounded(shared.warnings) if shared else [],
        policy=evidence.policy,
        fitted=fitted,
        rank=Rank,
        links=_links(environments, fitted),
        missing=missing[:_MISSING],
        more_missing=max(0, len(missing) - _MISSING),
        named=_NAMED,
        texts=_TEXTS,
    )
    names = ", ".join(one.environment for one in found[:5])
    return shell.page(
        f"What merging does: {names or 'nothing'}", body, _ours("review.css"), _ours("review.js")
    )


def _links(environments: Sequence[Environment], fitted: Fitted) -> Mapping[str, Sequence[tuple[str, str]]]:
    """Environment → (id, pipeline) of its sections that are in the page; the first ones of all."""
    left = _LINKS
    found: dict[str, Sequence[tuple[str, str]]] = {}
    for one in environments:
        its = [
            (shown.anchor, visible.line(shown.about))
            for at, shown in one.semantic
            if fitted.get(Rank.CHANGES, (one.index, at))
        ]
        found[one.anchor] = its[:left]
        left -= len(found[one.anchor])
    return found


@cache
def _ours(name: str) -> str:
    return (HERE / name).read_text("utf-8").strip()
