"""The forecast report: one self-contained HTML page of at most 1 MB that loads nothing and runs no script.

KFP shows it in an iframe with `sandbox="allow-scripts"` and srcdoc, so it must stand by itself. Light and dark follow
the reader's system; charts are drawn once, in the page's colours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

import pandas as pd

from predictive_scaling.backtest.evaluation import MODEL, WARM_UP_FOLDS, Gates, SeriesEvaluation
from predictive_scaling.backtest.evaluation_document import GRANULARITY, reason
from predictive_scaling.recommend.capacity import PlanCost, plan_costs
from predictive_scaling.recommend.plan import PlanOptions
from predictive_scaling.report.charts import backtest_course, cost_chart, course_chart
from predictive_scaling.report.tables import costs_table, folds_table, refused_list, scores_table

MAX_BYTES = 1_000_000
CHART_HISTORY_DAYS = 7
_END = "</main></body></html>\n"
# What the last paragraph and the end of the page take.
_RESERVE = 500

STYLE = """:root{color-scheme:light dark;--page:#fff;--ink:#1b1f24;--muted:#59636e;--line:#d1d9e0;--model:#0969da;
--vpa:#bc4c00;--current:#59636e;--warn:#fff4e5}
@media (prefers-color-scheme:dark){:root{--page:#0d1117;--ink:#e6edf3;--muted:#9198a1;--line:#3d444d;--model:#58a6ff;
--vpa:#ffa657;--current:#9198a1;--warn:#3a2a12}}
html{background:var(--page);color:var(--ink)}body{font:14px/1.45 system-ui,sans-serif;margin:1.5em}
main{max-width:66em;margin:auto}h1{font-size:1.6em}h2{font-size:1.2em;margin-top:2em}
.wide{overflow-x:auto}table{border-collapse:collapse;margin:1em 0}
th,td{padding:.25em .7em;border-bottom:1px solid var(--line);text-align:left;white-space:nowrap}
th{color:var(--muted);font-weight:600;white-space:normal;vertical-align:bottom}td.n{text-align:right;font-variant-numeric:tabular-nums}
tr.fallback{background:var(--warn)}.folds td,.folds th{padding:.25em .45em;font-size:12px}
.folds td[style]{background:color-mix(in srgb,var(--model) calc(var(--part)*45%),var(--page))}
figure{margin:1.2em 0}figcaption{color:var(--muted);font-size:12px}svg{max-width:100%;height:auto;display:block}"""


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
    parts = [
        *_head(data),
        "<h2>Accuracy and baseline</h2>",
        *scores_table(data.results),
        *_capacity(costs),
        "<h2>Refused, with reasons</h2>",
        *refused_list(_reasons(data)),
        "<h2>Accuracy of each fold</h2>",
        *folds_table(courses),
        "<h2>Forecast and actual</h2>",
    ]
    size = sum(len(part.encode()) + 1 for part in parts)
    return "\n".join([*parts, *_charts(data.results, series, courses, size), _END])


def _by_series(table: pd.DataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    groups = table.groupby(["service", "metric"], sort=False)
    return {(str(service), str(metric)): rows for (service, metric), rows in groups}


def _by_service(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {str(service): rows for service, rows in table.groupby("service", sort=False)}


def _head(data: ReportData) -> list[str]:
    gates = data.gates
    return [
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Forecast report</title>',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<style>{STYLE}</style></head><body><main><h1>Forecast report</h1>",
        f"<p>{escape(reason(data.results))}.</p>",
        f"<p>Accuracy is 1 − WAPE of {GRANULARITY} means over a horizon of {data.horizon} h. It is scored on folds "
        f"after the first {WARM_UP_FOLDS}, each with the model that was best before it. The baseline is the better "
        "seasonal naive of the same folds. Skill is 1 − WAPE / WAPE of the baseline.</p>",
        f"<p>A forecast is used from accuracy {gates.accuracy_threshold:.2f}, skill {gates.min_skill:.2f} and at "
        f"most {gates.max_over95:.0%} of hours above p95. What fails gets a constant from its usage instead.</p>",
    ]


def _reasons(data: ReportData) -> dict[tuple[str, str], str]:
    """(service, metric) -> why it is not forecast: refused as data, or judged and found wanting."""
    judged = {(each.service, each.metric): each.reason for each in data.results if each.decision != MODEL}
    return {**judged, **{key: f"data: {reason}" for key, reason in data.refused.items()}}


def _capacity(costs: Sequence[PlanCost]) -> list[str]:
    """Cost against risk of what could be reserved; without a scored series there is nothing to show."""
    if not costs:
        return []
    figures = [
        _figure(cost_chart([each for each in costs if each.metric == metric]), f"{metric}: cost against risk")
        for metric in sorted({each.metric for each in costs})
    ]
    factor = PlanOptions().headroom
    return [
        "<h2>Cost against risk</h2>",
        f"<p>Had capacity been planned on the scored folds: by the forecast (cpu: p95 × {factor}, quiet hours raised "
        "as far as the constant would cost no less; memory: the highest p95 of the day), by a constant as the Vertical "
        f"Pod Autoscaler recommends it (p90 of 8 days with a half-life of 24 h × {factor}), or by current requests. "
        "Lower and further left is better.</p>",
        *costs_table(costs),
        *figures,
    ]


def _charts(
    results: Sequence[SeriesEvaluation],
    series: _Series,
    courses: Mapping[tuple[str, str], pd.DataFrame],
    size: int,
) -> Iterator[str]:
    """As many charts as fit beside `size` bytes, then how many are left out."""
    drawn = [each for each in results if each.champion]
    for at, each in enumerate(drawn):
        part = _chart(each, series, courses)
        size += len(part.encode()) + 1
        if size > MAX_BYTES - _RESERVE:
            yield f"<p>{len(drawn) - at} more charts are left out to keep this page small.</p>"
            return
        yield part


def _chart(each: SeriesEvaluation, series: _Series, courses: Mapping[tuple[str, str], pd.DataFrame]) -> str:
    key, rows = (each.service, each.metric), series.features[each.service]
    recent = rows[rows["timestamp"] > rows["timestamp"].max() - pd.Timedelta(days=CHART_HISTORY_DAYS)]
    history = recent[["timestamp"]].assign(value=recent[each.metric])
    ahead = series.forecast[key]
    caption = f"{each.service} {each.metric}: {each.champion}, {each.decision}"
    return _figure(course_chart(history, courses.get(key, ahead.iloc[:0]), ahead), caption)


def _figure(svg: str, caption: str) -> str:
    named = svg.replace("<svg", f'<svg role="img" aria-label="{escape(caption)}"', 1)
    return f"<figure><figcaption>{escape(caption)}</figcaption>{named}</figure>"
