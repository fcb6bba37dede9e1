"""The server's time: what is due is decided by its clock, and ours may be another."""

from __future__ import annotations

import math
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime


class ServerClock:
    """Told of the Date of each reply (Go's net/http gives one with every reply); threads may share it."""

    def __init__(self) -> None:
        self._heard: tuple[datetime, float] | None = None
        self._asked = -math.inf
        self._lock = threading.Lock()

    def hear(self, date: str | None, asked: float) -> None:
        """Note the Date header of a reply to what was asked at an instant of `time.monotonic()`.

        Replies overtake one another: the newest question's counts, so that time does not step back.
        """
        try:
            told = parsedate_to_datetime(date or "").astimezone(UTC)
        except ValueError:
            return
        with self._lock:
            if asked >= self._asked:
                self._heard, self._asked = (told, time.monotonic()), asked

    def now(self) -> datetime:
        """The time of the last reply and what passed since, in whole seconds; our own clock before the first."""
        heard = self._heard
        if heard is None:
            return datetime.now(UTC).replace(microsecond=0)
        told, at = heard
        return (told + timedelta(seconds=time.monotonic() - at)).replace(microsecond=0)
