"""The cpu trigger beside a floor: of the whole pod, or of one container where others request no CPU.

An HPA that looks at the pod fails when any container, sidecars of every kind included, has no request for CPU.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from predictive_scaling.consumers.place import Place
from predictive_scaling.shapes.shape import Container, Shape


@dataclass(frozen=True)
class Reactive:
    """Target in percent of the request; `container` None means the pod. `told` is what people should know of it."""

    percent: int
    container: str | None = None
    told: str = ""

    @property
    def trigger(self) -> dict[str, Any]:
        """KEDA's."""
        named = {"containerName": self.container} if self.container else {}
        return {"type": "cpu", "metricType": "Utilization", "metadata": {**named, "value": str(self.percent)}}

    @property
    def metric(self) -> Mapping[str, Any]:
        """An HPA's."""
        of = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": self.percent}}
        if self.container:
            return {
                "type": "ContainerResource",
                "containerResource": {"container": self.container, **of},
            }
        return {"type": "Resource", "resource": of}


def reactive(shape: Shape, place: Place, *, of_pods: bool) -> Reactive | str:
    """The trigger of a service, or why there can be none; `of_pods` says that a pod's own request serves as well."""
    percent = _percent(shape, place)
    if not shape.containers:
        return _unknown(shape, percent, by_container=place.by_container)
    bare = [each.name for each in shape.containers if each.requests.cpu is None]
    if place.by_container or (bare and (shape.pod.cpu is None or not of_pods)):
        return _of_one(shape, percent, bare)
    return Reactive(percent)


def _percent(shape: Shape, place: Place) -> int:
    known = shape.scaler.utilisation if shape.scaler else None
    return max(1, round(100 * (place.utilisation if known is None else known)))


def _of_one(shape: Shape, percent: int, bare: list[str]) -> Reactive | str:
    container: Container | None = shape.main_container
    if container is None or container.requests.cpu is None:
        return (
            f"{', '.join(bare) or 'its main container'} has no CPU request, so nothing could scale it by cpu; "
            "set resources.requests.cpu of its main container"
        )
    others = [name for name in bare if name != container.name]
    told = f"{', '.join(others)} has no CPU request: the cpu trigger looks at {container.name} alone"
    return Reactive(percent, container.name, told if others else "")


def _unknown(shape: Shape, percent: int, *, by_container: bool) -> Reactive:
    if by_container and shape.main:
        return Reactive(percent, shape.main)
    return Reactive(
        percent, told="its containers are not known: all of them must request CPU, or the cpu trigger is dead"
    )
