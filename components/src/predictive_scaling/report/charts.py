"""Charts of the pages: a series and its forecast, cost against risk, floors by the hour; see drawing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np
import pandas as pd

from predictive_scaling.backtest.evaluation import WARM_UP_FOLDS, chosen_models, folds_of
from predictive_scaling.base.amounts import scaled
from predictive_scaling.base.series import FloatArray
from predictive_scaling.recommend.capacity import CURRENT, FORECAST, VPA_LIKE, PlanCost
from predictive_scaling.report.drawing import Axis, Drawing, seconds

_DRAWN = ("value", "p10", "p50", "p95")
_PLAN_ROLE = {FORECAST: "model", VPA_LIKE: "vpa", CURRENT: "current"}


def backtest_course(cv: pd.DataFrame) -> pd.DataFrame:
    """Rows of the scored folds that count: those of the model that had been chosen before each fold."""
    chosen = {WARM_UP_FOLDS + at: kind for at, kind in enumerate(chosen_models(folds_of(cv)))}
    return cv[cv["model"] == cv["fold"].map(chosen)].sort_values("timestamp")


def course_chart(
    history: pd.DataFrame, course: pd.DataFrame, forecast: pd.DataFrame, unit: str = ""
) -> tuple[str, str]:
    """One series: actual hours, backtested p50 with p10–p95, and the forecast to come; and the unit that it is in."""
    size, shown = scaled(_highest((history, course, forecast)), unit)
    history, course, forecast = (_divided(each, size) for each in (history, course, forecast))
    tables = [each for each in (history, course, forecast) if len(each)]
    moments = [_seconds(each) for each in tables]
    drawing = _drawing(
        576,
        158,
        (min(each.min() for each in moments), max(each.max() for each in moments)),
        (0.0, _most([_highest(tables)])),
        left=46 if shown else 36,
    )
    drawing.days()
    drawing.y_ticks(shown)
    drawing.line(_seconds(history), _values(history, "value"), "ink", "actual")
    _band(drawing, course, "backtest p50, p10–p95", dashed=False)
    _band(drawing, forecast, "forecast p50, p10–p95", dashed=True)
    return drawing.svg(), shown


def _highest(tables: Sequence[pd.DataFrame]) -> float:
    """The highest that is drawn; 0 where nothing is."""
    found = [each[name].max() for each in tables for name in _DRAWN if name in each]
    return max((float(value) for value in found if np.isfinite(value)), default=0.0)


def _divided(rows: pd.DataFrame, size: float) -> pd.DataFrame:
    return rows if size == 1 else rows.assign(**{name: rows[name] / size for name in _DRAWN if name in rows})


def _band(drawing: Drawing, rows: pd.DataFrame, label: str, *, dashed: bool) -> None:
    if rows.empty:
        return
    at = _seconds(rows)
    drawing.band(at, _values(rows, "p10"), _values(rows, "p95"), "model")
    drawing.line(at, _values(rows, "p50"), "model", label, dashed=dashed)


def cost_chart(costs: Sequence[PlanCost]) -> str:
    """Cost against risk: a faint mark for a series, a large one for a plan's median."""
    found = {plan: _points([each for each in costs if each.plan == plan]) for plan in _PLAN_ROLE}
    every = np.concatenate(list(found.values()))
    known = every[np.isfinite(every).all(axis=1)]
    low, high = known[:, 0].min(initial=1.0), known[:, 0].max(initial=1.0)
    space = 0.04 * ((high - low) or 1.0)
    drawing = _drawing(440, 230, (low - space, high + space), (-0.5, _most(known[:, 1])), bottom=32, left=44)
    drawing.x_ticks("capacity / usage (cost)")
    drawing.y_ticks("% of hours above capacity (risk)")
    for plan, role in _PLAN_ROLE.items():
        points = found[plan][np.isfinite(found[plan]).all(axis=1)]
        if len(points):
            drawing.dots(points[:, 0], points[:, 1], role, 1.8)
            median = np.median(points, axis=0)
            drawing.dots(median[:1], median[1:], role, 4.5, f"{plan} (median)")
    return drawing.svg()


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
    edges = seconds([*(each.start for each in floors), floors[-1].start + timedelta(hours=1)])
    replicas, wanted = (
        np.array([getattr(each, name) for each in floors], dtype=np.float64)
        for name in ("replicas", "wanted")
    )
    marks = [each for each in (today, most) if each is not None]
    drawing = _drawing(576, 130, (edges[0], edges[-1]), (0.0, _most([*replicas, *wanted, *marks])), left=46)
    drawing.days()
    drawing.y_ticks("replicas")
    for span in events:
        begin, end = np.clip(seconds(span), edges[0], edges[-1])
        drawing.band(np.array([begin, end]), np.zeros(2), np.full(2, drawing.y.high), "vpa")
    drawing.band(*_stairs(edges, replicas, low=0.0), "model")
    if (wanted > replicas).any():
        at, _, steps = _stairs(edges, wanted)
        drawing.line(at, steps, "vpa", "would be needed")
    at, _, steps = _stairs(edges, replicas)
    drawing.line(at, steps, "model", "floor")
    for value, role, label in ((today, "ink", "today's least"), (most, "muted", "maximum")):
        if value is not None:
            drawing.line(edges[[0, -1]], np.full(2, float(value)), role, label, dashed=True)
    return drawing.svg()


def _stairs(
    edges: FloatArray, values: FloatArray, low: float = 0.0
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Where steps begin and end, a constant below them, and their heights."""
    at, heights = np.repeat(edges, 2)[1:-1], np.repeat(values, 2)
    return at, np.full_like(heights, low), heights


def _points(costs: Sequence[PlanCost]) -> FloatArray:
    return np.array([(each.cost, each.hours_over * 100) for each in costs], dtype=np.float64).reshape(-1, 2)


def _drawing(
    width: float,
    height: float,
    x: tuple[float, float],
    y: tuple[float, float],
    bottom: float = 20,
    left: float = 36,
) -> Drawing:
    """With room for labels around, the legend above."""
    return Drawing(width, height, Axis(*x, left, width - 20), Axis(*y, height - bottom, 16))


def _most(values: Sequence[float] | FloatArray) -> float:
    """A little more than the highest that is known; 1 where nothing is."""
    known = [float(value) for value in values if np.isfinite(value)]
    return max(known, default=0.0) * 1.05 or 1.0


def _values(rows: pd.DataFrame, name: str) -> FloatArray:
    return rows[name].to_numpy(dtype=np.float64)


def _seconds(rows: pd.DataFrame) -> FloatArray:
    return np.asarray(rows["timestamp"].dt.as_unit("s").astype("int64"), dtype=np.float64)
