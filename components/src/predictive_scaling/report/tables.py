"""Tables of the forecast report, as HTML. Every text that comes from data is escaped here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from statistics import median

import numpy as np
import pandas as pd

from predictive_scaling.backtest.evaluation import SeriesEvaluation
from predictive_scaling.backtest.metrics import accuracy
from predictive_scaling.recommend.capacity import PLANS, PlanCost

MAX_ROWS = 400


def scores_table(results: Sequence[SeriesEvaluation]) -> list[str]:
    """Accuracy beside the baseline, by service and metric."""
    names = ["service", "metric", "decision", "model", "accuracy", "baseline", "baseline accuracy", "skill"]
    rows = [_score_row(each) for each in results]
    return table([*names, "above p95", "in p10–p90", "MASE", "hours scored"], rows)


def _score_row(each: SeriesEvaluation) -> str:
    texts = "".join(map(_text, (each.service, each.metric, each.decision, each.champion)))
    if each.scores is None:
        return f'<tr class="{each.decision}">{texts}<td colspan="8">not scored</td></tr>'
    found = each.scores
    middle = _number(found.accuracy) + _text(found.baseline)
    figures = (found.baseline_accuracy, found.skill, found.over95, found.coverage, found.mase)
    numbers = "".join(map(_number, figures))
    return (
        f'<tr class="{each.decision}">{texts}{middle}{numbers}<td class="n">{found.scored_points}</td></tr>'
    )


def folds_table(courses: dict[tuple[str, str], pd.DataFrame]) -> list[str]:
    """Accuracy of every scored fold; its origin is the first hour that it forecasts."""
    scored = {key: _folds(course) for key, course in courses.items()}
    origins = sorted({origin for folds in scored.values() for origin in folds})
    head = ["service", "metric", *(origin.strftime("%d %b %Hh") for origin in origins)]
    rows = [
        f"<tr>{_text(service)}{_text(metric)}{''.join(_shade(folds.get(origin)) for origin in origins)}</tr>"
        for (service, metric), folds in scored.items()
    ]
    return table(head, rows, kind="folds")


def _folds(course: pd.DataFrame) -> dict[pd.Timestamp, float]:
    found = {}
    for _, rows in course.groupby("fold", sort=True):
        actual, p50 = (rows[name].to_numpy(dtype=np.float64) for name in ("y", "p50"))
        found[rows["timestamp"].min()] = accuracy(actual, p50)
    return found


def _shade(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return '<td class="n">–</td>'
    return f'<td class="n" style="--part:{value:.2f}">{value:.2f}</td>'


def costs_table(costs: Sequence[PlanCost]) -> list[str]:
    """Medians of cost and risk, by metric and plan."""
    metrics = sorted({each.metric for each in costs})
    rows = [
        _cost_row(metric, plan, [each for each in costs if (each.metric, each.plan) == (metric, plan)])
        for metric in metrics
        for plan in PLANS
    ]
    return table(
        ["metric", "plan", "series", "capacity / usage, median", "hours above, median", "hours above, mean"],
        rows,
    )


def _cost_row(metric: str, plan: str, found: Sequence[PlanCost]) -> str:
    known = [each for each in found if math.isfinite(each.cost)]
    if not known:
        return f'<tr>{_text(metric)}{_text(plan)}<td colspan="4">not known from the data</td></tr>'
    over = [each.hours_over for each in known]
    cost = _number(median(each.cost for each in known))
    shares = f'<td class="n">{median(over):.1%}</td><td class="n">{sum(over) / len(over):.1%}</td>'
    return f'<tr>{_text(metric)}{_text(plan)}<td class="n">{len(known)}</td>{cost}{shares}</tr>'


def refused_list(reasons: Mapping[tuple[str, str], str]) -> list[str]:
    """What is not forecast, with the reason."""
    texts = [f"{service} {metric}: {reason}" for (service, metric), reason in sorted(reasons.items())]
    rows = [f"<li>{escape(text)}</li>" for text in texts[:MAX_ROWS]]
    return ["<ul>", *(rows or ["<li>none</li>"]), *_left(len(texts), "<li>", "</li>"), "</ul>"]


def table(head: Iterable[str], rows: Sequence[str], kind: str = "") -> list[str]:
    """A table of at most MAX_ROWS rows that says how many are left out; wide ones scroll by themselves."""
    names = "".join(f"<th>{escape(name)}</th>" for name in head)
    opening = f'<div class="wide"><table class="{kind}"><thead><tr>{names}</tr></thead><tbody>'
    return [opening, *rows[:MAX_ROWS], "</tbody></table></div>", *_left(len(rows), "<p>", "</p>")]


def _left(count: int, opening: str, closing: str) -> list[str]:
    return [f"{opening}{count - MAX_ROWS} more are not shown.{closing}"] if count > MAX_ROWS else []


def _text(text: str) -> str:
    return f"<td>{escape(text)}</td>"


def _number(value: float) -> str:
    return f'<td class="n">{value:.2f}</td>' if math.isfinite(value) else '<td class="n">–</td>'
