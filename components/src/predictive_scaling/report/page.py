"""How good the forecasts are: one self-contained HTML page of at most 1 MB that loads nothing and runs no script.

KFP shows it in an iframe with `sandbox="allow-scripts"` and srcdoc, so it must stand by itself. Light and dark follow
the reader's system; charts are drawn once, in the page's colours. judged.html beside this module is its text, which the
forecast report takes in. Of a run it says nothing: the step that judges may be answered from a cache, in another run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pandas as pd
from markupsafe import Markup

from predictive_scaling.backtest.evaluation import GUARDED, MODEL, WARM_UP_FOLDS, Gates, SeriesEvaluation
from predictive_scaling.backtest.evaluation_document import GRANULARITY, reason
from predictive_scaling.models.features import target
from predictive_scaling.models.load import unit_of
from predictive_scaling.recommend.capacity import PlanCost, plan_costs
from predictive_scaling.recommend.entries import UNITS
from predictive_scaling.recommend.plan import PlanOptions
from predictive_scaling.report.charts import backtest_course, cost_chart, course_chart
from predictive_scaling.report.origin import ZONE, stamp
from predictive_scaling.report.recommended import Units
from predictive_scaling.report.rendered import MAX_BYTES, figure, rendered
from predictive_scaling.report.tables import (
    Compared,
    FoldAccuracies,
    ShiftRow,
    compared,
    cost_rows,
    fold_accuracies,
    folds_table,
    guard_rows,
    model_rows,
    refused_texts,
)
from predictive_scaling.usage.checks import METRICS

CHART_HISTORY_DAYS = 7
# Of a table; the page says how many more there are.
MAX_ROWS = 1000
MAX_FOLDS = 400
# What the last paragraph takes, and the end of the page.
_RESERVE = 500


@dataclass
class Shown:
    """What the page shows, gathered service by service, so that no tables of thousands of them have to be held.

    `shares` says that the data are shares of something, and in no unit.
    """

    shares: bool = False
    results: list[SeriesEvaluation] = field(default_factory=list)
    _costs: list[PlanCost] = field(default_factory=list)
    _folds: dict[tuple[str, str], FoldAccuracies] = field(default_factory=dict)
    _compared: list[Compared] = field(default_factory=list)
    _charts: list[Markup] = field(default_factory=list)
    _shifts: list[tuple[SeriesEvaluation, str]] = field(default_factory=list)
    _moments: list[datetime] = field(default_factory=list)
    _size: int = 0

    def add(
        self,
        results: Sequence[SeriesEvaluation],
        cv: pd.DataFrame,
        forecast: pd.DataFrame,
        features: pd.DataFrame,
    ) -> None:
        """A service's judgements, with its own rows of the tables."""
        self.results.extend(results)
        if len(features):
            self._moments += [features["timestamp"].min(), features["timestamp"].max()]
        for each in results:
            unit = "" if self.shares else UNITS.get(each.metric) or unit_of(features)
            self._shifts += [(each, unit)] if each.shift else []
            rows, ahead = (table[table["metric"] == each.metric] for table in (cv, forecast))
            course = backtest_course(rows) if each.scores else ahead.iloc[:0]
            if each.scores:
                if each.metric in METRICS:  # nobody reserves a load
                    self._costs += plan_costs(each.service, each.metric, course, features)
                self._folds[each.service, each.metric] = fold_accuracies(course)
                self._compared.append(compared(each.metric, each.champion, rows))
            if each.champion and self._size < MAX_BYTES:  # no more will ever fit
                self._charts.append(_chart(each, unit, course, ahead, features))
                self._size += len(self._charts[-1].encode())

    def html(self, gates: Gates, horizon: int, refused: Mapping[tuple[str, str], str]) -> str:
        """The page; charts that would take it over its size are left out, and the page says so."""
        data = {
            **_judged(self.results, gates, horizon, refused),
            **_planned(self._costs),
            "guards": guard_rows(self._costs, _guarded(self.results)),
            "folds": folds_table(self._folds),
            "shifts": [ShiftRow.of(each, unit, Units(self.shares)) for each, unit in self._shifts],
            "models": model_rows(self._compared),
            "period": self._period(),
            "data_shares": self.shares,
        }
        frame = rendered("page.html", **data, charts=(), left_out=0)
        charts = list(_fitting(self._charts, len(frame.encode())))
        drawn = sum(bool(each.champion) for each in self.results)
        return str(rendered("page.html", **data, charts=charts, left_out=drawn - len(charts)))

    def _period(self) -> str:
        """The first and the last hour that models were judged on."""
        if not self._moments:
            return "no hour"
        return f"{stamp(min(self._moments))} – {stamp(max(self._moments))}"


def _guarded(results: Sequence[SeriesEvaluation]) -> set[tuple[str, str]]:
    return {(each.service, each.metric) for each in results if each.decision == GUARDED}


def _judged(
    results: Sequence[SeriesEvaluation], gates: Gates, horizon: int, refused: Mapping[tuple[str, str], str]
) -> dict[str, object]:
    """What the page says of accuracy, and of what is refused."""
    return {
        "reason": reason(results),
        "granularity": GRANULARITY,
        "horizon": horizon,
        "warm_up_folds": WARM_UP_FOLDS,
        "gates": gates,
        "results": results,
        "refused": refused_texts(_reasons(results, refused)),
        "max_rows": MAX_ROWS,
        "max_folds": MAX_FOLDS,
    }


def _reasons(
    results: Sequence[SeriesEvaluation], refused: Mapping[tuple[str, str], str]
) -> dict[tuple[str, str], str]:
    """(service, metric) -> why it is not forecast: refused as data, or judged and found wanting."""
    judged = {
        (each.service, each.metric): f"guarded: {each.reason}" if each.decision == GUARDED else each.reason
        for each in results
        if each.decision != MODEL
    }
    return {**judged, **{key: f"data: {reason}" for key, reason in refused.items()}}


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
    each: SeriesEvaluation, unit: str, course: pd.DataFrame, ahead: pd.DataFrame, features: pd.DataFrame
) -> Markup:
    recent = features[
        features["timestamp"] > features["timestamp"].max() - pd.Timedelta(days=CHART_HISTORY_DAYS)
    ]
    history = recent[["timestamp"]].assign(value=target(recent, each.metric))
    drawing, shown = course_chart(history, course, ahead, unit)
    caption = f"{each.service} {each.metric}{f' in {shown}' if shown else ''}, days begin at 00:00 {ZONE}: "
    caption += f"{each.champion}, {each.decision}"
    caption += f", another level since {stamp(each.shift.since)}" if each.shift else ""
    return figure(drawing, caption)
