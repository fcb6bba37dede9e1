"""The theta method with a slope that is learned as it goes, under a day's season: where the newest hours lead.

The dynamic optimised theta model of Fiorucci et al., "Models for optimising the theta method and their relationship to
state space models" (2016), for many windows at once:

1. Season: classical decomposition by hour of day, as a factor, or as a summand where usage comes near zero; none where
   the autocorrelation of a day is no more than chance.
2. What is left is smoothed exponentially, and leans on the straight line through all hours so far. An hour ahead the
   error is linear in the lean and in the start, so both are solved for; the smoothing constant is the best of a few.

Unlike the profiles it smooths for the next hour, not for the next day. Gaps carry the last value forward. Forecasts are
those of statsforecast's DynamicOptimizedTheta to a hundredth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from predictive_scaling.base.documents import Document
from predictive_scaling.base.series import (
    HOURS_PER_DAY,
    FloatArray,
    HourlySeries,
    IntArray,
    Windows,
    hour_of_day,
)
from predictive_scaling.models.level import carried_forward
from predictive_scaling.models.seasonal import folded

KIND = "theta"
ALPHAS = np.array([0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99])
CHANCE = 1.6448536269514722  # of a normal variate, one in twenty is higher
LEAST_FACTOR = 0.01  # a season that falls lower is a summand: its inverse would rule all else
BURN_IN = 3  # hours whose errors say more of the start than of the constant
AT_ONCE = 32  # rows that fit the processor's cache, with all constants


class Lines(NamedTuple):
    """Per row and hour: mean of all hours so far, and the slope of the straight line through them."""

    mean: FloatArray
    slope: FloatArray


@dataclass(frozen=True)
class Thetas:
    """Fits to many windows, a row each; `season` is by hour of day, the numbers are in units of `unit`."""

    ends: IntArray
    unit: FloatArray
    factor: NDArray[np.bool_]
    season: FloatArray
    alpha: FloatArray
    lean: FloatArray
    level: FloatArray
    mean: FloatArray
    slope: FloatArray
    hours: FloatArray

    def forecasts(self, hours: int) -> FloatArray:
        """Level and line, carried on by what is forecast, under the season; never negative."""
        ahead = hour_of_day(self.ends[:, None] + np.arange(hours))
        season = np.take_along_axis(self.season, ahead, axis=1)
        left = np.stack(list(self._left(hours)), axis=1)
        whole = np.where(self.factor[:, None], left * season, left + season)
        return np.maximum(whole * self.unit[:, None], 0.0)

    def _left(self, hours: int) -> list[FloatArray]:
        """What is left beside the season, hour by hour."""
        level, line, found = self.level, Lines(self.mean, self.slope), []
        for seen in (self.hours + ahead for ahead in range(hours)):
            value = level + self.lean * _pull(line, self.alpha, seen)
            level = level + self.alpha * (value - level)
            line = _line_with(line, value, seen)
            found.append(value)
        return found

    def row(self, at: int) -> Thetas:
        """One window's fit."""
        return Thetas(*(each[at : at + 1] for each in vars(self).values()))


def _pull(line: Lines, alpha: FloatArray, seen: FloatArray) -> FloatArray:
    """By how much the line through `seen` hours lifts the next one above the level, at full lean."""
    start = line.mean - line.slope * (seen + 1) / 2
    faded = (1 - alpha) ** seen
    return np.asarray(start * faded + line.slope * (1 - faded * (1 - alpha)) / alpha, dtype=np.float64)


def _line_with(line: Lines, value: FloatArray, seen: FloatArray) -> Lines:
    """The line through one more hour."""
    mean = (seen * line.mean + value) / (seen + 1)
    slope = ((seen - 1) * line.slope + 6 * (value - line.mean) / (seen + 1)) / (seen + 2)
    return Lines(mean, slope)


