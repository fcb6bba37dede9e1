"""Whether the newest hours of a window are at another level: what is looked at, and a closer look.

All about one window of whole days; `back` is it from the newest hour on. See `shifts` for the way of thinking.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from predictive_scaling.base.series import HOURS_PER_DAY, HOURS_PER_WEEK, FloatArray

MAX_DAYS = 3
MIN_EARLIER_DAYS = 7
HALF = 0.5  # of the shift: hours that reach so far are at the new level
REACHED = 0.8  # of the hours since
DAYS_BEFORE = 14
LASTING = 1.25  # times the scatter that is allowed from a day on
TIE = 1.1  # a difference must fit so much better than a factor
DRIFT = 0.25  # of the shift: what the newer half of the hours may lie off the older one
MAX_FACTOR = 20.0  # beyond, what was usual is too near to nothing to be stretched: the difference is added
TINY = 1e-300  # for what was never anything


@dataclass(frozen=True)
class Evidence:
    """What a shift must show.

    `hours`: for how long; `size`: as a share of the level; `beyond`: times what the furthest earlier stretch was off;
    `scatter`: at most times what earlier hours scattered. `trust` is the part of the way that the past is moved: what
    came may go again, and models follow the rest by themselves.
    """

    hours: int
    size: float
    beyond: float
    scatter: float
    trust: float


UNTOLD = Evidence(hours=6, size=0.15, beyond=1.5, scatter=1.25, trust=0.75)
TOLD = Evidence(hours=3, size=0.10, beyond=1.0, scatter=1.5, trust=1.0)


def whole_days(values: FloatArray) -> FloatArray:
    """Rows without the part of a day at their begin, so that days end where the rows end."""
    return values[:, values.shape[1] % HOURS_PER_DAY :]


def likely_days(values: FloatArray) -> NDArray[np.bool_]:
    """Whether the newest n days are apart from all earlier ones, or from those of the week before (rows × n)."""
    likely: NDArray[np.bool_] = np.zeros((len(values), MAX_DAYS), dtype=np.bool_)
    for compared in (values, values[:, HOURS_PER_WEEK:] - values[:, :-HOURS_PER_WEEK]):
        apart = _apart(_newest_medians(compared, UNTOLD.hours))
        likely[:, : apart.shape[1]] |= apart
    return likely


def _newest_medians(values: FloatArray, hours: int) -> FloatArray:
    """Median of the newest hours of each day (rows × days, newest first); NaN where half of them are missing."""
    days = values.reshape(len(values), values.shape[1] // HOURS_PER_DAY, HOURS_PER_DAY)[:, ::-1, -hours:]
    known = np.isfinite(days).sum(axis=2)
    return np.where(known > hours / 2, _medians(days), np.nan)


def _apart(medians: FloatArray) -> NDArray[np.bool_]:
    """Whether the newest n days are all above all earlier ones, or all below them (rows × n, from 1 on)."""
    number = min(MAX_DAYS, medians.shape[1] - MIN_EARLIER_DAYS)
    if number < 1:
        return np.zeros((len(medians), 0), dtype=np.bool_)
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
    return np.asarray(above | below, dtype=np.bool_)


@dataclass(frozen=True)
class Seen:
    """A shift in a window: hours since, how much better a moved past explains them, and how the past is moved."""

    hours: int
    gain: float
    usual: float
    actual: float
    factor: float
    offset: float
    told: bool


def examined(values: FloatArray, days: int, evidence: Evidence, hours: int | None = None) -> Seen | None:
    """A closer look at one window (whole days): whether the hours since are a shift. `hours` None: to be found."""
    back = values[::-1]  # newest first
    usual = _usual(back, days)
    seen = _against(back[: len(usual)], usual, days, evidence, hours) if len(usual) else None
    known_why = evidence is TOLD or (seen and _unlike_days_before(back, seen, days))
    return seen if known_why else None


def _usual(back: FloatArray, days: int) -> FloatArray:
    """What was usual at each hour, newest first: by the hour of the day, or of the week where that was closer."""
    ways = [each for each in (_by_day(back, days), _by_week(back, days)) if len(each)]
    earlier = slice(days * HOURS_PER_DAY, None)
    return min(
        ways,
        key=lambda usual: float(_medians(np.abs(back[: len(usual)] - usual)[earlier])),
        default=back[:0],
    )


def _by_day(back: FloatArray, days: int) -> FloatArray:
    """What was usual at each hour, newest first: the median of the earlier days; empty when they are too few."""
    by_day = back.reshape(-1, HOURS_PER_DAY)
    if len(by_day) - days < MIN_EARLIER_DAYS:
        return back[:0]
    usual = _medians(by_day[days:].T)
    return np.tile(usual, len(by_day)) if np.isfinite(usual).all() else back[:0]


def _by_week(back: FloatArray, days: int) -> FloatArray:
    """What was usual at each hour as the week before says it: for services whose weekends are others."""
    before = back[HOURS_PER_WEEK:]
    if not np.isfinite(before[: days * HOURS_PER_DAY]).any():
        return before[:0]
    change = _by_day(back[: len(before)] - before, days)
    return before[: len(change)] + change


def _against(
    back: FloatArray, usual: FloatArray, days: int, evidence: Evidence, hours: int | None
) -> Seen | None:
    off = back - usual
    least = hours or evidence.hours + (days - 1) * HOURS_PER_DAY
    since, gain = (least, _gains(off[:least])[-1]) if hours else _since(off[: days * HOURS_PER_DAY], least)
    if not _is_level(off[:since], usual[:since], evidence) or not _beyond(off, usual, since, days, evidence):
        return None
    known = np.isfinite(off[:since])
    way = _way(back[:since][known], usual[:since][known])
    if not _steady(way, back, usual, since, days, evidence):
        return None
    factor, offset = way.factor**evidence.trust, way.offset * evidence.trust
    means = float(usual[:since][known].mean()), float(back[:since][known].mean())
    return Seen(since, float(gain), *means, factor, offset, told=evidence is TOLD)


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
        abs(by) > max(evidence.size * float(np.nanmean(usual)), 0.0)
        and far.mean() >= REACHED
        and newest.any()
    )


def _unlike_days_before(back: FloatArray, seen: Seen, days: int) -> bool:
    """Whether the same hours of two weeks before were all at another level: a holiday is like a Sunday."""
    by = seen.actual - seen.usual
    for ago in range(days, days + DAYS_BEFORE):
        earlier = back[ago * HOURS_PER_DAY : ago * HOURS_PER_DAY + seen.hours]
        if np.isfinite(earlier).any() and (seen.actual - float(np.nanmean(earlier))) / by <= HALF:
            return False
    return True


def _beyond(off: FloatArray, usual: FloatArray, since: int, days: int, evidence: Evidence) -> bool:
    """Whether no earlier stretch of the same length, at whatever hour, was as far off for its hours."""
    scale = usual + np.nanmean(usual)
    share = np.where(off == 0, 0.0, off) / np.where(scale > 0, scale, TINY)
    now = float(_medians(share[:since]))
    every = 1 if since <= HOURS_PER_DAY / 2 else 3
    stretches = sliding_window_view(share[days * HOURS_PER_DAY :], since)[::every]
    enough = np.isfinite(stretches).sum(axis=1) > since / 2
    earlier = np.sign(now) * _medians(stretches[enough])
    return len(earlier) > 0 and abs(now) > evidence.beyond * max(float(earlier.max()), 0.0)


@dataclass(frozen=True)
class _Way:
    """From what was usual to what is: × factor + offset."""

    factor: float
    offset: float

    def off(self, actual: FloatArray, usual: FloatArray) -> FloatArray:
        return actual - (usual * self.factor + self.offset)


def _way(actual: FloatArray, usual: FloatArray) -> _Way:
    """The factor or the difference, whichever leaves less."""
    total = float(usual.sum())
    added = _Way(1.0, float(np.median(actual - usual)))
    factor = float(actual.sum()) / total if total > 0 else math.inf
    if not 1 / MAX_FACTOR < factor < MAX_FACTOR:
        return added
    times = _Way(factor, 0.0)
    left = [float(np.abs(way.off(actual, usual)).mean()) for way in (times, added)]
    return times if left[0] <= TIE * left[1] else added


def _steady(
    way: _Way, back: FloatArray, usual: FloatArray, since: int, days: int, evidence: Evidence
) -> bool:
    """Whether the hours since scatter about the moved past as earlier ones did about theirs, and do not drift."""
    left = way.off(back[:since], usual[:since])
    phases = (np.arange(days * HOURS_PER_DAY, len(back)) % HOURS_PER_DAY) < since
    before = np.abs(back - usual)[days * HOURS_PER_DAY :][phases] * way.factor
    allowed = evidence.scatter * (LASTING if since >= HOURS_PER_DAY else 1.0)
    if float(_medians(np.abs(left))) > allowed * float(_medians(before)):
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
