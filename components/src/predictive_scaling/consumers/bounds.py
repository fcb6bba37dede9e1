"""Between how many replicas a consumer scales: never less than what stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from predictive_scaling.shapes.shape import Shape

NO_MAXIMUM = (
    "its maximum is not known; say services: {%s: {max: 40}}, or give manifests or shapes with its autoscaler"
)


@dataclass(frozen=True)
class Bounds:
    """Least and most replicas, and what is to be told of them."""

    least: int
    most: int
    told: tuple[str, ...] = ()


def bounds(shape: Shape) -> Bounds | str:
    """Of the autoscaler that stands, raised by what people said; without one the replicas that stand are the least."""
    scaler = shape.scaler
    known = [each for each in (shape.max, scaler.max if scaler else None) if each is not None]
    if not known:
        return NO_MAXIMUM % shape.service
    stands = scaler.min if scaler and scaler.min is not None else None if scaler else shape.replicas
    least = max(1, stands or 1)
    if least > max(known):
        return f"its minimum, {least}, is above its maximum, {max(known)}; say a higher max in services"
    return Bounds(least, max(known), tuple(_told(shape)))


def _told(shape: Shape) -> Iterator[str]:
    stands = shape.scaler.max if shape.scaler else None
    if shape.max is not None and stands is not None and shape.max < stands:
        yield f"max says {shape.max}, and {stands} stands in its autoscaler: what stands is kept"
