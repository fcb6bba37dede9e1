"""The blend: the weighted median of light models, weighted by how each did from earlier origins.

Weights are inverse errors to a fixed power, older origins counting less. A median, because the forecast that
minimises absolute error is a median, and because one member that goes wrong cannot draw it away. Combinations of
forecasts beat the choice of one on most series: Bates & Granger, "The combination of forecasts" (1969); Makridakis et
al., "The M4 Competition" (2020). Members and constants were found on some 640 series of seven public sources, none
of them shipped, one half to try and the other to check; the constants are round numbers in a wide flat optimum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from predictive_scaling.base.documents import Document
from predictive_scaling.base.series import FloatArray, HourlySeries
from predictive_scaling.models.base import Fitted

KIND = "blend"
MEMBERS = (
    *("last", "median_3h", "median_6h", "median_12h", "snaive_1d", "snaive_7d", "median_1d", "median_7d"),
    *("theta", "profile_damped", "profile_log"),
)
POWER = 4.0
DECAY = 0.9  # weight of an origin against the next newer one
TINY = 1e-12


def weights_of(errors: FloatArray) -> FloatArray:
    """Weights that sum to 1 from mean absolute errors (origins × members, oldest first, NaN where unknown).

    Without any known error all members weigh the same; one that could not be judged weighs nothing.
    """
    if not np.isfinite(errors).any():
        return np.full(errors.shape[1], 1.0 / errors.shape[1])
    age = np.arange(len(errors))[::-1]
    counted = np.where(np.isfinite(errors), DECAY ** age[:, None], 0.0)
    total = counted.sum(axis=0)
    mean = (np.nan_to_num(errors) * counted).sum(axis=0) / np.where(total > 0, total, 1.0)
    # The smallest number stands for zero: a perfect member takes all, and several share.
    least = np.maximum(mean, TINY * max(float(mean.max()), TINY))
    raw = np.where(total > 0, (least[total > 0].min() / least) ** POWER, 0.0)
    weights: FloatArray = raw / raw.sum()
    return weights


def weighted_median(forecasts: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted median by hour of forecasts (members × hours); between two equal halves, their mean."""
    order = np.argsort(forecasts, axis=0, kind="stable")
    ordered = np.take_along_axis(forecasts, order, axis=0)
    reached = np.cumsum(weights[order], axis=0)
    half = reached[-1] / 2
    low = np.argmax(reached >= half * (1 - 1e-9), axis=0)
    high = np.argmax(reached > half * (1 + 1e-9), axis=0)
    hours = np.arange(forecasts.shape[1])
    median: FloatArray = (ordered[low, hours] + ordered[high, hours]) / 2
    return median


@dataclass(frozen=True)
class FittedBlend:
    """Fitted members and their weights."""

    members: tuple[Fitted, ...]
    weights: tuple[float, ...]
    kind: str = KIND

    def forecast(self, hours: int) -> FloatArray:
        """Weighted median of the members' forecasts."""
        return weighted_median(
            np.array([each.forecast(hours) for each in self.members]), np.array(self.weights)
        )

    def updated(self, recent: HourlySeries) -> FittedBlend:
        """Updates every member; the weights stay."""
        return FittedBlend(tuple(each.updated(recent) for each in self.members), self.weights)

    def to_json(self) -> Document:
        """State: kind, weight and state of every member."""
        pairs = zip(self.members, self.weights, strict=True)
        return {
            "members": [{"kind": each.kind, "weight": w, "state": each.to_json()} for each, w in pairs],
        }

    @staticmethod
    def reader(readers: Mapping[str, Callable[[Document], Fitted]]) -> Callable[[Document], FittedBlend]:
        """Give the function that reads a state back; it raises ValueError for weights that are none."""

        def read(state: Document) -> FittedBlend:
            found = [(str(each["kind"]), float(each["weight"]), each["state"]) for each in state["members"]]
            weights = tuple(weight for _, weight, _ in found)
            if not found or min(weights) < 0 or not 0.999 < sum(weights) < 1.001:
                raise ValueError("a blend needs members whose weights sum to 1")
            if any(kind not in MEMBERS for kind, _, _ in found):
                raise ValueError(f"a blend has members of {', '.join(MEMBERS)}")
            return FittedBlend(tuple(readers[kind](part) for kind, _, part in found), weights)

        return read
