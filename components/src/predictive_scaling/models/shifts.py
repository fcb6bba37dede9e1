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

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from predictive_scaling.base.series import HOURS_PER_DAY, FloatArray, HourlySeries, IntArray

MAX_DAYS = 3
MIN_EARLIER_DAYS = 7
HALF = 0.5  # of the shift: hours that reach so far are at the new level
REACHED = 0.8  # of the hours since
BEYOND = 1.2  # times what the furthest earlier stretch was off
DRIFT = 0.25  # of the shift: what the newer half of the hours may lie off the older one
MAX_FACTOR = 20.0  # beyond, what was usual is too near to nothing to be stretched: the difference is added
TINY = 1e-9


@dataclass(frozen=True)
class Evidence:
    """What a shift must show: hours, its size as a share of the level, and how much the hours since may scatter.

    `scatter` is against what earlier hours scattered; `trust` is the part of the way that the past is moved in the first
    day: what lasted for hours may still end.
    """

    hours: int
    size: float
    scatter: float
    trust: float


UNTOLD = Evidence(hours=6, size=0.15, scatter=1.0, trust=0.75)
TOLD = Evidence(hours=3, size=0.10, scatter=1.5, trust=1.0)
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


def found(series: HourlySeries, hints: Sequence[int] = ()) -> Shift | None:
    """The shift of the newest three days, if there is one; `hints` are hours at which something was deployed."""
    values = _whole_days(series.values[None, :])
    candidates = _apart(_newest_medians(values, UNTOLD.hours))[0]
    seen = [_examined(values[0], int(days) + 1, UNTOLD) for days in np.flatnonzero(candidates)]
    seen += [_examined(values[0], days, TOLD, hours) for hours, days in _told(series.end, hints)]
    best = max((each for each in seen if each), key=lambda each: each.gain, default=None)
    return best.shift(series.end) if best else None


def moved(series: HourlySeries, shift: Shift | None) -> HourlySeries:
    """The series as if it had been at the new level all along; without a shift the series."""
    if shift is None or not series.start < shift.start < series.end:
        return series
    values, at = series.values.copy(), shift.start - series.start
    values[:at] = np.maximum(values[:at] * shift.factor + shift.offset, 0.0)
    return HourlySeries(series.start, values)


def settled(series: HourlySeries, hints: Sequence[int] = ()) -> HourlySeries:
    """The series moved by the shift that is found at its end."""
    return moved(series, found(series, [hint for hint in hints if hint < series.end]))


def settled_rows(values: FloatArray, ends: IntArray, hints: Sequence[int] = ()) -> FloatArray:
    """`settled` of many windows that are rows; each row for itself, and the same array where nothing shifted.

    Only hints before a row's end count, as everything that is known there.
    """
    likely = (_apart(_newest_medians(_whole_days(values), UNTOLD.hours)) != 0).any(axis=1)
    for hint in hints:
        likely |= (ends - hint >= TOLD.hours) & (ends - hint <= MAX_DAYS * HOURS_PER_DAY)
    rows = values.copy() if likely.any() else values
    for at in np.flatnonzero(likely):
        series = HourlySeries(int(ends[at]) - values.shape[1], values[at])
        rows[at] = settled(series, hints).values
    return rows


