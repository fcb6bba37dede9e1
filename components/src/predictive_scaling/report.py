"""The forecast report: one self-contained HTML page of at most 1 MB that loads nothing and runs no script."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import pandas as pd

from predictive_scaling.charts import backtest_course, chart
from predictive_scaling.evaluation import MODEL, WARM_UP_FOLDS, Gates, SeriesEvaluation
from predictive_scaling.evaluation_document import GRANULARITY, reason

MAX_BYTES = 1_000_000
MAX_CHARTS = 40
CHART_HISTORY_DAYS = 7

STYLE = """body{font:14px system-ui,sans-serif;margin:1.5em;max-width:64em;color:#222}
table{border-collapse:collapse;margin:1em 0}th,td{padding:.25em .7em;border-bottom:1px solid #ddd;text-align:left}
td.n{text-align:right;font-variant-numeric:tabular-nums}tr.fallback{background:#fff4e5}
img{display:block;margin:.5em 0}"""


@dataclass(frozen=True)
class ReportData:
    """What the report shows: the judgements and the tables behind them (of all metrics)."""

    results: Sequence[SeriesEvaluation]
    gates: Gates
    horizon: int
    cv: pd.DataFrame
    forecast: pd.DataFrame
    features: pd.DataFrame


def html_report(data: ReportData) -> str:
    """The page; charts that would take it over its size are left out, and the page says so."""
    text = [*_head(data), *_scores(data.results), *_refused(data.results), "<h2>Forecast and actual</h2>"]
    size = sum(len(part.encode()) for part in text) + 500
    shown, drawn = 0, [each for each in data.results if each.champion]
    for each in drawn[:MAX_CHARTS]:
        image = _image(data, each)
        if size + len(image) > MAX_BYTES:
            break
        text.append(image)
        size, shown = size + len(image), shown + 1
    if shown < len(drawn):
        text.append(f"<p>{len(drawn) - shown} more charts are left out to keep this page small.</p>")
    return "\n".join([*text, "</body></html>"]) + "\n"


def _head(data: ReportData) -> list[str]:
    gates = data.gates
    return [
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Forecast report</title>',
        f"<style>{STYLE}</style></head><body><h1>Forecast report</h1>",
        f"<p>{escape(reason(data.results))}.</p>",
        f"<p>Accuracy is 1 − WAPE of {GRANULARITY} means over a horizon of {data.horizon} h. It is scored on folds "
        f"after the first {WARM_UP_FOLDS}, each with the model that was best before it. The baseline is the better "
        "seasonal naive of the same folds. Skill is 1 − WAPE / WAPE of the baseline.</p>",
        f"<p>A forecast is used from accuracy {gates.accuracy_threshold:.2f}, skill {gates.min_skill:.2f} and at "
        f"most {gates.max_over95:.0%} of hours above p95. What fails gets a constant from its usage instead.</p>",
    ]


def _scores(results: Sequence[SeriesEvaluation]) -> list[str]:
    names = ("service", "metric", "decision", "model", "accuracy", "baseline", "baseline accuracy", "skill")
    head = "".join(f"<th>{name}</th>" for name in (*names, "above p95", "MASE", "hours scored"))
    return ["<h2>Accuracy and baseline</h2><table><tr>", head, "</tr>", *map(_score_row, results), "</table>"]


def _score_row(each: SeriesEvaluation) -> str:
    texts = "".join(
        f"<td>{escape(text)}</td>" for text in (each.service, each.metric, each.decision, each.champion)
    )
    if each.scores is None:
        return f'<tr class="{each.decision}">{texts}<td colspan="7">not scored</td></tr>'
    found = each.scores
    figures = (found.baseline_accuracy, found.skill, found.over95, found.mase)
    numbers = "".join(f'<td class="n">{value:.2f}</td>' for value in figures)
    accuracy = f'<td class="n">{found.accuracy:.2f}</td><td>{escape(found.baseline)}</td>'
    return (
        f'<tr class="{each.decision}">{texts}{accuracy}{numbers}<td class="n">{found.scored_points}</td></tr>'
    )


def _refused(results: Sequence[SeriesEvaluation]) -> list[str]:
    failed = [each for each in results if each.decision != MODEL]
    rows = [f"<li>{escape(f'{each.service} {each.metric}: {each.reason}')}</li>" for each in failed]
    return ["<h2>Refused, with reasons</h2>", "<ul>", *(rows or ["<li>none</li>"]), "</ul>"]


def _image(data: ReportData, each: SeriesEvaluation) -> str:
    cv = _rows(data.cv, each)
    course = backtest_course(cv) if each.scores else cv.iloc[:0]
    rows = data.features[data.features["service"] == each.service]
    recent = rows[rows["timestamp"] > rows["timestamp"].max() - pd.Timedelta(days=CHART_HISTORY_DAYS)]
    history = recent[["timestamp"]].assign(value=recent[each.metric])
    title = f"{each.service} {each.metric}: {each.champion}, {each.decision}"
    encoded = base64.b64encode(chart(title, history, course, _rows(data.forecast, each))).decode()
    return f'<img alt="{escape(title)}" src="data:image/png;base64,{encoded}">'


def _rows(table: pd.DataFrame, each: SeriesEvaluation) -> pd.DataFrame:
    return table[(table["service"] == each.service) & (table["metric"] == each.metric)]
