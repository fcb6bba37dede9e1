"""The firings of a cron in a range of days, as backfills name them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice

from kfp_gitops.language import cron

_FIRST = datetime.min.replace(tzinfo=UTC)
TICK_PARAMETERS = ("scheduled_at", "now_override")
"""The parameter that gets the firing's instant, RFC 3339: the first of these that the pipeline declares as text."""


@dataclass(frozen=True)
class Range:
    """From the first instant on, up to but without the second; both aware and in UTC."""

    start: datetime
    end: datetime

    @classmethod
    def of(cls, first: str, last: str) -> Range:
        """Of two days, both whole (`2026-01-31`), or two instants with their zone (`2026-01-01T12:00:00Z`).

        Raises:
            ValueError: one of them is neither, or no calendar has it.
        """
        try:
            return cls(_moment(first, end=False), _moment(last, end=True))
        except OverflowError as error:  # the first and the last day of the calendar
            raise ValueError(str(error)) from None


def _moment(text: str, *, end: bool) -> datetime:
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        day = date.fromisoformat(text) + timedelta(days=1 if end else 0)
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("no zone")
    return found.astimezone(UTC)


def of(expression: cron.Fields, within: Range) -> Iterator[datetime]:
    """The firings in a range, the first ones first."""
    before_it = timedelta(seconds=1) if within.start > _FIRST else timedelta(0)
    tick = expression.next_after(within.start - before_it)
    while tick is not None and tick < within.end:
        yield tick
        tick = expression.next_after(tick)


def number(expression: cron.Fields, within: Range, most: int) -> int:
    """How many they are; `most` + 1 where they are more than that."""
    return sum(1 for _ in islice(of(expression, within), most + 1))


def tick_parameter(texts: list[str]) -> str | None:
    """Which of a pipeline's text parameters gets the firing's instant, where nobody says another."""
    return next((name for name in TICK_PARAMETERS if name in texts), None)
