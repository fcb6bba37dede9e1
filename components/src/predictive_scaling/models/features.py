"""Hourly features from clean samples.

Columns: timestamp, service, cpu, memory (means of the hour), cpu_max, memory_max, hour, dow (Monday 0), is_weekend,
n_samples; and where the samples have them cpu_request, memory_request (last of the hour), requests, queue (means),
deployed (1 in an hour with a deployment, else 0), cpu_moved_by (what cores were multiplied by, as the code got slower
or faster since).
Hours with less than half their samples are missing (NaN), and stay so.

What is forecast of cpu is the hour's mean: who works slower for a minute goes on. Of memory it is the hour's highest,
by the samples' own maxima where they have them: a container that once needs more than it may have is killed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from predictive_scaling.base.errors import InputError
from predictive_scaling.base.series import FloatArray, HourlySeries, IntArray
from predictive_scaling.usage.checks import DEPLOYED, LOAD, LOADS, METRICS
from predictive_scaling.usage.load_checks import load_column
from predictive_scaling.usage.tables import epoch_hours

FEATURE_COLUMNS = (
    *("timestamp", "service", "cpu", "memory", "cpu_max", "memory_max"),
    *("hour", "dow", "is_weekend", "n_samples"),
)
MOVED_BY = "cpu_moved_by"
REQUEST_COLUMNS = ("cpu_request", "memory_request")
# What a model of a metric is trained on.
TARGET_COLUMNS = {"cpu": ("cpu",), "memory": ("memory", "memory_max"), LOAD: ()}
HOUR = pd.Timedelta(hours=1)


class CodeChange(NamedTuple):
    """From `hour` (since 1970) on the code takes so many times the cores."""

    hour: int
    times: float


@dataclass(frozen=True)
class FeatureEngineer:
    """Aggregates to hours and cuts to the newest `window_days`; raises InputError for settings it cannot serve."""

    model_freq: str = "1h"
    window_days: int = 45

    def __post_init__(self) -> None:
        if self.model_freq != "1h":
            raise InputError(
                f"model_freq is {self.model_freq!r}; models forecast hours, so only 1h is served"
            )
        if self.window_days < 1:
            raise InputError(f"window_days is {self.window_days}; it must be at least 1")

    def transform(self, clean: pd.DataFrame, services: Sequence[str] = ()) -> pd.DataFrame:
        """Features of the given services (none given: all); all end at the same hour, the newest whole one."""
        chosen = clean[clean["service"].isin(list(services))] if services else clean
        if chosen.empty:
            return pd.DataFrame(columns=pd.Index(FEATURE_COLUMNS))
        end = (chosen["timestamp"].max() + _step(chosen)).floor("h")
        index = pd.date_range(end - pd.Timedelta(days=self.window_days), end, freq="h", inclusive="left")
        tables = [
            self._service(str(name), rows, index) for name, rows in chosen.groupby("service", sort=True)
        ]
        features = pd.concat(tables, ignore_index=True)
        more = [name for name in (*REQUEST_COLUMNS, *LOADS, DEPLOYED, MOVED_BY) if name in features.columns]
        return features[[*FEATURE_COLUMNS, *more]]

    def _service(self, service: str, rows: pd.DataFrame, index: pd.DatetimeIndex) -> pd.DataFrame:
        expected = HOUR / _step(rows)
        aggregated = _hours(rows).reindex(index[index >= rows["timestamp"].min().floor("h")])
        aggregated = aggregated.assign(n_samples=aggregated["n_samples"].fillna(0).astype(int))
        sparse = aggregated["n_samples"] < expected / 2
        values = [name for name in aggregated.columns if name not in ("n_samples", DEPLOYED, MOVED_BY)]
        blanked = {name: aggregated[name].mask(sparse) for name in values}
        return _with_calendar(
            aggregated.assign(**blanked, service=service).rename_axis("timestamp").reset_index()
        )


def target(rows: pd.DataFrame, metric: str) -> pd.Series[float]:
    """What is forecast of a metric of one service: usage, and of memory its peaks where they are known; missing where
    usage is. Of load it is the column that the service has."""
    if metric == LOAD:
        return load_of(rows)
    return rows[metric] if metric == "cpu" else highest(rows, metric)


def load_of(rows: pd.DataFrame) -> pd.Series[float]:
    """The load of one service; all of it missing where it has none."""
    name = load_column(rows)
    return rows[name].astype("float64") if name else pd.Series(np.nan, index=rows.index, dtype="float64")


def highest(rows: pd.DataFrame, metric: str) -> pd.Series[float]:
    """The highest that is known of each row; a maximum that cannot be is as good as none."""
    values = rows[metric].astype("float64")
    if f"{metric}_max" not in rows.columns:
        return values
    maxima = rows[f"{metric}_max"].astype("float64")
    return maxima.where(np.isfinite(maxima) & (maxima >= values), values).mask(values.isna())


def _hours(rows: pd.DataFrame) -> pd.DataFrame:
    maxima = {f"{metric}_max": highest(rows, metric) for metric in METRICS}
    grouped = rows.assign(timestamp=rows["timestamp"].dt.floor("h"), **maxima).groupby("timestamp")
    return pd.DataFrame(
        {
            **{metric: grouped[metric].mean() for metric in METRICS},
            **{name: grouped[name].max() for name in maxima},
            **{name: grouped[name].last() for name in REQUEST_COLUMNS if name in rows.columns},
            **{name: grouped[name].mean() for name in LOADS if name in rows.columns},
            **({DEPLOYED: (grouped[DEPLOYED].max() > 0).astype(int)} if DEPLOYED in rows.columns else {}),
            **({MOVED_BY: grouped[MOVED_BY].mean()} if MOVED_BY in rows.columns else {}),
            "n_samples": grouped.size(),
        }
    )


def deployments(rows: pd.DataFrame) -> tuple[int, ...]:
    """Hours since 1970 at which one service was deployed, as far as its rows say."""
    if DEPLOYED not in rows.columns:
        return ()
    return tuple(sorted(set(epoch_hours(rows[rows[DEPLOYED] > 0]).tolist())))


def level_changes(rows: pd.DataFrame) -> tuple[CodeChange, ...]:
    """The changes of the code that the cores of one service are already moved by, as far as its rows say."""
    if MOVED_BY not in rows.columns:
        return ()
    known = rows[rows[MOVED_BY].notna()]
    hours, factors = epoch_hours(known), known[MOVED_BY].to_numpy(dtype=np.float64)
    order = np.argsort(hours, kind="stable")
    hours, factors = hours[order], factors[order]
    times = factors[:-1] / factors[1:]
    return tuple(
        CodeChange(int(hours[at + 1]), float(times[at])) for at in np.flatnonzero(~np.isclose(times, 1.0))
    )


def as_it_came(actual: FloatArray, hours: IntArray, origin: int, changes: Sequence[CodeChange]) -> FloatArray:
    """Values of hours from an origin on, in what a unit cost before it: a change after it came unforeseen."""
    found = actual.copy()
    for change in changes:
        if change.hour >= origin:
            found[hours >= change.hour] *= change.times
    return found


def _with_calendar(frame: pd.DataFrame) -> pd.DataFrame:
    when = frame["timestamp"].dt
    weekend = (when.day_of_week >= 5).astype(int)
    return frame.assign(hour=when.hour, dow=when.day_of_week, is_weekend=weekend)


def _step(rows: pd.DataFrame) -> pd.Timedelta:
    """Sampling step: the median distance of neighbours; five minutes when there are none."""
    distances = rows.groupby("service")["timestamp"].diff().dropna()
    distances = distances[distances > pd.Timedelta(0)]  # rows may stand twice
    return pd.Timedelta(distances.median()) if len(distances) else pd.Timedelta(minutes=5)


def without(features: pd.DataFrame, refused: Collection[tuple[str, str]]) -> pd.DataFrame:
    """Features with the metrics of `refused` (service, metric) missing, so that nothing is trained on them."""
    blanked = features
    for service, metric in refused:
        of = blanked["service"] == service
        names = LOADS if metric == LOAD else (metric, f"{metric}_max")
        values = {name: blanked[name].mask(of) for name in names if name in blanked.columns}
        blanked = blanked.assign(**values)
    return blanked


def hourly_series(features: pd.DataFrame, service: str, metric: str) -> HourlySeries:
    """One series of a feature table; the rows of a service are consecutive hours."""
    return series_of(features[features["service"] == service], service, metric)


def series_of(rows: pd.DataFrame, service: str, metric: str) -> HourlySeries:
    """The same of a service's own rows."""
    hours = epoch_hours(rows)
    order = np.argsort(hours, kind="stable")
    if len(hours) == 0 or hours[order[-1]] - hours[order[0]] + 1 != len(hours):
        raise InputError(f"{service}: feature rows are not consecutive hours")
    values = np.asarray(target(rows, metric), dtype=np.float64)
    return HourlySeries(int(hours[order[0]]), values[order])
