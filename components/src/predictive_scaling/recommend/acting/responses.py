"""What each hour of the past would have cost and risked, had a floor stood there: the autoscaler played at every level.

One table for a service: minutes unserved and pod-minutes, by day, hour and level. The levels lie evenly on a
logarithmic scale, from the hour that a tenth are below to the highest that was ever seen, and some lie beyond, for
services that grow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from predictive_scaling.base.series import HOURS_PER_DAY, FloatArray
from predictive_scaling.recommend.acting.autoscaler import Autoscaler, Played, played
from predictive_scaling.recommend.acting.past import MINUTES_PER_HOUR, WARM_UP, Past

LEVELS = 10
LOWEST = 0.1
BEYOND = (1.2, 1.45)  # times the highest
MOST_APART = 60.0  # times from the lowest level to the highest: below, floors are worth nothing
COLUMNS = 1500  # played at once: some forty megabytes


@dataclass(frozen=True)
class Response:
    """Levels in pods, the first no floor; minutes unserved and pod-minutes as days × 24 × levels, NaN where unknown."""

    levels: FloatArray
    unserved: FloatArray
    pods: FloatArray

    def until(self, day: int) -> Response:
        """What was known before a day."""
        return Response(self.levels, self.unserved[:day], self.pods[:day])

    @property
    def usual(self) -> float:
        """Mean pods without a floor."""
        return float(np.nanmean(self.pods[..., 0])) / MINUTES_PER_HOUR


class Course(NamedTuple):
    """Columns to be played: demand and floors in pods, (warm-up and day) × columns."""

    demand: NDArray[np.floating]
    floors: NDArray[np.floating]


def levels_of(past: Past) -> FloatArray:
    """Levels worth trying for a service, in whole pods."""
    hours = past.demand[WARM_UP:].reshape(-1, MINUTES_PER_HOUR).max(axis=1)
    highest = max(float(hours.max()), 2.0)
    lowest = min(max(float(np.quantile(hours, LOWEST)), highest / MOST_APART, 1.0), highest)
    seen = np.geomspace(lowest, highest, LEVELS)
    return np.concatenate([[0.0], np.ceil([*seen, *(highest * each for each in BEYOND)])])


def responses(pasts: Sequence[Past], scaler: Autoscaler) -> list[Response]:
    """Play every known day of every service at every level."""
    widths = [len(levels_of(past)) * sum(past.known) for past in pasts]
    found: list[Response] = []
    for group in _groups(widths):
        together = _together([_course(pasts[at]) for at in group])
        tables = [
            np.concatenate(each, axis=1) for each in zip(*map(by_hour, play(together, scaler)), strict=True)
        ]
        cuts = np.cumsum([widths[at] for at in group])[:-1]
        split = zip(*(np.split(table, cuts, axis=1) for table in tables), strict=True)
        found += [
            _response(pasts[at], unserved, pods) for at, (unserved, pods) in zip(group, split, strict=True)
        ]
    return found


def response(past: Past, scaler: Autoscaler) -> Response:
    """The same of one service."""
    return responses([past], scaler)[0]


def _groups(widths: Sequence[int]) -> Iterator[list[int]]:
    """Neighbours that are played together: a step of many columns takes hardly longer than one of few."""
    group: list[int] = []
    for at, width in enumerate(widths):
        if group and sum(widths[each] for each in group) + width > COLUMNS:
            yield group
            group = []
        group.append(at)
    if group:
        yield group


def _course(past: Past) -> Course:
    """Level by level, the known days of each."""
    demand = past.of_days(_known(past)).astype(np.float32)
    levels = levels_of(past)
    floors = np.repeat(np.maximum(levels, past.least), demand.shape[1]).astype(np.float32)
    columns = np.tile(demand, len(levels))
    return Course(columns, np.broadcast_to(floors, columns.shape))


def _together(courses: Sequence[Course]) -> Course:
    return Course(*(np.concatenate(each, axis=1) for each in zip(*courses, strict=True)))


def _known(past: Past) -> list[int]:
    return [day for day, known in enumerate(past.known) if known]


def _response(past: Past, unserved: FloatArray, pods: FloatArray) -> Response:
    levels, days = levels_of(past), _known(past)
    shape = (HOURS_PER_DAY, len(levels), len(days))
    return Response(
        levels, _placed(unserved.reshape(shape), past, days), _placed(pods.reshape(shape), past, days)
    )


def _placed(table: FloatArray, past: Past, days: Sequence[int]) -> FloatArray:
    """Days × hours × levels, with the days that are not known as NaN."""
    found = np.full((past.days, *table.shape[:2]), np.nan)
    found[list(days)] = table.transpose(2, 0, 1)
    return found


def play(course: Course, scaler: Autoscaler) -> Iterator[Played]:
    """Play columns, some at a time, so that memory stays small however many there are; without the warm-up."""
    for at in range(0, course.demand.shape[1], COLUMNS):
        columns = slice(at, at + COLUMNS)
        whole = played(course.demand[:, columns], course.floors[:, columns], scaler)
        yield Played(
            *(
                each[WARM_UP:]
                for each in (whole.ready, whole.ordered, whole.unserved, whole.tight, whole.scalings)
            )
        )


def by_hour(part: Played) -> tuple[FloatArray, FloatArray]:
    """Minutes unserved and pod-minutes, 24 × columns."""
    hours = (HOURS_PER_DAY, MINUTES_PER_HOUR, -1)
    unserved, pods = (each.reshape(hours).sum(axis=1) for each in (part.unserved, part.ordered))
    return unserved.astype(np.float64), pods.astype(np.float64)
