"""What plans would have cost and risked on the folds that are scored: the forecast, a VPA-like constant, the requests.

Every plan is made from what was known before its fold. Usage is what is forecast: the hour's mean of cpu, so that peaks
within an hour are in none of the figures, though the forecast's plan pays for them; the hour's highest of memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from predictive_scaling.base.series import FloatArray
from predictive_scaling.recommend.fallback import constant
from predictive_scaling.recommend.peaks import memory_maxima, peak_ratio
from predictive_scaling.recommend.plan import Ahead, Past, PlanOptions, planned

FORECAST, VPA_LIKE, CURRENT = "forecast", "VPA-like", "current requests"
GUARDED = "the higher of both"
PLANS = (FORECAST, VPA_LIKE, GUARDED, CURRENT)


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
    plans = [_fold_plans(metric, fold, features) for _, fold in course.groupby("fold", sort=True)]
    actual = course.sort_values(["fold", "timestamp"])["y"].to_numpy(dtype=np.float64)
    return [
        PlanCost(service, metric, name, *_cost(actual, np.concatenate([each[name] for each in plans])))
        for name in PLANS
        if plans and all(name in each for each in plans)
    ]


def _fold_plans(metric: str, fold: pd.DataFrame, features: pd.DataFrame) -> dict[str, FloatArray]:
    """Capacity by hour of one fold, for each plan that can be made."""
    ordered = fold.sort_values("timestamp")
    ahead = Ahead(*(ordered[name].to_numpy(dtype=np.float64) for name in Ahead._fields))
    begin = ordered["timestamp"].iloc[0]
    known = features[features["timestamp"] < begin]
    constants = dict(_constants(metric, known))
    past = past_of(metric, known, begin, constants.get(VPA_LIKE, 0.0))
    forecast = planned(metric, ahead, past, PlanOptions())
    found = {FORECAST: forecast} | {name: np.full_like(ahead.p95, value) for name, value in constants.items()}
    return found | ({GUARDED: np.maximum(forecast, found[VPA_LIKE])} if VPA_LIKE in found else {})


def past_of(metric: str, known: pd.DataFrame, begin: pd.Timestamp, usual: float) -> Past:
    """What a plan that begins at an instant knows of a service's rows before it."""
    if known.empty:
        return Past(usual)
    if metric == "memory":
        return Past(usual, maxima=memory_maxima(known, begin))
    return Past(usual, peak_ratio(known))


def _constants(metric: str, known: pd.DataFrame) -> Iterator[tuple[str, float]]:
    if known.empty:
        return
    usual = constant(known, metric, known["timestamp"].max(), PlanOptions().headroom)
    if usual:
        yield VPA_LIKE, usual.request
    column = f"{metric}_request"
    if column in known and known[column].notna().any():
        yield CURRENT, float(known[column].dropna().iloc[-1])


def _cost(actual: FloatArray, plan: FloatArray) -> tuple[float, float]:
    known = np.isfinite(actual) & np.isfinite(plan)
    used = float(actual[known].sum())
    if used <= 0:
        return float("nan"), float("nan")
    return float(plan[known].sum()) / used, float((actual[known] > plan[known]).mean())
