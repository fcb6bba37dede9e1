"""What the gates change: of the series that they refuse, hours above the forecast's plan, the constant and both."""

from __future__ import annotations

import numpy as np
from predictive_scaling.backtest.evaluation import Gates
from predictive_scaling.backtest.metrics import share_above

from ..house import Figure, Row
from . import measures
from .measures import SCORED, Case
from .worker import Array

OLD_THRESHOLD = 0.70  # the accuracy that a forecast of cpu had to reach before it was gated by safety


def row(cases: list[Case], found: dict[str, Array], naive: list[dict[str, Array]]) -> Row:
    """Refused are the series of cpu whose scored folds do not pass; plans are of the same folds."""
    chosen = [case for case in cases if case.metric == "cpu"]
    refused = {
        "max_over95": [case for case in chosen if _over95(case, found) > Gates().max_over95],
        "min_skill": [case for case in chosen if _skill(case, found, naive) < Gates().min_skill],
        "accuracy, as it was": [case for case in chosen if _accuracy(case, found) < OLD_THRESHOLD],
        "all of cpu": chosen,
    }
    details = [{"refused by": name} | _over(of, found) for name, of in refused.items()]
    every = details[-1]
    return Row(
        f"{len(chosen)} real series of cpu: hours above what a refused forecast gets, if all were refused",
        Figure("the higher of plan and constant", every["both"], every["both"]),
        Figure("the constant", every["constant"], every["constant"]),
        unit="of all hours",
        note=f"the forecast's plan alone: {every['plan']:.3f}",
        details=tuple(details),
    )


def _over(cases: list[Case], found: dict[str, Array]) -> dict[str, float]:
    if not cases:
        return {"series": 0, "plan": np.nan, "constant": np.nan, "both": np.nan, "cost": np.nan}
    plans = {case.name: measures.our_plan(case, found[case.name]) for case in cases}
    constants = {case.name: measures.vpa_like(case) for case in cases}
    both = {name: np.maximum(plan, constants[name]) for name, plan in plans.items()}
    mean = {
        name: float(np.mean([share_above(case.actual(), of[case.name]) for case in cases]))
        for name, of in (("plan", plans), ("constant", constants), ("both", both))
    }
    return {"series": len(cases), **mean, "cost": _cost(cases, both) / _cost(cases, plans)}


def _cost(cases: list[Case], plans: dict[str, Array]) -> float:
    return float(np.mean([plans[case.name].sum() / case.actual().sum() for case in cases]))


def _accuracy(case: Case, found: dict[str, Array]) -> float:
    return measures.accuracy(case, found[case.name][1])


def _over95(case: Case, found: dict[str, Array]) -> float:
    return share_above(case.actual(), found[case.name][3][SCORED])


def _skill(case: Case, found: dict[str, Array], naive: list[dict[str, Array]]) -> float:
    best = max(_accuracy(case, each) for each in naive)
    return 1 - (1 - _accuracy(case, found)) / max(1 - best, 1e-9)
