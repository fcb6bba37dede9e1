"""Season plus level: three models of one shape, which differ in how odd days, shocks and scale are taken.

profile_level    mean profiles and the best smoothed level: the simplest, best where days resemble each other
profile_damped   median profiles and a deviation that fades: resists odd days and follows a shock without believing it
profile_log      profile_level of the logarithm: for usage whose swings grow with its level, and for heavy tails
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictive_scaling.base.documents import Document
from predictive_scaling.base.series import HOURS_PER_DAY, FloatArray, HourlySeries
from predictive_scaling.models.level import LevelPath, damped_level, smoothed_level
from predictive_scaling.models.season import Season, season_of

KINDS = ("profile_level", "profile_damped", "profile_log")
OFFSET_SHARE = 0.05  # of the mean, added before the logarithm: else zeros and idle hours would rule it
MAX_GROWTH = 1.5  # of the highest value seen: an exponential of a small error must not run away


@dataclass(frozen=True)
class Scale:
    """Logarithm with an offset and a ceiling for the way back; `offset` 0 leaves the values as they are."""

    offset: float = 0.0
    ceiling: float = 0.0

    def apply(self, values: FloatArray) -> FloatArray:
        """To the scale that the model adds in."""
        return np.log(np.maximum(values, 0.0) + self.offset) if self.offset else values

    def undo(self, values: FloatArray) -> FloatArray:
        """Back to the unit of the data, never below zero."""
        if not self.offset:
            return np.maximum(values, 0.0)
        # The ceiling before the exponential: a level far off must not overflow.
        back = np.exp(np.minimum(values, np.log(self.ceiling + self.offset)))
        return np.maximum(back - self.offset, 0.0)


@dataclass(frozen=True)
class FittedProfile:
    """Forecast of the hours from `end`: level path + season, taken back from the scale."""

    kind: str
    end: int
    path: LevelPath
    season: Season
    scale: Scale

    def forecast(self, hours: int) -> FloatArray:
        """Add the season to the level; clipped at zero, since usage is never negative."""
        ahead = np.arange(self.end, self.end + hours, dtype=np.int64)
        return self.scale.undo(self.path.ahead(hours) + self.season.at(ahead))

    def updated(self, recent: HourlySeries) -> FittedProfile:
        """Keeps the season, takes the level of the newer data."""
        path = _path(self.kind, self.scale.apply(recent.values) - self.season.at(recent.hours))
        ceiling = max(self.scale.ceiling, _ceiling(recent.values)) if self.scale.offset else 0.0
        return FittedProfile(self.kind, recent.end, path, self.season, Scale(self.scale.offset, ceiling))

    def to_json(self) -> Document:
        """State: where the series ended, the level, both profiles and the scale."""
        return {
            "end": self.end,
            "level": [self.path.level, self.path.deviation, self.path.damping],
            "scale": [self.scale.offset, self.scale.ceiling],
            **self.season.to_json(),
        }

    @staticmethod
    def reader(kind: str, state: Document) -> FittedProfile:
        """Read the state back; raises ValueError when a part has the wrong length or a value no forecast allows."""
        level, deviation, damping = (float(value) for value in state["level"])
        offset, ceiling = (float(value) for value in state["scale"])
        if not 0 <= damping <= 1 or offset < 0 or ceiling < 0:
            raise ValueError("damping must be within 0–1, offset and ceiling not negative")
        path, scale = LevelPath(level, deviation, damping), Scale(offset, ceiling)
        return FittedProfile(kind, int(state["end"]), path, Season.from_json(state), scale)


@dataclass(frozen=True)
class Profile:
    """Recipe of a profile model."""

    kind: str = "profile_level"
    min_hours: int = 2 * HOURS_PER_DAY

    def fit(self, series: HourlySeries) -> FittedProfile:
        """Learn scale, season and level, in this order."""
        scale = _scale(series.values) if self.kind == "profile_log" else Scale()
        scaled = HourlySeries(series.start, scale.apply(series.values))
        season = season_of(scaled, median=self.kind == "profile_damped")
        path = _path(self.kind, scaled.values - season.at(scaled.hours))
        return FittedProfile(self.kind, series.end, path, season, scale)


def _path(kind: str, values: FloatArray) -> LevelPath:
    return damped_level(values) if kind == "profile_damped" else smoothed_level(values)


def _scale(values: FloatArray) -> Scale:
    """A series that is zero throughout stays on its own scale."""
    return Scale(OFFSET_SHARE * float(np.nanmean(values)), _ceiling(values))


def _ceiling(values: FloatArray) -> float:
    return MAX_GROWTH * float(np.nanmax(values))
