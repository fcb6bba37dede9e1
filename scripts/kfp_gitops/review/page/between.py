"""The graph between pipelines as SVG and as a table: a box for each, on each arrow a pill: what is waited for.

What changes is marked by its border, its sign and a word, not by its colour alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from markupsafe import Markup

from kfp_gitops.base import visible
from kfp_gitops.base.webpage.parts import filled
from kfp_gitops.language.chains import told
from kfp_gitops.review.diff.between import drawn as lines
from kfp_gitops.review.diff.model import Between, EnvironmentDiff, Link
from kfp_gitops.review.page import layout
from kfp_gitops.review.page.drawing import SIGNS, path, short, width
from kfp_gitops.review.page.layout import Arrow, Box, Item

HERE = Path(__file__).parent
_ROWS = 200


@dataclass(frozen=True)
class Shape:
    """A box as it is drawn: of a pipeline, of data (`data`), or of what a trigger waits for (`waits`)."""

    box: Box
    label: str
    spoken: str
    kind: str
    mark: str = ""
    when: str = ""
    anchor: str = ""

    @property
    def sign(self) -> str:
        """What stands in its corner; empty where nothing changed."""
        return SIGNS.get(self.mark, "")


@dataclass(frozen=True)
class Line:
    """A line; `still`: it starts nothing now."""

    d: str
    mark: str
    still: bool


@dataclass(frozen=True)
class Row:
    """A link in words."""

    pipeline: str
    when: str
    trigger: str
    within: str
    mark: str
    anchor: str


def drawn(found: EnvironmentDiff, anchors: Mapping[str, str]) -> Markup:
    """Picture, table and chains; `anchors`: where a pipeline's own section is."""
    if found.between is None:
        return Markup("")
    links, chains = found.between.links, lines.chains(found)
    return filled(
        HERE,
        "between.html",
        name=f"what starts what in {found.environment}",
        svg=_svg(found, found.between, anchors),
        rows=[_row(link, anchors) for link in links[:_ROWS]],
        more=max(0, len(links) - _ROWS),
        chains=[visible.line(line) for line in chains],
        timed=bool(found.between.takes),
    )


def _row(link: Link, anchors: Mapping[str, str]) -> Row:
    edge = link.edge
    when = f"{'when' if edge.is_data else 'after'} {edge.source} {edge.verb}{lines.held(edge)}"
    window = edge.trigger.only_within
    within = told.window(window) if window else ""
    pipeline, when, name, within = map(visible.line, (edge.pipeline, when, edge.trigger.name, within))
    return Row(pipeline, when, name, within, _mark(link), anchors.get(edge.pipeline, ""))


def _mark(link: Link) -> str:
    return link.action.value if link.action else ""


def _svg(found: EnvironmentDiff, between: Between, anchors: Mapping[str, str]) -> Markup:
    if lines.too_many(between):
        return Markup("")
    marks, times = lines.marks(found.pipelines), lines.whens(between)
    pills = {f"\0{number}": link for number, link in enumerate(between.links)}
    ends = [(link.edge.source, pill, link.edge.pipeline) for pill, link in pills.items()]
    names = list(dict.fromkeys(name for left, _, right in ends for name in (left, right)))
    items = [Item(name, max(width(name), width(times.get(name, "")))) for name in names]
    items += [Item(pill, width(_label(link))) for pill, link in pills.items()]
    size = layout.laid_out(items, [pair for way in ends for pair in pairwise(way)])
    data = {link.edge.source for link in between.links if link.edge.is_data}
    shapes = [
        _pill(box, pills[box.id])
        if box.id in pills
        else _pipeline(box, "data" if box.id in data else "", marks, times, anchors)
        for box in size.boxes
    ]
    return filled(
        HERE,
        "links.html",
        name=f"what starts what in {found.environment}",
        size=size,
        shapes=shapes,
        paths=[*_paths(size.arrows, pills)],
    )


def _label(link: Link) -> str:
    return f"{link.edge.verb}{lines.held(link.edge)}"


def _pill(box: Box, link: Link) -> Shape:
    said = f"{lines.sentence(link)}, {_mark(link) or 'unchanged'}"
    return Shape(box, short(_label(link)), visible.line(said), "waits", _mark(link))


def _pipeline(
    box: Box, kind: str, marks: Mapping[str, str], times: Mapping[str, str], anchors: Mapping[str, str]
) -> Shape:
    mark, when = marks.get(box.id, ""), times.get(box.id, "")
    spoken = ", ".join(filter(None, (f"{kind or 'pipeline'} {box.id}", when, mark or "unchanged")))
    return Shape(box, short(box.id), visible.line(spoken), kind, mark, short(when), anchors.get(box.id, ""))


def _paths(arrows: Sequence[Arrow], pills: Mapping[str, Link]) -> Iterator[Line]:
    for arrow in arrows:
        link = next(pills[end] for end in arrow.ends if end in pills)
        yield Line(path(arrow), _mark(link), not link.edge.active)
