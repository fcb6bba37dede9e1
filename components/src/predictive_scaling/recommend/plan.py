"""How forecasts become capacity.

cpu     each hour's p95 and a third more; where the constant that would be requested without a forecast covers p95, a
        little less than that constant, for it is as safe there. Then the quietest hours are raised to one level, for as
        long as the plan costs less than the constant, and no more than p95 and a half: a quiet hour that the forecast
        promises is not worth an outage when it does not come. No hour gets less than three quarters of the way from its
        mean to what it usually peaks at
memory  for all of a day one number, since memory cannot be lowered hourly without restarts: the median of the day's
        highest p95, yesterday's maximum and the week's, but no less than the day's highest p90; and 5 % more, since a
        peak between two scrapes is in no series

`headroom` scales all of the former, `memory_headroom` the latter: the higher, the fewer hours are over and the more it
costs. The factors are those that cost least at equal shares of hours over, on one half of 160 public series of cpu;
they hold on the other half, and any near them serve as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from predictive_scaling.base.errors import InputError
from predictive_scaling.base.series import HOURS_PER_DAY, FloatArray, IntArray

HEADROOM = 1.15
MEMORY_MARGIN = 1.05
FLOOR_BUDGET = 1.28
# At the headroom that is the default; the plan is in proportion to it.
MOST, LEAST = 1.33, 1.08  # of p95
ENOUGH, COVERED = (
    0.92,
    0.99,
)  # of the constant, where that covers p95: what is enough, and what is never passed
RAISED_TO = 0.87  # of the constant: what raising the quiet hours may make of a plan
OF_PEAKS = 0.75  # of the way from the hour's mean to what it usually peaks at


@dataclass(frozen=True)
class PlanOptions:
    """Headroom multiplies p95 of cpu, `memory_headroom` what memory is to need.

    A replica serves target_utilisation of its cores.
    `max_headroom` is what raising the quiet hours may make of headroom, over the whole plan; none beyond `headroom`.
    `replica_cores` and `max_replicas` are of services whose shape does not say them; None, as they are, recommends no
    replicas for these, since one number fits no two services. `floor_budget` is the most that floors may make of the
    pods without them, as a factor; None makes floors for the capacity, whatever they cost and are worth.
    """

    headroom: float = HEADROOM
    block_hours: int = 4
    target_utilisation: float = 0.7
    replica_cores: float | None = None
    max_replicas: int | None = None
    max_headroom: float = 1.45
    floor_budget: float | None = FLOOR_BUDGET
    memory_headroom: float = MEMORY_MARGIN

    def __post_init__(self) -> None:
        for name in ("headroom", "memory_headroom", "max_headroom"):
            if not getattr(self, name) >= 1:
                raise InputError(f"{name} is {getattr(self, name)}; it must be at least 1")
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


@dataclass(frozen=True)
class Past:
    """What a plan knows beside its forecast. `usual` is the constant that it stands in for, 0 if there is none.

    `peak` is what an hour's mean of cpu is to be multiplied by to get what it usually peaks at; `maxima` are those of
    memory of yesterday and of the week, none where they are not known.
    """

    usual: float = 0.0
    peak: float = 1.0
    maxima: tuple[float, ...] = ()


class Ahead(NamedTuple):
    """A forecast by the hour."""

    p50: FloatArray
    p90: FloatArray
    p95: FloatArray


def planned(metric: str, ahead: Ahead, past: Past, options: PlanOptions) -> FloatArray:
    """Capacity of every hour of a forecast: all that is known goes in."""
    if metric == "memory":
        days = np.arange(len(ahead.p95)) // HOURS_PER_DAY
        lowest, highest = (_by_day(each, days) for each in (ahead.p90, ahead.p95))
        usual = np.array([np.median([each, *past.maxima]) for each in highest])
        return np.asarray(np.maximum(usual, lowest) * options.memory_headroom, dtype=np.float64)
    peaks = ahead.p50 * (1 + OF_PEAKS * (past.peak - 1)) * (options.headroom / HEADROOM)
    return np.maximum(capacity(metric, ahead.p95, past.usual, options), peaks)


def capacity(metric: str, p95: FloatArray, usual: float, options: PlanOptions) -> FloatArray:
    """Capacity of every hour by its p95 and the constant that it stands in for alone, 0 if there is none."""
    if metric == "memory":
        return _by_day(p95, np.arange(len(p95)) // HOURS_PER_DAY) * options.memory_headroom
    scale = options.headroom / HEADROOM
    plan = _with_headroom(p95 * scale, usual)
    return raised(plan, min(RAISED_TO * usual, options.max_headroom * scale * float(p95.mean())))


def _by_day(values: FloatArray, days: IntArray) -> FloatArray:
    """The highest of its day for every hour."""
    return np.array([values[days == day].max() for day in days])


def _with_headroom(p95: FloatArray, usual: float) -> FloatArray:
    """p95 and more; where the constant covers it, at most a little less than the constant."""
    if usual <= 0:
        return p95 * MOST
    plan = np.minimum(p95 * MOST, np.maximum(ENOUGH * usual, p95 * LEAST))
    return np.where(p95 <= COVERED * usual, np.minimum(plan, COVERED * usual), plan)


def raised(plan: FloatArray, mean: float) -> FloatArray:
    """The plan with its lowest hours at one level, so that its mean is `mean`; as it is when that is less."""
    lowest = np.sort(plan)
    above = lowest.sum() - np.cumsum(lowest)
    levels = (mean * len(plan) - above) / np.arange(
        1, len(plan) + 1
    )  # where the 1, 2, … lowest would come to lie
    reached = levels[levels >= lowest]
    return np.maximum(plan, reached[-1]) if len(reached) else plan
