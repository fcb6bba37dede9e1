"""What was highest: within the hour, of cpu; yesterday and in the week, of memory.

A forecast mean of 2 cores, on a service whose busy hours mostly peak at 1.5 times their mean, needs 3: the highest five
minutes where the rows are as fine, else the rows' own maxima. What a floor has to reach is judged by playing the hours'
course, where it is known; the peaks are for what is requested.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from predictive_scaling.models.features import highest, target

DAYS = 14
# Half of the busy hours peak higher. Nine of ten would cost a third more than what the same hours above cost otherwise.
QUANTILE = 0.5
MOST = 4.0  # beyond that it is one restart or one stray sample rather than the hour's course
DAY, WEEK = pd.Timedelta(days=1), pd.Timedelta(days=7)


def peak_ratio(rows: pd.DataFrame) -> float:
    """The highest of a busy hour over its mean, in half of them; 1 where rows are hours and have no maxima."""
    newest = rows["timestamp"].max()
    recent = rows[rows["timestamp"] > newest - pd.Timedelta(days=DAYS)]
    known = pd.DataFrame(
        {"hour": recent["timestamp"].dt.floor("h"), "mean": recent["cpu"], "most": highest(recent, "cpu")}
    )
    hours = known.groupby("hour").agg(mean=("mean", "mean"), most=("most", "max")).dropna()
    busy = hours[(hours["mean"] >= hours["mean"].median()) & (hours["mean"] > 0)]
    if busy.empty:
        return 1.0
    return float(np.clip((busy["most"] / busy["mean"]).quantile(QUANTILE), 1.0, MOST))


def memory_maxima(rows: pd.DataFrame, end: pd.Timestamp) -> tuple[float, ...]:
    """Maxima of the day and of the week before `end`; none where either has no value."""
    before = rows[(rows["timestamp"] < end) & (rows["timestamp"] >= end - WEEK)]
    values = target(before, "memory")
    day, week = values[before["timestamp"] >= end - DAY].max(), values.max()
    return (float(day), float(week)) if np.isfinite(day) and np.isfinite(week) else ()
