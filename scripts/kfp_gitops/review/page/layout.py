"""Where the tasks of a pipeline stand in its picture: layers from top to bottom, groups as boxes around theirs. Pure.

Layers as Sugiyama, Tagawa and Toda have them («Methods for visual understanding of hierarchical system structures»,
1981), in their simplest form: the longest path gives a box its layer, its neighbours above give it its place in it,
and an arrow that crosses a layer gets a place there of its own. A group is laid out by itself first, and stands in
the layout around it as one box. All lengths are points of SVG.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

GAP, LAYER_GAP, PAD, TITLE = 22.0, 38.0, 14.0, 26.0
"""Between boxes beside one another, between layers, within a group's border, and for a group's title."""
HEIGHT = 40.0
"""Of a task's box."""
_PASSING = 10.0
"""The room that an arrow takes in a layer that it crosses."""
_SWEEPS = 4
Edge = tuple[str, str]
Point = tuple[float, float]
_Name = str | tuple[int, int]
"""An item's, or of an edge and the layer that it crosses."""
_Place = tuple[float, float, float, float]
"""Left, top, width, height."""


class Where(Enum):
    """Where an item stands: among the layers, beside all of them (another branch), or beneath (what comes at last)."""

    WITHIN = 0
    BESIDE = 1
    BENEATH = 2


@dataclass(frozen=True)
class Item:
    """Something to be drawn: a box of this width; one with items inside it is a group, as wide as those need."""

    id: str
    width: float
    inside: Sequence[Item] = ()
    where: Where = Where.WITHIN


@dataclass(frozen=True)
class Box:
    """Where an item stands; `depth` counts the groups around it."""

    id: str
    x: float
    y: float
    width: float
    height: float
    depth: int
    group: bool


@dataclass(frozen=True)
class Arrow:
    """An arrow as the points that it goes through, from the lower edge of a box to the upper edge of another."""

    ends: Edge
    points: Sequence[Point]


@dataclass(frozen=True)
class Layout:
    """A whole picture, groups before what is in them."""

    width: float
    height: float
    boxes: Sequence[Box]
    arrows: Sequence[Arrow]

    def moved(self, x: float, y: float) -> Layout:
        """The same in another place, within a group."""
        boxes = [
            Box(box.id, box.x + x, box.y + y, box.width, box.height, box.depth + 1, box.group)
            for box in self.boxes
        ]
        arrows = [Arrow(each.ends, [(a + x, b + y) for a, b in each.points]) for each in self.arrows]
        return Layout(self.width, self.height, boxes, arrows)


def laid_out(items: Sequence[Item], edges: Iterable[Edge]) -> Layout:
    """The picture; an edge between items of different groups is drawn between the outermost that do not hold both.

    Edges of what is not there, in a circle, or between a group and what is in it, are left out.
    """
    path = dict(_paths(items, ()))
    by_group: dict[str, dict[Edge, None]] = defaultdict(dict)
    for left, right in edges:
        if left in path and right in path and (found := _lifted(path[left], path[right])):
            by_group[found[0]][found[1]] = None
    return _laid_out(items, by_group, "")


