"""Forecast against actual, drawn to PNG. Uses matplotlib's objects alone: pyplot keeps global state."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd

from predictive_scaling.evaluation import WARM_UP_FOLDS, chosen_models, folds_of

ACTUAL, MODEL, BAND = "#333333", "#1f77b4", "#1f77b433"


def backtest_course(cv: pd.DataFrame) -> pd.DataFrame:
    """Rows of the scored folds that count: those of the model that had been chosen before each fold."""
    chosen = {WARM_UP_FOLDS + at: kind for at, kind in enumerate(chosen_models(folds_of(cv)))}
    return cv[cv["model"] == cv["fold"].map(chosen)].sort_values("timestamp")


def chart(title: str, history: pd.DataFrame, course: pd.DataFrame, forecast: pd.DataFrame) -> bytes:
    """PNG of one series: actual hours, backtested p50 with p10–p95, and the forecast to come."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 2.2), dpi=72, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.plot(history["timestamp"], history["value"], color=ACTUAL, linewidth=1.0, label="actual")
    _draw(axes, course, "-", "backtest p50")
    _draw(axes, forecast, "--", "forecast p50")
    axes.set_title(title, fontsize=9, loc="left", parse_math=False)  # a $ in a name is not a formula
    axes.tick_params(labelsize=7)
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=7, loc="upper left", frameon=False, ncols=3)
    return _png(figure)


def _draw(axes: Any, rows: pd.DataFrame, style: str, label: str) -> None:
    if rows.empty:
        return
    axes.fill_between(rows["timestamp"], rows["p10"], rows["p95"], color=BAND, linewidth=0)
    axes.plot(rows["timestamp"], rows["p50"], style, color=MODEL, linewidth=1.0, label=label)


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    # The library's version in the metadata would make equal charts unequal.
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
