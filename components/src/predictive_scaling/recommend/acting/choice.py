"""Which floor an hour gets: the level that would have been best on hours like it, at one price for all services.

For an hour to come, hours like it are those of the same and the neighbouring hours of the days before; near days count
more, the same weekday twice, and for the hours right ahead those days before which the last hours were like the last
hours now: that is what a decision every few hours knows more. Of every level it is known what it would have left
unserved there and what it would have cost (`responses`). The hour gets the level of the lowest sum of both, an unserved
minute being worth `1 / rate` minutes of the service's usual pods. So a floor stands where load outruns the autoscaler,
and costs nothing elsewhere.

The rate is one for all services of a run, since overloads are too few to say it for each. It is the lowest at which
the newest days, each decided by the days before it and then played, would have cost no more than the budget, nor more
than the week-old maximum that people write without a model; and not so low that pods are spent for next to nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from predictive_scaling.base.errors import InputError
from predictive_scaling.base.series import HOURS_PER_DAY, FloatArray, IntArray
from predictive_scaling.recommend.acting.autoscaler import Autoscaler, Played
from predictive_scaling.recommend.acting.past import (
    MINUTES_PER_DAY,
    MINUTES_PER_HOUR,
    WARM_UP,
    Past,
    ahead,
    by_minute,
    week_before,
)
from predictive_scaling.recommend.acting.responses import Course, Response, play, responses
from predictive_scaling.recommend.plan import FLOOR_BUDGET

RATES = (0.256, 0.128, 0.064, 0.032, 0.016, 0.008, 0.004, 0.002)
LEAST_GAIN = 0.005  # of all minutes for as many pods again: 1 % more pods must serve 0.005 % more minutes
JUDGED_DAYS = 7
DAYS_PER_WEEK = 7
LEAST_KNOWN_DAYS = 3  # before a day that is judged
HALF_LIFE_DAYS = 10.0
SAME_WEEKDAY = 2.0
NEIGHBOUR = 0.3
RECENT_HOURS = 3  # what counts as the last hours
UNLIKE = 0.2  # of their level: a day before which it was so much higher or lower counts a third
MOST_UNLIKE = 7.0
LIKENESS_LASTS = 0.6  # of it from hour to hour ahead
FREE = 0.005  # of a service's usual pods: levels that cost no more than that beyond the best one are free
GROWTH_POWER = 0.5  # how far a day's expected level moves the demand of the days before
MOST_GROWTH = 2.0


@dataclass(frozen=True)
class FloorOptions:
    """`budget` is the most that floors may make of the pods without them, as a factor; `target` utilisation is 0–1.

    A pod serves `ready_minutes` after its order, and floors are in force `lead_minutes` early.
    """

    target: float = 0.7
    ready_minutes: float = 5.0
    lead_minutes: int = 10
    budget: float = FLOOR_BUDGET

    def __post_init__(self) -> None:
        if not 0 <= self.ready_minutes <= 60 or not 0 <= self.lead_minutes <= 60:
            raise InputError("ready_minutes and lead_minutes must be between 0 and 60")

    @property
    def scaler(self) -> Autoscaler:
        """The autoscaler that is played."""
        return Autoscaler(self.ready_minutes, self.target)


@dataclass(frozen=True)
class Outcome:
    """What came of a plan, by service: shares of minutes unserved and tight (0–1), mean pods, scalings a day."""

    unserved: FloatArray
    tight: FloatArray
    pods: FloatArray
    scalings: FloatArray


@dataclass(frozen=True)
class Worth:
    """A service's minutes unserved (shares) without and with floors on the days judged, and pods with over without."""

    unserved_before: float
    unserved_after: float
    pods_ratio: float
    days: int


@dataclass(frozen=True)
class Choice:
    """The rate, and for every service its past, its responses, and what floors were worth on the days before."""

    rate: float
    options: FloorOptions
    pasts: dict[str, Past] = field(default_factory=dict)
    responses: dict[str, Response] = field(default_factory=dict)
    worth: dict[str, Worth] = field(default_factory=dict)

    def floor_demand(self, service: str, expected: float | None = None) -> FloatArray | None:
        """Cores that a service should be ready for in each of the next 24 hours, at the target utilisation.

        `expected` is the forecast mean of those hours in cores. None for a service whose past is too short.
        """
        if service not in self.pasts:
            return None
        past, table = self.pasts[service], self.responses[service]
        mean = None if expected is None else expected / past.cores
        levels = levels_by_hour(past, table, past.days, self.rate, mean)
        return levels * self.options.target * past.cores


