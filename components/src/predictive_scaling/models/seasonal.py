"""Cycles that repeat: the newest one (seasonal naive; a cycle of one hour is the last value) or the median of several.

The seasonal naives of a day and of a week are the baselines. The medians take the newest week of days, or four weeks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictive_scaling.base.documents import Document
from predictive_scaling.base.series import HOURS_PER_DAY, HOURS_PER_WEEK, FloatArray, HourlySeries

PERIODS = {
    "last": 1,
    "snaive_1d": HOURS_PER_DAY,
    "snaive_7d": HOURS_PER_WEEK,
    "median_1d": HOURS_PER_DAY,
    "median_7d": HOURS_PER_WEEK,
}
MEDIAN_OF = {"median_1d": 7, "median_7d": 4}


@dataclass(frozen=True)
class FittedCycle:
    """One cycle, starting at the first hour to forecast."""

    kind: str
    cycle: tuple[float, ...]

    def forecast(self, hours: int) -> FloatArray:
        """Repeat the cycle."""
        return np.resize(np.array(self.cycle), hours)

    def updated(self, recent: HourlySeries) -> FittedCycle:
        """The cycle of the newer data: a cycle has nothing else to learn."""
        return Cycle(self.kind).fit(recent)

    def to_json(self) -> Document:
        """State: the cycle."""
        return {"kind": self.kind, "cycle": list(self.cycle)}

    @staticmethod
    def from_json(state: Document) -> FittedCycle:
        """Read the state back; raises ValueError when the cycle is not as long as its kind's."""
        kind, cycle = str(state["kind"]), tuple(float(value) for value in state["cycle"])
        if len(cycle) != PERIODS[kind]:
            raise ValueError(f"the cycle of {kind} needs {PERIODS[kind]} values")
        return FittedCycle(kind, cycle)


@dataclass(frozen=True)
class Cycle:
    """Takes, for every phase of the cycle, the newest observed value, or the median of the newest cycles."""

    kind: str

    @property
    def period(self) -> int:
        """Length of the cycle in hours."""
        return PERIODS[self.kind]

    @property
    def min_hours(self) -> int:
        """One whole cycle."""
        return self.period

    def fit(self, series: HourlySeries) -> FittedCycle:
        """Where a phase was never observed, the newest value of all stands in."""
        newest = series.values[np.isfinite(series.values)][-1]
        missing = -len(series.values) % self.period
        cycles = np.concatenate([np.full(missing, np.nan), series.values]).reshape(-1, self.period)
        number = MEDIAN_OF.get(self.kind)
        cycle = _newest(cycles, newest) if number is None else _median(cycles[-number:], newest)
        return FittedCycle(self.kind, tuple(float(value) for value in cycle))


def _newest(cycles: FloatArray, otherwise: float) -> FloatArray:
    cycle = np.full(cycles.shape[1], otherwise)
    for row in cycles:  # oldest first, so that the newest observed value stays
        cycle = np.where(np.isfinite(row), row, cycle)
    return cycle


def _median(cycles: FloatArray, otherwise: float) -> FloatArray:
    observed = np.isfinite(cycles).any(axis=0)
    cycle = np.full(cycles.shape[1], otherwise)
    cycle[observed] = np.nanmedian(cycles[:, observed], axis=0)
    return cycle
