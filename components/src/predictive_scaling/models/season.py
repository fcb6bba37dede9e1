"""Day profile and shrunk weekday × hour profile of series: their season, in closed form, numpy only.

1. The slow course is the mean over the week around each hour. What is left after it shows the season.
2. Day profile: mean or median by hour of day, recent days weighing more (half-life 7 days).
3. Weekday × hour: mean of what is left then, shrunk by n / (n + 2) for n weeks, so that one odd Monday counts little.
   None from less than two weeks: no weekday was seen twice.

Series are rows: many windows are learnt from at once. All constants are fixed in advance; none was fitted to shipped
data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictive_scaling.base.documents import Document
from predictive_scaling.base.series import (
    HOURS_PER_DAY,
    HOURS_PER_WEEK,
    FloatArray,
    IntArray,
    Windows,
    hour_of_day,
    weekday,
)
from predictive_scaling.models.seasonal import folded

HALF_LIFE_HOURS = 7 * HOURS_PER_DAY
SHRINKAGE_WEEKS = 2.0
ODD_SHARE = 0.05  # beside a median, the weekly profile must not be drawn by the same few odd hours


@dataclass(frozen=True)
class Seasons:
    """What to add to the level in each hour, a row a series: day[h mod 24] + week[hour of the week]."""

    day: FloatArray
    week: FloatArray

    def at(self, hours: IntArray) -> FloatArray:
        """Season of each row's hours (since 1970)."""
        of_day = np.take_along_axis(self.day, hour_of_day(hours), axis=1)
        season: FloatArray = of_day + np.take_along_axis(self.week, hour_of_week(hours), axis=1)
        return season

    def row(self, at: int) -> Seasons:
        """One series' season."""
        return Seasons(self.day[at : at + 1], self.week[at : at + 1])

    def to_json(self) -> Document:
        """Both profiles of the only row."""
        return {"day": self.day[0].tolist(), "week": self.week[0].tolist()}

    @staticmethod
    def from_json(state: Document) -> Seasons:
        """Read back; raises ValueError when a profile has the wrong length."""
        day = [float(value) for value in state["day"]]
        week = [float(value) for value in state["week"]]
        if (len(day), len(week)) != (HOURS_PER_DAY, HOURS_PER_WEEK):
            raise ValueError("a profile needs 24 and 168 values")
        return Seasons(np.array([day]), np.array([week]))


def seasons_of(windows: Windows, *, median: bool = False) -> Seasons:
    """Learn seasons in the order of the module's text; `median` resists odd days, the mean uses all data."""
    left = windows.values - slow_course(windows.values)
    weights = 0.5 ** (np.arange(windows.length, 0, -1) / HALF_LIFE_HOURS)
    of_day = hour_of_day(windows.hours)
    day = day_medians(left, of_day, weights) if median else group_means(left, of_day, HOURS_PER_DAY, weights)
    if windows.length < 2 * HOURS_PER_WEEK:
        return Seasons(day, np.zeros((len(day), HOURS_PER_WEEK)))
    left = left - np.take_along_axis(day, of_day, axis=1)
    if median:
        left = _without_odd(left)
    return Seasons(day, shrunk_means(left, hour_of_week(windows.hours), HOURS_PER_WEEK))


def hour_of_week(hours: IntArray) -> IntArray:
    """Hour of the week, Monday 00:00 UTC is 0."""
    return weekday(hours) * HOURS_PER_DAY + hour_of_day(hours)


