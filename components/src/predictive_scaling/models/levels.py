"""Levels of an hourly course, and where they begin: from the oldest hour on, as who watched would have seen it.

A level is the median of up to a week. It ends where hours in a row lie apart from it by a fifth, and by three times
what was usual: three hours tell where little is usual, more where much is, and one outlier never. What goes up and
comes back within days, again and again, is a habit and begins none. Values are logarithms: a fifth is one everywhere.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from predictive_scaling.base.series import HOURS_PER_WEEK, FloatArray

LEAST_CHANGE = math.log(1.2)
MIN_HOURS = 48  # before any level is known
LEVEL_HOURS = HOURS_PER_WEEK  # a level is the median of so many hours, so that it holds workdays and weekends
CONFIRMING = (3, 6, 12, 24)
"""Hours in a row that lie apart: few tell a change that is large against what is usual."""
LEAST_LEVEL = 6  # hours of a level before the next one
STRIDE = 6  # hours for which a level is worked out once
USUAL_QUANTILE, USUAL_TIMES = 0.9, 3.0
ON_ONE_SIDE = 0.8
HABIT_HOURS, CAME_BACK, BEYOND_HABIT = 96, 0.3, 1.3


def first_level(values: FloatArray) -> float:
    """The level with which hours begin."""
    return float(np.median(values[:LEVEL_HOURS]))


def level_of(values: FloatArray) -> float:
    """The level with which hours end."""
    return float(np.median(values[-LEVEL_HOURS:]))


def level_starts(flat: FloatArray) -> list[int]:
    """Where levels begin. What goes up and comes back within days, twice and more, is a habit, such as weekends."""
    starts = _told_apart(flat, _each_start(flat, LEAST_CHANGE))
    levels = [float(np.median(flat[a:b])) for a, b in pairwise([*starts, len(flat)])]
    jumps = np.diff(levels)
    short = np.diff(starts)[1:] <= HABIT_HOURS if len(starts) > 1 else np.array([], dtype=bool)
    back = short & (np.abs(jumps[:-1] + jumps[1:]) <= CAME_BACK * np.abs(jumps[:-1]))
    if back.sum() < 2:
        return starts
    least = max(LEAST_CHANGE, BEYOND_HABIT * float(np.median(np.abs(jumps[:-1][back]))))
    return _told_apart(flat, _each_start(flat, least), least)


def off_levels(flat: FloatArray, starts: list[int]) -> FloatArray:
    """What hours lie from the median of their level."""
    parts = [flat[a:b] - np.median(flat[a:b]) for a, b in pairwise([*starts, len(flat)])]
    return np.concatenate(parts)


def _told_apart(flat: FloatArray, starts: list[int], least: float = LEAST_CHANGE) -> list[int]:
    """Without the beginning that lies the least apart, until all that is left do: what settled near is no new level."""
    while len(starts) > 1:
        ends = [*starts[1:], len(flat)]
        jumps = [
            abs(first_level(flat[at:end]) - level_of(flat[before:at]))
            for before, at, end in zip(starts, ends, ends[1:], strict=False)
        ]
        if min(jumps) >= least:
            break
        del starts[1 + int(np.argmin(jumps))]
    return starts


def _each_start(flat: FloatArray, least: float) -> list[int]:
    """Where levels begin, the first one at 0: found from the oldest hour on, as who watched would have."""
    medians = {hours: _rolling(flat, hours) for hours in CONFIRMING}
    starts, first, off = [0], MIN_HOURS, {hours: np.full(len(flat), np.nan) for hours in CONFIRMING}
    while (found := _next(flat, medians, off, (starts[-1], first), least)) is not None:
        starts.append(found)
        first = found + LEAST_LEVEL
    return starts


def _rolling(flat: FloatArray, hours: int) -> FloatArray:
    """The median of so many hours from each one on; unknown at the end."""
    if len(flat) < hours:
        return np.full(len(flat), np.nan)
    medians = np.median(sliding_window_view(flat, hours), axis=1)
    return np.concatenate([medians, np.full(hours - 1, np.nan)])


def _next(
    flat: FloatArray,
    medians: dict[int, FloatArray],
    off: dict[int, FloatArray],
    part: tuple[int, int],
    least: float,
) -> int | None:
    """Where the level that began at `start` ends, not before `first`; notes in `off` how far hours lay from it."""
    start, first = part
    for at in range(start + 1, len(flat), STRIDE):
        end, level = min(at + STRIDE, len(flat)), level_of(flat[start:at])
        for hours in CONFIRMING:
            off[hours][at:end] = medians[hours][at:end] - level
        apart = [
            _first_apart(flat - level, off[hours], hours, (max(at, first), end), at - start, least)
            for hours in CONFIRMING
        ]
        found = [each for each in apart if each is not None]
        if found:
            return _turn(flat, level, min(found))
    return None


def _first_apart(
    centred: FloatArray, off: FloatArray, hours: int, part: tuple[int, int], known: int, least: float
) -> tuple[int, int] | None:
    """The first hour of `part` from which so many lie on one side of a level known from `known` hours, and their end.

    In the middle they lie apart by a change that is told and by a multiple of what was usual, nearly all by half of it.
    """
    first, end = part
    past = np.abs(off[: first - hours + 1])
    past = past[np.isfinite(past)]
    if first >= end or len(past) < MIN_HOURS // 4:
        return None
    usual = quantile(past[-4 * LEVEL_HOURS :], USUAL_QUANTILE)
    least = max(least, USUAL_TIMES * usual * math.sqrt(1 + hours / known))
    for at in range(first, end):
        side = math.copysign(1.0, off[at])
        if off[at] * side >= least and np.mean(centred[at : at + hours] * side >= least / 2) >= ON_ONE_SIDE:
            return at, at + hours
    return None


def quantile(values: FloatArray, share: float) -> float:
    """The smallest value that so many reach; numpy's own costs twenty times as much on so few."""
    return float(np.sort(values)[math.ceil(share * len(values)) - 1])


def _turn(flat: FloatArray, level: float, part: tuple[int, int]) -> int:
    """The hour within `part` from which on the new level describes hours best."""
    first, end = part
    hours = flat[first:end]
    new = float(np.median(hours))
    before = np.concatenate([[0.0], np.cumsum(np.abs(hours - level))[:-1]])
    after = np.cumsum(np.abs(hours - new)[::-1])[::-1]
    return first + int(np.argmin(before + after))
