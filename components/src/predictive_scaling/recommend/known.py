"""What is known of a service's usage at an instant, as arrays: a plan of the past asks it dozens of times a service."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from predictive_scaling.base.series import FloatArray, IntArray
from predictive_scaling.models.features import highest, target

HOUR_SECONDS = 3600
DAY_SECONDS = 24 * HOUR_SECONDS


@dataclass(frozen=True)
class Known:
    """Rows of one metric in order of time: seconds since 1970, what is forecast of it, and the highest in the row."""

    seconds: IntArray
    value: FloatArray
    most: FloatArray

    def between(self, first: int, last: int) -> Known:
        """Rows from `first` on, before `last` (seconds since 1970)."""
        low, high = np.searchsorted(self.seconds, [first, last])
        return Known(self.seconds[low:high], self.value[low:high], self.most[low:high])

    def before(self, last: int) -> Known:
        """Rows before an instant."""
        return self.between(int(self.seconds[0]) if len(self.seconds) else last, last)


def known_of(rows: pd.DataFrame, metric: str) -> Known:
    """A service's own rows; whole seconds, as instants are written."""
    seconds = epoch_seconds(rows["timestamp"])
    order = np.argsort(seconds, kind="stable")
    value, most = (
        np.asarray(each, dtype=np.float64)[order] for each in (target(rows, metric), highest(rows, metric))
    )
    return Known(seconds[order], value, most)


def epoch_seconds(moments: pd.Series[pd.Timestamp]) -> IntArray:
    """Whole seconds since 1970."""
    return np.asarray(moments.dt.as_unit("s").astype("int64"), dtype=np.int64)


def epoch_second(moment: pd.Timestamp) -> int:
    """The same of one instant."""
    return int(moment.timestamp())
