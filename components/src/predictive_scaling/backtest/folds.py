"""Rolling-origin backtest. A model sees only the hours before an origin and is judged on those after it.

The newest `folds` origins are the folds: every model runs on them, and models are compared on them. Light models run
from earlier origins too, the warm-up: a blend takes its weights from them, and bands their residuals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from predictive_scaling.backtest.batches import Shifts, forecasts, shifts_at
from predictive_scaling.backtest.intervals import hour_spread
from predictive_scaling.backtest.metrics import wape
from predictive_scaling.base.series import HOURS_PER_DAY, HOURS_PER_WEEK, FloatArray, HourlySeries
from predictive_scaling.models import BLEND, COMPLEXITY, MEMBERS, Fitted, Recipe
from predictive_scaling.models.base import FIT_ERRORS
from predictive_scaling.models.blend import weighted_median, weights_of
from predictive_scaling.models.features import CodeChange, as_it_came
from predictive_scaling.models.shifts import Shift, moved

# More than four weeks gained nothing on any measured model; less than one hurt.
TRAIN_HOURS = 4 * HOURS_PER_WEEK
MIN_TRAIN_HOURS = HOURS_PER_WEEK
WARM_UP_ORIGINS = 7
# The blend is the most even of all models, and holds the light ones anyway: what a few folds say of the best model is
# mostly chance, and choosing by it cost accuracy wherever it was measured. Only one that had half of the blend's error
# replaces it: then the blend is broken.
FAVOURITE_MARGIN = 0.5


@dataclass(frozen=True)
class Backtest:
    """Actual values, spreads of the hours, and forecasts by model; every array has the shape origins × horizon.

    A model that ran on the folds alone has no values (NaN) in the warm-up. `shifts` are by origin what was to be seen
    from there, that of the series' end among them.
    """

    origins: tuple[int, ...]
    folds: int
    actual: FloatArray
    spread: FloatArray
    p50: dict[str, FloatArray]
    shifts: dict[int, Shift] = field(default_factory=dict)

    @property
    def warm_up(self) -> int:
        """Origins before the first fold."""
        return len(self.origins) - self.folds


def origins(series: HourlySeries, horizon: int, number: int) -> tuple[int, ...]:
    """Give up to `number` origins, oldest first, that leave a week for training.

    They lie whole days apart, and at least a horizon, so that no fold's actual values reach past the next origin:
    else the errors of one fold would not be known when the next one chooses by them.
    """
    step = max(1, math.ceil(horizon / HOURS_PER_DAY)) * HOURS_PER_DAY
    last = series.end - horizon
    found = [last - back * step for back in range(number)]
    return tuple(sorted(origin for origin in found if origin - series.start >= MIN_TRAIN_HOURS))


def run_backtest(
    series: HourlySeries,
    models: Sequence[Recipe],
    horizon: int,
    folds: int,
    *,
    blend: bool = False,
    hints: Sequence[int] = (),
) -> Backtest:
    """Backtest every model that can be fitted at every fold; the others are left out, since folds must compare.

    With `blend` the weighted median of its members is added, its weights at each origin from earlier ones alone.
    `hints` are hours of deployments.
    """
    return run_backtests([series], models, horizon, folds, blend=blend, hints=[hints])[0]


def run_backtests(
    many: Sequence[HourlySeries],
    models: Sequence[Recipe],
    horizon: int,
    folds: int,
    *,
    blend: bool = False,
    hints: Sequence[Sequence[int]] = (),
    changes: Sequence[Sequence[CodeChange]] = (),
) -> list[Backtest]:
    """Backtests of several series, each the same as by itself; light models run on all of them at once.

    `hints` are hours of deployments, by series; so are the `changes` that a series is already moved by.
    """
    starts = [origins(series, horizon, folds + WARM_UP_ORIGINS) for series in many]
    light = [model for model in models if model.kind in MEMBERS]
    slow = [model for model in models if model.kind not in MEMBERS]
    ends = [(*at, series.end) for series, at in zip(many, starts, strict=True)]
    shifts = shifts_at(many, ends, TRAIN_HOURS, hints)
    found = forecasts(light, many, starts, TRAIN_HOURS, horizon, shifts)
    actual = [
        _actual(series, at, horizon, known)
        for series, at, known in zip(many, starts, changes or [()] * len(many), strict=True)
    ]
    return [
        _with_slow(_backtest(series, came, at, p50, min(folds, len(at)), seen, blend=blend), series, slow)
        for series, came, at, p50, seen in zip(many, actual, starts, found, shifts, strict=True)
    ]


def _actual(
    series: HourlySeries, starts: tuple[int, ...], horizon: int, changes: Sequence[CodeChange]
) -> FloatArray:
    """What came after each origin (origins × horizon)."""
    parts = [(at, series.between(at, at + horizon)) for at in starts]
    rows = [as_it_came(part.values, part.hours, at, changes) for at, part in parts]
    return np.array(rows).reshape(len(starts), horizon)


def _backtest(
    series: HourlySeries,
    actual: FloatArray,
    starts: tuple[int, ...],
    p50: dict[str, FloatArray],
    folds: int,
    shifts: dict[int, Shift],
    *,
    blend: bool,
) -> Backtest:
    """Backtest of the light models, those left out that have no forecast on a fold; and of the blend."""
    horizon = actual.shape[1]
    spread = np.array([_spread(series, at, horizon, shifts) for at in starts]).reshape(actual.shape)
    first = len(starts) - folds
    known = {kind: rows for kind, rows in p50.items() if starts and np.isfinite(rows[first:]).all()}
    members = members_of(known)
    if blend and members:
        known[BLEND] = blended(actual, members)
    return Backtest(starts, folds, actual, spread, known, shifts)


def _with_slow(tested: Backtest, series: HourlySeries, slow: Sequence[Recipe]) -> Backtest:
    """Adds the models that run on the folds alone, but for those that could not be fitted."""
    found = {model.kind: _slow_forecasts(tested, series, model) for model in slow}
    return replace(tested, p50=tested.p50 | {kind: rows for kind, rows in found.items() if rows is not None})


NONE: Shifts = MappingProxyType({})


def training_window(series: HourlySeries, origin: int, shifts: Shifts = NONE) -> HourlySeries:
    """The hours that a model may see at an origin, moved by the shift that was to be seen from there."""
    return moved(series.between(origin - TRAIN_HOURS, origin), shifts.get(origin))


def _spread(series: HourlySeries, origin: int, horizon: int, shifts: Shifts) -> FloatArray:
    ahead = np.arange(origin, origin + horizon, dtype=np.int64)
    return hour_spread(training_window(series, origin, shifts), ahead)


def _slow_forecasts(tested: Backtest, series: HourlySeries, model: Recipe) -> FloatArray | None:
    """Forecasts from the folds' origins, NaN before them; None when one could not be fitted."""
    rows = np.full_like(tested.actual, np.nan)
    for at in range(tested.warm_up, len(rows)):
        row = forecast_at(series, model, tested.origins[at], rows.shape[1], tested.shifts)
        if row is None:
            return None
        rows[at] = row
    return rows if len(rows) else None