def levels_by_hour(
    past: Past, table: Response, day: int, rate: float, expected: float | None = None
) -> FloatArray:
    """Pods for each hour of a day by what was known before it; `expected` is that day's mean demand in pods."""
    before = [at for at in range(day) if past.known[at]]
    weights = _weights(past, np.array(before), day)
    unserved, pods = table.unserved[before], table.pods[before] / table.until(day).usual
    if expected is not None:
        unserved = _grown(unserved, table.levels, expected / past.means()[before])
    loss = np.einsum("dh,dhl->hl", weights, unserved + rate * pods)
    around = loss + NEIGHBOUR * (np.roll(loss, 1, axis=0) + np.roll(loss, -1, axis=0))
    # What the autoscaler would hold anyway costs nothing, and is there when its metric is not.
    near = around.min(axis=1) + rate * FREE * MINUTES_PER_HOUR * (1 + 2 * NEIGHBOUR)
    highest = len(table.levels) - 1 - (around <= near[:, None])[:, ::-1].argmax(axis=1)
    found: FloatArray = table.levels[highest]
    return found


def _weights(past: Past, before: IntArray, day: int) -> FloatArray:
    """What each day before a day counts for each of its hours (days × 24); the sum of an hour's is 1."""
    age = day - before
    weights = 0.5 ** (age / HALF_LIFE_DAYS) * np.where(age % 7 == 0, SAME_WEEKDAY, 1.0)
    recent = np.log([past.level_before(each, RECENT_HOURS) for each in (day, *before)])
    unlike = np.abs(recent[1:] - recent[0]) / UNLIKE
    lasts = LIKENESS_LASTS ** np.arange(HOURS_PER_DAY)
    # Not below a thousandth: where no day is like this one, its age still says something.
    like = np.exp(-np.minimum(unlike, MOST_UNLIKE)[:, None] * lasts)
    whole = weights[:, None] * like
    shares: FloatArray = whole / whole.sum(axis=0)
    return shares


def _grown(unserved: FloatArray, levels: FloatArray, growth: FloatArray) -> FloatArray:
    """Minutes unserved if each day's demand had been `growth` times as high, but for a part of it."""
    factors = np.clip(growth, 1 / MOST_GROWTH, MOST_GROWTH) ** GROWTH_POWER
    lower = [np.maximum(levels, 0.5) / factor for factor in factors]
    scale = np.log(np.maximum(levels, 0.5))
    rows = [
        np.array([np.interp(np.log(at), scale, hour) for hour in day])
        for at, day in zip(lower, unserved, strict=True)
    ]
    return np.array(rows)


def chosen(pasts: Sequence[Past], options: FloorOptions) -> Choice:
    """Choose the rate by the newest days, and say what it was worth on them."""
    tables = responses(pasts, options.scaler)
    days = [judged_days(past) for past in pasts]
    able = [at for at, found in enumerate(days) if found]
    names = {past.service: at for at, past in enumerate(pasts)}
    judge = _Judge(
        [pasts[at] for at in able], [tables[at] for at in able], [days[at] for at in able], options
    )
    rate = judge.rate() if able else RATES[0]
    worth = judge.worth(rate) if able else {}
    return Choice(
        rate,
        options,
        {name: pasts[at] for name, at in names.items()},
        {name: tables[at] for name, at in names.items()},
        worth,
    )


def judged_days(past: Past) -> list[int]:
    """The newest known days that have enough known ones before them."""
    found = [day for day in range(past.days) if past.known[day] and sum(past.known[:day]) >= LEAST_KNOWN_DAYS]
    return found[-JUDGED_DAYS:]


