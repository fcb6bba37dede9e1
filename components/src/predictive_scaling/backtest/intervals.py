"""Prediction bands from out-of-sample residuals of earlier origins (split conformal, applied in time order).

Each bound is the wider of two: the plain quantile of the residuals, and the quantile of the residuals over the spread
of their hour, times the spread of the hour to come. The second follows hours and times in which usage moves more. The
spread is the mean change from one day to the next by hour of day, half of it that of all hours.

Both know how far ahead an hour lies: residuals are divided by what its lead makes of them, which never falls with the
lead, and bounds are multiplied by it. And both forget: an origin counts half as much as the one seven after it, and one
whose errors were a shock, more than twice what is usual, loses weight the faster the larger it was. The newest one
always counts in full.

p90 and p95 do not reach beyond the highest that was seen, unless the forecast itself does or the series grows.

Rank (n + 1)·q of the residuals, after Vovk et al., "Algorithmic Learning in a Random World" (2005); with weights, after
Barber et al., "Conformal prediction beyond exchangeability" (2023), where n is the number of equal ones worth as much.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np

from predictive_scaling.backtest.leads import lead_profile, of_length
from predictive_scaling.base.documents import Document
from predictive_scaling.base.series import HOURS_PER_DAY, FloatArray, HourlySeries, IntArray, hour_of_day

LOWER, UPPER, HIGH = 0.10, 0.90, 0.95
MIN_SPREAD = 1e-9  # of the mean: hours that never change must not be divided by
HALF_LIFE_ORIGINS = 7.0
# Chosen on one half of 400 public series and checked on the other; 1.5 to 3 and 1 to 4 serve as well.
SHOCK = 2.0
SHOCK_ORIGINS = 4.0


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
    """What to add to p50 to get p10, p90 and p95: `plain` in the unit of the data, `scaled` in spreads.

    Both are of an hour of mean lead; `leads` has what hours one, two, … ahead make of them.
    """

    plain: Residuals
    scaled: Residuals
    leads: tuple[float, ...] = (1.0,)

    def around(self, p50: FloatArray, spread: FloatArray, seen: float = math.inf) -> Quantiles:
        """Bounds around a forecast from now on whose hours have the given spread; `seen` is what bounds p90 and p95."""
        lead = of_length(self.leads, len(p50))
        low, up, high = (self._reach(name, spread) * lead for name in ("lower", "upper", "high"))
        p90 = capped(p50 + np.maximum(up, 0.0), p50, seen)
        p95 = capped(p50 + np.maximum(high, 0.0), p50, seen)
        return Quantiles(np.maximum(p50 + np.minimum(low, 0.0), 0.0), p90, np.maximum(p90, p95))

    def _reach(self, name: str, spread: FloatArray) -> FloatArray:
        plain, scaled = getattr(self.plain, name), getattr(self.scaled, name) * spread
        wider: FloatArray = np.minimum(plain, scaled) if name == "lower" else np.maximum(plain, scaled)
        return wider

    def to_json(self) -> Document:
        """Both kinds of quantiles, and the leads."""
        return asdict(self) | {"leads": list(self.leads)}

    @staticmethod
    def from_json(state: Document) -> Band:
        """Read back; raises KeyError, TypeError or ValueError for what is no band."""
        plain, scaled = (
            Residuals(**{name: float(value) for name, value in state[kind].items()})
            for kind in ("plain", "scaled")
        )
        leads = tuple(float(value) for value in state["leads"])
        if not leads or min(leads) <= 0:
            raise ValueError("a band needs positive leads")
        return Band(plain, scaled, leads)


def capped(bound: FloatArray, p50: FloatArray, seen: float) -> FloatArray:
    """An upper bound that is no higher than what was seen, or than the forecast itself."""
    return np.minimum(bound, np.maximum(seen, p50))


def residual_quantile(residuals: FloatArray, quantile: float, weights: FloatArray | None = None) -> float:
    """Conformal quantile of the finite residuals: the ⌈(n + 1)·q⌉-th smallest for q > ½, mirrored below it."""
    given = np.ones_like(residuals) if weights is None else weights
    return residual_quantiles(residuals, given, (quantile,))[0]


def residual_quantiles(
    residuals: FloatArray, weights: FloatArray, quantiles: Sequence[float]
) -> tuple[float, ...]:
    """Several of them, of one sorting; NaN without a finite residual."""
    known = np.isfinite(residuals)
    if not known.any():
        return (math.nan,) * len(quantiles)
    order = np.argsort(residuals[known], kind="stable")
    values, each = residuals[known][order], weights[known][order]
    as_many = float(each.sum()) ** 2 / float((each**2).sum())
    upwards, downwards = np.cumsum(each), np.cumsum(each[::-1])
    return tuple(
        -_reached(-values[::-1], downwards, 1.0 - level, as_many)
        if level < 0.5
        else _reached(values, upwards, level, as_many)
        for level in quantiles
    )


def _reached(ordered: FloatArray, sums: FloatArray, quantile: float, as_many: float) -> float:
    """The first value at which the sum of weights is what one more value asks for, or the last."""
    # 1e-12: (n + 1)·q must not climb a rank by rounding, as 100 × 0.95 may.
    wanted = quantile * float(sums[-1]) * (1.0 + 1.0 / as_many) * (1.0 - 1e-12)
    return float(ordered[min(int(np.searchsorted(sums, wanted)), len(ordered) - 1)])


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


def origin_weights(in_spreads: FloatArray) -> FloatArray:
    """How much each origin counts, oldest first, by its residuals in spreads (origins × hours): 1 for the newest."""
    known = np.isfinite(in_spreads)
    number = known.sum(axis=1)
    error = np.where(known, np.abs(in_spreads), 0.0).sum(axis=1) / np.maximum(number, 1)
    usual = float(np.median(error[number > 0])) if known.any() else 0.0
    age = np.arange(len(in_spreads))[::-1]
    shock = np.maximum(1.0, error / max(SHOCK * usual, MIN_SPREAD))
    weights: FloatArray = shock ** (-age / SHOCK_ORIGINS) * 0.5 ** (age / HALF_LIFE_ORIGINS)
    return weights


def band(actual: FloatArray, p50: FloatArray, spread: FloatArray) -> Band:
    """Band from the residuals of all given origins (origins × hours, oldest first); NaN where there is none."""
    residuals = actual - p50
    weights = origin_weights(residuals / spread)
    leads = lead_profile(residuals / spread, weights)
    at_mean = residuals / leads
    each = np.broadcast_to(weights[:, None], residuals.shape)
    return Band(_quantiles(at_mean, each), _quantiles(at_mean / spread, each), tuple(leads.tolist()))


def _quantiles(residuals: FloatArray, weights: FloatArray) -> Residuals:
    return Residuals(*residual_quantiles(residuals.ravel(), weights.ravel(), (LOWER, UPPER, HIGH)))


def prequential_bands(
    actual: FloatArray,
    p50: FloatArray,
    spread: FloatArray,
    seen: FloatArray | None = None,
    first: int = 0,
) -> Quantiles:
    """Bounds of every fold from the folds before it, NaN where there is none. Shape: folds × hours.

    `seen` has what bounds p90 and p95, for each fold; folds before the `first` get no bounds.
    """
    limits = np.full(len(p50), np.inf) if seen is None else seen
    rows = list(_rows(actual, p50, spread, limits, first))
    return Quantiles(*(np.array([row[at] for row in rows]).reshape(p50.shape) for at in range(3)))


def _rows(
    actual: FloatArray, p50: FloatArray, spread: FloatArray, seen: FloatArray, first: int
) -> Iterator[Quantiles]:
    unknown = np.full(p50.shape[1:], np.nan)
    for fold in range(len(p50)):
        earlier = band(actual[:fold], p50[:fold], spread[:fold]) if fold >= first else None
        if earlier is None or not math.isfinite(earlier.plain.high):
            yield Quantiles(unknown, unknown, unknown)
        else:
            yield earlier.around(p50[fold], spread[fold], float(seen[fold]))
