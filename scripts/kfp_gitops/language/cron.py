"""Cron expressions as KFP reads them: the language of robfig/cron v1.2.0, which KFP pins. Pure.

Seconds come first; five or six fields, the day of the week may be left out; `@daily` and its like; `@every 1h30m`.
A day must suit both day fields if one of them has a star (also with a step), else either of them.
Ours: it has to be this parser's language, oddities too; tests have the parser's own answers as judge.
Source: parser.go, spec.go and constantdelay.go of github.com/robfig/cron at v1.2.0.
What we allow of all this in a manifest is another question: `kfp_gitops.checking.check.schedules`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from kfp_gitops.base import golang

# unicode.IsSpace; Python's own split would also split at U+001C to U+001F.
_SPACE = re.compile("[\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_INT64 = 1 << 63
YEARS = 5
"""After so many years without a firing the parser's `Next` gives up."""


class CronError(ValueError):
    """KFP does not accept the expression; the text is its parser's."""


@dataclass(frozen=True)
class _Range:
    """What one field may hold."""

    low: int
    high: int
    names: Mapping[str, int]


_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_WEEKDAYS = {name: number for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
_FIELDS = (
    _Range(0, 59, {}),
    _Range(0, 59, {}),
    _Range(0, 23, {}),
    _Range(1, 31, {}),
    _Range(1, 12, _MONTHS),
    _Range(0, 6, _WEEKDAYS),
)
DESCRIPTORS = {
    "@yearly": "0 0 0 1 1 *",
    "@annually": "0 0 0 1 1 *",
    "@monthly": "0 0 0 1 * *",
    "@weekly": "0 0 0 * * 0",
    "@daily": "0 0 0 * * *",
    "@midnight": "0 0 0 * * *",
    "@hourly": "0 0 * * * *",
}
"""What a descriptor stands for, in six fields."""


def in_six_fields(text: str) -> str:
    """The same expression as manifests write it; what is none, and `@every`, as it is.

    Of five fields the one that is left out is the last, the day of the week (parser.go, optional DowOptional).
    """
    fields = split(DESCRIPTORS.get(text.strip(), text))
    return " ".join([*fields, "*"] if len(fields) == 5 else fields)


@dataclass(frozen=True)
class Field:
    """The values at which one field fires, in order; empty (written `,`) never fires."""

    values: tuple[int, ...]
    star: bool


@dataclass(frozen=True)
class Fields:
    """An expression of fields."""

    second: Field
    minute: Field
    hour: Field
    day: Field
    month: Field
    weekday: Field

    def next_after(self, instant: datetime) -> datetime | None:
        """The first firing after an aware instant in UTC; None when it never fires again."""
        earliest = instant.replace(microsecond=0) + timedelta(seconds=1)
        day, since_midnight = earliest.replace(hour=0, minute=0, second=0), _seconds(earliest)
        while day.year <= earliest.year + YEARS:
            if day.month not in self.month.values:
                following = _first_of_next_month(day)
            elif self._fires_on(day) and (found := self._time_from(since_midnight)) is not None:
                return day + timedelta(seconds=found)
            else:
                following = _tomorrow(day)
            if following is None:  # the calendar ends
                return None
            day, since_midnight = following, 0
        return None

    def hours_of(self, day: datetime) -> tuple[int, ...]:
        """The hours of a day in UTC in which it fires."""
        fires = day.month in self.month.values and self._fires_on(day) and self.per_hour
        return self.hour.values if fires else ()

    @property
    def per_hour(self) -> int:
        """How often it fires in each of these."""
        return len(self.minute.values) * len(self.second.values)

    def _fires_on(self, day: datetime) -> bool:
        by_date = day.day in self.day.values
        by_weekday = day.isoweekday() % 7 in self.weekday.values
        if self.day.star or self.weekday.star:
            return by_date and by_weekday
        return by_date or by_weekday

    @property
    def over_midnight(self) -> timedelta:
        """From the last firing of a day to the first of the next."""
        fields = self.hour, self.minute, self.second
        first, last = (
            sum(field.values[index] * unit for field, unit in zip(fields, (3600, 60, 1), strict=True))
            for index in (0, -1)
        )
        return timedelta(days=1, seconds=first - last)

    def _time_from(self, earliest: int) -> int | None:
        """The first time of day that is not before `earliest`; both in seconds since midnight."""
        for hour in self.hour.values:
            if (hour + 1) * 3600 <= earliest:
                continue
            for minute in self.minute.values:
                start = hour * 3600 + minute * 60
                for second in self.second.values:
                    if start + second >= earliest:
                        return start + second
        return None


@dataclass(frozen=True)
class Every:
    """`@every`: a fixed number of whole seconds, at least one."""

    seconds: int

    def next_after(self, instant: datetime) -> datetime | None:
        """The instant, to the second, and the delay."""
        try:
            return instant.replace(microsecond=0) + timedelta(seconds=self.seconds)
        except OverflowError:  # a delay of centuries; Go's calendar is longer than ours
            return None


Cron = Fields | Every


@lru_cache(maxsize=1024)
def parse(text: str) -> Cron:
    """Read an expression.

    Raises:
        CronError: KFP would answer 400 with this text.
    """
    if not text:
        raise CronError("Empty spec string")
    if text.startswith("@every "):
        return _every(text)
    if text.startswith("@"):
        if text not in DESCRIPTORS:
            raise CronError(f"Unrecognized descriptor: {text}")
        text = DESCRIPTORS[text]
    fields = split(text)
    if len(fields) not in (5, 6):
        raise CronError(f"Expected 5 to 6 fields, found {len(fields)}: {text}")
    return Fields(*(_field(*pair) for pair in zip([*fields, "*"][:6], _FIELDS, strict=True)))


def split(text: str) -> list[str]:
    """The fields of an expression as Go's strings.Fields splits it."""
    return [part for part in _SPACE.split(text) if part]


def _seconds(moment: datetime) -> int:
    return moment.hour * 3600 + moment.minute * 60 + moment.second


def _first_of_next_month(day: datetime) -> datetime | None:
    if day.month < 12:
        return day.replace(day=1, month=day.month + 1)
    return None if day.year == datetime.max.year else day.replace(year=day.year + 1, month=1, day=1)


def _tomorrow(day: datetime) -> datetime | None:
    try:
        return day + timedelta(days=1)
    except OverflowError:
        return None


def _field(text: str, allowed: _Range) -> Field:
    """A list with commas; what is empty between two of them does not count."""
    items = [_item(item, allowed) for item in text.split(",") if item]
    values = sorted({value for item in items for value in item.values})
    return Field(tuple(values), any(item.star for item in items))


def _item(text: str, allowed: _Range) -> Field:
    """`*`, `?`, `N`, `N-M`, each with `/step`; after a star everything up to the slash is ignored."""
    range_, *steps = text.split("/")
    first, *rest = range_.split("-")
    star = first in ("*", "?")
    low, high = (allowed.low, allowed.high) if star else _bounds(text, first, rest, allowed)
    if len(steps) > 1:
        raise CronError(f"Too many slashes: {text}")
    step = _number(steps[0]) if steps else 1
    if steps and not rest:  # N/step goes on to the end of the field
        high = allowed.high
    _check(text, allowed, low, high, step)
    return Field(tuple(range(low, high + 1, step)), star)


def _bounds(text: str, first: str, rest: list[str], allowed: _Range) -> tuple[int, int]:
    low = _number_or_name(first, allowed)
    if len(rest) > 1:
        raise CronError(f"Too many hyphens: {text}")
    return low, _number_or_name(rest[0], allowed) if rest else low


def _check(text: str, allowed: _Range, low: int, high: int, step: int) -> None:
    if low < allowed.low:
        raise CronError(f"Beginning of range ({low}) below minimum ({allowed.low}): {text}")
    if high > allowed.high:
        raise CronError(f"End of range ({high}) above maximum ({allowed.high}): {text}")
    if low > high:
        raise CronError(f"Beginning of range ({low}) beyond end of range ({high}): {text}")
    if step == 0:
        raise CronError(f"Step of range should be a positive number: {text}")


def _number_or_name(text: str, allowed: _Range) -> int:
    # Go lowers İ to i, Python to two characters.
    named = allowed.names.get(text.replace("İ", "i").lower())
    return _number(text) if named is None else named


def _number(text: str) -> int:
    """strconv.Atoi, and no negative numbers; a plus sign is fine."""
    failed = f"Failed to parse int from {text}: strconv.Atoi: parsing {golang.quoted(text)}"
    if not _INTEGER.fullmatch(text):
        raise CronError(f"{failed}: invalid syntax")
    digits = text.lstrip("+-").lstrip("0") or "0"
    number = int(digits) if len(digits) <= 19 else _INT64 + 1
    negative = text.startswith("-")
    if number >= _INT64 + negative:
        raise CronError(f"{failed}: value out of range")
    if negative and number:
        raise CronError(f"Negative number (-{number}) not allowed: {text}")
    return number


def _every(text: str) -> Every:
    try:
        nanoseconds = golang.duration(text.removeprefix("@every "))
    except ValueError as error:
        raise CronError(f"Failed to parse duration {text}: {error}") from None
    return Every(max(nanoseconds, golang.SECOND) // golang.SECOND)
