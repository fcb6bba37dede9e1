"""Level shifts: usage that went to another level some hours ago and keeps its ways there, and the past moved to it.

A new version, traffic that was moved, a leak that was restarted: no daily cycle knows of them, and every model that
learns from weeks is wrong for days. What is seen in a window of hourly values:

1. apart: for the newest day (or two, or three) the newest hours lie beyond what the same hours of all earlier days were
   (the median of six hours, so one outlier says nothing, nor does what happens every night or every weekend);
2. since when: the hour from which on a moved past explains the hours better than the past as it was;
3. beyond: as a whole, too, the hours since lie further from what was usual than any earlier stretch of the same length;
4. steady: about the moved past they lie as close as earlier hours did about theirs. That is what tells a shift from a
   burst, a batch job or an incident, which go as they came: these jitter, climb or fade.

The past is moved by a factor or by a difference, whichever brings it closer to the hours since. After three days models
have seen enough of the new level by themselves. A known deployment lowers what is asked for: see `Evidence`.

The constants are round numbers, found on one half of about 420 public series (machines, services, requests) and checked
on the other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from predictive_scaling.base.clock import iso
from predictive_scaling.base.documents import Document, rounded
from predictive_scaling.base.series import HOURS_PER_DAY, HourlySeries, Windows
from predictive_scaling.models.shift_evidence import (
    MAX_DAYS,
    TOLD,
    UNTOLD,
    examined,
    likely_days,
    whole_days,
)

SECONDS_PER_HOUR = 3600
TOLD_WITHIN = 2  # hours between a deployment and what it did


@dataclass(frozen=True)
class Shift:
    """A shift at the hour `start` (since 1970): usual and actual mean of the hours since, in the unit of the data.

    Earlier values become value × factor + offset. `told`: a deployment at about that hour was known.
    """

    start: int
    usual: float
    actual: float
    factor: float
    offset: float
    told: bool = False

    @property
    def change(self) -> float:
        """Actual over usual, less 1; infinite from nothing."""
        return self.actual / self.usual - 1.0 if self.usual > 0 else math.inf

    @property
    def since(self) -> datetime:
        """Its first hour."""
        return datetime.fromtimestamp(self.start * SECONDS_PER_HOUR, tz=UTC)

    def document(self) -> Document:
        """As evaluations and recommendations tell it, levels in the unit of the data."""
        levels = {"usual": rounded(self.usual), "level": rounded(self.actual)}
        return {"since": iso(self.since), **levels, "deployed": self.told}


def found(series: HourlySeries, hints: Sequence[int] = ()) -> Shift | None:
    """The shift of the newest three days, if there is one; `hints` are hours at which something was deployed."""
    values = whole_days(series.values[None, :])
    seen = [examined(values[0], int(days) + 1, UNTOLD) for days in np.flatnonzero(likely_days(values)[0])]
    seen += [examined(values[0], days, TOLD, hours) for hours, days in _told(series.end, hints)]
    best = max((each for each in seen if each), key=lambda each: each.gain, default=None)
    if best is None:
        return None
    start = series.end - best.hours
    return Shift(start, best.usual, best.actual, best.factor, best.offset, best.told)


def moved(series: HourlySeries, shift: Shift | None) -> HourlySeries:
    """The series as if it had been at the new level all along; without a shift the series."""
    if shift is None or not series.start < shift.start < series.end:
        return series
    values, at = series.values.copy(), shift.start - series.start
    values[:at] = np.maximum(values[:at] * shift.factor + shift.offset, 0.0)
    return HourlySeries(series.start, values)


def found_in(windows: Windows, hints: Sequence[Sequence[int]] = ()) -> dict[int, Shift]:
    """The shifts of those windows that have one, by row; `hints` are of each row. Each row is as by itself."""
    likely: NDArray[np.bool_] = np.any(likely_days(whole_days(windows.values)), axis=1)
    for at, known in enumerate(hints):
        likely[at] |= any(True for _ in _told(int(windows.ends[at]), known))
    rows = (
        (at, found(windows.series(at), hints[at] if hints else ())) for at in np.flatnonzero(likely).tolist()
    )
    return {at: shift for at, shift in rows if shift}


def _told(end: int, hints: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Hours since a deployment took effect, and the days that they reach into; it may take effect a little later."""
    for hint in sorted(set(hints)):
        for hours in range(end - hint - TOLD_WITHIN, end - hint + 1):
            if TOLD.hours <= hours <= MAX_DAYS * HOURS_PER_DAY:
                yield hours, math.ceil(hours / HOURS_PER_DAY)
