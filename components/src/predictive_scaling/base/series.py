"""Hourly series, and windows of many of them as rows: the only shapes that models see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
HOURS_PER_DAY = 24
HOURS_PER_WEEK = 168


@dataclass(frozen=True)
class HourlySeries:
    """Hourly values from `start` (whole hours since 1970-01-01 UTC); NaN where nothing was measured."""

    start: int
    values: FloatArray

    @property
    def end(self) -> int:
        """The first hour after the series."""
        return self.start + len(self.values)

    @property
    def hours(self) -> IntArray:
        """Hours since 1970 of every value."""
        return np.arange(self.start, self.end, dtype=np.int64)

    @property
    def observed(self) -> int:
        """How many values are not missing."""
        return int(np.isfinite(self.values).sum())

    def between(self, first: int, last: int) -> HourlySeries:
        """Cut to the hours [first, last), as far as the series reaches."""
        low = min(max(first, self.start), self.end)
        high = min(max(last, low), self.end)
        return HourlySeries(low, self.values[low - self.start : high - self.start])


@dataclass(frozen=True)
class Windows:
    """Windows of equally many hours, one a row, whatever series they are of; NaN where nothing was measured.

    `ends` are the first hours after each row.
    """

    ends: IntArray
    values: FloatArray

    @staticmethod
    def of(series: HourlySeries) -> Windows:
        """One series as the only row."""
        return Windows(np.array([series.end], dtype=np.int64), series.values[None, :])

    @property
    def length(self) -> int:
        """Hours of each row."""
        return int(self.values.shape[1])

    @property
    def hours(self) -> IntArray:
        """Hours since 1970 of every value."""
        return self.ends[:, None] + np.arange(-self.length, 0)

    @property
    def observed(self) -> IntArray:
        """How many values of each row are not missing."""
        return np.asarray(np.isfinite(self.values).sum(axis=1), dtype=np.int64)

    def ahead(self, hours: int) -> IntArray:
        """The hours right after each row."""
        return self.ends[:, None] + np.arange(hours)

    def series(self, at: int) -> HourlySeries:
        """One row."""
        return HourlySeries(int(self.ends[at]) - self.length, self.values[at])

    def rows(self, chosen: NDArray[np.bool_]) -> Windows:
        """Some of the rows."""
        return self if chosen.all() else Windows(self.ends[chosen], self.values[chosen])


def hour_of_day(hours: IntArray) -> IntArray:
    """Hour of the UTC day, 0–23."""
    return hours % HOURS_PER_DAY


def weekday(hours: IntArray) -> IntArray:
    """Day of the week, Monday 0; 1970-01-01 was a Thursday."""
    return (hours // HOURS_PER_DAY + 3) % 7


def instants(hours: IntArray) -> NDArray[np.datetime64]:
    """UTC instants without zone, to the second."""
    return hours.astype("datetime64[h]").astype("datetime64[s]")
