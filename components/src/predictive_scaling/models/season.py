"""Day profile and shrunk weekday × hour profile of a series: its season, in closed form, numpy only.

1. The slow course is the mean over the week around each hour. What is left after it shows the season.
2. Day profile: mean or median by hour of day, recent days weighing more (half-life 7 days).
3. Weekday × hour: mean of what is left then, shrunk by n / (n + 2) for n weeks, so that one odd Monday counts little.
   None from less than two weeks: no weekday was seen twice.

All constants are fixed in advance; none was fitted to shipped data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictive_scaling.base.documents import Document
from predictive_scaling.base.series import (
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
ODD_SHARE = 0.05  # beside a median, the weekly profile must not be drawn by the same few odd hours


@dataclass(frozen=True)
class Season:
    """What to add to the level in each hour: day[h mod 24] + week[hour of the week]."""

    day: tuple[float, ...]
    week: tuple[float, ...]

    def at(self, hours: IntArray) -> FloatArray:
        """Season of the given hours (since 1970)."""
        season: FloatArray = np.array(self.day)[hour_of_day(hours)] + np.array(self.week)[hour_of_week(hours)]
        return season

    def to_json(self) -> Document:
        """Both profiles."""
        return {"day": list(self.day), "week": list(self.week)}

    @staticmethod
    def from_json(state: Document) -> Season:
        """Read back; raises ValueError when a profile has the wrong length."""
        day = tuple(float(value) for value in state["day"])
        week = tuple(float(value) for value in state["week"])
        if (len(day), len(week)) != (HOURS_PER_DAY, HOURS_PER_WEEK):
            raise ValueError("a profile needs 24 and 168 values")
        return Season(day, week)


def season_of(series: HourlySeries, *, median: bool = False) -> Season:
    """Learn the season in the order of the module's text; `median` resists odd days, the mean uses all data."""
    left = series.values - slow_course(series.values)
    weights = 0.5 ** ((series.end - series.hours) / HALF_LIFE_HOURS)
    average = group_medians if median else group_means
    day = average(left, hour_of_day(series.hours), HOURS_PER_DAY, weights)
    left = left - day[hour_of_day(series.hours)]
    if len(left) < 2 * HOURS_PER_WEEK:
        return Season(tuple(day.tolist()), (0.0,) * HOURS_PER_WEEK)
    week = shrunk_means(_without_odd(left) if median else left, hour_of_week(series.hours), HOURS_PER_WEEK)
    return Season(tuple(day.tolist()), tuple(week.tolist()))


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


def group_medians(values: FloatArray, group: IntArray, groups: int, weights: FloatArray) -> FloatArray:
    """Weighted median by group; 0 for a group without observed values."""
    known = np.isfinite(values)
    medians = np.zeros(groups)
    for at in range(groups):
        inside = known & (group == at)
        if inside.any():
            medians[at] = weighted_median(values[inside], weights[inside])
    return medians


def weighted_median(values: FloatArray, weights: FloatArray) -> float:
    """Smallest value at which the sorted weights reach half of their sum."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return float(values[order][int(np.searchsorted(reached, reached[-1] / 2))])


def shrunk_means(values: FloatArray, group: IntArray, groups: int) -> FloatArray:
    """Mean by group × n / (n + SHRINKAGE_WEEKS)."""
    known = np.isfinite(values)
    number = np.bincount(group[known], minlength=groups)
    total = np.bincount(group[known], values[known], groups)
    return np.asarray(total / (number + SHRINKAGE_WEEKS), dtype=np.float64)


def _without_odd(values: FloatArray) -> FloatArray:
    """Values cut to their own inner nine tenths."""
    low, high = np.nanquantile(values, [ODD_SHARE, 1 - ODD_SHARE])
    return np.clip(values, low, high)
