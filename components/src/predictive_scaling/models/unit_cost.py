"""What a unit of load costs: cores for each request a second, or each item of a queue, by the code that runs now.

cores = cost × (idle × usual + (1 - idle) × load): `usual` is the median load, `idle` the share of its cores that are
used without any, so `cost` is cores a unit at the usual load. It is a level that changes when the code does (`levels`).
Where the cores of the hours since are what they were a day and a week before, the load is counted otherwise and no code
got slower: then the level is new, and the past is left as it was. Nor is it moved down in the first day, nor where the
load says less of cores than the day before does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from predictive_scaling.base.series import HOURS_PER_DAY, HOURS_PER_WEEK, FloatArray, HourlySeries, IntArray
from predictive_scaling.models.levels import (
    LEVEL_HOURS,
    MIN_HOURS,
    first_level,
    level_of,
    level_starts,
    off_levels,
    quantile,
)

BETTER_THAN_A_DAY, EVEN = 0.6, 0.05
IDLE_SHARES = np.arange(9) / 10
PATTERN_DAYS = 5  # of which an hour of the day must be known before it gets its own figure
FASTER_HOURS = HOURS_PER_DAY  # until code that got faster is believed: a service that hangs looks the same
JUDGED_HOURS = HOURS_PER_DAY  # after a change, in which cores are compared with the days before
MOVED_SHARE = 0.5  # of a change that the cores themselves must show
LEAST_LOAD = 1e-3  # of the usual load: what is less is no load


@dataclass(frozen=True)
class Change:
    """From `hour` (since 1970) on a unit costs other cores: `before` and `after`, at the usual load.

    `of_code` is false where the cores did not move, but the load that is counted did. `hours` are known since.
    """

    hour: int
    before: float
    after: float
    of_code: bool
    hours: int

    @property
    def factor(self) -> float:
        """How many times as much a unit costs."""
        return self.after / self.before

    @property
    def counts(self) -> bool:
        """Whether the past is moved by it: at once where more is needed, after a day where less is."""
        return self.of_code and (self.factor > 1 or self.hours >= FASTER_HOURS)


@dataclass(frozen=True)
class UnitCost:
    """Cores a unit of load as of the newest hour; `pattern` is the factor of each hour of the day (UTC).

    `spread` is the 95th percentile of actual over expected cores, less 1. `earlier` is what a unit cost at the
    beginning of the newest level, where that is two weeks and more ago.
    """

    cores: float
    usual: float
    idle: float
    pattern: FloatArray
    spread: float
    changes: tuple[Change, ...]
    earlier: float | None

    def expected(self, load: FloatArray, hours: IntArray) -> FloatArray:
        """Cores that a load takes in these hours (since 1970)."""
        used: FloatArray = self.cores * _curve(load, self.usual, self.idle)
        return used * self.pattern[hours % HOURS_PER_DAY]

    def factors(self, hours: IntArray) -> FloatArray:
        """By what cores of past hours are multiplied to be what the code of now would have used."""
        found = np.ones(len(hours))
        for change in self.changes:
            if change.counts:
                found[hours < change.hour] *= change.factor
        return found


def unit_cost(cpu: HourlySeries, load: HourlySeries, *, levelled: bool = False) -> UnitCost | None:
    """Of two series of the same hours; None where they say too little of one another.

    `levelled` says that the past is as the code of now would have used it, so that no change is looked for.
    """
    known = np.isfinite(cpu.values) & np.isfinite(load.values) & (cpu.values > 0) & (load.values > 0)
    if known.sum() < MIN_HOURS:
        return None
    usual = float(np.median(load.values[known]))
    known &= load.values >= LEAST_LOAD * usual
    hours, used, counted = cpu.hours[known], np.log(cpu.values[known]), load.values[known]
    idle = _idle(hours, used, counted, usual)
    apart = used - np.log(_curve(counted, usual, idle))
    pattern = _pattern(hours, apart)
    flat = apart - pattern[hours % HOURS_PER_DAY]
    starts = [0] if levelled else level_starts(flat)
    starts = starts if _explained(hours, used, flat, starts) else [0]
    return _found(cpu, hours, flat, starts, UnitCost(0.0, usual, idle, np.exp(pattern), 0.0, (), None))


def _curve(load: FloatArray, usual: float, idle: float) -> FloatArray:
    return idle * usual + (1 - idle) * load


def _found(
    cpu: HourlySeries, hours: IntArray, flat: FloatArray, starts: list[int], empty: UnitCost
) -> UnitCost:
    level, newest = level_of(flat[starts[-1] :]), flat[starts[-1] :]
    since = np.concatenate([[0], starts[1:], [len(flat)]]).astype(int)
    changes = [
        _change(cpu, hours, flat, (first, at, last))
        for first, at, last in zip(since[:-2], since[1:-1], since[2:], strict=True)
    ]
    off = off_levels(flat, starts)
    long = len(newest) >= 2 * LEVEL_HOURS
    waits = bool(changes) and changes[-1].of_code and not changes[-1].counts
    return replace(
        empty,
        cores=changes[-1].before if waits else math.exp(level),
        spread=math.expm1(max(0.0, quantile(off[-2 * LEVEL_HOURS :], 0.95))),
        changes=tuple(changes),
        earlier=math.exp(float(np.median(newest[:LEVEL_HOURS]))) if long else None,
    )


def _idle(hours: IntArray, used: FloatArray, load: FloatArray, usual: float) -> float:
    """The share at which cores over the curve stay the most alike within each day: levels change from day to day."""
    _, day = np.unique(hours // HOURS_PER_DAY, return_inverse=True)
    spreads = [
        float(np.median(np.abs(_less_daily(used - np.log(_curve(load, usual, share)), day))))
        for share in IDLE_SHARES
    ]
    return float(IDLE_SHARES[int(np.argmin(spreads))])


def _less_daily(values: FloatArray, day: IntArray) -> FloatArray:
    """Values less the median of their day; `day` numbers the days from 0 on, in order."""
    starts = np.concatenate([[0], np.flatnonzero(np.diff(day)) + 1, [len(day)]])
    medians = [np.median(values[a:b]) for a, b in pairwise(starts)]
    found: FloatArray = values - np.repeat(medians, np.diff(starts))
    return found


def _pattern(hours: IntArray, apart: FloatArray) -> FloatArray:
    """By hour of the day, the median of what it lies above or below its day."""
    _, day = np.unique(hours // HOURS_PER_DAY, return_inverse=True)
    off, at = _less_daily(apart, day), hours % HOURS_PER_DAY
    rows = [off[at == hour] for hour in range(HOURS_PER_DAY)]
    return np.array([float(np.median(row)) if len(row) >= PATTERN_DAYS else 0.0 for row in rows])


def _explained(hours: IntArray, used: FloatArray, flat: FloatArray, starts: list[int]) -> bool:
    """Whether the load says more of cores than the day before does: without, no change can be one of code."""
    if len(starts) == 1:
        return True
    _, yesterday, now = np.intersect1d(hours + HOURS_PER_DAY, hours, return_indices=True)
    by_day = float(np.median(np.abs(used[now] - used[yesterday]))) if len(now) else math.inf
    by_load = float(np.median(np.abs(off_levels(flat, starts))))
    return by_load <= max(EVEN, BETTER_THAN_A_DAY * by_day)


def _change(cpu: HourlySeries, hours: IntArray, flat: FloatArray, part: tuple[int, int, int]) -> Change:
    first, at, last = part
    before, after = level_of(flat[first:at]), first_level(flat[at:last])
    judged = hours[at:last][:JUDGED_HOURS]
    of_code = _moved(cpu, judged, after - before)
    return Change(int(hours[at]), math.exp(before), math.exp(after), of_code, last - at)


def _moved(cpu: HourlySeries, hours: IntArray, change: float) -> bool:
    """Whether cores went the same way against the day or the week before; unknown days count for it."""
    seen = []
    for back in (HOURS_PER_DAY, HOURS_PER_WEEK):
        then = hours - back - cpu.start
        able = then >= 0
        now, past = cpu.values[(hours - cpu.start)[able]], cpu.values[then[able]]
        known = np.isfinite(now) & np.isfinite(past) & (past > 0)
        if known.any():
            seen.append(float(np.median(np.log(now[known] / past[known]))))
    return not seen or any(each * math.copysign(1.0, change) >= MOVED_SHARE * abs(change) for each in seen)