@dataclass(frozen=True)
class _Judge:
    """Plays plans on the days judged of every service."""

    pasts: Sequence[Past]
    tables: Sequence[Response]
    days: Sequence[Sequence[int]]
    options: FloorOptions

    def rate(self) -> float:
        """The lowest rate that keeps the budget and still gains, the budget's edge by interpolation."""
        alone, week, *plans = self._played([self._alone(), self._week(), *map(self._with, RATES)])
        limit = self.options.budget
        if all(min(days) >= DAYS_PER_WEEK for days in self.days):
            limit = min(limit, _ratio(week, alone))
        pods = np.array([_ratio(plan, alone) for plan in plans])
        unserved = np.array([float(plan.unserved.mean()) for plan in plans])
        return _lowest(pods, unserved, limit)

    def worth(self, rate: float) -> dict[str, Worth]:
        """What floors at a rate were worth to every service."""
        alone, floors = self._played([self._alone(), self._with(rate)])
        rows = zip(
            self.pasts, self.days, alone.unserved, floors.unserved, floors.pods / alone.pods, strict=True
        )
        return {
            past.service: Worth(float(before), float(after), float(ratio), len(days))
            for past, days, before, after, ratio in rows
        }

    def _played(self, plans: Sequence[Sequence[FloatArray]]) -> list[Outcome]:
        return outcomes(self.pasts, self.days, plans, self.options.scaler)

    def _alone(self) -> list[FloatArray]:
        return [np.zeros(len(past.demand)) for past in self.pasts]

    def _week(self) -> list[FloatArray]:
        return [week_before(past, self.options.target) for past in self.pasts]

    def _with(self, rate: float) -> list[FloatArray]:
        courses = zip(self.pasts, self.tables, self.days, strict=True)
        floors = [floor_course(past, self._levels(past, table, days, rate)) for past, table, days in courses]
        return [ahead(each, self.options.lead_minutes) for each in floors]

    def _levels(self, past: Past, table: Response, days: Sequence[int], rate: float) -> dict[int, FloatArray]:
        return {day: levels_by_hour(past, table, day, rate) for day in days}


def _lowest(pods: FloatArray, unserved: FloatArray, limit: float) -> float:
    """Go down the rates for as long as the pods keep the limit and the minutes gained are enough for them."""
    at = 0
    while at + 1 < len(RATES) and pods[at + 1] <= limit:
        if unserved[at] - unserved[at + 1] < LEAST_GAIN * (pods[at + 1] - pods[at]):
            return RATES[at]
        at += 1
    if at + 1 == len(RATES) or pods[at] > limit:
        return RATES[at]
    share = (limit - pods[at]) / (pods[at + 1] - pods[at])
    return float(RATES[at] * (RATES[at + 1] / RATES[at]) ** share)


def _ratio(plan: Outcome, alone: Outcome) -> float:
    """Pods of all services with a plan, over those without floors."""
    return float(plan.pods.sum() / alone.pods.sum())


def floor_course(past: Past, levels: dict[int, FloatArray]) -> FloatArray:
    """Floors by minute over a whole past, zero on days without levels; the warm-up of a day has its first floor."""
    course = np.zeros(len(past.demand))
    for day, hours in sorted(levels.items()):
        at = WARM_UP + day * MINUTES_PER_DAY
        course[at : at + MINUTES_PER_DAY] = by_minute(hours)
        if day - 1 not in levels:
            course[at - WARM_UP : at] = np.maximum(course[at - WARM_UP : at], hours[0])
    return course


def outcomes(
    pasts: Sequence[Past],
    days: Sequence[Sequence[int]],
    plans: Sequence[Sequence[FloatArray]],
    scaler: Autoscaler,
) -> list[Outcome]:
    """Play plans, each a course of floors (by minute, in pods) for every service, on some days of every service."""
    columns = [past.of_days(of) for past, of in zip(pasts, days, strict=True)]
    floors = [
        np.maximum(past.of_days(of, course), past.least)
        for plan in plans
        for past, of, course in zip(pasts, days, plan, strict=True)
    ]
    course = Course(np.concatenate(columns * len(plans), axis=1), np.concatenate(floors, axis=1))
    owner = np.repeat(np.arange(len(floors)), [len(of) for of in days] * len(plans))
    parts = [_daily_means(part) for part in play(course, scaler)]
    means = [np.bincount(owner, row) / np.bincount(owner) for row in np.concatenate(parts, axis=1)]
    by_plan = np.array(means).reshape(len(means), len(plans), len(pasts))
    return [Outcome(*by_plan[:, at]) for at in range(len(plans))]


def _daily_means(part: Played) -> FloatArray:
    rows = [
        each.mean(axis=0, dtype=np.float64)
        for each in (part.unserved, part.tight, part.ordered, part.scalings)
    ]
    return np.array([*rows[:3], rows[3] * MINUTES_PER_DAY])
