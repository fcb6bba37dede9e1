"""Measures of forecasts and of the capacity plans made from them, over the folds that are scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from predictive_scaling.backtest.evaluation import WARM_UP_FOLDS
from predictive_scaling.backtest.metrics import share_above, wape
from predictive_scaling.recommend.fallback import (
    HALF_LIFE_HOURS,
    PERCENTILE,
    WINDOW_DAYS,
    weighted_percentile,
)
from predictive_scaling.recommend.plan import Ahead, Past, PlanOptions, planned

from .worker import FOLDS, HORIZON, Array

SCORED = slice(WARM_UP_FOLDS, FOLDS)
HEADROOM = PlanOptions().headroom


@dataclass(frozen=True)
class Case:
    """One series with its metric; the folds are the newest days."""

    name: str
    metric: str
    values: Array

    def origins(self) -> list[int]:
        """Positions at which the scored folds begin."""
        return [len(self.values) - HORIZON - back * 24 for back in range(FOLDS - 1, -1, -1)][SCORED]

    def actual(self) -> Array:
        """Scored folds × hours."""
        return np.array([self.values[at : at + HORIZON] for at in self.origins()])

    def before(self, days: int) -> list[Array]:
        """The days before each scored fold."""
        return [self.values[at - 24 * days : at] for at in self.origins()]


def accuracy(case: Case, p50: Array) -> float:
    """max(0, 1 − WAPE) pooled over the scored of all folds."""
    return accuracy_of(case, p50[SCORED])


def accuracy_of(case: Case, scored: Array) -> float:
    """The same of forecasts of the scored folds alone."""
    return max(0.0, 1.0 - wape(case.actual().ravel(), scored.ravel()))


def forecast_figures(
    cases: list[Case], found: Mapping[str, Array], naive: list[Mapping[str, Array]]
) -> dict[str, float]:
    """Accuracy, skill against the better naive in hindsight, overrun and coverage, over all series."""
    scores = [accuracy(case, found[case.name][1]) for case in cases]
    baselines = [max(accuracy(case, each[case.name][1]) for each in naive) for case in cases]
    skills = [1 - (1 - mine) / max(1 - other, 1e-9) for mine, other in zip(scores, baselines, strict=True)]
    over = [share_above(case.actual(), found[case.name][3][SCORED]) for case in cases]
    inside = [
        1
        - share_above(case.actual(), found[case.name][2][SCORED])
        - share_above(found[case.name][0][SCORED], case.actual())
        for case in cases
    ]
    return {
        "accuracy": float(np.mean(scores)),
        "median": float(np.median(scores)),
        ">=.70": float(np.mean(np.array(scores) >= 0.70)),
        ">=.85": float(np.mean(np.array(scores) >= 0.85)),
        "skill>.02": float(np.mean(np.array(skills) > 0.02)),
        "over95": float(np.mean(over)),
        "cov80": float(np.mean(inside)),
    }


def plan_figures(cases: list[Case], plans: Mapping[str, Array]) -> dict[str, float]:
    """By metric: median of capacity over usage, and mean share of hours above the plan."""
    found = {}
    for metric in ("cpu", "memory"):
        chosen = [case for case in cases if case.metric == metric]
        cost = [float(plans[case.name].sum() / case.actual().sum()) for case in chosen]
        over = [share_above(case.actual(), plans[case.name]) for case in chosen]
        found |= {f"{metric} cost": float(np.median(cost)), f"{metric} over": float(np.mean(over))}
    return found


RISKS = (("cpu", 0.02), ("cpu", 0.03), ("memory", 0.01))


def risk_figures(cases: list[Case], plans: Mapping[str, Array]) -> dict[str, float]:
    """What plans cost at equal risk: capacity over the VPA-like constant's, both scaled to as many hours over."""
    constants = {case.name: vpa_like(case) for case in cases}
    found = {}
    for metric, risk in RISKS:
        chosen = [case for case in cases if case.metric == metric]
        ours, theirs = (_cost_at(chosen, each, risk) for each in (plans, constants))
        found[f"{metric} ×VPA at {risk:.0%}"] = ours / theirs
    return found


def _cost_at(cases: list[Case], plans: Mapping[str, Array], risk: float) -> float:
    """Geometric mean of capacity over usage, with all plans multiplied so that `risk` of the hours are above them."""
    low, high = 0.1, 10.0
    for _ in range(40):
        factor = (low * high) ** 0.5
        over = np.mean([share_above(case.actual(), plans[case.name] * factor) for case in cases])
        low, high = (factor, high) if over > risk else (low, factor)
    costs = [plans[case.name].sum() * high / case.actual().sum() for case in cases]
    return float(np.exp(np.mean(np.log(costs)))) if costs else float("nan")


def our_plan(case: Case, found: Array) -> Array:
    """The product's plan; peaks within the hour are in no case."""
    folds = zip(*found[1:, SCORED], strict=True)
    maxima = zip(*([float(np.nanmax(each)) for each in case.before(days)] for days in (1, 7)), strict=True)
    rows = zip(folds, vpa_like(case)[:, 0].tolist(), maxima, strict=True)
    return np.array(
        [
            planned(case.metric, Ahead(*ahead), Past(usual, maxima=highest), PlanOptions())
            for ahead, usual, highest in rows
        ]
    )


def headroom_plan(case: Case, found: Array) -> Array:
    """What a peer's p95 gives: with headroom by the hour for cpu, the highest of the day for memory."""
    p95 = found[3][SCORED]
    return (
        p95 * HEADROOM if case.metric == "cpu" else np.repeat(p95.max(axis=1, keepdims=True), HORIZON, axis=1)
    )


def vpa_like(case: Case) -> Array:
    """p90 of 8 days, half-life 24 h, with 15 %: a constant each day."""
    rows = case.before(WINDOW_DAYS)
    weights = 0.5 ** (np.arange(24 * WINDOW_DAYS)[::-1] / HALF_LIFE_HOURS)
    constants = [weighted_percentile(row, weights[-len(row) :], PERCENTILE) * 1.15 for row in rows]
    return np.repeat(np.array(constants)[:, None], HORIZON, axis=1)


def krr_like(case: Case) -> Array:
    """cpu: p95 of 14 days; memory: their maximum with 15 %; a constant each day."""
    rows = case.before(14)
    constants = [np.quantile(row, 0.95) if case.metric == "cpu" else row.max() * 1.15 for row in rows]
    return np.repeat(np.array(constants)[:, None], HORIZON, axis=1)
