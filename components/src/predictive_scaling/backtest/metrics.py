"""Error measures. All take arrays of equal shape and leave out points whose actual value is missing.

Ours: utilsforecast takes data frames, and counts a missing value as a miss; tests have it as judge.
Formulas: WAPE and MASE after Hyndman & Koehler, "Another look at measures of forecast accuracy" (2006);
pinball loss after Koenker & Bassett, "Regression quantiles" (1978).
"""

from __future__ import annotations

import numpy as np

from predictive_scaling.base.series import FloatArray

NEGLIGIBLE = 1e-3
ROUNDING = 1e-9


def wape(actual: FloatArray, forecast: FloatArray) -> float:
    """Σ|actual − forecast| / Σ|actual|; NaN without data, infinite when only the forecast is not zero."""
    known = np.isfinite(actual)
    if not known.any():
        return float("nan")
    error = float(np.abs(actual[known] - forecast[known]).sum())
    scale = float(np.abs(actual[known]).sum())
    if scale == 0:
        return 0.0 if error == 0 else float("inf")
    return error / scale


def accuracy(actual: FloatArray, forecast: FloatArray) -> float:
    """max(0, 1 − WAPE): 1 is perfect. Meaningless without its granularity and horizon beside it."""
    error = wape(actual, forecast)
    return error if np.isnan(error) else max(0.0, 1.0 - error)


def skill(error: float, baseline_error: float) -> float:
    """1 − WAPE / WAPE of the baseline: above 0 is better than the baseline; never below −1.

    Errors that differ by less than a thousandth of usage count as equal (skill 0): beside a baseline that is
    almost perfect, their ratio says nothing.
    """
    if abs(error - baseline_error) < NEGLIGIBLE:
        return 0.0
    return max(-1.0, 1.0 - error / baseline_error) if baseline_error > 0 else -1.0


def seasonal_scale(history: FloatArray, period: int) -> float:
    """Mean absolute change over one period: the denominator of MASE; NaN when history is too short."""
    changes = np.abs(history[period:] - history[:-period])
    known = np.isfinite(changes)
    return float(changes[known].mean()) if known.any() else float("nan")


def mase(actual: FloatArray, forecast: FloatArray, scale: float) -> float:
    """Mean absolute error over `scale` (see seasonal_scale); NaN when there is no scale."""
    known = np.isfinite(actual)
    if not known.any() or not scale > 0:
        return float("nan")
    return float(np.abs(actual[known] - forecast[known]).mean() / scale)


def pinball(actual: FloatArray, quantile_forecast: FloatArray, quantile: float) -> float:
    """Mean pinball loss of a quantile forecast, in the unit of the data."""
    known = np.isfinite(actual) & np.isfinite(quantile_forecast)
    gap = actual[known] - quantile_forecast[known]
    return float(np.maximum(quantile * gap, (quantile - 1) * gap).mean()) if known.any() else float("nan")


def share_above(actual: FloatArray, bound: FloatArray) -> float:
    """Share of known points whose actual value lies above the bound by more than a rounding error."""
    known = np.isfinite(actual) & np.isfinite(bound)
    return float((actual[known] > bound[known] * (1 + ROUNDING)).mean()) if known.any() else float("nan")
