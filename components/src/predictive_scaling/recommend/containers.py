"""Memory requests by container: the main one's is forecast, the others' are constants of what they used."""

from __future__ import annotations

from collections.abc import Iterator

from predictive_scaling.base.documents import Document, rounded
from predictive_scaling.recommend.censored import HeldBack
from predictive_scaling.recommend.plan import MEMORY_MARGIN
from predictive_scaling.shapes.shape import Container, Shape


def container_entries(shape: Shape, held: HeldBack, memory: Document) -> list[Document]:
    """One for each container of which something is known; `memory` is the entry of the main one."""
    main = shape.main_container
    return [
        entry
        for each in shape.containers
        for entry in _entry(each, held, memory.get("request") if each == main else _constant(each, held))
    ]


def _entry(container: Container, held: HeldBack, request: float | None) -> Iterator[Document]:
    entry: Document = {"name": container.name}
    if request is not None:
        entry["memory"] = {"request": rounded(request)}
    if container.name in held.of:
        entry["censored"] = held.of[container.name]
    if len(entry) > 1:
        yield entry


def _constant(container: Container, held: HeldBack) -> float | None:
    """The highest of the window and a margin, and what it was killed for want of."""
    highest = container.use.highest.memory if container.use else None
    found = [
        each
        for each in (highest * MEMORY_MARGIN if highest else None, held.memory.get(container.name))
        if each
    ]
    return max(found, default=None)