@dataclass(frozen=True)
class FittedTheta:
    """A theta model of one series: the only row of its fits."""

    fits: Thetas
    kind: str = KIND

    def forecast(self, hours: int) -> FloatArray:
        """The hours right after the series; see Thetas."""
        only: FloatArray = self.fits.forecasts(hours)[0]
        return only

    def updated(self, recent: HourlySeries) -> FittedTheta:
        """Keeps season, smoothing constant and lean; takes level and line of the newer data."""
        windows, fits = Windows.of(recent), self.fits
        values = carried_forward(windows.values) / fits.unit[:, None]
        season = np.take_along_axis(fits.season, hour_of_day(windows.hours), axis=1)
        left = _without(values, season, fits.factor)
        line = _lines(left)
        level = _levels(left, fits.alpha)[-1, :, 0]
        return FittedTheta(
            Thetas(
                *(windows.ends, fits.unit, fits.factor, fits.season, fits.alpha, fits.lean, level),
                *(line.mean[:, -1], line.slope[:, -1], np.full(1, float(windows.length))),
            )
        )

    def to_json(self) -> Document:
        """State: where the series ended, the season by hour of day, and the numbers of the recursion."""
        fits = self.fits
        names = ("unit", "alpha", "lean", "level", "mean", "slope", "hours")
        return {
            "end": int(fits.ends[0]),
            "factor": bool(fits.factor[0]),
            "season": fits.season[0].tolist(),
            **{name: float(getattr(fits, name)[0]) for name in names},
        }

    @staticmethod
    def from_json(state: Document) -> FittedTheta:
        """Read the state back; raises ValueError for a value that no fit gives."""
        names = ("alpha", "lean", "level", "mean", "slope", "hours")
        unit, *rest = (np.array([float(state[name])]) for name in ("unit", *names))
        season = np.array([[float(value) for value in state["season"]]])
        alpha, lean, hours = rest[0][0], rest[1][0], rest[-1][0]
        if season.shape[1] != HOURS_PER_DAY or unit[0] <= 0 or hours < 1:
            raise ValueError("theta needs 24 values of a season, a unit above 0 and an hour seen")
        if not 0 < alpha <= 1 or not 0 <= lean <= 1:
            raise ValueError("alpha and lean must be within 0–1")
        ends = np.array([int(state["end"])], dtype=np.int64)
        return FittedTheta(Thetas(ends, unit, np.array([state["factor"] is True]), season, *rest))


@dataclass(frozen=True)
class Theta:
    """Recipe of the theta model."""

    kind: str = KIND
    min_hours: int = 2 * HOURS_PER_DAY

    def fit(self, series: HourlySeries) -> FittedTheta:
        """Fit one series."""
        return self.fits(Windows.of(series))[0]

    def fits(self, windows: Windows) -> list[FittedTheta]:
        """Fit every window."""
        found = _fits(windows)
        return [FittedTheta(found.row(at)) for at in range(len(windows.ends))]

    def forecasts(self, windows: Windows, horizon: int) -> FloatArray:
        """Fit every window and forecast."""
        found = np.empty((len(windows.ends), horizon))
        for at in range(0, len(found), AT_ONCE):
            rows = slice(at, at + AT_ONCE)
            found[rows] = _fits(Windows(windows.ends[rows], windows.values[rows])).forecasts(horizon)
        return found


def _fits(windows: Windows) -> Thetas:
    """Season, then level and line of what is left."""
    filled = carried_forward(windows.values)
    # A power of two changes no digit, and no square of what is left leaves the range of numbers.
    unit = 2.0 ** np.floor(np.log2(np.maximum(np.abs(filled).max(axis=1), 1e-300)))
    values = filled / unit[:, None]
    phases, factor = _seasons(values)
    by_phase = hour_of_day(windows.hours[:, -HOURS_PER_DAY:])
    season = np.empty_like(phases)
    np.put_along_axis(season, by_phase, phases, axis=1)
    left = _without(values, phases[:, np.arange(-windows.length, 0) % HOURS_PER_DAY], factor)
    line = _lines(left)
    alpha, lean, level = _best(left, line)
    hours = np.full(len(filled), float(windows.length))
    last = (line.mean[:, -1], line.slope[:, -1])
    return Thetas(windows.ends, unit, factor, season, alpha, lean, level, *last, hours)


def _without(values: FloatArray, season: FloatArray, factor: NDArray[np.bool_]) -> FloatArray:
    divisor = np.where(factor[:, None], season, 1.0)
    return np.where(factor[:, None], values / divisor, values - season)


