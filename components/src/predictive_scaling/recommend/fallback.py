"""A constant from usage alone, for services whose forecast is not to be used.

After the Kubernetes Vertical Pod Autoscaler's recommender: the 90th percentile over 8 days with weights that halve
every 24 hours, plus 15 %. It keeps a histogram of exponential buckets; here the percentile is exact. Memory cannot be
lowered without restarts, nor exceeded without being killed, so it is at least the maximum of 14 days and 5 %, and is
judged by its peaks where the samples have them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from predictive_scaling.base.series import FloatArray
from predictive_scaling.recommend.known import DAY_SECONDS, HOUR_SECONDS, Known, epoch_second, known_of
from predictive_scaling.recommend.plan import MEMORY_MARGIN

PERCENTILE = 0.90
WINDOW_DAYS = 8
HALF_LIFE_HOURS = 24.0
MEMORY_MAX_DAYS = 14


@dataclass(frozen=True)
class Constant:
    """A percentile of usage and the capacity to request, in cores or bytes."""

    p90: float
    request: float


def weighted_percentile(values: FloatArray, weights: FloatArray, quantile: float) -> float:
    """Smallest value at which the sorted weights reach `quantile` of their sum."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    # Sums of floats: a value that reaches the share exactly must not miss it by a rounding error.
    at = int(np.searchsorted(reached, quantile * reached[-1] * (1 - 1e-12)))
    return float(values[order][min(at, len(values) - 1)])


def constant(samples: pd.DataFrame, metric: str, end: pd.Timestamp, headroom: float) -> Constant | None:
    """Constant for one service's clean rows, seen from `end`; None without usable samples in the window."""
    return constant_of(known_of(samples, metric), metric, epoch_second(end), headroom)


def constant_of(known: Known, metric: str, end: int, headroom: float) -> Constant | None:
    """The same, seen from an instant (seconds since 1970)."""
    recent = _newest(known, end, WINDOW_DAYS)
    there = np.isfinite(recent.value)
    if not there.any():
        return None
    age = (end - recent.seconds[there]) / HOUR_SECONDS
    p90 = weighted_percentile(recent.value[there], 0.5 ** (age / HALF_LIFE_HOURS), PERCENTILE)
    request = p90 * headroom
    if metric == "memory":
        highest = float(np.nanmax(_newest(known, end, MEMORY_MAX_DAYS).value))
        request = max(request, highest * MEMORY_MARGIN)
    return Constant(p90, request)


def _newest(known: Known, end: int, days: int) -> Known:
    """The days up to an instant and with it."""
    return known.between(end - days * DAY_SECONDS + 1, end + 1)
