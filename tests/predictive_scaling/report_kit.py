"""What a page of the judgement is made of: real backtests of made-up usage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import pandas as pd
from predictive_scaling.backtest.evaluation import Gates, ModelValidator, SeriesEvaluation
from predictive_scaling.backtest.training import ModelTrainer, TrainingOptions
from predictive_scaling.backtest.training_tables import cv_table, forecast_table, jobs_of
from predictive_scaling.models.features import FeatureEngineer
from predictive_scaling.report.page import Shown
from predictive_scaling.usage.by_service import rows_by_service
from usage_data import clean, usage

OPTIONS = TrainingOptions(candidates=("profile_level", "snaive_1d"))
HOSTILE = '<img src="http://x" onerror="alert(1)">'


@dataclass(frozen=True)
class ReportData:
    """What a report is made of, as whole tables."""

    results: Sequence[SeriesEvaluation]
    gates: Gates
    horizon: int
    cv: pd.DataFrame
    forecast: pd.DataFrame
    features: pd.DataFrame
    refused: Mapping[tuple[str, str], str] = field(default_factory=dict)


def html_report(data):
    """The page, gathered service by service as the step does."""
    shown, tables = Shown(), (data.cv, data.forecast, data.features)
    by_service = [rows_by_service(table) for table in tables]
    for service, found in groupby(data.results, key=lambda each: each.service):
        parts = (of.get(service, table.iloc[:0]) for of, table in zip(by_service, tables, strict=True))
        shown.add(list(found), *parts)
    return shown.html(data.gates, data.horizon, data.refused)


def data(accuracy_threshold=0.7, name="checkout", metric="cpu"):
    rows = pd.concat([usage(), usage("late", days=4)]).assign(cpu_request=4.0)
    features = FeatureEngineer().transform(clean(rows))
    results = ModelTrainer().train(jobs_of(rows_by_service(features).items(), metric, "", OPTIONS))
    cv, forecast = cv_table(results), forecast_table(results, 24)
    renamed = [table.replace({"service": {"checkout": name}}) for table in (cv, forecast, features)]
    gates = Gates(accuracy_threshold)
    evaluated = ModelValidator(gates).evaluate(*renamed, [metric])
    return ReportData(evaluated, gates, 24, *renamed)
