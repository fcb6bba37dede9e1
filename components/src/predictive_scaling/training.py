"""Training: backtest all candidates on every series of one metric, fit the champion, forecast with its band."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from predictive_scaling.backtest import Backtest, best, fit_at, pooled_errors, run_backtest
from predictive_scaling.errors import InputError
from predictive_scaling.intervals import Band, band, prequential_bands
from predictive_scaling.models import COMPLEXITY, ModelOptions, recipe, recipes
from predictive_scaling.models.codec import StoredModel, encode
from predictive_scaling.series import FloatArray, HourlySeries

MAX_WORKERS = 8


@dataclass(frozen=True)
class TrainingOptions:
    """Horizon in hours, rolling origins, models that compete and their settings; raises InputError."""

    horizon_hours: int = 24
    cv_folds: int = 7
    candidates: tuple[str, ...] = COMPLEXITY
    models: ModelOptions = field(default_factory=ModelOptions)

    def __post_init__(self) -> None:
        if not 1 <= self.horizon_hours <= 168:
            raise InputError(f"horizon_hours is {self.horizon_hours}; it must be between 1 and 168")
        if not 1 <= self.cv_folds <= 60:
            raise InputError(f"cv_folds is {self.cv_folds}; it must be between 1 and 60")
        recipes(self.candidates, self.models)


@dataclass(frozen=True)
class Job:
    """One series to train."""

    service: str
    metric: str
    series: HourlySeries
    options: TrainingOptions


@dataclass(frozen=True)
class FoldForecast:
    """One model's forecasts from all origins; arrays have the shape folds × horizon, NaN bands where none is known."""

    model: str
    is_candidate: bool
    p10: FloatArray
    p50: FloatArray
    p95: FloatArray


@dataclass(frozen=True)
class Champion:
    """The chosen model, its pooled WAPE, its serialised form, and the forecast of the hours after the series."""

    kind: str
    wape: float
    encoded: bytes
    p10: FloatArray
    p50: FloatArray
    p95: FloatArray


@dataclass(frozen=True)
class SeriesTraining:
    """What came of one series; without a champion, `reason` says why."""

    service: str
    metric: str
    origins: tuple[int, ...]
    forecast_start: int
    actual: FloatArray
    folds: tuple[FoldForecast, ...]
    champion: Champion | None
    reason: str


class ModelTrainer:
    """Trains many series, in processes of its own where that pays."""

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers

    def train(self, jobs: Sequence[Job]) -> list[SeriesTraining]:
        """Train every job; results in the order of the jobs. A worker that dies raises BrokenProcessPool."""
        workers = min(self._workers or _useful_workers(jobs), len(jobs))
        if workers < 2:
            return [train_series(job) for job in jobs]
        # Forking a process that runs threads is unsafe, and the caller may well run some.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            return list(pool.map(train_series, jobs))


def _useful_workers(jobs: Sequence[Job]) -> int:
    """One for each core; without Prophet a series takes milliseconds, less than a process takes to start."""
    slow = any("prophet" in job.options.candidates for job in jobs)
    return min(MAX_WORKERS, len(os.sched_getaffinity(0))) if slow else 1


def train_series(job: Job) -> SeriesTraining:
    """Backtest, choose by the lowest WAPE pooled over all folds, fit once more to the newest window."""
    if job.series.observed == 0:
        return _refused(job, "no data")
    models = recipes(job.options.candidates, job.options.models)
    tested = run_backtest(job.series, models, job.options.horizon_hours, job.options.cv_folds)
    if not tested.origins:
        return _refused(job, f"{len(job.series.values) / 24:.1f} days are too short for one fold")
    errors = pooled_errors(tested.actual, tested.p50)
    chosen = best({kind: error for kind, error in errors.items() if kind in job.options.candidates})
    if chosen is None:
        return _refused(job, "no candidate could be fitted to every fold", tested)
    return _trained(job, tested, chosen, errors[chosen])


def _trained(job: Job, tested: Backtest, chosen: str, error: float) -> SeriesTraining:
    fitted = fit_at(job.series, recipe(chosen, job.options.models), job.series.end)
    p50 = fitted.forecast(job.options.horizon_hours) if fitted else None
    if fitted is None or p50 is None or not np.isfinite(p50).all():
        return _refused(job, f"{chosen} could not be fitted to the newest data", tested)
    around = band(tested.actual, tested.p50[chosen])
    encoded = encode(StoredModel(job.service, job.metric, fitted, around))
    champion = Champion(chosen, error, encoded, *_quantiles(around, p50))
    return _result(job, tested, champion, "")


def _quantiles(around: Band, p50: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    p10, p95 = around.around(p50)
    return p10, p50, p95


def _refused(job: Job, reason: str, tested: Backtest | None = None) -> SeriesTraining:
    nothing = Backtest((), np.empty((0, job.options.horizon_hours)), {})
    return _result(job, tested or nothing, None, reason)


def _result(job: Job, tested: Backtest, champion: Champion | None, reason: str) -> SeriesTraining:
    folds = tuple(_fold(kind, tested, job.options) for kind in tested.p50)
    return SeriesTraining(
        job.service, job.metric, tested.origins, job.series.end, tested.actual, folds, champion, reason
    )


def _fold(kind: str, tested: Backtest, options: TrainingOptions) -> FoldForecast:
    p10, p95 = prequential_bands(tested.actual, tested.p50[kind])
    return FoldForecast(kind, kind in options.candidates, p10, tested.p50[kind], p95)
