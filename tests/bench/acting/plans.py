"""Plans of floors, each from what was known before the day that it is of; but for those that know the day itself.

Every plan gives pods by minute over a service's whole past; only the days that are played are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from predictive_scaling.backtest.training import Job, TrainingOptions, train_series
from predictive_scaling.base.series import HOURS_PER_DAY, FloatArray, HourlySeries
from predictive_scaling.recommend.acting.autoscaler import Autoscaler
from predictive_scaling.recommend.acting.choice import Choice, chosen, floor_course
from predictive_scaling.recommend.acting.past import (
    MINUTES_PER_DAY,
    MINUTES_PER_HOUR,
    WARM_UP,
    Past,
    ahead,
    week_before,
)
from predictive_scaling.recommend.acting.responses import response
from predictive_scaling.recommend.fallback import (
    HALF_LIFE_HOURS,
    PERCENTILE,
    WINDOW_DAYS,
    weighted_percentile,
)
from predictive_scaling.recommend.plan import PlanOptions, capacity

from .usage import OPTIONS, Service

LEAD = OPTIONS.lead_minutes
Plan = Sequence[FloatArray]  # by service


@dataclass(frozen=True)
class Forecasts:
    """Of the days played: p50 and p95 in pods at 100 %, days × 24."""

    p50: FloatArray
    p95: FloatArray


def forecasts_of(service: Service, days: int) -> Forecasts:
    """The blend's, each day from what was known before it."""
    past = service.past
    hours = past.demand[WARM_UP:].reshape(-1, MINUTES_PER_HOUR).mean(axis=1)
    options = TrainingOptions(candidates=("blend",), cv_folds=days)
    trained = train_series(Job(past.service, "cpu", HourlySeries(service.first_hour, hours), options))
    blend = next(fold for fold in trained.folds if fold.model == "blend")
    # A day before which there is too little for a forecast has none.
    missing = np.full((days - len(blend.p50), HOURS_PER_DAY), np.nan)
    return Forecasts(*(np.concatenate([missing, each]) for each in (blend.p50, blend.bounds.p95)))


def ours(services: Sequence[Service], forecasts: Sequence[Forecasts], days: int) -> tuple[Plan, Choice]:
    """As the product chooses on each morning, and its newest choice."""
    levels: list[dict[int, FloatArray]] = [{} for _ in services]
    for back in range(days, 0, -1):
        known = [each.past.until(each.past.days - back) for each in services]
        choice = chosen(known, OPTIONS)
        for at, past in enumerate(known):
            expected = float(forecasts[at].p50[-back].mean()) * past.cores
            cores = choice.floor_demand(past.service, expected if np.isfinite(expected) else None)
            levels[at][past.days] = np.asarray(cores) / (OPTIONS.target * past.cores)
    courses = zip(services, levels, strict=True)
    return [ahead(floor_course(each.past, of), LEAD) for each, of in courses], choice


def hindsight(services: Sequence[Service], days: int, rate: float) -> Plan:
    """The same levels at the same price, of one who knows what each would have done on the day itself."""
    plans = []
    for each in services:
        table = response(each.past, OPTIONS.scaler)
        loss = table.unserved + rate * table.pods / table.usual
        found = {day: table.levels[loss[day].argmin(axis=1)] for day in _newest(each.past, days)}
        plans.append(ahead(floor_course(each.past, found), LEAD))
    return plans


def simple(services: Sequence[Service], forecasts: Sequence[Forecasts], days: int) -> dict[str, Plan]:
    """Plans that choose nothing."""
    makers: Mapping[str, Callable[[Past, Forecasts, int], FloatArray]] = {
        "autoscaler alone": lambda past, *_: np.zeros(len(past.demand)),
        "p95 × 1.15, as before": _p95_plan,
        "week-old maximum, PromQL": lambda past, *_: week_before(past, OPTIONS.target),
        "VPA-like constant": _vpa_like,
        "knowing each hour's maximum": _perfect,
    }
    return {
        name: [make(each.past, of, days) for each, of in zip(services, forecasts, strict=True)]
        for name, make in makers.items()
    }


def _newest(past: Past, days: int) -> range:
    return range(past.days - days, past.days)


def _course(past: Past, hours: Mapping[int, FloatArray]) -> FloatArray:
    """Of cores at 100 %, made pods at the target and ordered early."""
    return ahead(floor_course(past, {day: each / OPTIONS.target for day, each in hours.items()}), LEAD)


def _p95_plan(past: Past, forecasts: Forecasts, days: int) -> FloatArray:
    """The plan of cpu capacity: p95 with headroom, and the quietest hours raised."""
    found = {}
    for at, day in enumerate(_newest(past, days)):
        constant = _constant(past, day)
        known = np.where(np.isfinite(forecasts.p95[at]), forecasts.p95[at], constant)
        found[day] = capacity("cpu", known, constant, PlanOptions())
    return _course(past, found)


def _vpa_like(past: Past, _: Forecasts, days: int) -> FloatArray:
    return _course(past, {day: np.full(HOURS_PER_DAY, _constant(past, day)) for day in _newest(past, days)})


def _constant(past: Past, day: int) -> float:
    """p90 × 1.15 of eight days, weights halving every day."""
    end = WARM_UP + day * MINUTES_PER_DAY
    known = past.demand[max(0, end - WINDOW_DAYS * MINUTES_PER_DAY) : end : 5]
    weights = 0.5 ** (np.arange(len(known))[::-1] / (HALF_LIFE_HOURS * 12))
    return weighted_percentile(known, weights, PERCENTILE) * PlanOptions().headroom


def _perfect(past: Past, _: Forecasts, days: int) -> FloatArray:
    hours = past.demand[WARM_UP:].reshape(past.days, HOURS_PER_DAY, MINUTES_PER_HOUR).max(axis=2)
    return _course(past, {day: hours[day] for day in _newest(past, days)})


def autoscaler(ready_minutes: float) -> Autoscaler:
    """The one that is played, whatever the choice supposed of it."""
    return Autoscaler(ready_minutes, OPTIONS.target)
