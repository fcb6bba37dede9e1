"""What a command waits for, told to whoever sits before it: soon, and then now and then, until it has come.

A call that waits says so by `on`; one thread looks at all of them. Nobody hears of what is answered in time.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

_FIRST, _EVERY = 1.0, 15.0
"""Seconds of silence before it is told, so that the line is there within two; and between two times."""
_LOOK = 0.2


@dataclass(eq=False)
class _Wait:
    """One call: for what, since and until when (seconds of `time.monotonic()`; inf: nobody knows)."""

    what: str
    until: float
    then: str
    since: float = field(default_factory=time.monotonic)


class _Watch:
    """All that this process waits for."""

    def __init__(self) -> None:
        self.tell: Callable[[str], None] = lambda _: None
        self._lock = threading.Condition()
        self._waits: dict[_Wait, None] = {}
        self._heard: dict[str, float] = {}
        self._told: dict[str, float] = {}
        self._thread: threading.Thread | None = None

    def begin(self, wait: _Wait, *, told: bool) -> None:
        with self._lock:
            self._waits[wait] = None
            if told:
                self._told[wait.what] = wait.since
            if self._thread is None or not self._thread.is_alive():  # nor is it in a child that was forked
                self._thread = threading.Thread(target=self._look, name="waiting", daemon=True)
                self._thread.start()
            self._lock.notify()

    def end(self, wait: _Wait) -> None:
        with self._lock:
            del self._waits[wait]
            self._heard[wait.what] = time.monotonic()

    def _look(self) -> None:
        while True:
            with self._lock:
                while not self._waits:
                    self._lock.wait()
                lines = list(self._due(time.monotonic()))
            for line in lines:
                self.tell(line)
            time.sleep(_LOOK)

    def _due(self, now: float) -> Iterator[str]:
        """Of many calls for the same the oldest one; what has answered another one meanwhile is not silent."""
        for wait in {wait.what: wait for wait in sorted(self._waits, key=lambda w: -w.since)}.values():
            silent = max(wait.since, self._heard.get(wait.what, -math.inf))
            if now - silent >= _FIRST and now - self._told.get(wait.what, -math.inf) >= _EVERY:
                self._told[wait.what] = now
                yield _line(wait, silent, now)


def _line(wait: _Wait, silent: float, now: float) -> str:
    text = f"waiting for {wait.what} since {_clock(silent - now)} UTC"
    if wait.until < math.inf:
        text += f", until {_clock(wait.until - now)} at the latest"
    return text + wait.then


def _clock(seconds: float) -> str:
    """The time of day so many seconds from now."""
    return f"{datetime.now(UTC) + timedelta(seconds=min(seconds, 366 * 86400)):%H:%M:%S}"


_watch = _Watch()


def until(seconds: float) -> str:
    """When it is over, for those who are told themselves."""
    return f"until {_clock(seconds)} UTC at the latest"


def tell_by(tell: Callable[[str], None]) -> None:
    """Who writes the lines; any thread calls it."""
    _watch.tell = tell


@contextmanager
def on(what: str, seconds: float = math.inf, then: str = "", *, told: bool = False) -> Iterator[None]:
    """Around a call that waits: for what, for how long at most, what comes then; `told`: somebody has said so once."""
    wait = _Wait(what, time.monotonic() + seconds, then)
    _watch.begin(wait, told=told)
    try:
        yield
    finally:
        _watch.end(wait)
