"""Steps that train and judge models."""
# ruff: noqa: PLR0913 -- a step has as many parameters as its component

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from predictive_scaling.backtest import evaluation_document
from predictive_scaling.backtest.evaluation import FALLBACK, Gates, ModelValidator
from predictive_scaling.backtest.training import ModelTrainer, TrainingOptions
from predictive_scaling.backtest.training_tables import (
    CV_COLUMNS,
    FORECAST_COLUMNS,
    cv_table,
    forecast_table,
    jobs_from,
    write_models,
)
from predictive_scaling.base.console import say
from predictive_scaling.base.documents import pretty_bytes, write_bytes
from predictive_scaling.base.errors import InputError
from predictive_scaling.models.features import FEATURE_COLUMNS, TARGET_COLUMNS
from predictive_scaling.report.page import ReportData, html_report
from predictive_scaling.steps.data import refused_metrics
from predictive_scaling.steps.faults import Fault, from_results, write_error_log
from predictive_scaling.usage.checks import METRICS
from predictive_scaling.usage.tables import read_table, write_table


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
    """Train all series of one metric (`cpu` or `memory`), or one service's; writes models, cv and forecast.

    A series that cannot be trained is listed in the manifest with the reason. Gives whether any could be.
    """
    if metric not in METRICS:
        raise InputError(f"metric is {metric!r}; it must be cpu or memory")
    table = read_table(features, ("timestamp", "service", *TARGET_COLUMNS[metric]), only=True)
    jobs = jobs_from(table, metric, service, options)
    del table  # the workers need the memory
    results = ModelTrainer().train(jobs)
    Path(model).mkdir(parents=True, exist_ok=True)
    manifest = write_models(results, metric, model, options.horizon_hours)
    write_table(cv_table(results), cv, compress=True)
    write_table(forecast_table(results, options.horizon_hours), forecast)
    say(f"{metric}: {len(manifest['models'])} models trained, {len(manifest['refused'])} series refused")
    faults = [Fault(each["reason"], each["service"], metric) for each in manifest["refused"]]
    return write_error_log(error_log, faults, success=bool(manifest["models"]))


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
) -> Judged:
    """Judge every service and metric; writes the evaluation and the HTML report.

    `validation` is the validation document, for the report to list what was refused as data.
    """
    cv = _both(cv_cpu, cv_memory, CV_COLUMNS)
    forecast = _both(forecast_cpu, forecast_memory, FORECAST_COLUMNS)
    table = read_table(features, FEATURE_COLUMNS)
    results = ModelValidator(gates).evaluate(cv, forecast, table, METRICS)
    horizon = evaluation_document.horizon_of(forecast)
    write_bytes(evaluation, pretty_bytes(evaluation_document.document(results, gates, horizon)))
    shown = ReportData(results, gates, horizon, cv, forecast, table, refused_metrics(validation))
    write_bytes(report, html_report(shown).encode())
    reason = evaluation_document.reason(results)
    say(reason)
    accepted = any(result.decision != FALLBACK for result in results)
    write_error_log(error_log, from_results(map(vars, results)), success=accepted)
    figures = evaluation_document.figures(results, horizon)
    return Judged(accepted, evaluation_document.decision(results), reason, figures)


def _both(cpu: str, memory: str, columns: tuple[str, ...]) -> pd.DataFrame:
    """Tables of both metrics as one; an empty one has no types to merge and is left out."""
    tables = [read_table(path, columns) for path in (cpu, memory)]
    kept = [table for table in tables if not table.empty] or tables[:1]
    return pd.concat(kept, ignore_index=True)
