"""The level under a season: exponential smoothing, and where it goes from here.

The smoothing constants compete on the same series a day ahead: what missed by least is taken. A deviation from the
slow level may fade: after h hours there is damping^h of it left, from 0 (none at once) to 1 (it stays for ever).

Series are rows. Smoothing goes from hour to hour, for all rows and constants at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import accumulate

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from predictive_scaling.base.series import HOURS_PER_DAY, FloatArray, IntArray

SMOOTHING = np.array([0.01, 0.05, 0.2, 0.6])
SLOW = np.array([0.005, 0.02, 0.05])
FAST = 0.5
DAMPING = np.array([0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 1.0])
EVERY = 3  # hours between the points at which constants are compared; neighbours say the same
FEW = 4
_LEFT = DAMPING[:, None] ** np.arange(1, HOURS_PER_DAY + 1)


@dataclass(frozen=True)
class LevelPaths:
    """A row a series: level h hours ahead (h from 1): level + deviation × damping^h."""

    level: FloatArray
    deviation: FloatArray
    damping: FloatArray

    def ahead(self, hours: int) -> FloatArray:
        """Levels of the next hours (rows × hours)."""
        fading = self.damping[:, None] ** np.arange(1, hours + 1, dtype=np.float64)
        return np.asarray(self.level[:, None] + self.deviation[:, None] * fading, dtype=np.float64)

    def row(self, at: int) -> LevelPaths:
        """One series' path."""
        return LevelPaths(self.level[at : at + 1], self.deviation[at : at + 1], self.damping[at : at + 1])


def smoothed_levels(values: FloatArray) -> LevelPaths:
    """The exponential smoothing whose level missed the values a day later by least, carried on unchanged."""
    levels = _smoothed(carried_forward(values), SMOOTHING)
    misses = np.abs(values.T[HOURS_PER_DAY:, :, None] - levels[:-HOURS_PER_DAY])
    missed = np.nansum(misses, axis=0)  # every constant is judged on the same hours, so the sum will do
    level = np.take_along_axis(levels[-1], np.argmin(missed, axis=1)[:, None], axis=1)[:, 0]
    return LevelPaths(level, np.zeros_like(level), np.zeros_like(level))


def damped_levels(values: FloatArray) -> LevelPaths:
    """Slow level and fading deviation: the pair of constants whose next 24 hours missed the values by least."""
    filled = carried_forward(values)
    levels = _smoothed(filled, np.append(SLOW, FAST)).transpose(1, 2, 0)
    slow, deviation = levels[:, :-1], levels[:, -1:] - levels[:, :-1]
    at = np.arange(HOURS_PER_DAY, values.shape[1] - HOURS_PER_DAY, EVERY)
    if len(at) == 0:
        return LevelPaths(slow[:, -1, -1], np.zeros(len(values)), np.zeros(len(values)))
    chosen = np.array([_best_pair(*row, at) for row in zip(filled, slow, deviation, strict=True)])
    rows, best, fading = np.arange(len(values)), chosen[:, 0], chosen[:, 1]
    return LevelPaths(slow[rows, best, -1], deviation[rows, best, -1], DAMPING[fading])


def _best_pair(filled: FloatArray, slow: FloatArray, deviation: FloatArray, at: IntArray) -> tuple[int, int]:
    """Positions of the slow constant and the damping that missed the 24 hours after each of `at` by least."""
    ahead = sliding_window_view(filled, HOURS_PER_DAY)[at + 1]
    level, apart = slow[:, at, None], deviation[:, at, None]
    missed = np.empty((len(DAMPING), len(slow)))
    path = np.empty((len(slow), *ahead.shape))
    for row, left in enumerate(_LEFT):  # in one place, for what fits the processor's cache is twice as fast
        np.multiply(apart, left, out=path)
        path += level
        np.abs(np.subtract(ahead, path, out=path), out=path)
        missed[row] = path.reshape(len(slow), -1).mean(axis=1)
    best, fading = np.unravel_index(int(np.argmin(missed.T)), missed.T.shape)
    return int(best), int(fading)


def _smoothed(filled: FloatArray, constants: FloatArray) -> FloatArray:
    """Level after every hour by row and constant; starts at the first day's mean. Shape: hours × rows × constants."""
    start = np.repeat(filled[:, :HOURS_PER_DAY].mean(axis=1)[:, None], len(constants), axis=1)
    if len(filled) <= FEW:
        return _one_by_one(filled, start, constants)
    levels = np.empty((filled.shape[1], *start.shape))
    level, step = start, np.empty_like(start)
    for value, after in zip(filled.T[:, :, None], levels, strict=True):
        np.subtract(value, level, out=step)
        np.multiply(step, constants, out=step)
        level = np.add(level, step, out=after)
    return levels


def _one_by_one(filled: FloatArray, start: FloatArray, constants: FloatArray) -> FloatArray:
    """The same to the bit: of few rows an hour costs numpy more than it costs Python."""
    levels = np.empty((filled.shape[1], *start.shape))
    for row, values in enumerate(filled.tolist()):
        for at, constant in enumerate(constants.tolist()):
            after = accumulate(values, partial(_step, constant), initial=float(start[row, at]))
            levels[:, row, at] = list(after)[1:]
    return levels


def _step(constant: float, level: float, value: float) -> float:
    return level + (value - level) * constant


def carried_forward(values: FloatArray) -> FloatArray:
    """Fill each row's gaps with the last observed value, a leading gap with the first."""
    known = np.isfinite(values)
    last = np.maximum.accumulate(np.where(known, np.arange(values.shape[1]), -1), axis=1)
    first = np.argmax(known, axis=1)[:, None]
    return np.take_along_axis(values, np.where(last >= 0, last, first), axis=1)
