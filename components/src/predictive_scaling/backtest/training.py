"""Training: backtest all candidates on every series of one metric, fit the champion, forecast with its band."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, groupby, islice

import numpy as np

from predictive_scaling.backtest.batches import newest_fits
from predictive_scaling.backtest.codec import StoredModel, encode
from predictive_scaling.backtest.folds import (
    TRAIN_HOURS,
    Backtest,
    best,
    fit_at,
    member_errors,
    members_of,
    pooled_errors,
    run_backtests,
    training_window,
)
from predictive_scaling.backtest.intervals import Quantiles, band, hour_spread, prequential_bands
from predictive_scaling.backtest.seen import seen_before
from predictive_scaling.base.amounts import number
from predictive_scaling.base.errors import InputError
from predictive_scaling.base.series import FloatArray, HourlySeries
from predictive_scaling.models import (
    BASELINES,
    BLEND,
    CANDIDATES,
    MEMBERS,
    Fitted,
    ModelOptions,
    recipe,
    recipes,
)
from predictive_scaling.models.blend import FittedBlend, Record
from predictive_scaling.models.features import CodeChange

MAX_WORKERS = 8
MANY = 200
"""Series from which on a process for each core pays, where all models are light."""
BATCH = 16
"""Series that are trained at once: their windows fill a processor's cache, and not a pod's memory."""
NEGLIGIBLE = 1e-3  # a member of less weight is not worth storing and updating


@dataclass(frozen=True)
class TrainingOptions:
    """Horizon in hours, rolling origins, models that compete and their settings; raises InputError."""

    horizon_hours: int = 24
    cv_folds: int = 10
    candidates: tuple[str, ...] = CANDIDATES
    models: ModelOptions = field(default_factory=ModelOptions)

    def __post_init__(self) -> None:
        if not 1 <= self.horizon_hours <= 168:
            raise InputError(f"horizon_hours is {self.horizon_hours}; it must be between 1 and 168")
        if not 1 <= self.cv_folds <= 60:
            raise InputError(f"cv_folds is {self.cv_folds}; it must be between 1 and 60")
        recipes(self.candidates, self.models)


@dataclass(frozen=True)
class Job:
    """One series to train; `hints` are hours at which something was deployed, `changes` what it is already moved by."""

    service: str
    metric: str
    series: HourlySeries
    options: TrainingOptions
    hints: tuple[int, ...] = ()
    changes: tuple[CodeChange, ...] = ()


@dataclass(frozen=True)
class FoldForecast:
    """One model's forecasts from all origins; arrays have the shape folds × horizon, NaN bands where none is known."""

    model: str
    is_candidate: bool
    p50: FloatArray
    bounds: Quantiles


@dataclass(frozen=True)
class Champion:
    """The chosen model, its pooled WAPE, its serialised form, and the forecast of the hours after the series."""

    kind: str
    wape: float
    encoded: bytes
    p50: FloatArray
    bounds: Quantiles


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
        return list(chain.from_iterable(self.batches(jobs)))

    def batches(self, jobs: Sequence[Job]) -> Iterator[list[SeriesTraining]]:
        """The same a few at a time, as they come: of thousands of series one would not hold all results."""
        todo = list(_batches(jobs))
        workers = min(self._workers or _useful_workers(jobs), len(todo))
        if workers < 2:
            yield from map(train_batch, todo)
            return
        # Forking a process that runs threads is unsafe, and the caller may well run some.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            yield from _mapped(pool, todo, ahead=2 * workers)


