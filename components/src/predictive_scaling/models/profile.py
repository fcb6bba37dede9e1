"""Day profile, shrunk weekday × hour profile, and a smoothed level: additive, closed form, numpy only.

1. The slow course is the mean over the week around each hour. What is left after it shows the season.
2. Day profile: mean by hour of day, recent days weighing more (half-life 7 days).
3. Weekday × hour: mean of what is left then, shrunk by n / (n + 2) for n weeks, so that one odd Monday counts little.
4. Level: exponential smoothing of the series without season. The smoothing constant is the one of four whose level
   was best a day ahead within the same series.

All constants are fixed in advance; none was fitted to shipped data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictive_scaling.documents import Document
from predictive_scaling.series import (
    HOURS_PER_DAY,
    HOURS_PER_WEEK,
    FloatArray,
    HourlySeries,
    IntArray,
    hour_of_day,
    weekday,
)

HALF_LIFE_HOURS = 7 * HOURS_PER_DAY
SHRINKAGE_WEEKS = 2.0
SMOOTHING = np.array([0.01, 0.05, 0.2, 0.6])


@dataclass(frozen=True)
class FittedProfile:
    """Forecast of hour h: level + day[h mod 24] + week[hour of the week]."""

    end: int
    level: float
    day: tuple[float, ...]
    week: tuple[float, ...]
    kind: str = "profile_level"

    def forecast(self, hours: int) -> FloatArray:
        """Add the season to the level; clipped at zero, since usage is never negative."""
        ahead = np.arange(self.end, self.end + hours, dtype=np.int64)
        season = np.array(self.day)[hour_of_day(ahead)] + np.array(self.week)[hour_of_week(ahead)]
        forecast: FloatArray = np.maximum(self.level + season, 0.0)
        return forecast

    def to_json(self) -> Document:
        """State: where the series ended, the level and both profiles."""
        return {"end": self.end, "level": self.level, "day": list(self.day), "week": list(self.week)}

    @staticmethod
    def from_json(state: Document) -> FittedProfile:
        """Read the state back; raises ValueError when a profile has the wrong length."""
        day = tuple(float(value) for value in state["day"])
        week = tuple(float(value) for value in state["week"])
        if (len(day), len(week)) != (HOURS_PER_DAY, HOURS_PER_WEEK):
            raise ValueError("a profile needs 24 and 168 values")
        return FittedProfile(int(state["end"]), float(state["level"]), day, week)


@dataclass(frozen=True)
class ProfileLevel:
    """Recipe of the profile model."""

    kind: str = "profile_level"
    min_hours: int = 2 * HOURS_PER_DAY

    def fit(self, series: HourlySeries) -> FittedProfile:
        """Fit in the order of the module's text."""
        left = series.values - slow_course(series.values)
        weights = 0.5 ** ((series.end - series.hours) / HALF_LIFE_HOURS)
        day = group_means(left, hour_of_day(series.hours), HOURS_PER_DAY, weights)
        left = left - day[hour_of_day(series.hours)]
        week = shrunk_means(left, hour_of_week(series.hours), HOURS_PER_WEEK)
        season = day[hour_of_day(series.hours)] + week[hour_of_week(series.hours)]
        level = smoothed_level(series.values - season)
        return FittedProfile(series.end, level, tuple(day.tolist()), tuple(week.tolist()))


def hour_of_week(hours: IntArray) -> IntArray:
    """Hour of the week, Monday 00:00 UTC is 0."""
    return weekday(hours) * HOURS_PER_DAY + hour_of_day(hours)


def slow_course(values: FloatArray) -> FloatArray:
    """Mean of the observed values of the week around each hour.

    At the ends it is the first and last whole week: a part of a day would put its season into the slow course.
    """
    known = np.isfinite(values)
    sums = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0.0))])
    counts = np.concatenate([[0], np.cumsum(known)])
    at = np.arange(len(values))
    low = np.clip(at - HOURS_PER_WEEK // 2, 0, max(0, len(values) - HOURS_PER_WEEK))
    high = np.minimum(low + HOURS_PER_WEEK, len(values))
    number = counts[high] - counts[low]
    return np.where(number > 0, (sums[high] - sums[low]) / np.maximum(number, 1), np.nan)


def group_means(values: FloatArray, group: IntArray, groups: int, weights: FloatArray) -> FloatArray:
    """Weighted mean by group; 0 for a group without observed values."""
    known = np.isfinite(values)
    total = np.bincount(group[known], (weights * values)[known], groups)
    weight = np.bincount(group[known], weights[known], groups)
    return np.where(weight > 0, total / np.where(weight > 0, weight, 1.0), 0.0)


def shrunk_means(values: FloatArray, group: IntArray, groups: int) -> FloatArray:
    """Mean by group × n / (n + SHRINKAGE_WEEKS)."""
    known = np.isfinite(values)
    number = np.bincount(group[known], minlength=groups)
    total = np.bincount(group[known], values[known], groups)
    return np.asarray(total / (number + SHRINKAGE_WEEKS), dtype=np.float64)


def smoothed_level(values: FloatArray) -> float:
    """Last level of the exponential smoothing whose level missed the values a day later by least."""
    filled = _carried_forward(values)
    levels = np.empty((len(filled), len(SMOOTHING)))
    level = np.full(len(SMOOTHING), filled[:HOURS_PER_DAY].mean())
    for at, value in enumerate(filled):
        level = level + SMOOTHING * (value - level)
        levels[at] = level
    misses = np.abs(values[HOURS_PER_DAY:, None] - levels[:-HOURS_PER_DAY])
    missed = np.nansum(misses, axis=0)  # every constant is judged on the same hours, so the sum will do
    return float(levels[-1, int(np.argmin(missed))])


def _carried_forward(values: FloatArray) -> FloatArray:
    """Fill gaps with the last observed value, a leading gap with the first."""
    known = np.isfinite(values)
    last = np.maximum.accumulate(np.where(known, np.arange(len(values)), -1))
    return np.asarray(values[np.where(last >= 0, last, int(np.argmax(known)))], dtype=np.float64)
