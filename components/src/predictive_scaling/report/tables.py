"""What the tables of the forecast report hold; how they look is in page.html."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
import pandas as pd

from predictive_scaling.backtest.evaluation import WARM_UP_FOLDS, SeriesEvaluation
from predictive_scaling.backtest.metrics import accuracy
from predictive_scaling.base.series import FloatArray
from predictive_scaling.recommend.capacity import FORECAST, HIGHER, PLANS, VPA_LIKE, PlanCost
from predictive_scaling.report.origin import stamp
from predictive_scaling.report.recommended import Units

FoldAccuracies = dict[pd.Timestamp, float | None]


@dataclass(frozen=True)
class FoldsRow:
    """Accuracy of one series in each fold, by origin; None where it was not scored or has none."""

    service: str
    metric: str
    accuracies: Sequence[float | None]


@dataclass(frozen=True)
class FoldsTable:
    """`origins` head the columns: the first hour that a fold forecasts."""

    origins: Sequence[str]
    rows: Sequence[FoldsRow]


@dataclass(frozen=True)
class CostRow:
    """Cost and risk of a plan over the `series` of a metric for which they are known; NaN where there are none."""

    metric: str
    plan: str
    series: int
    cost: float
    over_median: float
    over_mean: float


@dataclass(frozen=True)
class ShiftRow:
    """A level shift of a series: its hour, the usual and the new level with their unit, and the change as a share."""

    series: SeriesEvaluation
    since: str
    usual: str
    level: str
    change: float | None
    told: bool

    @staticmethod
    def of(series: SeriesEvaluation, unit: str, units: Units) -> ShiftRow:
        """From the judgement of a series that has a shift."""
        shift = series.shift
        if shift is None:
            raise ValueError(f"{series.service} {series.metric} has no shift")
        usual, level = (units.shown(value, unit) for value in (shift.usual, shift.actual))
        change = shift.change if shift.usual else None
        return ShiftRow(series, stamp(shift.since), usual, level, change, shift.told)


@dataclass(frozen=True)
class Compared:
    """Accuracy of every candidate on the scored folds of one series, and which of them was chosen."""

    metric: str
    chosen: str
    accuracies: Mapping[str, float]


@dataclass(frozen=True)
class ModelRow:
    """A candidate over the `series` it ran on: mean accuracy, and on how many it was the best or was chosen."""

    metric: str
    model: str
    series: int
    accuracy: float
    best: int
    chosen: int


def compared(metric: str, chosen: str, cv: pd.DataFrame) -> Compared:
    """From the cross-validation rows of one series."""
    scored = cv[cv["is_candidate"] & (cv["fold"] >= WARM_UP_FOLDS)]
    found = {str(kind): accuracy(*_course(rows)) for kind, rows in scored.groupby("model", sort=True)}
    return Compared(metric, chosen, {kind: value for kind, value in found.items() if math.isfinite(value)})


def model_rows(found: Sequence[Compared]) -> list[ModelRow]:
    """By metric the most accurate first; none where there is nothing to compare."""
    names = sorted({(each.metric, kind) for each in found for kind in each.accuracies})
    rows = [
        _model_row(metric, kind, [each for each in found if each.metric == metric]) for metric, kind in names
    ]
    return sorted(rows, key=lambda row: (row.metric, -row.accuracy)) if len(rows) > 1 else []


def _model_row(metric: str, kind: str, found: Sequence[Compared]) -> ModelRow:
    own = [each for each in found if kind in each.accuracies]
    accuracies = [each.accuracies[kind] for each in own]
    best = sum(max(each.accuracies, key=each.accuracies.__getitem__) == kind for each in own)
    mean = sum(accuracies) / len(accuracies)
    return ModelRow(metric, kind, len(own), mean, best, sum(each.chosen == kind for each in found))


def folds_table(scored: Mapping[tuple[str, str], FoldAccuracies]) -> FoldsTable:
    """Accuracy of every scored fold, by service and metric."""
    origins = sorted({origin for folds in scored.values() for origin in folds})
    rows = [
        FoldsRow(service, metric, [folds.get(origin) for origin in origins])
        for (service, metric), folds in scored.items()
    ]
    return FoldsTable([origin.strftime("%d %b %Hh") for origin in origins], rows)


def fold_accuracies(course: pd.DataFrame) -> FoldAccuracies:
    """Accuracy of each fold of one series by its origin; `course` has its scored hours (fold, timestamp, y, p50)."""
    folds, p50 = course["fold"].to_numpy(), course["p50"].to_numpy(dtype=np.float64)
    actual = course["y"].to_numpy(dtype=np.float64)
    found: FoldAccuracies = {}
    for fold in np.unique(folds):
        inside = folds == fold
        value = accuracy(actual[inside], p50[inside])
        found[course["timestamp"][inside].min()] = value if math.isfinite(value) else None
    return found


def _course(rows: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
    """Actual values and forecast."""
    actual, p50 = (rows[name].to_numpy(dtype=np.float64) for name in ("y", "p50"))
    return actual, p50


def cost_rows(costs: Sequence[PlanCost]) -> list[CostRow]:
    """Medians of cost and risk, by metric and plan."""
    return [
        _cost_row(metric, plan, [each for each in costs if (each.metric, each.plan) == (metric, plan)])
        for metric in sorted({each.metric for each in costs})
        for plan in PLANS
    ]


def guard_rows(costs: Sequence[PlanCost], guarded: Collection[tuple[str, str]]) -> list[CostRow]:
    """What the gates change: plans of guarded series (service, metric) by the forecast, the constant and both."""
    refused = [each for each in costs if (each.service, each.metric) in guarded]
    return [
        _cost_row(metric, plan, [each for each in refused if (each.metric, each.plan) == (metric, plan)])
        for metric in sorted({each.metric for each in refused})
        for plan in (FORECAST, VPA_LIKE, HIGHER)
    ]


def _cost_row(metric: str, plan: str, found: Sequence[PlanCost]) -> CostRow:
    known = [each for each in found if math.isfinite(each.cost)]
    if not known:
        return CostRow(metric, plan, 0, math.nan, math.nan, math.nan)
    over = [each.hours_over for each in known]
    cost = median(each.cost for each in known)
    return CostRow(metric, plan, len(known), cost, median(over), sum(over) / len(over))


def refused_texts(reasons: Mapping[tuple[str, str], str]) -> list[str]:
    """What is not forecast, with the reason."""
    return [f"{service} {metric}: {reason}" for (service, metric), reason in sorted(reasons.items())]
