"""Season plus level: three models of one shape, which differ in how odd days, shocks and scale are taken.

profile_level    mean profiles and the best smoothed level: the simplest, best where days resemble each other
profile_damped   median profiles and a deviation that fades: resists odd days and follows a shock without believing it
profile_log      profile_level of the logarithm: for usage whose swings grow with its level, and for heavy tails
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictive_scaling.base.documents import Document
from predictive_scaling.base.series import HOURS_PER_DAY, FloatArray, HourlySeries, IntArray, Windows
from predictive_scaling.models.level import LevelPaths, damped_levels, smoothed_levels
from predictive_scaling.models.season import Seasons, seasons_of

KINDS = ("profile_level", "profile_damped", "profile_log")
OFFSET_SHARE = 0.05  # of the mean, added before the logarithm: else zeros and idle hours would rule it
MAX_GROWTH = 1.5  # of the highest value seen: an exponential of a small error must not run away


@dataclass(frozen=True)
class Scales:
    """A row a series: logarithm with an offset, and a ceiling for the way back; offset 0 changes nothing."""

    offset: FloatArray
    ceiling: FloatArray

    def apply(self, values: FloatArray) -> FloatArray:
        """To the scale that the model adds in."""
        if not self.offset.any():
            return values
        offset = self.offset[:, None]
        scaled = np.log(np.maximum(values, 0.0) + np.where(offset > 0, offset, 1.0))
        return np.where(offset > 0, scaled, values)

    def undo(self, values: FloatArray) -> FloatArray:
        """Back to the unit of the data, never below zero."""
        if not self.offset.any():
            return np.maximum(values, 0.0)
        offset, ceiling = self.offset[:, None], self.ceiling[:, None]
        # The ceiling before the exponential: a level far off must not overflow.
        most = np.log(np.where(offset > 0, ceiling + offset, 1.0))
        back = np.where(offset > 0, np.exp(np.minimum(values, most)) - offset, values)
        return np.maximum(back, 0.0)

    def row(self, at: int) -> Scales:
        """One series' scale."""
        return Scales(self.offset[at : at + 1], self.ceiling[at : at + 1])


@dataclass(frozen=True)
class Profiles:
    """Fits to many windows, a row each: forecasts of the hours from `ends` are level path + season, off the scale."""

    ends: IntArray
    paths: LevelPaths
    seasons: Seasons
    scales: Scales

    def forecasts(self, hours: int) -> FloatArray:
        """Add the season to the level; clipped at zero, since usage is never negative."""
        ahead = self.ends[:, None] + np.arange(hours)
        return self.scales.undo(self.paths.ahead(hours) + self.seasons.at(ahead))

    def row(self, at: int) -> Profiles:
        """One window's fit."""
        parts = (self.paths.row(at), self.seasons.row(at), self.scales.row(at))
        return Profiles(self.ends[at : at + 1], *parts)


@dataclass(frozen=True)
class FittedProfile:
    """A profile model of one series: the only row of its fits."""

    kind: str
    fits: Profiles

    def forecast(self, hours: int) -> FloatArray:
        """The hours right after the series; see Profiles."""
        only: FloatArray = self.fits.forecasts(hours)[0]
        return only

    def updated(self, recent: HourlySeries) -> FittedProfile:
        """Keeps the season, takes the level of the newer data."""
        windows, fits = Windows.of(recent), self.fits
        paths = _paths(self.kind, fits.scales.apply(windows.values) - fits.seasons.at(windows.hours))
        ceiling = np.where(
            fits.scales.offset > 0, np.maximum(fits.scales.ceiling, _ceilings(windows.values)), 0.0
        )
        return FittedProfile(
            self.kind, Profiles(windows.ends, paths, fits.seasons, Scales(fits.scales.offset, ceiling))
        )

    def to_json(self) -> Document:
        """State: where the series ended, the level, both profiles and the scale."""
        path, scale = self.fits.paths, self.fits.scales
        return {
            "end": int(self.fits.ends[0]),
            "level": [float(each[0]) for each in (path.level, path.deviation, path.damping)],
            "scale": [float(each[0]) for each in (scale.offset, scale.ceiling)],
            **self.fits.seasons.to_json(),
        }

    @staticmethod
    def reader(kind: str, state: Document) -> FittedProfile:
        """Read the state back; raises ValueError when a part has the wrong length or a value no forecast allows."""
        level, deviation, damping = (np.array([float(value)]) for value in state["level"])
        offset, ceiling = (np.array([float(value)]) for value in state["scale"])
        if not 0 <= damping[0] <= 1 or offset[0] < 0 or ceiling[0] < 0:
            raise ValueError("damping must be within 0–1, offset and ceiling not negative")
        paths, scales = LevelPaths(level, deviation, damping), Scales(offset, ceiling)
        ends = np.array([int(state["end"])], dtype=np.int64)
        return FittedProfile(kind, Profiles(ends, paths, Seasons.from_json(state), scales))


@dataclass(frozen=True)
class Profile:
    """Recipe of a profile model."""

    kind: str = "profile_level"
    min_hours: int = 2 * HOURS_PER_DAY

    def fit(self, series: HourlySeries) -> FittedProfile:
        """Fit one series."""
        return self.fits(Windows.of(series))[0]

    def fits(self, windows: Windows) -> list[FittedProfile]:
        """Fit every window."""
        found = self._fits(windows)
        return [FittedProfile(self.kind, found.row(at)) for at in range(len(windows.ends))]

    def forecasts(self, windows: Windows, horizon: int) -> FloatArray:
        """Fit every window and forecast."""
        return self._fits(windows).forecasts(horizon)

    def _fits(self, windows: Windows) -> Profiles:
        """Learn scale, season and level, in this order."""
        scales = _scales(windows.values, logarithm=self.kind == "profile_log")
        scaled = Windows(windows.ends, scales.apply(windows.values))
        seasons = seasons_of(scaled, median=self.kind == "profile_damped")
        paths = _paths(self.kind, scaled.values - seasons.at(scaled.hours))
        return Profiles(windows.ends, paths, seasons, scales)


def _paths(kind: str, values: FloatArray) -> LevelPaths:
    return damped_levels(values) if kind == "profile_damped" else smoothed_levels(values)


def _scales(values: FloatArray, *, logarithm: bool) -> Scales:
    """A series that is zero throughout stays on its own scale."""
    if not logarithm:
        return Scales(np.zeros(len(values)), np.zeros(len(values)))
    return Scales(OFFSET_SHARE * np.nanmean(values, axis=1), _ceilings(values))


def _ceilings(values: FloatArray) -> FloatArray:
    return np.asarray(MAX_GROWTH * np.nanmax(values, axis=1), dtype=np.float64)
