"""Forecasts of light models from all origins of many series: equally long windows are the rows of one array.

A model then costs a few calls of numpy for hundreds of windows, instead of thousands for one. The windows are cut once
for all models.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predictive_scaling.base.series import FloatArray, HourlySeries, IntArray, Windows
from predictive_scaling.models import Fitted, Recipe
from predictive_scaling.models.shifts import Shift, found_in, moved


@dataclass(frozen=True)
class Batch:
    """Windows of one length, and of which series and which of its origins each row is (both by position)."""

    windows: Windows
    series: IntArray
    origin: IntArray


Shifts = Mapping[int, Shift]
"""By origin: the shift that was to be seen from there."""


def shifts_at(
    many: Sequence[HourlySeries],
    origins: Sequence[Sequence[int]],
    hours: int,
    hints: Sequence[Sequence[int]] = (),
) -> list[dict[int, Shift]]:
    """For each series its shifts, each by what was known at its origin; `hints` are hours of deployments by series."""
    found: list[dict[int, Shift]] = [{} for _ in many]
    for batch in batches(many, origins, hours):
        known = [hints[at] for at in batch.series] if any(hints) else ()
        for row, shift in found_in(batch.windows, known).items():
            found[batch.series[row]][int(batch.windows.ends[row])] = shift
    return found


def batches(
    many: Sequence[HourlySeries],
    origins: Sequence[Sequence[int]],
    hours: int,
    shifts: Sequence[Shifts] = (),
) -> Iterator[Batch]:
    """The `hours` before each origin of each series, or as many as there are; moved by the given shifts."""
    of_length: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for at, (series, starts) in enumerate(zip(many, origins, strict=True)):
        for position, origin in enumerate(starts):
            of_length[min(hours, origin - series.start)].append((at, position))
    for length, places in of_length.items():
        ends = [origins[at][position] for at, position in places]
        rows = [
            many[at].values[end - many[at].start - length : end - many[at].start]
            for (at, _), end in zip(places, ends, strict=True)
        ]
        windows = Windows(np.array(ends, dtype=np.int64), np.array(rows, dtype=np.float64))
        for row, (end, (at, _)) in enumerate(zip(ends, places, strict=True)):
            if shifts and end in shifts[at]:
                windows.values[row] = moved(windows.series(row), shifts[at][end]).values
        series, origin = np.array(places, dtype=np.int64).T
        yield Batch(windows, series, origin)


def able(model: Recipe, windows: Windows) -> NDArray[np.bool_]:
    """Which windows are long enough for a model, half of that observed."""
    enough: NDArray[np.bool_] = windows.observed >= max(1, model.min_hours / 2)
    return enough & (windows.length >= model.min_hours)


def forecasts(
    models: Sequence[Recipe],
    many: Sequence[HourlySeries],
    origins: Sequence[Sequence[int]],
    hours: int,
    horizon: int,
    shifts: Sequence[Shifts] = (),
) -> list[dict[str, FloatArray]]:
    """For each series by kind: forecasts from its origins (origins × horizon), NaN where none could be made.

    Each window is moved by the shift that its series has at its origin.
    """
    found = [{model.kind: np.full((len(starts), horizon), np.nan) for model in models} for starts in origins]
    for batch in batches(many, origins, hours, shifts):
        for model in models:
            fit = able(model, batch.windows)
            rows = _finite(model.forecasts(batch.windows.rows(fit), horizon)) if fit.any() else ()
            for at, position, row in zip(batch.series[fit], batch.origin[fit], rows, strict=True):
                found[at][model.kind][position] = row
    return found


def newest_fits(
    models: Sequence[Recipe], many: Sequence[HourlySeries], hours: int, shifts: Sequence[Shifts] = ()
) -> list[dict[str, Fitted]]:
    """For each series by kind: the models fitted to its newest `hours`, moved by the shift that it has there.

    Without those that cannot be fitted.
    """
    found: list[dict[str, Fitted]] = [{} for _ in many]
    for batch in batches(many, [[series.end] for series in many], hours, shifts):
        for model in models:
            fit = able(model, batch.windows)
            fits = model.fits(batch.windows.rows(fit)) if fit.any() else ()
            for at, fitted in zip(batch.series[fit], fits, strict=True):
                if fitted is not None:
                    found[at][model.kind] = fitted
    return found


def _finite(rows: FloatArray) -> FloatArray:
    """A row that is not finite throughout is none."""
    return np.where(np.isfinite(rows).all(axis=1, keepdims=True), rows, np.nan)
