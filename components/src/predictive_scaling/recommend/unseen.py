"""Why a forecast reaches beyond what was seen: nothing is planned for that without a reason."""

from __future__ import annotations

import numpy as np
import pandas as pd

from predictive_scaling.backtest.seen import DAYS, seen_before
from predictive_scaling.base.series import HourlySeries
from predictive_scaling.models import BY_LOAD
from predictive_scaling.models.features import target

HOUR = pd.Timedelta(hours=1)
ROUNDING = 1e-6


def beyond_seen(metric: str, ahead: pd.DataFrame, samples: pd.DataFrame) -> str:
    """What to tell where p95 of a forecast (timestamp, model, p50, p95) is above the highest hour of 28 days."""
    begin = ahead["timestamp"].min()
    seen = seen_before(_hours(metric, samples[samples["timestamp"] < begin]), _hour(begin))
    if not float(ahead["p95"].max()) > seen.highest * (1 + ROUNDING):
        return ""
    if str(ahead["model"].iloc[0]) == BY_LOAD:
        return f"it follows the load, whose forecast asks for more than anything in the {DAYS} days before"
    if float(ahead["p50"].max()) > seen.highest:
        return f"the forecast itself is higher than anything in the {DAYS} days before"
    return (
        seen.told() or f"usage shifted lately, or was higher at the training than in the {DAYS} days before"
    )


def _hours(metric: str, samples: pd.DataFrame) -> HourlySeries:
    """Hours as they are forecast: means of cpu, the highest of memory."""
    values = pd.Series(target(samples, metric).to_numpy(np.float64), index=samples["timestamp"].dt.floor("h"))
    if values.empty:
        return HourlySeries(0, np.array([]))
    grouped = values.groupby(level=0)
    by_hour = (grouped.mean() if metric == "cpu" else grouped.max()).asfreq("h")
    return HourlySeries(_hour(by_hour.index[0]), np.asarray(by_hour, dtype=np.float64))


def _hour(instant: pd.Timestamp) -> int:
    return int(instant.timestamp() // 3600)
