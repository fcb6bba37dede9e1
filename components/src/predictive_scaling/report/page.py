"""The forecast report: one self-contained HTML page of at most 1 MB that loads nothing and runs no script.

KFP shows it in an iframe with `sandbox="allow-scripts"` and srcdoc, so it must stand by itself. Light and dark follow
the reader's system; charts are drawn once, in the page's colours. page.html beside this module is its text and looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd
from markupsafe import Markup

from predictive_scaling.backtest.evaluation import GUARDED, MODEL, WARM_UP_FOLDS, Gates, SeriesEvaluation
from predictive_scaling.backtest.evaluation_document import GRANULARITY, reason
from predictive_scaling.models.features import target
from predictive_scaling.recommend.capacity import PlanCost, plan_costs
from predictive_scaling.recommend.plan import PlanOptions
from predictive_scaling.report.charts import backtest_course, cost_chart, course_chart
from predictive_scaling.report.rendered import MAX_BYTES, figure, rendered
from predictive_scaling.report.tables import cost_rows, folds_table, guard_rows, refused_texts

CHART_HISTORY_DAYS = 7
# Of a table; the page says how many more there are.
MAX_ROWS = 400
# What the last paragraph takes, and the end of the page.
_RESERVE = 500


@dataclass(frozen=True)
class ReportData:
    """What the report shows: the judgements, the tables behind them (of all metrics), and what validation refused."""

    results: Sequence[SeriesEvaluation]
    gates: Gates
    horizon: int
    cv: pd.DataFrame
    forecast: pd.DataFrame
    features: pd.DataFrame
    refused: Mapping[tuple[str, str], str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Series:
    """The tables cut into what belongs to each service and metric; features by service alone."""

    cv: Mapping[tuple[str, str], pd.DataFrame]
    forecast: Mapping[tuple[str, str], pd.DataFrame]
    features: Mapping[str, pd.DataFrame]


def html_report(data: ReportData) -> str:
    """The page; charts that would take it over its size are left out, and the page says so."""
    series = _Series(_by_series(data.cv), _by_series(data.forecast), _by_service(data.features))
    scored = [(each.service, each.metric) for each in data.results if each.scores]
    courses = {key: backtest_course(series.cv[key]) for key in scored}
    costs = [
        cost for key, course in courses.items() for cost in plan_costs(*key, course, series.features[key[0]])
    ]
    guarded = {(each.service, each.metric) for each in data.results if each.decision == GUARDED}
    shown = {
        **_judged(data),
        **_planned(costs),
        "guards": guard_rows(costs, guarded),
        "folds": folds_table(courses),
    }
    frame = rendered("page.html", **shown, charts=(), left_out=0)
    drawn = [each for each in data.results if each.champion]
    charts = list(_fitting((_chart(each, series, courses) for each in drawn), len(frame.encode())))
    return str(rendered("page.html", **shown, charts=charts, left_out=len(drawn) - len(charts)))


def _by_series(table: pd.DataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    groups = table.groupby(["service", "metric"], sort=False)
    return {(str(service), str(metric)): rows for (service, metric), rows in groups}


def _by_service(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {str(service): rows for service, rows in table.groupby("service", sort=False)}


def _judged(data: ReportData) -> dict[str, object]:
    """What the page says of accuracy, and of what is refused."""
    return {
        "reason": reason(data.results),
        "granularity": GRANULARITY,
        "horizon": data.horizon,
        "warm_up_folds": WARM_UP_FOLDS,
        "gates": data.gates,
        "results": data.results,
        "refused": refused_texts(_reasons(data)),
        "max_rows": MAX_ROWS,
    }


def _reasons(data: ReportData) -> dict[tuple[str, str], str]:
    """(service, metric) -> why it is not forecast: refused as data, or judged and found wanting."""
    judged = {
        (each.service, each.metric): f"guarded: {each.reason}" if each.decision == GUARDED else each.reason
        for each in data.results
        if each.decision != MODEL
    }
    return {**judged, **{key: f"data: {reason}" for key, reason in data.refused.items()}}


def _planned(costs: Sequence[PlanCost]) -> dict[str, object]:
    """Cost against risk of what could be reserved; without a scored series there is nothing to show."""
    figures = [
        figure(cost_chart([each for each in costs if each.metric == metric]), f"{metric}: cost against risk")
        for metric in sorted({each.metric for each in costs})
    ]
    return {"costs": cost_rows(costs), "cost_figures": figures, "headroom": PlanOptions().headroom}


def _fitting(charts: Iterable[Markup], size: int) -> Iterator[Markup]:
    """As many charts as fit beside `size` bytes."""
    for part in charts:
        size += len(part.encode())
        if size > MAX_BYTES - _RESERVE:
            return
        yield part


def _chart(
    each: SeriesEvaluation, series: _Series, courses: Mapping[tuple[str, str], pd.DataFrame]
) -> Markup:
    key, rows = (each.service, each.metric), series.features[each.service]
    recent = rows[rows["timestamp"] > rows["timestamp"].max() - pd.Timedelta(days=CHART_HISTORY_DAYS)]
    history = recent[["timestamp"]].assign(value=target(recent, each.metric))
    ahead = series.forecast[key]
    caption = f"{each.service} {each.metric}: {each.champion}, {each.decision}"
    return figure(course_chart(history, courses.get(key, ahead.iloc[:0]), ahead), caption)
