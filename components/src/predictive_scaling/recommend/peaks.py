"""Peaks of cpu within the hour, where the rows are too coarse to show them and have their maxima instead.

Of rows of ten minutes or less the hours' course is known, and what a floor has to reach is judged by playing it. Of an
hour's mean and maximum only their ratio is: a forecast mean of 2 cores, on a service whose busy hours mostly peak at
1.8 times their mean, asks for 3.6 at least.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from predictive_scaling.base.series import FloatArray
from predictive_scaling.models.features import highest

FINE = pd.Timedelta(minutes=10)
DAYS = 14
QUANTILE = 0.9
MOST = 4.0  # beyond that it is one restart or one stray sample rather than the hour's course


def peak_cores(p50: FloatArray, samples: pd.DataFrame) -> FloatArray:
    """The peaks that forecast means of hours come with; the means themselves where no maxima are known."""
    return p50 * _ratio(samples)


def _ratio(samples: pd.DataFrame) -> float:
    if "cpu_max" not in samples.columns or len(samples) < 2:
        return 1.0
    rows = samples.sort_values("timestamp")
    recent = rows[rows["timestamp"] > rows["timestamp"].iloc[-1] - pd.Timedelta(days=DAYS)]
    busy = recent[recent["cpu"] >= recent["cpu"].median()]
    busy = busy[busy["cpu"] > 0]
    if busy.empty or pd.Timedelta(rows["timestamp"].diff().median()) <= FINE:
        return 1.0
    ratios = highest(busy, "cpu") / busy["cpu"]
    return float(np.clip(ratios.quantile(QUANTILE), 1.0, MOST))