def _paths(items: Sequence[Item], around: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Item → the groups around it, and itself at the end."""
    for item in items:
        yield item.id, (*around, item.id)
        yield from _paths(item.inside, (*around, item.id))


def _lifted(left: tuple[str, ...], right: tuple[str, ...]) -> tuple[str, Edge] | None:
    """The group that holds both ends, and the two in it that are joined; None where one end holds the other."""
    same = next((n for n, pair in enumerate(zip(left, right, strict=False)) if pair[0] != pair[1]), None)
    if same is None:
        return None
    return (left[same - 1] if same else ""), (left[same], right[same])


def _laid_out(items: Sequence[Item], by_group: Mapping[str, Mapping[Edge, None]], group: str) -> Layout:
    inner = {item.id: _laid_out(item.inside, by_group, item.id) for item in items if item.inside}
    sizes = {item.id: _size(item, inner.get(item.id)) for item in items}
    names = {where: [item.id for item in items if item.where is where] for where in Where}
    layers, chains = _layers(names[Where.WITHIN], by_group.get(group, {}))
    places = dict(_placed(_ordered(layers, chains), sizes))
    _put(places, names[Where.BESIDE], sizes, _right(places) + GAP if places else PAD, PAD)
    _put(places, names[Where.BENEATH], sizes, PAD, _below(places) + LAYER_GAP if places else PAD)
    boxes: list[Box] = []
    arrows = [Arrow(chain.ends, [*_points(chain, places)]) for chain in chains]
    for name in sizes:
        place = places[name]
        boxes.append(Box(name, *place, 0, group=name in inner))
        if name in inner:
            moved = inner[name].moved(place[0] + (place[2] - inner[name].width) / 2, place[1] + TITLE)
            boxes += moved.boxes
            arrows += moved.arrows
    return Layout(_right(places) + PAD, _below(places) + PAD, boxes, arrows)


def _right(places: Mapping[_Name, _Place]) -> float:
    return max((x + width for x, _, width, _ in places.values()), default=PAD)


def _below(places: Mapping[_Name, _Place]) -> float:
    return max((y + height for _, y, _, height in places.values()), default=PAD)


def _put(
    places: dict[_Name, _Place],
    names: Sequence[str],
    sizes: Mapping[str, tuple[float, float]],
    x: float,
    y: float,
) -> None:
    """One below the other."""
    for name in names:
        width, height = sizes[name]
        places[name] = x, y, width, height
        y += height + GAP


def _size(item: Item, inner: Layout | None) -> tuple[float, float]:
    if inner is None:
        return item.width, HEIGHT
    return max(item.width, inner.width), TITLE + inner.height


@dataclass(frozen=True)
class _Chain:
    """An edge, and the names of its places in the layers that it crosses."""

    ends: Edge
    passing: Sequence[_Name]

    @property
    def steps(self) -> Iterator[tuple[_Name, _Name]]:
        """From one layer to the next."""
        return pairwise((self.ends[0], *self.passing, self.ends[1]))


def _layers(names: Sequence[str], edges: Iterable[Edge]) -> tuple[list[list[_Name]], list[_Chain]]:
    """Layer by layer what stands in it, and each edge with its places between."""
    forward = _without_circles(names, edges)
    level = _levels(names, forward)
    layers: list[list[_Name]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    for name in names:
        layers[level[name]].append(name)
    chains = []
    for index, (left, right) in enumerate(forward):
        crossed = range(level[left] + 1, level[right])
        for at in crossed:
            layers[at].append((index, at))
        chains.append(_Chain((left, right), [(index, at) for at in crossed]))
    return layers, chains


def _without_circles(names: Sequence[str], edges: Iterable[Edge]) -> list[Edge]:
    """The edges but those that lead back to where a walk along them is on its way from: no task waits for itself."""
    after: dict[str, list[str]] = defaultdict(list)
    known = {*names}
    for left, right in edges:
        if left in known and right in known:
            after[left].append(right)
    found: list[Edge] = []
    done: set[str] = set()
    for start in names:
        on_the_way = {} if start in done else {start: iter(after[start])}
        while on_the_way:
            name, rest = next(reversed(on_the_way.items()))
            following = next(rest, None)
            if following is None:
                done.add(name)
                del on_the_way[name]
            elif following not in on_the_way:
                found.append((name, following))
                if following not in done:
                    on_the_way[following] = iter(after[following])
    return found


def _levels(names: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """The longest path that leads to each."""
    before: dict[str, list[str]] = defaultdict(list)
    after: dict[str, list[str]] = defaultdict(list)
    for left, right in edges:
        before[right].append(left)
        after[left].append(right)
    waiting = {name: len(before[name]) for name in names}
    level: dict[str, int] = {}
    ready = [name for name in names if not waiting[name]]
    for name in ready:  # it grows meanwhile
        level[name] = max((level[other] + 1 for other in before[name]), default=0)
        for other in after[name]:
            waiting[other] -= 1
            if not waiting[other]:
                ready.append(other)
    return level


def _ordered(layers: Sequence[Sequence[_Name]], chains: Sequence[_Chain]) -> list[list[_Name]]:
    """Each layer in the order of the middle of its neighbours, from above and from below by turns."""
    above: dict[_Name, list[_Name]] = defaultdict(list)
    below: dict[_Name, list[_Name]] = defaultdict(list)
    for left, right in (step for chain in chains for step in chain.steps):
        below[left].append(right)
        above[right].append(left)
    found = [[*layer] for layer in layers]
    for sweep in range(_SWEEPS):
        order, neighbours = (found, above) if sweep % 2 == 0 else (found[::-1], below)
        place: dict[_Name, float] = {}
        for layer in order:
            for at, name in enumerate(layer):
                near = [place[other] for other in neighbours[name]]
                place[name] = sum(near) / len(near) if near else at
            layer.sort(key=place.__getitem__)
            place.update((name, at) for at, name in enumerate(layer))
    return found


def _placed(
    layers: Sequence[Sequence[_Name]], sizes: Mapping[str, tuple[float, float]]
) -> Iterator[tuple[_Name, _Place]]:
    """Each layer in the middle of the widest; an arrow that crosses one takes its whole height."""

    def size(name: _Name) -> tuple[float, float]:
        return sizes[name] if isinstance(name, str) else (_PASSING, 0.0)

    widths = [sum(size(name)[0] for name in layer) + GAP * (len(layer) - 1) for layer in layers]
    most, y = max(widths, default=0), PAD
    for layer, whole in zip(layers, widths, strict=True):
        x = PAD + (most - whole) / 2
        high = max(size(name)[1] for name in layer)
        for name in layer:
            width, height = size(name)
            yield name, (x, y, width, height or high)
            x += width + GAP
        y += high + LAYER_GAP


def _points(chain: _Chain, places: Mapping[_Name, _Place]) -> Iterator[Point]:
    x, y, width, height = places[chain.ends[0]]
    yield x + width / 2, y + height
    for name in chain.passing:
        x, y, width, height = places[name]
        yield x + width / 2, y
        yield x + width / 2, y + height
    x, y, width, _ = places[chain.ends[1]]
    yield x + width / 2, y
