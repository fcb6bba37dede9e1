"""The past of a service as an autoscaler would meet it: demand minute by minute, counted in pods, by whole days.

Days are counted back from the newest hour, so that the last one ends where a forecast begins. Five-minute means become
minutes by straight lines between their middles; what peaks within a step is lost in it, for every plan alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from predictive_scaling.base.series import HOURS_PER_DAY, FloatArray

MINUTES_PER_HOUR = 60
MINUTES_PER_DAY = 1440
WARM_UP = MINUTES_PER_HOUR  # of every day that is played: the autoscaler comes to rest in it
MAX_DAYS = 28
MIN_DAYS = 4
MAX_STEP = pd.Timedelta(minutes=10)  # of sparser samples nothing can be said within an hour
MAX_GAP_MINUTES = 120  # a longer one leaves its days out
NOMINAL_PODS = 10.0  # of a service whose pods' size is not known: this many at its mean
TINY = 1e-9


@dataclass(frozen=True)
class Past:
    """Demand by minute in pods (a pod serves 1), and which whole days are known; before the first lies the warm-up.

    `cores` is what a pod serves, `least` the pods that there are in any case, `first_hour` the hour of the day (UTC)
    at which days begin.
    """

    service: str
    demand: FloatArray
    known: tuple[bool, ...]
    cores: float
    least: float = 1.0
    first_hour: int = 0

    @property
    def days(self) -> int:
        """Whole days, known or not."""
        return len(self.known)

    def until(self, day: int) -> Past:
        """What was known before a day (0 the oldest)."""
        minutes = self.demand[: WARM_UP + day * MINUTES_PER_DAY]
        return replace(self, demand=minutes, known=self.known[:day])

    def of_days(self, days: Sequence[int], minutes: FloatArray | None = None) -> FloatArray:
        """Columns of (warm-up and day) × days, of demand or of another course over the same minutes."""
        course = self.demand if minutes is None else minutes
        starts = [day * MINUTES_PER_DAY for day in days]
        return np.stack([course[at : at + WARM_UP + MINUTES_PER_DAY] for at in starts], axis=1)

    def level_before(self, day: int, hours: int) -> float:
        """Mean demand of so many hours before a day, as far as they are known; never zero."""
        end = WARM_UP + day * MINUTES_PER_DAY
        return max(float(self.demand[max(0, end - hours * MINUTES_PER_HOUR) : end].mean()), TINY)

    def means(self) -> FloatArray:
        """Mean demand of every day, never zero."""
        days = self.demand[WARM_UP:].reshape(self.days, MINUTES_PER_DAY)
        found: FloatArray = np.maximum(days.mean(axis=1), TINY)
        return found


def past_of(
    service: str, samples: pd.DataFrame, *, target: float, cores: float | None, least: float = 1.0
) -> Past | None:
    """The past of one service's clean rows (timestamp, cpu); None where it is too short, too sparse, or all zero.

    Without `cores` a pod is of such a size that its mean demand is NOMINAL_PODS at the target utilisation.
    """
    rows = samples[samples["cpu"].notna()].sort_values("timestamp")
    if len(rows) < 2:
        return None
    step = pd.Timedelta(rows["timestamp"].diff().median())
    if step > MAX_STEP:
        return None
    end = (samples["timestamp"].max() + step).floor("h")
    begin = max(rows["timestamp"].iloc[0], end - pd.Timedelta(days=MAX_DAYS, minutes=WARM_UP))
    days = int((end - begin - pd.Timedelta(minutes=WARM_UP)) / pd.Timedelta(days=1))
    if days < MIN_DAYS:
        return None
    cpu, known = _minutes(rows, end, step, days)
    size = cores if cores is not None else float(cpu.mean()) / (target * NOMINAL_PODS)
    if size <= 0 or sum(known) < MIN_DAYS:
        return None
    return Past(service, cpu / size, known, size, least, end.hour)


def _minutes(
    rows: pd.DataFrame, end: pd.Timestamp, step: pd.Timedelta, days: int
) -> tuple[FloatArray, tuple[bool, ...]]:
    """Cores by minute, and which of the days have no long gap."""
    first = end - pd.Timedelta(days=days, minutes=WARM_UP)
    middles = (rows["timestamp"] - first + step / 2).dt.total_seconds().to_numpy(dtype=np.float64) / 60
    minutes = np.arange(WARM_UP + days * MINUTES_PER_DAY) + 0.5
    cpu = np.interp(minutes, middles, rows["cpu"].to_numpy(dtype=np.float64))
    after = np.searchsorted(middles, minutes)
    before = np.concatenate([[-np.inf], middles])[after]
    following = np.concatenate([middles, [np.inf]])[after]
    gap = np.minimum(following, minutes[-1] + 1) - np.maximum(before, -1) > MAX_GAP_MINUTES
    within = gap[WARM_UP:].reshape(days, MINUTES_PER_DAY).any(axis=1)
    return np.maximum(cpu, 0.0), tuple(bool(each) for each in ~within)


def by_minute(hours: FloatArray) -> FloatArray:
    """Hourly values held for their minutes."""
    return np.repeat(hours, MINUTES_PER_HOUR)


def ahead(minutes: FloatArray, lead: int) -> FloatArray:
    """The higher of a course and the same `lead` minutes later: a floor that is ordered early."""
    found = minutes.copy()
    if lead:
        found[:-lead] = np.maximum(minutes[:-lead], minutes[lead:])
    return found


def week_before(past: Past, target: float) -> FloatArray:
    """What people write without a model: the maximum of the half hour that began now, a week ago, at the target.

    In PromQL `max_over_time(usage[30m] offset 6d23h30m)`. Zero in the first week.
    """
    week = 7 * MINUTES_PER_DAY
    highest = pd.Series(past.demand[::-1]).rolling(31, min_periods=1).max().to_numpy()[::-1]
    found = np.zeros(len(past.demand))
    found[week:] = highest[:-week] / target
    return found


def hours_of(minutes: FloatArray) -> FloatArray:
    """Hours (days × 24) of a course of whole days."""
    found: FloatArray = minutes.reshape(-1, HOURS_PER_DAY, MINUTES_PER_HOUR).sum(axis=2)
    return found
