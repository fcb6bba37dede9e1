"""What plans would have cost and risked on the folds that are scored: the forecast, a VPA-like constant, the requests.

Every plan is made from what was known before its fold. Usage is what is forecast: the hour's mean of cpu, so that peaks
within an hour are in none of the figures, alike for all plans; the hour's highest of memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from predictive_scaling.base.series import FloatArray
from predictive_scaling.recommend.fallback import constant
from predictive_scaling.recommend.plan import PlanOptions, capacity

FORECAST, VPA_LIKE, CURRENT = "forecast", "VPA-like", "current requests"
PLANS = (FORECAST, VPA_LIKE, CURRENT)


@dataclass(frozen=True)
class PlanCost:
    """`cost` is capacity / usage, `hours_over` the share of hours in which usage was above the plan, 0–1."""

    service: str
    metric: str
    plan: str
    cost: float
    hours_over: float


def plan_costs(service: str, metric: str, course: pd.DataFrame, features: pd.DataFrame) -> list[PlanCost]:
    """Costs of the plans for one series; `course` has its scored hours (fold, timestamp, y, p95).

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
    p95 = ordered["p95"].to_numpy(dtype=np.float64)
    constants = dict(_constants(metric, features[features["timestamp"] < ordered["timestamp"].iloc[0]]))
    forecast = capacity(metric, p95, constants.get(VPA_LIKE, 0.0), PlanOptions())
    return {FORECAST: forecast} | {name: np.full_like(p95, value) for name, value in constants.items()}


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
