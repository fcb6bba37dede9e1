"""Cron expressions exactly as robfig/cron v1.2.0 reads them, the parser that KFP pins.

Ported from its parser.go and spec.go: *seconds first*, five or six fields (the day of the week may be left
out), `@descriptors`, `@every`. Days combine by OR unless one of both fields has a star, also with a step.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from kfp_gitops.devserver.duration import parse_duration

_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS = {n: i for i, n in enumerate(_MONTH_NAMES, 1)}
_DAYS = {n: i for i, n in enumerate(_DAY_NAMES)}
_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_INT64 = 1 << 63


class CronError(ValueError):
    """The expression is not accepted; the text is robfig's."""


class Schedule(Protocol):
    """When something fires."""

    def next(self, after: datetime) -> datetime | None:
        """The first firing after a moment in UTC; None means never (within five years)."""


@dataclass(frozen=True)
class Bounds:
    """The numbers one field may hold, and its names for some of them."""

    low: int
    high: int
    names: Mapping[str, int] = field(default_factory=dict)


_BOUNDS = (
    Bounds(0, 59),
    Bounds(0, 59),
    Bounds(0, 23),
    Bounds(1, 31),
    Bounds(1, 12, _MONTHS),
    Bounds(0, 6, _DAYS),
)


@dataclass(frozen=True)
class Field:
    """The values of one field, and whether it had a star."""

    values: frozenset[int]
    star: bool = False


@dataclass(frozen=True)
class Every:
    """`@every`: at whole seconds, a fixed delay apart."""

    delay: timedelta

    def next(self, after: datetime) -> datetime | None:
        return after.replace(microsecond=0) + self.delay


@dataclass(frozen=True)
class Fields:
    """A schedule of six fields."""

    second: Field
    minute: Field
    hour: Field
    day: Field
    month: Field
    weekday: Field

    def next(self, after: datetime) -> datetime | None:
        moment = after.replace(microsecond=0) + timedelta(seconds=1)
        last_year = moment.year + 5  # robfig gives up there, which is also where KFP stops
        while moment.year <= last_year:
            earliest = self._not_before(moment)
            if earliest == moment:
                return moment
            moment = earliest
        return None

    def _not_before(self, t: datetime) -> datetime:
        """The moment itself if it fires, else the start of the next one of the coarsest field that differs."""
        if t.month not in self.month.values:
            first = t.replace(day=1, hour=0, minute=0, second=0)
            return (first + timedelta(days=32)).replace(day=1)
        if not self._fires_on(t):
            return t.replace(hour=0, minute=0, second=0) + timedelta(days=1)
        if t.hour not in self.hour.values:
            return t.replace(minute=0, second=0) + timedelta(hours=1)
        if t.minute not in self.minute.values:
            return t.replace(second=0) + timedelta(minutes=1)
        return t if t.second in self.second.values else t + timedelta(seconds=1)

    def _fires_on(self, t: datetime) -> bool:
        day, weekday = t.day in self.day.values, t.isoweekday() % 7 in self.weekday.values
        return (day and weekday) if self.day.star or self.weekday.star else (day or weekday)


_DESCRIPTORS = {
    "@yearly": "0 0 0 1 1 *",
    "@annually": "0 0 0 1 1 *",
    "@monthly": "0 0 0 1 * *",
    "@weekly": "0 0 0 * * 0",
    "@daily": "0 0 0 * * *",
    "@midnight": "0 0 0 * * *",
    "@hourly": "0 0 * * * *",
}


def parse(expression: str) -> Schedule:
    """Read an expression, or raise CronError with robfig's message."""
    if not expression:
        raise CronError("Empty spec string")
    if expression.startswith("@every "):
        return _every(expression)
    if expression.startswith("@") and expression not in _DESCRIPTORS:
        raise CronError(f"Unrecognized descriptor: {expression}")
    fields = _DESCRIPTORS.get(expression, expression).split()
    if len(fields) not in (5, 6):
        raise CronError(f"Expected 5 to 6 fields, found {len(fields)}: {expression}")
    return Fields(*(_field(f, b) for f, b in zip([*fields, "*"], _BOUNDS, strict=False)))


def _every(expression: str) -> Every:
    try:
        duration = parse_duration(expression.removeprefix("@every "))
    except ValueError as error:
        raise CronError(f"Failed to parse duration {expression}: {error}") from error
    return Every(max(timedelta(seconds=1), timedelta(seconds=duration // timedelta(seconds=1))))


def _field(text: str, bounds: Bounds) -> Field:
    """A comma-separated list; empty items are skipped, as Go's FieldsFunc does."""
    ranges = [_range(item, bounds) for item in text.split(",") if item]
    return Field(frozenset().union(*(r.values for r in ranges)), any(r.star for r in ranges))


def _range(item: str, bounds: Bounds) -> Field:
    spread, *steps = item.split("/")
    first, *last = spread.split("-")
    star = first in ("*", "?")
    low = bounds.low if star else _number(first, bounds)
    if not star and len(last) > 1:
        raise CronError(f"Too many hyphens: {item}")
    high = bounds.high if star else _number(last[0], bounds) if last else low
    if len(steps) > 1:
        raise CronError(f"Too many slashes: {item}")
    step = _integer(steps[0]) if steps else 1
    if steps and not last:
        high = bounds.high  # "N/step" means "N-max/step"
    _check(item, bounds, low, high, step)
    return Field(frozenset(range(low, high + 1, step)), star)


def _check(item: str, bounds: Bounds, low: int, high: int, step: int) -> None:
    if low < bounds.low:
        raise CronError(f"Beginning of range ({low}) below minimum ({bounds.low}): {item}")
    if high > bounds.high:
        raise CronError(f"End of range ({high}) above maximum ({bounds.high}): {item}")
    if low > high:
        raise CronError(f"Beginning of range ({low}) beyond end of range ({high}): {item}")
    if step == 0:
        raise CronError(f"Step of range should be a positive number: {item}")


def _number(text: str, bounds: Bounds) -> int:
    named = bounds.names.get(text.lower())
    return _integer(text) if named is None else named


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise CronError(f'Failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax')
    if len(text) > 30 or not -_INT64 <= int(text) < _INT64:
        raise CronError(
            f'Failed to parse int from {text}: strconv.Atoi: parsing "{text}": value out of range'
        )
    if int(text) < 0:
        raise CronError(f"Negative number ({int(text)}) not allowed: {text}")
    return int(text)
