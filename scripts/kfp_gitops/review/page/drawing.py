"""A pipeline before and after as SVG: what changed is marked by its border and its sign, not by its colour alone.

Every box is a link to what is told of its task in the list beneath the pictures: it works without a script.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from kfp_gitops.base import visible
from kfp_gitops.base.webpage.parts import filled
from kfp_gitops.review.diff import graph
from kfp_gitops.review.diff.model import Kind
from kfp_gitops.review.diff.nodes import Node
from kfp_gitops.review.page import layout
from kfp_gitops.review.page.layout import Arrow, Box, Item, Where

HERE = Path(__file__).parent
MAX_ARROWS = 600
_NONE = Markup("")
SIGNS = {"added": "+", "removed": "−", "changed": "~"}
_LETTERS = 34
"""Of a name that are shown in a box; the whole is in its title."""
_LETTER, _BOLD, _WIDE, _AROUND, _LEAST = 7.3, 8.4, 13.5, 46.0, 96.0


@dataclass(frozen=True)
class Shape:
    """A box as it is drawn; `anchor` is the id of what is told of its task."""

    box: Box
    label: str
    spoken: str
    mark: str
    anchor: str

    @property
    def sign(self) -> str:
        """What stands in its corner; empty where nothing changed."""
        return SIGNS.get(self.mark, "")


@dataclass(frozen=True)
class Drawing:
    """A picture of so many nodes; without one, there are none or too many. `width` in points."""

    nodes: int
    svg: Markup
    width: float = 0.0


def too_large(nodes: Mapping[str, Node]) -> bool:
    """Whether nobody could read the picture."""
    return len(nodes) > graph.MAX_NODES or len(graph.edges(nodes)) > MAX_ARROWS


def drawn(
    nodes: Mapping[str, Node], marks: Mapping[str, str], anchors: Mapping[str, str], name: str
) -> Drawing:
    """The picture, called `name`; `marks` say what happened to a node (`added`, `removed`, `changed`)."""
    if not nodes or too_large(nodes):
        return Drawing(len(nodes), _NONE)
    found = layout.laid_out(_items(nodes), graph.edges(nodes))
    shapes = [_shape(box, nodes, marks, anchors) for box in found.boxes]
    paths = [path(arrow) for arrow in found.arrows]
    svg = filled(HERE, "drawing.html", name=name, size=found, shapes=shapes, paths=paths)
    return Drawing(len(nodes), svg, found.width)


def _items(nodes: Mapping[str, Node]) -> list[Item]:
    """The nodes as a tree: in a group its own tasks, and boxes of its other branches."""
    inside: dict[str, list[Node]] = {}
    for node in nodes.values():
        inside.setdefault(node.group[-1] if node.group else "", []).append(node)
    return [*_inside("", inside, nodes, frozenset())]


def _inside(
    group: str, inside: Mapping[str, Sequence[Node]], nodes: Mapping[str, Node], around: frozenset[str]
) -> Iterator[Item]:
    for node in inside.get(group, ()):
        if node.id in around:
            continue
        branches = [other for other in inside if other.startswith(f"{node.id} ") and other not in nodes]
        parts = [*_inside(node.id, inside, nodes, around | {node.id})]
        for branch in branches if node.kind is not Kind.TASK else ():
            held = [*_inside(branch, inside, nodes, around | {node.id})]
            parts.append(
                Item(
                    branch,
                    width(branch),
                    held,
                    Where.BENEATH if branch == f"{node.id} finally" else Where.BESIDE,
                )
            )
        yield Item(node.id, width(_title(node)), parts if node.kind is not Kind.TASK else ())


def _title(node: Node) -> str:
    return graph.title(node)


def width(text: str) -> float:
    """About what a browser makes of it: letters of East Asia are twice as wide."""
    shown = short(text)
    letters = sum(_WIDE if unicodedata.east_asian_width(letter) in "WF" else _LETTER for letter in shown)
    return max(_LEAST, letters + _AROUND)


def short(text: str, most: int = _LETTERS) -> str:
    shown = visible.line(" ".join(text.split()))
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def _shape(
    box: Box, nodes: Mapping[str, Node], marks: Mapping[str, str], anchors: Mapping[str, str]
) -> Shape:
    node = nodes.get(box.id)
    if node is None:  # a branch of a group: `else` of it
        branch = box.id.rpartition(" ")[2] if not box.id[-1:].isdigit() else " ".join(box.id.split()[-2:])
        return Shape(box, short(branch), branch, "", "")
    mark = marks.get(node.id, "")
    spoken = f"{node.kind} {_title(node)}, {mark or 'unchanged'}"
    return Shape(box, _fitting(_title(node), box), visible.line(spoken), mark, anchors.get(node.id, ""))


def _fitting(text: str, box: Box) -> str:
    """A title as far as there is room for it: that of a group may be longer than its box need be."""
    return short(text, int((box.width - _AROUND) / _BOLD) if box.group else _LETTERS)


def path(arrow: Arrow) -> str:
    """A smooth line: straight down where it leaves a point and where it comes to one, there with a tip."""
    (x, y), *rest = arrow.points
    parts = [f"M{x:.1f} {y:.1f}"]
    for to_x, to_y in rest:
        half = (to_y - y) / 2
        parts.append(f"C{x:.1f} {y + half:.1f} {to_x:.1f} {to_y - half:.1f} {to_x:.1f} {to_y:.1f}")
        x, y = to_x, to_y
    parts.append(f"M{x - 4:.1f} {y - 7:.1f}L{x:.1f} {y:.1f}L{x + 4:.1f} {y - 7:.1f}")
    return "".join(parts)
