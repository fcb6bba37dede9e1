"""The server's time: what is due is decided by its clock, and ours may be another."""

from __future__ import annotations

import math
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from kfp_gitops.base.errors import RemoteError

_STEP = 30.0
"""Seconds that the server's clock may go back: replicas of it, and replies that overtake one another, differ."""


class ServerClock:
    """Told of the Date of each reply (Go's net/http gives one with every reply); threads may share it.

    Its time never goes back: what is due would be due twice.
    """

    def __init__(self) -> None:
        self._heard: tuple[datetime, float] | None = None
        self._asked = -math.inf
        self._newest = datetime.min.replace(tzinfo=UTC)
        self._lock = threading.Lock()

    def hear(self, date: str | None, asked: float) -> None:
        """Note the Date header of a reply to what was asked at an instant of `time.monotonic()`.

        Replies overtake one another: the newest question's counts, so that time does not step back.
        """
        told = heard(date)
        if told is None:
            return
        with self._lock:
            if asked >= self._asked:
                self._heard, self._asked = (told, time.monotonic()), asked

    def now(self) -> datetime:
        """The time of the last reply and what passed since, in whole seconds; our own clock before the first.

        Raises:
            RemoteError: it is half a minute or more before what it was already.
        """
        with self._lock:
            told, at = self._heard or (datetime.now(UTC), time.monotonic())
            found = (told + timedelta(seconds=time.monotonic() - at)).replace(microsecond=0)
            back = (self._newest - found).total_seconds() if self._heard else 0.0
            if back >= _STEP:
                raise RemoteError(
                    f"the clock of KFP's server went back by {back:.0f} s, and what is due is decided by it; let NTP "
                    "set the clocks of its nodes, and run this again"
                )
            if self._heard:
                self._newest = found = max(self._newest, found)
            return found


def heard(date: str | None) -> datetime | None:
    """The instant of a Date header; None for none, and for one that no clock of today can have."""
    try:
        found = parsedate_to_datetime(date or "").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if 2000 <= found.year < 2200 else None
