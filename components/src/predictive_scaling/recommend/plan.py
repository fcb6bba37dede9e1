"""How forecasts become capacity.

cpu     each hour's p95 with headroom; then the quietest hours are raised to one level, for as long as the plan costs
        neither more than the constant that would be requested without a forecast, nor more than p95 with the highest
        headroom: a quiet hour that the forecast promises is not worth an outage when it does not come
memory  the highest p95 of the day for all of it, since memory cannot be lowered hourly without restarts, and 5 % more:
        a peak between two scrapes is in no series
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictive_scaling.base.errors import InputError
from predictive_scaling.base.series import FloatArray

MEMORY_MARGIN = 1.05
FLOOR_BUDGET = 1.28


@dataclass(frozen=True)
class PlanOptions:
    """Headroom multiplies p95 of cpu; a replica serves target_utilisation of its cores.

    `max_headroom` is what raising the quiet hours may make of it, over the whole plan; `headroom` switches that off.
    `replica_cores` and `max_replicas` are of services whose shape does not say them; None, as they are, recommends no
    replicas for these, since one number fits no two services. `floor_budget` is the most that floors may make of the
    pods without them, as a factor; None makes floors for the capacity, whatever they cost and are worth.
    """

    headroom: float = 1.15
    block_hours: int = 4
    target_utilisation: float = 0.7
    replica_cores: float | None = None
    max_replicas: int | None = None
    max_headroom: float = 1.3
    floor_budget: float | None = FLOOR_BUDGET

    def __post_init__(self) -> None:
        if self.headroom < 1:
            raise InputError(f"headroom is {self.headroom}; it must be at least 1")
        if not 0 < self.target_utilisation <= 1 or (
            self.replica_cores is not None and self.replica_cores <= 0
        ):
            raise InputError("target_utilisation must be in (0, 1] and replica_cores positive")
        if self.block_hours < 1 or (self.max_replicas is not None and self.max_replicas < 1):
            raise InputError("block_hours and max_replicas must be at least 1")
        if self.floor_budget is not None and self.floor_budget < 1:
            raise InputError(
                f"floor_budget is {self.floor_budget}; it must be at least 1: pods with floors over pods without"
            )
        if self.max_headroom < self.headroom:
            raise InputError(
                f"max_headroom is {self.max_headroom}; it must be at least headroom, {self.headroom}"
            )


def capacity(metric: str, p95: FloatArray, usual: float, options: PlanOptions) -> FloatArray:
    """Capacity of every hour of a forecast; `usual` is the constant that it stands in for, 0 if there is none."""
    if metric == "memory":
        days = np.arange(len(p95)) // 24
        return np.array([p95[days == day].max() for day in days]) * MEMORY_MARGIN
    return raised(p95 * options.headroom, min(usual, options.max_headroom * float(p95.mean())))


def raised(plan: FloatArray, mean: float) -> FloatArray:
    """The plan with its lowest hours at one level, so that its mean is `mean`; as it is when that is less."""
    lowest = np.sort(plan)
    above = lowest.sum() - np.cumsum(lowest)
    levels = (mean * len(plan) - above) / np.arange(
        1, len(plan) + 1
    )  # where the 1, 2, … lowest would come to lie
    reached = levels[levels >= lowest]
    return np.maximum(plan, reached[-1]) if len(reached) else plan
