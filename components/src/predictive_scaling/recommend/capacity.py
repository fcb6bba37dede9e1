"""What plans would have cost and risked on the folds that are scored: the forecast, a VPA-like constant, the requests.

Every plan is made from what was known before its fold. Usage is what is forecast: the hour's mean of cpu, so that peaks
within an hour are in none of the figures, though the forecast's plan pays for them; the hour's highest of memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from predictive_scaling.base.series import FloatArray
from predictive_scaling.recommend.fallback import constant_of
from predictive_scaling.recommend.known import Known, epoch_seconds, known_of
from predictive_scaling.recommend.peaks import memory_maxima, peak_ratio
from predictive_scaling.recommend.plan import Ahead, Past, PlanOptions, planned

FORECAST, VPA_LIKE, CURRENT = "forecast", "VPA-like", "current requests"
HIGHER = "the higher of both"
PLANS = (FORECAST, VPA_LIKE, HIGHER, CURRENT)


@dataclass(frozen=True)
class PlanCost:
    """`cost` is capacity / usage, `hours_over` the share of hours in which usage was above the plan, 0–1."""

    service: str
    metric: str
    plan: str
    cost: float
    hours_over: float


def plan_costs(service: str, metric: str, course: pd.DataFrame, features: pd.DataFrame) -> list[PlanCost]:
    """Costs of the plans for one series; `course` has its scored hours (fold, timestamp, y, p50, p90, p95).

    `features` are the service's hours; without a column <metric>_request there is no plan of current requests.
    """
    ordered = course.sort_values(["fold", "timestamp"])
    folds, known = ordered["fold"].to_numpy(), known_of(features, metric)
    seconds = epoch_seconds(ordered["timestamp"])
    columns = [ordered[name].to_numpy(dtype=np.float64) for name in Ahead._fields]
    request = _requests(metric, features)
    plans = []
    for fold in np.unique(folds):
        inside = folds == fold
        begin = int(seconds[inside][0])
        ahead = Ahead(*(column[inside] for column in columns))
        plans.append(_fold_plans(metric, ahead, known.before(begin), begin, request.before(begin)))
    actual = ordered["y"].to_numpy(dtype=np.float64)
    return [
        PlanCost(service, metric, name, *_cost(actual, np.concatenate([each[name] for each in plans])))
        for name in PLANS
        if plans and all(name in each for each in plans)
    ]


def _requests(metric: str, features: pd.DataFrame) -> Known:
    """Requests by time, those that are known; none without the column."""
    column = f"{metric}_request"
    there = features[features[column].notna()] if column in features else features.iloc[:0]
    seconds = epoch_seconds(there["timestamp"])
    values = np.asarray(there.get(column, []), dtype=np.float64)
    order = np.argsort(seconds, kind="stable")
    return Known(seconds[order], values[order], values[order])


def _fold_plans(
    metric: str, ahead: Ahead, known: Known, begin: int, requests: Known
) -> dict[str, FloatArray]:
    """Capacity by hour of one fold, for each plan that can be made."""
    end = int(known.seconds[-1]) if len(known.seconds) else begin
    usual = constant_of(known, metric, end, PlanOptions().headroom)
    past = past_of(metric, known, begin, usual.request if usual else 0.0)
    found = {FORECAST: planned(metric, ahead, past, PlanOptions())}
    if usual:
        found[VPA_LIKE] = np.full_like(ahead.p95, usual.request)
        found[HIGHER] = np.maximum(found[FORECAST], found[VPA_LIKE])
    if len(requests.value):
        found[CURRENT] = np.full_like(ahead.p95, requests.value[-1])
    return found


def past_of(metric: str, known: Known, begin: int, usual: float) -> Past:
    """What a plan that begins at an instant (seconds since 1970) knows of a service's rows before it."""
    if metric == "memory":
        return Past(usual, maxima=memory_maxima(known, begin))
    return Past(usual, peak_ratio(known))


def _cost(actual: FloatArray, plan: FloatArray) -> tuple[float, float]:
    known = np.isfinite(actual) & np.isfinite(plan)
    used = float(actual[known].sum())
    if used <= 0:
        return float("nan"), float("nan")
    return float(plan[known].sum()) / used, float((actual[known] > plan[known]).mean())