def _seasons(values: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """The season of the last 24 hours by row, 0 where there is none, and whether it is a factor."""
    around = _slow_course(values)
    positive = values.min(axis=1) > 0
    ratios = values / np.where(around > 0, around, np.nan)
    factors, summands = _phase_means(ratios), _phase_means(values - around)
    mean = factors.mean(axis=1, keepdims=True)
    factors = factors / np.where(mean > 0, mean, 1.0)
    summands = summands - summands.mean(axis=1, keepdims=True)
    repeats = _repeats(values)
    factor = repeats & positive & (factors.min(axis=1) >= LEAST_FACTOR)
    return np.where(factor[:, None], factors, np.where(repeats[:, None], summands, 0.0)), factor


def _repeats(values: FloatArray) -> NDArray[np.bool_]:
    """Whether the autocorrelation of a day is beyond chance, given that of shorter lags."""
    apart = values - values.mean(axis=1, keepdims=True)
    total = np.maximum((apart * apart).sum(axis=1), 1e-300)
    shares = np.stack(
        [(apart[:, lag:] * apart[:, :-lag]).sum(axis=1) / total for lag in range(1, HOURS_PER_DAY + 1)],
        axis=1,
    )
    error = np.sqrt((1 + 2 * (shares[:, :-1] ** 2).sum(axis=1)) / values.shape[1])
    return np.asarray(np.abs(shares[:, -1]) > CHANCE * error)


def _slow_course(values: FloatArray) -> FloatArray:
    """Mean of the day around each hour, the ends of that day by halves; NaN half a day from both ends."""
    sums = np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1)
    days = (sums[:, HOURS_PER_DAY:] - sums[:, :-HOURS_PER_DAY]) / HOURS_PER_DAY
    half = HOURS_PER_DAY // 2
    return np.pad((days[:, 1:] + days[:, :-1]) / 2, ((0, 0), (half, half)), constant_values=np.nan)


def _phase_means(values: FloatArray) -> FloatArray:
    """Mean by hours from the end, a day's; rows × 24."""
    cycles = folded(values, HOURS_PER_DAY)
    known = np.isfinite(cycles)
    means: FloatArray = np.where(known, cycles, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return means


def _lines(values: FloatArray) -> Lines:
    """Mean and slope of the straight line through each row's hours so far, hour by hour."""
    at = np.arange(values.shape[1], dtype=np.float64)
    number = at + 1
    sums = np.cumsum(values, axis=1)
    spread = np.maximum(number * (number * number - 1) / 12, 1.0)
    slope = (np.cumsum(values * at, axis=1) - sums * at / 2) / spread
    slope[:, 0] = 0.0
    return Lines(sums / number, slope)


def _levels(values: FloatArray, alphas: FloatArray) -> FloatArray:
    """Exponential smoothing from the first value; hours × rows × constants."""
    levels = np.empty((values.shape[1], len(values), len(alphas)))
    level = np.repeat(values[:, :1], len(alphas), axis=1)
    for at, value in enumerate(values.T[:, :, None]):
        level = level + (value - level) * alphas
        levels[at] = level
    return levels


def _best(values: FloatArray, line: Lines) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Constant, lean and last level of the least squared error an hour ahead, by row."""
    levels = _levels(values, ALPHAS)
    tried = [
        _solved(values, line, np.ascontiguousarray(levels[:, :, at].T), alpha)
        for at, alpha in enumerate(ALPHAS)
    ]
    missed, lean, level = (np.stack(each, axis=1) for each in zip(*tried, strict=True))
    chosen = np.argmin(missed, axis=1)[:, None]
    lean, level = (np.take_along_axis(each, chosen, axis=1)[:, 0] for each in (lean, level))
    return ALPHAS[chosen[:, 0]], lean, level


def _solved(
    values: FloatArray, line: Lines, levels: FloatArray, alpha: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Squared error, lean within 0–1 and last level at the best lean and start of one constant."""
    use = slice(BURN_IN, None)
    seen = np.arange(1, values.shape[1], dtype=np.float64)
    error = (values[:, 1:] - levels[:, :-1])[:, use]
    pull = _pull(Lines(line.mean[:, :-1], line.slope[:, :-1]), np.asarray(alpha), seen)[:, use]
    faded = ((1 - alpha) ** seen)[None, use]
    pulls, fades = (pull * pull).sum(axis=1), (faded * faded).sum(axis=1)
    both, apart = (pull * faded).sum(axis=1), (error * pull).sum(axis=1)
    started = (error * faded).sum(axis=1)
    whole = pulls * fades - both * both
    lean = np.where(whole > 1e-12 * pulls * fades, apart * fades - started * both, 0.0)
    lean = np.clip(lean / np.where(whole > 0, whole, 1.0), 0.0, 1.0)
    start = (started - lean * both) / fades
    left = error - lean[:, None] * pull - start[:, None] * faded
    return (left * left).sum(axis=1), lean, levels[:, -1] + start * (1 - alpha) ** values.shape[1]