def _told(end: int, hints: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Hours since a deployment took effect, and the days that they reach into; it may take effect a little later."""
    for hint in sorted(set(hints)):
        for hours in range(end - hint - TOLD_WITHIN, end - hint + 1):
            if TOLD.hours <= hours <= MAX_DAYS * HOURS_PER_DAY:
                yield hours, math.ceil(hours / HOURS_PER_DAY)


def _whole_days(values: FloatArray) -> FloatArray:
    """Rows without the part of a day at their begin, so that days end where the rows end."""
    return values[:, values.shape[1] % HOURS_PER_DAY :]


def _newest_medians(values: FloatArray, hours: int) -> FloatArray:
    """Median of the newest hours of each day (rows × days, newest first); NaN where half of them are missing."""
    days = values.reshape(len(values), -1, HOURS_PER_DAY)[:, ::-1, -hours:]
    known = np.isfinite(days).sum(axis=2)
    return np.where(known > hours / 2, _medians(days), np.nan)


def _apart(medians: FloatArray) -> NDArray[np.int64]:
    """1 where the newest n days are all above all earlier ones, -1 where below, else 0 (rows × n, from 1 on)."""
    number = min(MAX_DAYS, medians.shape[1] - MIN_EARLIER_DAYS)
    if number < 1:
        return np.zeros((len(medians), 0), dtype=np.int64)
    known = np.isfinite(medians)
    low, high = np.where(known, medians, np.inf), np.where(known, medians, -np.inf)
    newer_low, newer_high = (f.accumulate(of, axis=1) for f, of in ((np.minimum, low), (np.maximum, high)))
    older_low, older_high = (
        f.accumulate(of[:, ::-1], axis=1)[:, ::-1] for f, of in ((np.minimum, low), (np.maximum, high))
    )
    older_known = known[:, ::-1].cumsum(axis=1)[:, ::-1]
    newer, older = slice(0, number), slice(1, number + 1)
    judged = known[:, :1] & (older_known[:, older] >= MIN_EARLIER_DAYS)
    above = judged & (newer_low[:, newer] > older_high[:, older])
    below = judged & (newer_high[:, newer] < older_low[:, older])
    return above.astype(np.int64) - below.astype(np.int64)


@dataclass(frozen=True)
class _Seen:
    """A shift in a window: hours since, how much better a moved past explains them, and how the past is moved."""

    hours: int
    gain: float
    usual: float
    actual: float
    factor: float
    offset: float
    told: bool

    def shift(self, end: int) -> Shift:
        return Shift(end - self.hours, self.usual, self.actual, self.factor, self.offset, self.told)


def _examined(values: FloatArray, days: int, evidence: Evidence, hours: int | None = None) -> _Seen | None:
    """A closer look at one window (whole days): whether the hours since are a shift. `hours` None: to be found."""
    by_day = values.reshape(-1, HOURS_PER_DAY)[::-1]
    if len(by_day) - days < MIN_EARLIER_DAYS:
        return None
    usual_day = _medians(by_day[days:].T)
    if not np.isfinite(usual_day).all():
        return None
    usual, back = np.tile(usual_day[::-1], len(by_day)), values[::-1]  # newest first
    off = back - usual
    least = hours or evidence.hours + (days - 1) * HOURS_PER_DAY
    since, gain = (least, _gains(off[:least])[-1]) if hours else _since(off[: days * HOURS_PER_DAY], least)
    if not _is_level(off[:since], usual[:since], evidence) or not _beyond(off, usual, since, days):
        return None
    way = _way(back[:since], usual[:since])
    if not _steady(way, back, usual, since, days, evidence):
        return None
    known = np.isfinite(back[:since])
    part = evidence.trust if since < HOURS_PER_DAY else 1.0
    factor, offset = way.factor**part, way.offset * part
    means = float(usual[:since][known].mean()), float(back[:since][known].mean())
    return _Seen(since, float(gain), *means, factor, offset, told=evidence is TOLD)


def _gains(off: FloatArray) -> FloatArray:
    """By how much a moved past explains the newest n hours better than the past as it was, for each n."""
    gains: FloatArray = np.nancumsum(np.abs(off) - np.abs(off - _medians(off)))
    return gains


def _since(off: FloatArray, least: int) -> tuple[int, float]:
    """How many of the newest hours are at the new level, at least `least`, and the gain."""
    moved_by = float(_medians(off[:least]))
    gains = np.nancumsum(np.abs(off) - np.abs(off - moved_by))
    at = least - 1 + int(np.argmax(gains[least - 1 :]))
    return at + 1, float(gains[at])


def _is_level(off: FloatArray, usual: FloatArray, evidence: Evidence) -> bool:
    """Whether the hours are far enough off, most of them, the newest among them."""
    known = off[np.isfinite(off)]
    if len(known) <= max(evidence.hours, len(off)) / 2:
        return False
    by = float(np.median(known))
    far = np.sign(by) * known > HALF * abs(by)
    newest = far[: evidence.hours // 2]
    return bool(
        abs(by) > max(evidence.size * float(usual.mean()), 0.0) and far.mean() >= REACHED and newest.any()
    )


def _beyond(off: FloatArray, usual: FloatArray, since: int, days: int) -> bool:
    """Whether no earlier stretch of the same length, at whatever hour, was as far off for its hours."""
    share = off / np.maximum(usual + usual[:HOURS_PER_DAY].mean(), TINY)
    now = float(_medians(share[:since]))
    every = 1 if since <= HOURS_PER_DAY / 2 else 3
    stretches = sliding_window_view(share[days * HOURS_PER_DAY :], since)[::every]
    enough = np.isfinite(stretches).sum(axis=1) > since / 2
    earlier = np.sign(now) * _medians(stretches[enough])
    return len(earlier) > 0 and abs(now) > BEYOND * max(float(earlier.max()), 0.0)


@dataclass(frozen=True)
class _Way:
    """From what was usual to what is: × factor + offset."""

    factor: float
    offset: float

    def off(self, actual: FloatArray, usual: FloatArray) -> FloatArray:
        return actual - (usual * self.factor + self.offset)


def _way(actual: FloatArray, usual: FloatArray) -> _Way:
    """The factor or the difference, whichever leaves less."""
    known = np.isfinite(actual)
    total = float(usual[known].sum())
    added = _Way(1.0, float(np.median(actual[known] - usual[known])))
    factor = float(actual[known].sum()) / total if total > 0 else math.inf
    if not 1 / MAX_FACTOR < factor < MAX_FACTOR:
        return added
    times = _Way(factor, 0.0)
    left = [float(np.abs(way.off(actual[known], usual[known])).mean()) for way in (times, added)]
    return times if left[0] <= left[1] else added


def _steady(
    way: _Way, back: FloatArray, usual: FloatArray, since: int, days: int, evidence: Evidence
) -> bool:
    """Whether the hours since scatter about the moved past as earlier ones did about theirs, and do not drift."""
    left = way.off(back[:since], usual[:since])
    phases = (np.arange(days * HOURS_PER_DAY, len(back)) % HOURS_PER_DAY) < since
    before = np.abs(back - usual)[days * HOURS_PER_DAY :][phases] * way.factor
    if float(_medians(np.abs(left))) > evidence.scatter * float(_medians(before)):
        return False
    half = since // 2
    size = abs(float(_medians(back[:since] - usual[:since])))
    drift = abs(float(_medians(left[:half])) - float(_medians(left[half:])))
    return drift <= DRIFT * size


def _medians(values: FloatArray) -> FloatArray:
    """Median over the last axis of what is known; NaN where nothing is."""
    ordered, known = np.sort(values, axis=-1), np.isfinite(values).sum(axis=-1)
    low, high = (
        np.take_along_axis(ordered, at[..., None], axis=-1)[..., 0]
        for at in (np.maximum(known - 1, 0) // 2, np.minimum(known // 2, values.shape[-1] - 1))
    )
    return np.asarray(np.where(known > 0, (low + high) / 2, np.nan), dtype=np.float64)
