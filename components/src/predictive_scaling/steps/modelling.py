"""Steps that train and judge models."""
# ruff: noqa: PLR0913 -- a step has as many parameters as its component

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from predictive_scaling.backtest import evaluation_document
from predictive_scaling.backtest.by_load import with_load
from predictive_scaling.backtest.evaluation import SERVED, Gates, ModelValidator, SeriesEvaluation
from predictive_scaling.backtest.training import Job, ModelTrainer, TrainingOptions
from predictive_scaling.backtest.training_tables import (
    CV_COLUMNS,
    FORECAST_COLUMNS,
    ModelFolder,
    cv_table,
    forecast_table,
    jobs_of,
)
from predictive_scaling.base.console import say
from predictive_scaling.base.documents import Document, pretty_bytes, write_bytes
from predictive_scaling.base.errors import InputError
from predictive_scaling.models.features import FEATURE_COLUMNS, MOVED_BY, TARGET_COLUMNS
from predictive_scaling.report.page import Shown
from predictive_scaling.steps.data import in_shares, refused_metrics
from predictive_scaling.steps.faults import Fault, from_results, write_error_log
from predictive_scaling.usage.by_service import InOrder
from predictive_scaling.usage.checks import DEPLOYED, LOAD, METRICS
from predictive_scaling.usage.tables import epoch_hours, write_parts


class Judged(NamedTuple):
    """Whether any forecast serves, alone or guarded; service -> metric -> decision; the reason; figures to log."""

    accepted: bool
    decision: dict[str, dict[str, str]]
    reason: str
    metrics: dict[str, float]


def train_model(
    features: str,
    model: str,
    cv: str,
    forecast: str,
    metric: str,
    service: str,
    options: TrainingOptions,
    *,
    error_log: str = "",
) -> bool:
    """Train all series of one metric (`cpu`, `memory` or `load`), or one service's; writes models, cv and forecast.

    A series that cannot be trained is listed in the manifest with the reason. Gives whether any could be.
    """
    if metric not in TARGET_COLUMNS:
        raise InputError(f"metric is {metric!r}; it must be cpu, memory or load")
    columns = ("timestamp", "service", *TARGET_COLUMNS[metric])
    table = InOrder(features, columns, only=metric != LOAD, also=(DEPLOYED, MOVED_BY))
    jobs = jobs_of(table.services(), metric, service, options)
    manifest = _write_trained(jobs, model, cv, forecast, metric, options.horizon_hours)
    say(f"{metric}: {len(manifest['models'])} models trained, {len(manifest['refused'])} series refused")
    faults = [Fault(each["reason"], each["service"], metric) for each in manifest["refused"]]
    return write_error_log(error_log, faults, success=bool(manifest["models"]))


def _write_trained(
    jobs: Sequence[Job], model: str, cv: str, forecast: str, metric: str, horizon: int
) -> Document:
    """Train and write batch after batch, so that memory does not grow with their number; gives the manifest."""
    Path(model).mkdir(parents=True, exist_ok=True)
    folder, forecasts = ModelFolder(model, metric, horizon), [forecast_table([], horizon)]

    def tables() -> Iterator[pd.DataFrame]:
        for results in ModelTrainer().batches(jobs):
            folder.add_trained(results)
            forecasts.append(forecast_table(results, horizon))
            yield cv_table(results)

    write_parts(tables() if jobs else [cv_table([])], cv, compress=True)
    write_parts(forecasts[1:] or forecasts, forecast)
    return folder.finish()


def validate_model(
    cv_cpu: str,
    cv_memory: str,
    forecast_cpu: str,
    forecast_memory: str,
    features: str,
    evaluation: str,
    report: str,
    gates: Gates,
    *,
    validation: str = "",
    error_log: str = "",
    cv_load: str = "",
    forecast_load: str = "",
) -> Judged:
    """Judge every service and metric; writes the evaluation and the HTML report.

    With the load's tables cores by load compete with the models of cpu, and loads are judged of services that have one.
    `validation` is the validation document, for the report to list what was refused as data.
    """
    tables = _Tables(
        [InOrder(path, CV_COLUMNS) for path in (cv_cpu, cv_memory, cv_load) if path],
        [InOrder(path, FORECAST_COLUMNS) for path in (forecast_cpu, forecast_memory, forecast_load) if path],
        InOrder(features, FEATURE_COLUMNS),
    )
    shown, hours, usage = Shown(in_shares(validation)), set[int](), list[SeriesEvaluation]()
    for cv, forecast, rows in tables.services():
        both = with_load(cv, forecast, rows) if forecast_load else (cv, forecast)
        judged, loads = _judged(ModelValidator(gates), *both[:2], rows)
        usage += judged
        shown.add([*judged, *loads], *both[:2], rows)
        hours.update(epoch_hours(forecast).tolist())
    results, horizon = shown.results, len(hours)
    write_bytes(evaluation, pretty_bytes(evaluation_document.document(results, gates, horizon)))
    write_bytes(report, shown.html(gates, horizon, refused_metrics(validation)).encode())
    reason = evaluation_document.reason(results)
    say(reason)
    accepted = any(result.decision in SERVED for result in usage)
    write_error_log(error_log, from_results(map(vars, results)), success=accepted)
    figures = evaluation_document.figures(usage, horizon)
    return Judged(accepted, evaluation_document.decision(results), reason, figures)


def _judged(
    validator: ModelValidator, cv: pd.DataFrame, forecast: pd.DataFrame, features: pd.DataFrame
) -> tuple[list[SeriesEvaluation], list[SeriesEvaluation]]:
    """Of cpu and memory, and of the loads that there are."""
    of_load = forecast["metric"] == LOAD
    usage = validator.evaluate(cv, forecast[~of_load], features, METRICS)
    return usage, validator.evaluate(cv, forecast[of_load], features, (LOAD,))


class _Tables(NamedTuple):
    """The tables of all metrics, and the features."""

    cv: Sequence[InOrder]
    forecast: Sequence[InOrder]
    features: InOrder

    def services(self) -> Iterator[tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]]:
        """Cross-validation, forecast and features of one service after the other."""
        while service := min(filter(None, (each.service for each in self.forecast)), default=""):
            forecast = _joined([each.of(service) for each in self.forecast])
            yield _joined([each.of(service) for each in self.cv]), forecast, self.features.of(service)
            for each in self.forecast:
                each.leave(service)


def _joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tables of all metrics as one; an empty one has no types to merge and is left out."""
    kept = [table for table in tables if not table.empty] or tables[:1]
    return pd.concat(kept, ignore_index=True)
