"""Prediction bands from out-of-sample residuals of earlier folds (split conformal, applied in time order).

Rank (n + 1)·q of the residuals, after Vovk et al., "Algorithmic Learning in a Random World" (2005).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from predictive_scaling.series import FloatArray

LOWER, UPPER = 0.10, 0.95


@dataclass(frozen=True)
class Band:
    """What to add to p50, in the unit of the data, to get p10 and p95."""

    lower: float
    upper: float

    def around(self, p50: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Give (p10, p95): never below zero, and p10 <= p50 <= p95."""
        lower = np.clip(p50 + min(self.lower, 0.0), 0.0, None)
        return lower, p50 + max(self.upper, 0.0)


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


def band(actual: FloatArray, p50: FloatArray) -> Band:
    """Band from the residuals of all given folds."""
    residuals = (actual - p50).ravel()
    return Band(residual_quantile(residuals, LOWER), residual_quantile(residuals, UPPER))


def prequential_bands(actual: FloatArray, p50: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(p10, p95) of every fold from the folds before it; the first fold has none (NaN). Shape: folds × hours."""
    lower, upper = np.full_like(p50, np.nan), np.full_like(p50, np.nan)
    for fold in range(1, len(p50)):
        earlier = band(actual[:fold], p50[:fold])
        if math.isfinite(earlier.upper):
            lower[fold], upper[fold] = earlier.around(p50[fold])
    return lower, upper
