"""Prediction bands from out-of-sample residuals of earlier origins (split conformal, applied in time order).

Each bound is the wider of two: the plain quantile of the residuals, and the quantile of the residuals over the spread
of their hour, times the spread of the hour to come. The second follows hours and times in which usage moves more. The
spread is the mean change from one day to the next by hour of day, half of it that of all hours.

Rank (n + 1)·q of the residuals, after Vovk et al., "Algorithmic Learning in a Random World" (2005).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np

from predictive_scaling.base.documents import Document
from predictive_scaling.base.series import HOURS_PER_DAY, FloatArray, HourlySeries, IntArray, hour_of_day

LOWER, UPPER, HIGH = 0.10, 0.90, 0.95
MIN_SPREAD = 1e-9  # of the mean: hours that never change must not be divided by


class Quantiles(NamedTuple):
    """Bounds, in the unit of the data: p10 <= p50 <= p90 <= p95, none below zero."""

    p10: FloatArray
    p90: FloatArray
    p95: FloatArray


@dataclass(frozen=True)
class Residuals:
    """Quantiles of residuals, in the unit of the data or in spreads."""

    lower: float
    upper: float
    high: float


@dataclass(frozen=True)
class Band:
    """What to add to p50 to get p10, p90 and p95: `plain` in the unit of the data, `scaled` in spreads."""

    plain: Residuals
    scaled: Residuals

    def around(self, p50: FloatArray, spread: FloatArray) -> Quantiles:
        """Bounds around a forecast whose hours have the given spread."""
        p10 = p50 + np.minimum(np.minimum(self.plain.lower, self.scaled.lower * spread), 0.0)
        p90 = p50 + np.maximum(np.maximum(self.plain.upper, self.scaled.upper * spread), 0.0)
        p95 = p50 + np.maximum(np.maximum(self.plain.high, self.scaled.high * spread), 0.0)
        return Quantiles(np.maximum(p10, 0.0), p90, np.maximum(p90, p95))

    def to_json(self) -> Document:
        """Both kinds of quantiles."""
        return asdict(self)

    @staticmethod
    def from_json(state: Document) -> Band:
        """Read back; raises KeyError, TypeError or ValueError for what is no band."""
        plain, scaled = ({name: float(value) for name, value in state[kind].items()} for kind in state)
        return Band(Residuals(**plain), Residuals(**scaled))


def residual_quantile(residuals: FloatArray, quantile: float) -> float:
    """Conformal quantile of the finite residuals: the ⌈(n + 1)·q⌉-th smallest for q > ½, mirrored below it."""
    known = np.sort(residuals[np.isfinite(residuals)])
    if len(known) == 0:
        return float("nan")
    if quantile < 0.5:
        return -residual_quantile(-known, 1.0 - quantile)
    # 1e-9: (n + 1)·q must not climb a rank by rounding, as 100 × 0.95 may.
    rank = math.ceil((len(known) + 1) * quantile - 1e-9)
    return float(known[min(rank, len(known)) - 1])


def hour_spread(series: HourlySeries, hours: IntArray) -> FloatArray:
    """Spread of the given hours as a series showed it: mean change from day to day by hour of day, half of all hours.

    Never zero, so that it can be divided by.
    """
    changes = np.abs(series.values[HOURS_PER_DAY:] - series.values[:-HOURS_PER_DAY])
    known = np.isfinite(changes)
    scale = float(np.nanmean(np.abs(series.values))) if series.observed else 0.0
    if not known.any():
        return np.full(len(hours), max(scale, MIN_SPREAD))
    at = hour_of_day(series.hours[HOURS_PER_DAY:])[known]
    number = np.bincount(at, minlength=HOURS_PER_DAY)
    total = np.bincount(at, changes[known], HOURS_PER_DAY)
    overall = float(changes[known].mean())
    by_hour = np.where(number > 0, total / np.maximum(number, 1), overall)
    spread: FloatArray = (by_hour[hour_of_day(hours)] + overall) / 2
    return np.maximum(spread, max(scale * MIN_SPREAD, MIN_SPREAD))


def band(actual: FloatArray, p50: FloatArray, spread: FloatArray) -> Band:
    """Band from the residuals of all given folds; NaN where there is none."""
    residuals = actual - p50
    return Band(_quantiles(residuals), _quantiles(residuals / spread))


def _quantiles(residuals: FloatArray) -> Residuals:
    return Residuals(*(residual_quantile(residuals.ravel(), level) for level in (LOWER, UPPER, HIGH)))


def prequential_bands(actual: FloatArray, p50: FloatArray, spread: FloatArray) -> Quantiles:
    """Bounds of every fold from the folds before it; NaN for those before which there is none. Shape: folds × hours."""
    rows = list(_rows(actual, p50, spread))
    return Quantiles(*(np.array([row[at] for row in rows]).reshape(p50.shape) for at in range(3)))


def _rows(actual: FloatArray, p50: FloatArray, spread: FloatArray) -> Iterator[Quantiles]:
    unknown = np.full(p50.shape[1:], np.nan)
    for fold in range(len(p50)):
        earlier = band(actual[:fold], p50[:fold], spread[:fold])
        known = math.isfinite(earlier.plain.high)
        yield (earlier.around(p50[fold], spread[fold]) if known else Quantiles(unknown, unknown, unknown))
