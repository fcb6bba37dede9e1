"""What was highest: within the hour, of cpu; yesterday and in the week, of memory.

A forecast mean of 2 cores, on a service whose busy hours mostly peak at 1.5 times their mean, needs 3: the highest five
minutes where the rows are as fine, else the rows' own maxima. What a floor has to reach is judged by playing the hours'
course, where it is known; the peaks are for what is requested.
"""

from __future__ import annotations

import numpy as np

from predictive_scaling.base.series import FloatArray
from predictive_scaling.recommend.known import DAY_SECONDS, HOUR_SECONDS, Known

DAYS = 14
# Half of the busy hours peak higher. Nine of ten would cost a third more than what the same hours above cost otherwise.
QUANTILE = 0.5
MOST = 4.0  # beyond that it is one restart or one stray sample rather than the hour's course
WEEK_SECONDS = 7 * DAY_SECONDS


def peak_ratio(known: Known) -> float:
    """The highest of a busy hour of cpu over its mean, in half of them; 1 where rows are hours and have no maxima."""
    if not len(known.seconds):
        return 1.0
    newest = int(known.seconds[-1])
    recent = known.between(newest - DAYS * DAY_SECONDS + 1, newest + 1)
    mean, most = _hours(recent)
    busy = np.isfinite(mean) & np.isfinite(most)
    busy &= (mean > 0) & (mean >= np.median(mean[busy]) if busy.any() else False)
    if not busy.any():
        return 1.0
    return float(np.clip(np.quantile(most[busy] / mean[busy], QUANTILE), 1.0, MOST))


def _hours(known: Known) -> tuple[FloatArray, FloatArray]:
    """Mean and highest of each hour that has rows; NaN where nothing was measured."""
    _, begin = np.unique(known.seconds // HOUR_SECONDS, return_index=True)
    there = np.isfinite(known.value)
    number = np.add.reduceat(there.astype(np.float64), begin)
    total = np.add.reduceat(np.where(there, known.value, 0.0), begin)
    mean = np.where(number > 0, total / np.maximum(number, 1.0), np.nan)
    return mean, np.fmax.reduceat(known.most, begin)


def memory_maxima(known: Known, end: int) -> tuple[float, ...]:
    """Maxima of the day and of the week before an instant (seconds since 1970); none where either has no value."""
    day, week = (_maximum(known.between(end - span, end).value) for span in (DAY_SECONDS, WEEK_SECONDS))
    return (day, week) if np.isfinite(day) and np.isfinite(week) else ()


def _maximum(values: FloatArray) -> float:
    return float(np.fmax.reduce(values, initial=np.nan))
