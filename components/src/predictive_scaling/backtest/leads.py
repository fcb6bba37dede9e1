"""What the lead, the hours ahead, makes of a forecast's errors: more of them the further ahead, never less.

Daily origins show each lead at one hour of the day alone. So a series' own profile is drawn to what other series have
on average, which was measured from origins at all hours: errors an hour ahead are 0.88 of those at mean lead, a day
ahead 1.1. The result is made to rise with the lead by pooling neighbours that do not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from predictive_scaling.base.series import HOURS_PER_DAY, FloatArray

# As many origins as the usual profile counts for.
PRIOR_ORIGINS = 60.0
NEAREST, RISE = 0.88, 0.22


def usual_profile(hours: int) -> FloatArray:
    """Errors by lead over those at mean lead, as other series have them."""
    leads = np.arange(1, hours + 1)
    profile = NEAREST + RISE * np.log(leads) / np.log(HOURS_PER_DAY)
    return np.asarray(profile / profile.mean(), dtype=np.float64)


def lead_profile(in_spreads: FloatArray, weights: FloatArray) -> FloatArray:
    """Errors by lead over those at mean lead: mean 1, and never falling. Residuals are origins × hours, in spreads."""
    known = np.isfinite(in_spreads)
    each = np.where(known, weights[:, None], 0.0)
    size = np.where(known, np.abs(in_spreads), 0.0)
    usual = usual_profile(in_spreads.shape[1])
    total, worth = float((each * size).sum()), each.sum(axis=0)
    if total <= 0:
        return usual
    overall = total / float(worth.sum())
    own = np.where(worth > 0, (each * size).sum(axis=0) / np.maximum(worth, 1e-12) / overall, usual)
    drawn = (worth * own + PRIOR_ORIGINS * usual) / (worth + PRIOR_ORIGINS)
    profile = rising(drawn)
    return np.asarray(profile / profile.mean(), dtype=np.float64)


def rising(values: FloatArray) -> FloatArray:
    """The nearest values, by least squares, that never fall: neighbours that do are pooled."""
    pools: list[tuple[float, int]] = []
    for value in values.tolist():
        mean, number = value, 1
        while pools and pools[-1][0] > mean:
            before, many = pools.pop()
            mean, number = (before * many + mean * number) / (many + number), many + number
        pools.append((mean, number))
    return np.repeat([mean for mean, _ in pools], [number for _, number in pools])


def of_length(leads: Sequence[float], hours: int) -> FloatArray:
    """A profile for as many hours: the last one holds for all that lie beyond."""
    known = np.asarray(leads, dtype=np.float64)[:hours]
    return np.append(known, np.full(hours - len(known), known[-1]))
