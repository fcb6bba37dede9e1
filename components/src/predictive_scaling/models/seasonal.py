"""Cycles that repeat: the newest one (seasonal naive; a cycle of one hour is the last value) or the median of several.

The seasonal naives of a day and of a week are the baselines. The medians take the newest hours, the newest week of
days, or four weeks. Those of hours are where usage stands now: machines that work now and then, or went to another
level an hour ago, keep no hours, and the last value alone is an accident.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictive_scaling.base.documents import Document
from predictive_scaling.base.series import HOURS_PER_DAY, HOURS_PER_WEEK, FloatArray, HourlySeries, Windows

PERIODS = {
    "last": 1,
    "median_3h": 1,
    "median_6h": 1,
    "median_12h": 1,
    "snaive_1d": HOURS_PER_DAY,
    "snaive_7d": HOURS_PER_WEEK,
    "median_1d": HOURS_PER_DAY,
    "median_7d": HOURS_PER_WEEK,
}
MEDIAN_OF = {"median_3h": 3, "median_6h": 6, "median_12h": 12, "median_1d": 7, "median_7d": 4}


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
        """The cycle of one series."""
        return self.fits(Windows.of(series))[0]

    def fits(self, windows: Windows) -> list[FittedCycle]:
        """The cycle of each window."""
        return [FittedCycle(self.kind, tuple(row)) for row in self._cycles(windows).tolist()]

    def forecasts(self, windows: Windows, horizon: int) -> FloatArray:
        """Repeat the cycle of each window."""
        return self._cycles(windows)[:, np.arange(horizon) % self.period]

    def _cycles(self, windows: Windows) -> FloatArray:
        """One cycle a row; where a phase was never observed, the newest value of all stands in."""
        newest = _newest(windows.values[:, :, None])
        cycles = folded(windows.values, self.period)
        number = MEDIAN_OF.get(self.kind)
        found = _newest(cycles) if number is None else medians(cycles[:, -number:])
        return np.where(np.isfinite(found), found, newest)


def folded(values: FloatArray, period: int) -> FloatArray:
    """Rows as cycles (rows × cycles × period) that end where the rows end; NaN before their begin."""
    missing = -values.shape[1] % period
    whole = np.pad(values, ((0, 0), (missing, 0)), constant_values=np.nan) if missing else values
    return whole.reshape(len(values), -1, period)


def _newest(cycles: FloatArray) -> FloatArray:
    """The newest observed value of each phase; NaN for one that never was."""
    back = np.argmax(np.isfinite(cycles[:, ::-1]), axis=1)
    return np.take_along_axis(cycles, (cycles.shape[1] - 1 - back)[:, None], axis=1)[:, 0]


def medians(cycles: FloatArray) -> FloatArray:
    """Median of each phase's observed values; NaN for one that has none."""
    ordered = np.sort(cycles, axis=1)  # NaN come last
    number = np.isfinite(cycles).sum(axis=1)[:, None]
    low, high = (
        np.take_along_axis(ordered, np.maximum(at, 0), axis=1)[:, 0]
        for at in ((number - 1) // 2, number // 2)
    )
    return np.where(number[:, 0] > 0, (low + high) / 2, np.nan)