def _batches(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Neighbours of the same options, as many as are trained at once; one by one where that takes seconds."""
    for options, alike in groupby(jobs, key=lambda job: job.options):
        found, size = list(alike), 1 if _slow(options) else BATCH
        yield from (found[at : at + size] for at in range(0, len(found), size))


def _mapped(
    pool: ProcessPoolExecutor, batches: Sequence[Sequence[Job]], ahead: int
) -> Iterator[list[SeriesTraining]]:
    """Results in order, no more than `ahead` of them under way or waiting to be taken."""
    todo = iter(batches)
    running = deque(pool.submit(train_batch, batch) for batch in islice(todo, ahead))
    while running:
        yield running.popleft().result()
        running.extend(pool.submit(train_batch, batch) for batch in islice(todo, 1))


def _useful_workers(jobs: Sequence[Job]) -> int:
    """One for each core where that pays: light models take milliseconds a series, a process half a second to start."""
    pays = len(jobs) >= MANY or any(_slow(job.options) for job in jobs)
    return min(MAX_WORKERS, len(os.sched_getaffinity(0))) if pays else 1


def _slow(options: TrainingOptions) -> bool:
    return "prophet" in options.candidates


def train_series(job: Job) -> SeriesTraining:
    """Backtest, choose by the WAPE pooled over all folds, fit once more to the newest window."""
    return train_batch([job])[0]


def train_batch(jobs: Sequence[Job]) -> list[SeriesTraining]:
    """Train several series of the same options, each as by itself; light models run on all of them at once."""
    options = jobs[0].options
    models = recipes(options.candidates, options.models)
    known = [job for job in jobs if job.series.observed]
    tested = run_backtests(
        [job.series for job in known],
        models,
        options.horizon_hours,
        options.cv_folds,
        blend=BLEND in options.candidates,
        hints=[job.hints for job in known],
        changes=[job.changes for job in known],
    )
    light = [model for model in models if model.kind in MEMBERS]
    shifts = [each.shifts for each in tested]
    newest = newest_fits(light, [job.series for job in known], TRAIN_HOURS, shifts)
    trained = iter([_chosen(*each) for each in zip(known, tested, newest, strict=True)])
    return [next(trained) if job.series.observed else _refused(job, "no data") for job in jobs]


def _chosen(job: Job, tested: Backtest, newest: Mapping[str, Fitted]) -> SeriesTraining:
    if not tested.origins:
        return _refused(job, f"{number(len(job.series.values) / 24)} days are too short for one fold")
    errors = pooled_errors(tested.actual[tested.warm_up :], _on_folds(tested))
    chosen = best({kind: error for kind, error in errors.items() if kind in job.options.candidates})
    if chosen is None:
        return _refused(job, "no candidate could be fitted to every fold", tested)
    return _trained(job, tested, newest, chosen, errors[chosen])


def _on_folds(tested: Backtest) -> dict[str, FloatArray]:
    return {kind: p50[tested.warm_up :] for kind, p50 in tested.p50.items()}


def _trained(
    job: Job, tested: Backtest, newest: Mapping[str, Fitted], chosen: str, error: float
) -> SeriesTraining:
    fitted, horizon = _fitted(job, tested, newest, chosen), job.options.horizon_hours
    p50 = fitted.forecast(horizon) if fitted else None
    if fitted is None or p50 is None or not np.isfinite(p50).all():
        return _refused(job, f"{chosen} could not be fitted to the newest data", tested)
    around = band(tested.actual, tested.p50[chosen], tested.spread)
    encoded = encode(StoredModel(job.service, job.metric, fitted, around))
    ahead = np.arange(job.series.end, job.series.end + horizon, dtype=np.int64)
    window = training_window(job.series, job.series.end, tested.shifts)
    bounds = around.around(p50, hour_spread(window, ahead), seen_before(window, window.end).bound)
    return _result(job, tested, Champion(chosen, error, encoded, p50, bounds), "")


def _fitted(job: Job, tested: Backtest, newest: Mapping[str, Fitted], kind: str) -> Fitted | None:
    """The model fitted to the newest window; a blend of those members that can be."""
    if kind != BLEND:
        made = recipe(kind, job.options.models)
        return newest.get(kind) or fit_at(job.series, made, job.series.end, tested.shifts)
    members = {name: rows for name, rows in members_of(tested.p50).items() if name in newest}
    if not members:
        return None
    record = Record.of(member_errors(tested.actual, members))
    chosen = [at for at, weight in enumerate(record.weights().tolist()) if weight >= NEGLIGIBLE]
    fits = [newest[name] for name in members]
    return FittedBlend(tuple(fits[at] for at in chosen), record.only(chosen), job.series.end)


def _refused(job: Job, reason: str, tested: Backtest | None = None) -> SeriesTraining:
    nothing = np.empty((0, job.options.horizon_hours))
    return _result(job, tested or Backtest((), 0, nothing, nothing, {}), None, reason)


def _result(job: Job, tested: Backtest, champion: Champion | None, reason: str) -> SeriesTraining:
    kept = [kind for kind in tested.p50 if kind in job.options.candidates or kind in BASELINES]
    windows = [training_window(job.series, origin, tested.shifts) for origin in tested.origins]
    seen = np.array([seen_before(each, each.end).bound for each in windows])
    folds = tuple(_fold(kind, tested, seen, job.options) for kind in kept)
    origins, actual = tested.origins[tested.warm_up :], tested.actual[tested.warm_up :]
    return SeriesTraining(job.service, job.metric, origins, job.series.end, actual, folds, champion, reason)


def _fold(kind: str, tested: Backtest, seen: FloatArray, options: TrainingOptions) -> FoldForecast:
    first, p50 = tested.warm_up, tested.p50[kind]
    bounds = prequential_bands(tested.actual, p50, tested.spread, seen, first)
    cut = Quantiles(*(each[first:] for each in bounds))
    return FoldForecast(kind, kind in options.candidates, p50[first:], cut)
