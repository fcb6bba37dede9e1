"""Rolling-origin backtest. A model sees only the hours before an origin and is judged on those after it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from predictive_scaling.metrics import wape
from predictive_scaling.models import COMPLEXITY, Fitted, Recipe
from predictive_scaling.series import HOURS_PER_DAY, HOURS_PER_WEEK, FloatArray, HourlySeries

# More than four weeks gained nothing on any measured model; less than one hurt.
TRAIN_HOURS = 4 * HOURS_PER_WEEK
MIN_TRAIN_HOURS = HOURS_PER_WEEK


@dataclass(frozen=True)
class Backtest:
    """Actual values and forecasts by model; every array has the shape folds × horizon."""

    origins: tuple[int, ...]
    actual: FloatArray
    p50: dict[str, FloatArray]


def origins(series: HourlySeries, horizon: int, folds: int) -> tuple[int, ...]:
    """Give up to `folds` origins, oldest first, that leave a week for training.

    They lie whole days apart, and at least a horizon, so that no fold's actual values reach past the next origin:
    else the errors of one fold would not be known when the next one chooses by them.
    """
    step = max(1, math.ceil(horizon / HOURS_PER_DAY)) * HOURS_PER_DAY
    last = series.end - horizon
    found = [last - back * step for back in range(folds)]
    return tuple(sorted(origin for origin in found if origin - series.start >= MIN_TRAIN_HOURS))


def run_backtest(series: HourlySeries, models: Sequence[Recipe], horizon: int, folds: int) -> Backtest:
    """Backtest every model that can be fitted at every origin; the others are left out, since folds must compare."""
    starts = origins(series, horizon, folds)
    actual = [series.between(origin, origin + horizon).values for origin in starts]
    forecasts = {model.kind: _forecasts(series, model, starts, horizon) for model in models}
    return Backtest(
        starts,
        np.array(actual).reshape(len(starts), horizon),
        {kind: p50 for kind, p50 in forecasts.items() if p50 is not None},
    )


def training_window(series: HourlySeries, origin: int) -> HourlySeries:
    """The hours that a model may see at an origin."""
    return series.between(origin - TRAIN_HOURS, origin)


def _forecasts(series: HourlySeries, model: Recipe, starts: Sequence[int], horizon: int) -> FloatArray | None:
    rows = []
    for origin in starts:
        row = forecast_at(series, model, origin, horizon)
        if row is None:
            return None
        rows.append(row)
    return np.array(rows) if rows else None


def forecast_at(series: HourlySeries, model: Recipe, origin: int, horizon: int) -> FloatArray | None:
    """Forecast from one origin; None when the model cannot be fitted there."""
    fitted = fit_at(series, model, origin)
    forecast = fitted.forecast(horizon) if fitted else None
    return forecast if forecast is not None and bool(np.isfinite(forecast).all()) else None


def fit_at(series: HourlySeries, model: Recipe, origin: int) -> Fitted | None:
    """Fit to what is known at an origin; None when that is too short for the model or the fit does not converge."""
    window = training_window(series, origin)
    if len(window.values) < model.min_hours or window.observed < max(1, model.min_hours / 2):
        return None
    try:
        return model.fit(window)
    except (ValueError, RuntimeError, ArithmeticError):  # Stan gives up on some series: the data's fault
        return None


def pooled_errors(actual: FloatArray, p50: dict[str, FloatArray]) -> dict[str, float]:
    """WAPE by model over all given folds."""
    return {kind: wape(actual.ravel(), forecast.ravel()) for kind, forecast in p50.items()}


def best(errors: dict[str, float]) -> str | None:
    """The model of the lowest error, the simplest of equals; None when no error is a number."""
    known = {kind: error for kind, error in errors.items() if not math.isnan(error)}
    return min(known, key=lambda kind: (known[kind], COMPLEXITY.index(kind))) if known else None
