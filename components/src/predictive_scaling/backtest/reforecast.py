"""Forecasting with the models in force: nothing is trained, each takes in the newest usage and forecasts from there.

A model that is too old, altered, or whose forecast leaves what was ever seen is not used; the reason is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np

from predictive_scaling.backtest.codec import StoredModel, decode
from predictive_scaling.backtest.folds import training_window
from predictive_scaling.backtest.intervals import Quantiles, hour_spread
from predictive_scaling.backtest.seen import seen_before
from predictive_scaling.base.errors import ModelRejectedError
from predictive_scaling.base.series import FloatArray, HourlySeries
from predictive_scaling.models.shifts import Shift, found, moved
from predictive_scaling.store.registry import Registry

MAX_GROWTH = 5.0  # times the highest value of the window: beyond, a forecast is not to be believed
MAX_BOUND = 2 * MAX_GROWTH
MIN_OBSERVED_HOURS = 24
NO_USAGE = "no usage in the newest day"


@dataclass(frozen=True)
class Reforecast:
    """Forecast of one series by its model in force; without one, `reason` says why."""

    service: str
    metric: str
    kind: str
    data: bytes
    start: int
    p50: FloatArray
    bounds: Quantiles
    reason: str
    shift: Shift | None = None


def reforecast(
    registry: Registry,
    key: str,
    service: str,
    metric: str,
    series: HourlySeries,
    horizon: int,
    hints: Sequence[int] = (),
) -> Reforecast:
    """Read the model under `key`, update and forecast. Raises RegistryError; what is wrong with a model is a reason."""
    window = training_window(series, series.end)
    if _unseen(window):
        return unserved(service, metric, series.end, horizon, NO_USAGE)
    data = registry.get(key)
    try:
        stored = checked(decode(data, PurePosixPath(key).stem), service, metric)
    except ModelRejectedError as error:
        return unserved(service, metric, series.end, horizon, str(error))
    return replace(forecast_from(stored, window, horizon, hints), data=data)


def _unseen(window: HourlySeries) -> bool:
    return window.between(window.end - MIN_OBSERVED_HOURS, window.end).observed == 0


def checked(stored: StoredModel, service: str, metric: str) -> StoredModel:
    """The model if it is of this series; raises ModelRejectedError."""
    if (stored.service, stored.metric) != (service, metric):
        raise ModelRejectedError(f"model is of {stored.service} {stored.metric}, not of {service} {metric}")
    return stored


def forecast_from(
    stored: StoredModel, newest: HourlySeries, horizon: int, hints: Sequence[int] = ()
) -> Reforecast:
    """Update a model by a window and forecast what follows; without the model's bytes.

    What shifted within the window's last days is moved before the model sees it; `hints` are hours of deployments.
    """
    service, metric = stored.service, stored.metric
    if _unseen(newest):
        return unserved(service, metric, newest.end, horizon, NO_USAGE)
    shift = found(newest, hints)
    window = moved(newest, shift)
    fitted = stored.fitted.updated(window)
    p50 = fitted.forecast(horizon)
    if not np.isfinite(p50).all() or p50.max() > MAX_GROWTH * float(np.nanmax(window.values)):
        reason = f"{fitted.kind} forecasts more than {MAX_GROWTH:g} times what was ever seen"
        return unserved(service, metric, window.end, horizon, reason)
    ahead = np.arange(window.end, window.end + horizon, dtype=np.int64)
    spread = hour_spread(window, ahead)
    bounds = stored.band.around(p50, spread)
    if not np.isfinite(bounds.p95).all() or bounds.p95.max() > MAX_BOUND * float(np.nanmax(window.values)):
        reason = f"the band of {fitted.kind} reaches beyond {MAX_BOUND:g} times what was ever seen"
        return unserved(service, metric, window.end, horizon, reason)
    within = stored.band.around(p50, spread, seen_before(window, window.end).bound)
    return Reforecast(service, metric, fitted.kind, b"", window.end, p50, within, "", shift)


def unserved(service: str, metric: str, start: int, horizon: int, reason: str) -> Reforecast:
    """A series without a usable model."""
    nothing = np.full(horizon, np.nan)
    return Reforecast(service, metric, "", b"", start, nothing, Quantiles(nothing, nothing, nothing), reason)
