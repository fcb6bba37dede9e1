"""What a replica of a service serves, and how many there may be: each service's own, never one number for all."""

from __future__ import annotations

import math
from dataclasses import dataclass

from predictive_scaling.recommend.plan import PlanOptions
from predictive_scaling.shapes.bounds import MAX_REPLICAS
from predictive_scaling.shapes.shape import Shape


@dataclass(frozen=True)
class Size:
    """Cores of a replica and the most replicas, None where not known; `unsized` says why none can be recommended."""

    replica_cores: float | None = None
    max_replicas: int | None = None
    unsized: str = ""


@dataclass(frozen=True)
class Count:
    """Replicas of an hour: as many as there may be, of the `wanted` ones."""

    replicas: int
    wanted: int


def size_of(service: str, shape: Shape | None, options: PlanOptions, told: str = "") -> Size:
    """The size of a service; `told` is why its shape is not known."""
    if shape and shape.kind == "DaemonSet":
        return Size(unsized="a DaemonSet has one pod on each node, so there is nothing to scale")
    cores = (shape.replica_cores if shape else None) or options.replica_cores
    most = (shape.max_replicas if shape else None) or options.max_replicas
    if cores is None:
        give = f"give services: {{{service}: {{cores: 0.5}}}}, or manifests whose containers request cpu"
        return Size(None, most, f"{told or _lacking(shape)}, so no replicas are recommended; {give}")
    return Size(cores, most)


def _lacking(shape: Shape | None) -> str:
    silent = [each.name for each in shape.containers if not each.requests.cpu] if shape else []
    if silent:
        return f"no cpu request is known of {', '.join(silent)}"
    return "what a replica serves is not known"


def count(cores: float, size: Size, options: PlanOptions) -> Count:
    """Replicas that serve `cores` at the target utilisation: one at least, and no more than there may be."""
    if size.replica_cores is None:
        raise ValueError("a service without a size has no replicas to count")
    # 1e-9: 2.1 cores at 0.7 are 3 replicas, though the floats' quotient is a hair above.
    quotient = cores / (options.target_utilisation * size.replica_cores) - 1e-9
    wanted = max(1, math.ceil(min(quotient, MAX_REPLICAS)))
    return Count(min(wanted, size.max_replicas or wanted), wanted)
