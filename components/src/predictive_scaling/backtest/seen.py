"""The highest that a series was seen at, as a bound for what it may be planned for.

A band is made of errors, and errors of an on/off machine reach twice as far as it ever went. What was seen in 28 days
is no bound for a series that grows: one whose daily maximum was a new highest on two or more of the last seven days may
go on rising by what it rose in that week, and to its double at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from predictive_scaling.base.amounts import number
from predictive_scaling.base.series import HOURS_PER_DAY, FloatArray, HourlySeries

DAYS, NEW_DAYS, RECORDS = 28, 7, 2
MOST_GROWTH = 2.0


@dataclass(frozen=True)
class Seen:
    """The highest of 28 days, how many of the last seven days passed all days before them, and what bounds a band.

    Infinite without any value.
    """

    highest: float
    records: int
    bound: float

    def told(self) -> str:
        """Why a band may reach beyond the highest; empty when it may not."""
        if self.bound <= self.highest:
            return ""
        days = "" if self.records == 1 else "s"
        return (
            f"it grows: on {self.records} of the last {NEW_DAYS} day{days} its maximum was higher than in all of "
            f"{DAYS} days before, so p95 may be up to {number(self.bound / self.highest)} times the highest seen"
        )


def seen_before(series: HourlySeries, origin: int) -> Seen:
    """What an origin knows of a series."""
    known = series.between(origin - DAYS * HOURS_PER_DAY, origin).values
    days = _daily_maxima(known)
    if not np.isfinite(days).any():
        return Seen(np.inf, 0, np.inf)
    before = np.fmax.accumulate(days)[:-1]
    records = int((days[1:] > before)[-NEW_DAYS:].sum())
    highest = float(np.nanmax(days))
    week_ago = float(before[-NEW_DAYS]) if len(before) >= NEW_DAYS else np.nan
    if records < RECORDS or not week_ago > 0:
        return Seen(highest, records, highest)
    return Seen(highest, records, highest * min(highest / week_ago, MOST_GROWTH))


def bounds_before(series: HourlySeries, origins: Sequence[int]) -> FloatArray:
    """What bounds the band at each origin."""
    return np.array([seen_before(series, origin).bound for origin in origins])


def _daily_maxima(values: FloatArray) -> FloatArray:
    """By day, the newest one last and whole; NaN for a day without values."""
    filled = np.where(np.isfinite(values), values, -np.inf)
    missing = -len(filled) % HOURS_PER_DAY
    days = (
        np.append(np.full(missing, -np.inf), filled).reshape(-1, HOURS_PER_DAY).max(axis=1, initial=-np.inf)
    )
    return np.where(np.isfinite(days), days, np.nan)
