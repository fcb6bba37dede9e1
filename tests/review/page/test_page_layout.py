"""Where boxes stand: none on another, each in its group, arrows downward; whatever a stranger's manifest says."""

from __future__ import annotations

import time
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kfp_gitops.review.page.layout import Box, Edge, Item, Layout, Where, laid_out


def _boxes(found: Layout) -> dict[str, Box]:
    return {box.id: box for box in found.boxes}


def _apart(one: Box, other: Box) -> bool:
    beside = one.x + one.width <= other.x or other.x + other.width <= one.x
    return beside or one.y + one.height <= other.y or other.y + other.height <= one.y


def _holds(outer: Box, inner: Box) -> bool:
    return (
        outer.x <= inner.x
        and outer.y <= inner.y
        and inner.x + inner.width <= outer.x + outer.width
        and inner.y + inner.height <= outer.y + outer.height
    )


TREE = [
    Item("load", 100),
    Item(
        "choice",
        120,
        [
            Item("yes", 100),
            Item("then", 100),
            Item("choice else", 100, [Item("no", 300)], Where.BESIDE),
            Item("choice finally", 100, [Item("end", 100)], Where.BENEATH),
        ],
    ),
    Item("last", 100),
]


def test_layers_go_downward_and_groups_hold_what_is_theirs() -> None:
    found = laid_out(TREE, [("load", "yes"), ("yes", "then"), ("no", "last"), ("load", "last")])
    boxes = _boxes(found)
    assert boxes["load"].y < boxes["choice"].y < boxes["last"].y
    assert boxes["yes"].y < boxes["then"].y < boxes["choice finally"].y
    assert boxes["choice else"].x >= boxes["yes"].x + boxes["yes"].width
    assert all(_holds(boxes["choice"], boxes[name]) for name in ("yes", "then", "choice else", "no", "end"))
    assert _holds(boxes["choice else"], boxes["no"])
    assert {arrow.ends for arrow in found.arrows} == {
        ("load", "choice"), ("yes", "then"), ("choice", "last"), ("load", "last"),
    }  # fmt: skip


def test_an_arrow_goes_around_what_stands_between() -> None:
    found = laid_out([Item(name, 100) for name in "abc"], [("a", "b"), ("b", "c"), ("a", "c")])
    between = _boxes(found)["b"]
    (around,) = (arrow for arrow in found.arrows if arrow.ends == ("a", "c"))
    assert all(
        not between.x < x < between.x + between.width
        for x, y in around.points
        if between.y <= y <= between.y + 40
    )


@pytest.mark.parametrize(
    "edges",
    [
        [("a", "a")],
        [("a", "b"), ("b", "a")],
        [("a", "b"), ("b", "c"), ("c", "a")],
        [("a", "nothing"), ("nothing", "b")],
        [("group", "in"), ("in", "group")],
    ],
)
def test_circles_and_what_is_not_there_are_left_out(edges: list[Edge]) -> None:
    items = [Item("a", 100), Item("b", 100), Item("c", 100), Item("group", 100, [Item("in", 100)])]
    found = laid_out(items, edges)
    assert len(found.boxes) == 5
    assert all(arrow.points[0][1] < arrow.points[-1][1] for arrow in found.arrows)


def test_nothing_is_an_empty_picture() -> None:
    assert laid_out([], []).boxes == []


_NAMES = [f"t{number}" for number in range(8)]


@given(st.lists(st.tuples(st.sampled_from(_NAMES), st.sampled_from(_NAMES)), max_size=30), st.integers(0, 8))
def test_no_box_stands_on_another_and_every_arrow_ends_at_its_boxes(edges: list[Edge], grouped: int) -> None:
    items = [Item(name, 60 + 20 * at) for at, name in enumerate(_NAMES[grouped:])]
    items += [Item("group", 10, [Item(name, 100) for name in _NAMES[:grouped]])] if grouped else []
    found = laid_out(items, edges)
    boxes = _boxes(found)
    assert set(boxes) == {*_NAMES, *(["group"] if grouped else [])}
    for one, other in combinations(boxes.values(), 2):
        assert (
            _apart(one, other) or (one.group and _holds(one, other)) or (other.group and _holds(other, one))
        )
    for arrow in found.arrows:
        start, end = (boxes[name] for name in arrow.ends)
        assert start.x <= arrow.points[0][0] <= start.x + start.width
        assert arrow.points[0][1] == start.y + start.height
        assert arrow.points[-1][1] == end.y
        assert start.y + start.height < end.y
    assert all(box.x >= 0 and box.x + box.width <= found.width for box in boxes.values())
    assert all(box.y >= 0 and box.y + box.height <= found.height for box in boxes.values())


def test_the_most_that_is_drawn_is_laid_out_at_once() -> None:
    names = [f"t{number}" for number in range(150)]
    edges = [(names[at], names[at + step]) for step in (1, 40, 90, 149) for at in range(150 - step)]
    begun = time.monotonic()
    laid_out([Item(name, 100) for name in names], edges[:600])
    assert time.monotonic() - begun < 3
