"""Cores and load together, table by table: what a unit costs, and a past as the code of now would have had it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import numpy as np
import pandas as pd

from predictive_scaling.base.series import FloatArray, HourlySeries
from predictive_scaling.models.features import MOVED_BY, load_of
from predictive_scaling.models.unit_cost import UnitCost, unit_cost
from predictive_scaling.usage.checks import LOAD, LOADS
from predictive_scaling.usage.load_checks import load_column
from predictive_scaling.usage.tables import epoch_hours

MOVED = ("cpu", "cpu_max")
WINDOW_DAYS = 28
UNITS = {"requests": "requests/s", "queue": "items"}


def unit_of(rows: pd.DataFrame) -> str:
    """The unit of one service's load; empty where it has none."""
    return UNITS.get(load_column(rows), "")


def loaded(samples: pd.DataFrame) -> list[str]:
    """Services that have a load."""
    return [name for name, _ in _with_load(samples)]


def costs(samples: pd.DataFrame, refused: Collection[tuple[str, str]] = ()) -> dict[str, UnitCost]:
    """What a unit of load costs, by service, from clean samples; services without are left out.

    So are those whose cores or load are among `refused` (service, metric).
    """
    bad = {service for service, metric in refused if metric in ("cpu", LOAD)}
    found = ((name, cost_of(rows)) for name, rows in _with_load(samples) if name not in bad)
    return {name: cost for name, cost in found if cost is not None}


def cost_of(rows: pd.DataFrame, *, levelled: bool = False) -> UnitCost | None:
    """The same of one service's rows, finer than hours or not."""
    pairs = pd.DataFrame({"hour": epoch_hours(rows), "cpu": rows["cpu"], "load": load_of(rows)}).dropna()
    if pairs.empty:
        return None
    means = pairs[pairs["hour"] > pairs["hour"].max() - WINDOW_DAYS * 24].groupby("hour").mean()
    hours = np.arange(means.index.min(), means.index.max() + 1)
    cpu, load = (np.asarray(means[name].reindex(hours), dtype=np.float64) for name in ("cpu", "load"))
    return unit_cost(HourlySeries(int(hours[0]), cpu), HourlySeries(int(hours[0]), load), levelled=levelled)


def levelled(samples: pd.DataFrame, found: Mapping[str, UnitCost]) -> pd.DataFrame:
    """Samples whose cores before a change of the code are what the code of now would have used for their load.

    By what they were multiplied stands beside them, for backtests: nobody knew it before the change.
    """
    moved = {name: each for name, each in found.items() if any(change.counts for change in each.changes)}
    if not moved:
        return samples
    hours, names = epoch_hours(samples), samples["service"].to_numpy()
    factors = np.ones(len(samples))
    for name, each in moved.items():
        factors[names == name] = each.factors(hours[names == name])
    cores = {name: samples[name] * factors for name in MOVED if name in samples.columns}
    return samples.assign(**cores, **{MOVED_BY: factors})


def by_load(forecast: pd.DataFrame, cost: UnitCost) -> pd.DataFrame:
    """A load's forecast (timestamp, p10, p50, p90, p95) as one of cores.

    Above p50 both uncertainties count, that of the load and that of its cost, as independent ones do.
    """
    hours = epoch_hours(forecast)
    cores = {
        name: cost.expected(forecast[name].to_numpy(dtype=np.float64), hours)
        for name in ("p10", "p50", "p90", "p95")
    }
    p95 = _both(cores["p50"], cores["p95"], cost.spread)
    p90 = np.minimum(_both(cores["p50"], cores["p90"], cost.spread * P90_OF_P95), p95)
    p10 = 2 * cores["p50"] - _both(cores["p50"], 2 * cores["p50"] - cores["p10"], cost.spread * P90_OF_P95)
    return forecast.assign(p10=np.maximum(p10, 0.0), p50=cores["p50"], p90=p90, p95=p95)


P90_OF_P95 = 1.2816 / 1.6449
"""Distances of a normal distribution's quantiles from its middle."""


def _both(p50: FloatArray, high: FloatArray, spread: float) -> FloatArray:
    found: FloatArray = p50 + np.hypot(np.maximum(high - p50, 0.0), spread * p50)
    return found


def _with_load(samples: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    if any(name in samples.columns for name in LOADS):
        for name, rows in samples.groupby("service", sort=True):
            if load_column(rows):
                yield str(name), rows
