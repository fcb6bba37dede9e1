"""The level under a season: exponential smoothing, and where it goes from here.

The smoothing constants compete on the same series a day ahead: what missed by least is taken. A deviation from the
slow level may fade: after h hours there is damping^h of it left, from 0 (none at once) to 1 (it stays for ever).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from predictive_scaling.base.series import HOURS_PER_DAY, FloatArray

SMOOTHING = np.array([0.01, 0.05, 0.2, 0.6])
SLOW = np.array([0.005, 0.02, 0.05])
FAST = 0.5
DAMPING = np.array([0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 1.0])
EVERY = 3  # hours between the points at which constants are compared; neighbours say the same


@dataclass(frozen=True)
class LevelPath:
    """Level h hours ahead (h from 1): level + deviation × damping^h."""

    level: float
    deviation: float = 0.0
    damping: float = 0.0

    def ahead(self, hours: int) -> FloatArray:
        """Levels of the next hours."""
        fading = self.damping ** np.arange(1, hours + 1, dtype=np.float64)
        return np.asarray(self.level + self.deviation * fading, dtype=np.float64)


def smoothed_level(values: FloatArray) -> LevelPath:
    """The exponential smoothing whose level missed the values a day later by least, carried on unchanged."""
    filled = carried_forward(values)
    levels = _smoothed(filled, SMOOTHING)
    misses = np.abs(values[HOURS_PER_DAY:, None] - levels[:-HOURS_PER_DAY])
    missed = np.nansum(misses, axis=0)  # every constant is judged on the same hours, so the sum will do
    return LevelPath(float(levels[-1, int(np.argmin(missed))]))


def damped_level(values: FloatArray) -> LevelPath:
    """Slow level and fading deviation: the pair of constants whose next 24 hours missed the values by least."""
    filled = carried_forward(values)
    levels = _smoothed(filled, np.append(SLOW, FAST))
    slow, deviation = levels[:, :-1], levels[:, -1:] - levels[:, :-1]
    at = np.arange(HOURS_PER_DAY, len(filled) - HOURS_PER_DAY, EVERY)
    if len(at) == 0:
        return LevelPath(float(slow[-1, -1]))
    ahead = sliding_window_view(filled, HOURS_PER_DAY)[at + 1]
    left = DAMPING[:, None] ** np.arange(1, HOURS_PER_DAY + 1)
    paths = slow[at, :, None, None] + deviation[at, :, None, None] * left
    missed = np.abs(ahead[:, None, None, :] - paths).mean(axis=(0, 3))
    best, fading = np.unravel_index(int(np.argmin(missed)), missed.shape)
    return LevelPath(float(slow[-1, best]), float(deviation[-1, best]), float(DAMPING[fading]))


def _smoothed(filled: FloatArray, constants: FloatArray) -> FloatArray:
    """Level after every hour by constant; starts at the first day's mean. Shape: hours × constants."""
    levels = np.empty((len(filled), len(constants)))
    level = np.full(len(constants), filled[:HOURS_PER_DAY].mean())
    for at, value in enumerate(filled):
        level = level + constants * (value - level)
        levels[at] = level
    return levels


def carried_forward(values: FloatArray) -> FloatArray:
    """Fill gaps with the last observed value, a leading gap with the first."""
    known = np.isfinite(values)
    last = np.maximum.accumulate(np.where(known, np.arange(len(values)), -1))
    return np.asarray(values[np.where(last >= 0, last, int(np.argmax(known)))], dtype=np.float64)
