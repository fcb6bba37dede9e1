"""Charts as inline SVG whose colours are the page's CSS variables, so that one drawing serves light and dark.

matplotlib draws with colours that stand for a role; in its SVG text they are replaced by `var(--role)`. Uses
matplotlib's objects alone: pyplot keeps global state.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

import pandas as pd

from predictive_scaling.backtest.evaluation import WARM_UP_FOLDS, chosen_models, folds_of
from predictive_scaling.recommend.capacity import CURRENT, FORECAST, VPA_LIKE, PlanCost

# Near-black, so that a colour which is missed would be seen on a dark page.
ROLES = {"ink": "#010101", "muted": "#010102", "model": "#010103", "vpa": "#010104", "current": "#010105"}
_PLAN_STYLE = {FORECAST: ("model", "o"), VPA_LIKE: ("vpa", "s"), CURRENT: ("current", "^")}
# Coordinates, and not the digits of a label.
_GEOMETRY = re.compile(r' (?:d|x|y|transform)="[^"]*"')
_ROUNDED = re.compile(r"(\d+\.\d)\d+")
# Ids of matplotlib's groups repeat from chart to chart, and nothing refers to them.
_GROUP_ID = re.compile(r' id="[A-Za-z]+[A-Za-z0-9]*_\d+"')
_PROLOGUE = re.compile(r"^.*?(?=<svg)|<metadata>.*?</metadata>|<!--.*?-->", re.DOTALL)


def backtest_course(cv: pd.DataFrame) -> pd.DataFrame:
    """Rows of the scored folds that count: those of the model that had been chosen before each fold."""
    chosen = {WARM_UP_FOLDS + at: kind for at, kind in enumerate(chosen_models(folds_of(cv)))}
    return cv[cv["model"] == cv["fold"].map(chosen)].sort_values("timestamp")


def course_chart(history: pd.DataFrame, course: pd.DataFrame, forecast: pd.DataFrame) -> str:
    """One series: actual hours, backtested p50 with p10–p95, and the forecast to come."""
    figure, axes = _axes(8.0, 2.2, margins=(0.5, 0.35))
    axes.plot(history["timestamp"], history["value"], color=ROLES["ink"], linewidth=1.0, label="actual")
    _band(axes, course, "-", "backtest p50, p10–p95")
    _band(axes, forecast, "--", "forecast p50, p10–p95")
    axes.set_ylim(bottom=0)
    _dates(axes)
    return _svg(figure, axes, columns=3)


def cost_chart(costs: Sequence[PlanCost]) -> str:
    """Cost against risk: a faint mark for a series, a large one for a plan's median."""
    figure, axes = _axes(5.0, 3.2, margins=(0.6, 0.5))
    for plan, (role, marker) in _PLAN_STYLE.items():
        x, y = _points([each for each in costs if each.plan == plan])
        if len(x):
            color = ROLES[role]
            axes.scatter(x, y, s=14, marker=marker, color=color, alpha=0.55, linewidths=0)
            axes.scatter(
                [x.median()], [y.median()], s=90, marker=marker, color=color, label=f"{plan} (median)"
            )
    axes.set_xlabel("capacity / usage (cost)", fontsize=8, color=ROLES["muted"])
    axes.set_ylabel("% of hours above capacity (risk)", fontsize=8, color=ROLES["muted"])
    axes.set_ylim(bottom=-0.5)
    return _svg(figure, axes, columns=1)


class HourlyFloor(Protocol):
    """Replicas from `start` on for an hour; `wanted` is what it would be without a maximum."""

    @property
    def start(self) -> datetime: ...
    @property
    def replicas(self) -> int: ...
    @property
    def wanted(self) -> int: ...


def floors_chart(
    floors: Sequence[HourlyFloor],
    today: int | None,
    most: int | None,
    events: Sequence[tuple[datetime, datetime]] = (),
) -> str:
    """Floors by the hour as steps, what the maximum cuts off, today's least replicas, and the spans of events."""
    figure, axes = _axes(8.0, 1.8, margins=(0.5, 0.35))
    edges = [*(each.start for each in floors), floors[-1].start + timedelta(hours=1)]
    axes.stairs([each.replicas for each in floors], edges, fill=True, color=ROLES["model"], alpha=0.35)
    axes.stairs([each.replicas for each in floors], edges, color=ROLES["model"], linewidth=1.4, label="floor")
    if any(each.wanted > each.replicas for each in floors):
        axes.stairs([each.wanted for each in floors], edges, color=ROLES["vpa"], label="would be needed")
    for value, role, label in ((today, "ink", "today's least"), (most, "muted", "maximum")):
        if value is not None:
            axes.axhline(value, color=ROLES[role], linewidth=1.0, linestyle="--", label=label)
    for begin, end in events:
        axes.axvspan(max(begin, edges[0]), min(end, edges[-1]), color=ROLES["vpa"], alpha=0.15, linewidth=0)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(bottom=0)
    _dates(axes)
    return _svg(figure, axes, columns=4)


def _points(costs: Sequence[PlanCost]) -> tuple[pd.Series[float], pd.Series[float]]:
    x = pd.Series([each.cost for each in costs], dtype="float64")
    return x, pd.Series([each.hours_over * 100 for each in costs], dtype="float64")


def _axes(width: float, height: float, margins: tuple[float, float]) -> tuple[Any, Any]:
    """A figure of so many inches, and its axes between margins at the left and the bottom.

    The margins are given, for to find them matplotlib would draw everything twice.
    """
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=72)
    FigureCanvasSVG(figure)
    figure.patch.set_visible(False)
    left, bottom, edge = margins[0] / width, margins[1] / height, 0.15
    axes = figure.add_axes((left, bottom, 1 - left - edge / width, 1 - bottom - edge / height))
    axes.patch.set_visible(False)
    axes.tick_params(labelsize=7, colors=ROLES["muted"])
    axes.yaxis.get_offset_text().set(fontsize=7, color=ROLES["muted"])
    axes.spines[["top", "right"]].set_visible(False)
    for spine in axes.spines.values():
        spine.set_color(ROLES["muted"])
    return figure, axes


def _dates(axes: Any) -> None:
    from matplotlib import dates

    untyped: Any = dates
    locator = untyped.AutoDateLocator()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(untyped.ConciseDateFormatter(locator))
    axes.xaxis.get_offset_text().set(fontsize=7, color=ROLES["muted"])


def _band(axes: Any, rows: pd.DataFrame, style: str, label: str) -> None:
    if rows.empty:
        return
    color = ROLES["model"]
    axes.fill_between(rows["timestamp"], rows["p10"], rows["p95"], color=color, alpha=0.2, linewidth=0)
    axes.plot(rows["timestamp"], rows["p50"], style, color=color, linewidth=1.0, label=label)


def _svg(figure: Any, axes: Any, columns: int) -> str:
    import matplotlib as mpl

    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=7, loc="best", frameon=False, ncols=columns, labelcolor=ROLES["ink"])
    buffer = io.StringIO()
    # Text stays text, in the page's font; the salt makes ids depend on the content alone.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "report"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return _themed(buffer.getvalue())


def _themed(svg: str) -> str:
    """Drop what HTML does not need, round coordinates to a tenth of a point, and give colours their roles."""
    bare = _GROUP_ID.sub("", _PROLOGUE.sub("", svg))
    text = _GEOMETRY.sub(lambda found: _ROUNDED.sub(r"\1", found.group()), bare)
    for role, color in ROLES.items():
        text = text.replace(color, f"var(--{role})")
    return text.replace("'DejaVu Sans', ", "")
