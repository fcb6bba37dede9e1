"""The time the server believes in: the system's, or one that a test moves."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time, aware and in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """Stands still until it is moved."""

    def __init__(self, start: datetime) -> None:
        self._lock = threading.Lock()
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def set(self, moment: datetime) -> None:
        with self._lock:
            self._now = moment.astimezone(UTC)

    def advance(
        self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0
    ) -> datetime:
        self.set(self.now() + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds))
        return self.now()


def epoch(moment: datetime) -> int:
    """Whole seconds, as KFP stores every time (`CreatedAtInSec` and its like)."""
    return int(moment.timestamp())


EPOCH = "1970-01-01T00:00:00Z"
"""How the API writes a time that is not there yet, where it writes one at all."""


def rfc3339(seconds: int | None) -> str | None:
    """Epoch seconds as the API writes them; nothing and 0 are no time."""
    if not seconds:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