def forecast_at(
    series: HourlySeries, model: Recipe, origin: int, horizon: int, shifts: Shifts = NONE
) -> FloatArray | None:
    """Forecast from one origin; None when the model cannot be fitted there."""
    fitted = fit_at(series, model, origin, shifts)
    forecast = fitted.forecast(horizon) if fitted else None
    return forecast if forecast is not None and bool(np.isfinite(forecast).all()) else None


def fit_at(series: HourlySeries, model: Recipe, origin: int, shifts: Shifts = NONE) -> Fitted | None:
    """Fit to what is known at an origin; None when that is too short for the model or the fit does not converge."""
    window = training_window(series, origin, shifts)
    if len(window.values) < model.min_hours or window.observed < max(1, model.min_hours / 2):
        return None
    try:
        return model.fit(window)
    except FIT_ERRORS:
        return None


def members_of(p50: dict[str, FloatArray]) -> dict[str, FloatArray]:
    """Forecasts of the blend's members."""
    return {kind: p50[kind] for kind in MEMBERS if kind in p50}


def member_errors(actual: FloatArray, members: dict[str, FloatArray]) -> FloatArray:
    """Mean absolute error by origin and member (origins × members); NaN where nothing is known."""
    missed = np.abs(actual[:, None, :] - np.stack(list(members.values()), axis=1))
    known = np.isfinite(missed)
    number = known.sum(axis=2)
    total = np.where(known, missed, 0.0).sum(axis=2)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def blended(actual: FloatArray, members: dict[str, FloatArray]) -> FloatArray:
    """Forecasts of the blend from every origin (origins × hours); the weights know earlier origins alone."""
    errors = member_errors(actual, members)
    rows = np.stack(list(members.values()), axis=1)
    return np.array([_blend_row(errors[:at], rows[at]) for at in range(len(rows))])


def _blend_row(errors: FloatArray, forecasts: FloatArray) -> FloatArray:
    able = np.isfinite(forecasts).all(axis=1)
    if not able.any():
        return np.full(forecasts.shape[1], np.nan)
    return weighted_median(forecasts[able], weights_of(errors[:, able]))


def pooled_errors(actual: FloatArray, p50: dict[str, FloatArray]) -> dict[str, float]:
    """WAPE by model over all given folds."""
    return {kind: wape(actual.ravel(), forecast.ravel()) for kind, forecast in p50.items()}


def best(errors: dict[str, float]) -> str | None:
    """The model of the lowest error, the simplest of equals; None when no error is a number.

    The blend stays unless another one is better by FAVOURITE_MARGIN of its error.
    """
    known = {kind: error for kind, error in errors.items() if not math.isnan(error)}
    if not known:
        return None
    lowest = min(known, key=lambda kind: (known[kind], _complexity(kind)))
    if BLEND in known and known[lowest] > (1 - FAVOURITE_MARGIN) * known[BLEND]:
        return BLEND
    return lowest


def _complexity(kind: str) -> int:
    """Its place among the models; what is made of others' forecasts comes last."""
    return COMPLEXITY.index(kind) if kind in COMPLEXITY else len(COMPLEXITY)
