"""How forecasts become capacity.

cpu     each hour's p95 with headroom, and never less than what the service used in four of five hours of the last
        week: a quiet hour that the forecast promises is not worth an outage when it does not come
memory  the highest p95 of the day for all of it, since memory cannot be lowered hourly without restarts
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from predictive_scaling.errors import InputError
from predictive_scaling.series import FloatArray

BASE_DAYS = 7


@dataclass(frozen=True)
class PlanOptions:
    """Headroom multiplies p95 of cpu; a replica serves target_utilisation × replica_cores.

    `base_quantile` is the share of the last week's hours whose use the cpu plan always covers; 0 switches it off.
    """

    headroom: float = 1.15
    block_hours: int = 4
    target_utilisation: float = 0.7
    replica_cores: float = 1.0
    max_replicas: int = 20
    base_quantile: float = 0.8

    def __post_init__(self) -> None:
        if self.headroom < 1:
            raise InputError(f"headroom is {self.headroom}; it must be at least 1")
        if not 0 < self.target_utilisation <= 1 or self.replica_cores <= 0:
            raise InputError("target_utilisation must be in (0, 1] and replica_cores positive")
        if self.block_hours < 1 or self.max_replicas < 1:
            raise InputError("block_hours and max_replicas must be at least 1")
        if not 0 <= self.base_quantile < 1:
            raise InputError(f"base_quantile is {self.base_quantile}; it must be in [0, 1)")


def capacity(metric: str, p95: FloatArray, recent: FloatArray, options: PlanOptions) -> FloatArray:
    """Capacity of every hour of a forecast of whole days, or less; `recent` are the hourly means of the last week."""
    if metric == "memory":
        days = np.arange(len(p95)) // 24
        return np.array([p95[days == day].max() for day in days])
    known = recent[np.isfinite(recent)]
    base = float(np.quantile(known, options.base_quantile)) if len(known) and options.base_quantile else 0.0
    return np.maximum(p95 * options.headroom, base)


def recent_hours(samples: pd.DataFrame, metric: str) -> FloatArray:
    """Hourly means of the newest week of one service's clean rows."""
    known = samples[samples[metric].notna()]
    if known.empty:
        return np.empty(0)
    newest = known[known["timestamp"] > known["timestamp"].max() - pd.Timedelta(days=BASE_DAYS)]
    hours: FloatArray = (
        newest.groupby(newest["timestamp"].dt.floor("h"))[metric].mean().to_numpy(dtype=np.float64)
    )
    return hours


def replicas(cores: float, options: PlanOptions) -> int:
    """Replicas that serve `cores` at the target utilisation, between 1 and the maximum."""
    # 1e-9: 2.1 cores at 0.7 are 3 replicas, though the floats' quotient is a hair above.
    wanted = math.ceil(cores / (options.target_utilisation * options.replica_cores) - 1e-9)
    return min(max(1, wanted), options.max_replicas)
