"""What forecasting more often than daily gains: the models in force, on hours that they were not trained on.

The newest whole days since a training are forecast twice, as runs every few hours and as daily ones would have forecast
them: each hour by the newest run before it, with what was known then. Nothing is trained for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from predictive_scaling.backtest.codec import StoredModel
from predictive_scaling.backtest.folds import training_window
from predictive_scaling.backtest.metrics import accuracy, share_above
from predictive_scaling.backtest.reforecast import forecast_from
from predictive_scaling.base.amounts import number, share
from predictive_scaling.base.documents import Document, rounded
from predictive_scaling.base.series import HOURS_PER_DAY, FloatArray, HourlySeries
from predictive_scaling.models.features import CodeChange, as_it_came

DAYS = 2
MOST_SERIES = 40
"""So many, evenly out of all, say it well enough: looking back costs more than looking ahead."""


@dataclass(frozen=True)
class Aged:
    """Actual values of some hours, and p50 and p95 of them by one rhythm; all in the unit of the data."""

    actual: FloatArray
    p50: FloatArray
    p95: FloatArray


@dataclass(frozen=True)
class Gain:
    """Accuracy (mean over series) and share of hours above p95, each every `every` hours and daily."""

    every: int
    series: int
    hours: int
    accuracy: tuple[float, float]
    over95: tuple[float, float]

    def document(self) -> Document:
        """As it stands in an evaluation."""
        return {
            "every_hours": self.every,
            "series": self.series,
            "hours": self.hours,
            "accuracy": rounded(self.accuracy[0]),
            "accuracy_daily": rounded(self.accuracy[1]),
            "over95": rounded(self.over95[0]),
            "over95_daily": rounded(self.over95[1]),
        }


def told(gain: Document) -> str:
    """A sentence for people, from the document."""
    return (
        f"every {gain['every_hours']} h instead of daily: accuracy {number(gain['accuracy'])} instead of "
        f"{number(gain['accuracy_daily'])}, {share(gain['over95'])} of hours above p95 instead of "
        f"{share(gain['over95_daily'])} "
        f"({gain['hours']} hours of {gain['series']} series since their training)"
    )


def evenly(number: int) -> list[int]:
    """Which of so many series are looked at."""
    return sorted(set(np.linspace(0, number - 1, min(number, MOST_SERIES)).round().astype(int).tolist()))


def by_rhythm(
    stored: StoredModel,
    series: HourlySeries,
    every: int,
    since: int,
    days: int = DAYS,
    changes: Sequence[CodeChange] = (),
) -> Aged | None:
    """The newest whole days of a series since an hour as runs every so many hours forecast them; None without any.

    No run foresees the `changes` that the series is already moved by.
    """
    hours = min(days, (series.end - max(since, series.start)) // HOURS_PER_DAY) * HOURS_PER_DAY
    if hours < HOURS_PER_DAY:
        return None
    first, p50, p95, actual = series.end - hours, [], [], []
    for origin in range(first, series.end, every):
        found = forecast_from(stored, training_window(series, origin), HOURS_PER_DAY)
        p50.append(found.p50[:every])
        p95.append(found.bounds.p95[:every])
        part = series.between(origin, origin + every)
        actual.append(as_it_came(part.values, part.hours, origin, changes))
    return Aged(np.concatenate(actual), np.concatenate(p50)[:hours], np.concatenate(p95)[:hours])


def gain(every: int, often: Sequence[Aged], daily: Sequence[Aged]) -> Gain | None:
    """Of the same series by both rhythms; None where nothing is known of any."""
    pairs = [(_known(one, other), _known(other, one)) for one, other in zip(often, daily, strict=True)]
    pairs = [pair for pair in pairs if np.isfinite(pair[0].actual).any()]
    if not pairs:
        return None
    sides = list(zip(*pairs, strict=True))
    scores = [float(np.mean([accuracy(each.actual, each.p50) for each in side])) for side in sides]
    above = [
        share_above(*(np.concatenate([getattr(each, name) for each in side]) for name in ("actual", "p95")))
        for side in sides
    ]
    hours = sum(int(np.isfinite(each.actual).sum()) for each in sides[0])
    return Gain(every, len(pairs), hours, (scores[0], scores[1]), (above[0], above[1]))


def _known(one: Aged, other: Aged) -> Aged:
    """Without the hours for which either rhythm has no forecast."""
    missing = ~np.isfinite(one.p50) | ~np.isfinite(other.p50)
    return Aged(np.where(missing, np.nan, one.actual), np.where(missing, 0.0, one.p50), one.p95)