def slow_course(values: FloatArray) -> FloatArray:
    """Mean of each row's observed values of the week around each hour.

    At the ends it is the first and last whole week: a part of a day would put its season into the slow course.
    """
    length = values.shape[1]
    known = np.isfinite(values)
    sums, counts = _running(np.where(known, values, 0.0)), _running(known)
    low = np.clip(np.arange(length) - HOURS_PER_WEEK // 2, 0, max(0, length - HOURS_PER_WEEK))
    high = np.minimum(low + HOURS_PER_WEEK, length)
    number = counts[:, high] - counts[:, low]
    return np.where(number > 0, (sums[:, high] - sums[:, low]) / np.maximum(number, 1), np.nan)


def _running(values: FloatArray) -> FloatArray:
    """Sums of the first 0, 1, 2, … values of each row."""
    return np.pad(np.cumsum(values, axis=1), ((0, 0), (1, 0)))


def group_means(values: FloatArray, group: IntArray, groups: int, weights: FloatArray) -> FloatArray:
    """Each row's weighted mean by group (rows × groups); 0 for a group without observed values."""
    total, weight = _sums(values * weights, group, groups), _sums(values * 0.0 + weights, group, groups)
    return np.where(weight > 0, total / np.where(weight > 0, weight, 1.0), 0.0)


def _sums(values: FloatArray, group: IntArray, groups: int) -> FloatArray:
    """Each row's sums of observed values by group."""
    known = np.isfinite(values)
    at = np.arange(len(values))[:, None] * groups + group
    found = np.bincount(at[known], values[known], minlength=len(values) * groups)
    return np.asarray(found, dtype=np.float64).reshape(len(values), groups)


def day_medians(values: FloatArray, of_day: IntArray, weights: FloatArray) -> FloatArray:
    """Each row's weighted median by hour of the day; 0 for an hour that was never observed.

    It is the smallest value at which the sorted weights reach half of their sum. Columns are consecutive hours.
    """
    days, weight = folded(values, HOURS_PER_DAY), folded(weights[None, :], HOURS_PER_DAY)
    by_hour = np.ascontiguousarray(
        days.transpose(0, 2, 1)
    )  # rows × hours × days, NaN last once they are sorted
    order = np.argsort(by_hour, axis=2, kind="stable")
    ordered = np.take_along_axis(by_hour, order, axis=2)
    weighs = np.take_along_axis(np.broadcast_to(weight.transpose(0, 2, 1), by_hour.shape), order, axis=2)
    reached = np.cumsum(np.where(np.isfinite(ordered), weighs, 0.0), axis=2)
    at = np.argmax(reached >= reached[:, :, -1:] / 2, axis=2)
    found = np.nan_to_num(np.take_along_axis(ordered, at[:, :, None], axis=2)[:, :, 0])
    medians = np.empty_like(found)
    np.put_along_axis(medians, (of_day[:, -1:] + 1 + np.arange(HOURS_PER_DAY)) % HOURS_PER_DAY, found, axis=1)
    return medians


def shrunk_means(values: FloatArray, group: IntArray, groups: int) -> FloatArray:
    """Each row's mean by group × n / (n + SHRINKAGE_WEEKS)."""
    number = _sums(values * 0.0 + 1.0, group, groups)
    return np.asarray(_sums(values, group, groups) / (number + SHRINKAGE_WEEKS), dtype=np.float64)


def _without_odd(values: FloatArray) -> FloatArray:
    """Values cut to their own row's inner nine tenths."""
    ordered = np.sort(values, axis=1)  # NaN come last
    last = np.isfinite(values).sum(axis=1, keepdims=True) - 1
    low, high = (_quantile(ordered, share * last) for share in (ODD_SHARE, 1 - ODD_SHARE))
    return np.clip(values, low, high)


def _quantile(ordered: FloatArray, at: FloatArray) -> FloatArray:
    """Values at positions between two of a row, in a straight line."""
    below = np.floor(at).astype(np.int64)
    left = np.take_along_axis(ordered, below, axis=1)
    right = np.take_along_axis(ordered, np.ceil(at).astype(np.int64), axis=1)
    part: FloatArray = at - below
    # From the nearer end, as numpy's own does, so that both ends are exact.
    return np.where(part < 0.5, left + (right - left) * part, right - (right - left) * (1 - part))
