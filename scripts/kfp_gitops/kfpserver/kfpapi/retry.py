"""When a request is sent again, and for how long: full jitter, so that many clients do not come back at once.

The formula is the one of «Exponential Backoff And Jitter», AWS Architecture Blog, 2015. Patience is for a KFP that is
restarted: it runs from when KFP was last heard, whichever thread heard it.
Ours: urllib3's Retry knows neither that, nor what must be looked for before it is sent again; nor is it interrupted.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TypeVar

from kfp_gitops.base import replies, stopping
from kfp_gitops.base.errors import BrokenError, RemoteError, TemporaryError

T = TypeVar("T")
_TELL_AFTER, _TELL_EVERY = 1.2, 15.0
"""Seconds of silence before it is told, so that it is within two, and between two times."""
_LAST = 10.0
"""Seconds that the last try has: a KFP that is just back may be slow."""
_LOOKS = 4
"""How often what a server may still be at work on is looked for."""


class Silence:
    """Since when KFP has not answered, as all threads of one API heard it."""

    def __init__(self, clock: Callable[[], float], tell: Callable[[str], None]) -> None:
        self._clock, self._tell, self._lock = clock, tell, threading.Lock()
        self._since: float | None = None
        self._told = -math.inf

    def broken(self) -> None:
        """It answered."""
        if self._since is None:
            return
        with self._lock:
            told, self._since, self._told = self._told > -math.inf, None, -math.inf
        if told:
            self._tell("KFP answers again")

    def lasts(self) -> float:
        """It did not answer; for how many seconds now."""
        with self._lock:
            self._since = self._clock() if self._since is None else self._since
            return self._clock() - self._since

    def tell(self, why: str, left: float, pause: float) -> None:
        """Say so now and then, in one line for all threads; before a pause (seconds) what would be due in it."""
        lasts, now = self.lasts(), self._clock()
        with self._lock:
            if lasts + pause < _TELL_AFTER or now - self._told < _TELL_EVERY:
                return
            self._told = now
        self._tell(f"KFP does not answer ({why}); trying for {max(left, 0):.0f} s more")


@dataclass(frozen=True)
class Backoff:
    """How long KFP may be silent, and how long between two tries: uniform in [0, min(cap, base · 2ⁿ)] seconds.

    A Retry-After is kept, up to the cap. `tries` bounds the number as well. `sleep` and `clock` (seconds, monotonic)
    are whoever's who must be able to interrupt; `tell` gets a line of progress now and then.
    """

    tries: int | None = None
    base: float = 0.5
    cap: float = 20.0
    patience: float = 60.0
    sleep: Callable[[float], None] = stopping.sleep
    clock: Callable[[], float] = time.monotonic
    tell: Callable[[str], None] = lambda _: None
    silence: Silence = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "silence", Silence(self.clock, self.tell))

    def call(self, send: Callable[[], T]) -> T:
        """Send until it succeeds; for what may be sent twice: reads, and writes that may be repeated."""
        attempts = _Attempts(self)
        while True:
            try:
                with attempts.bounds():
                    found = send()
            except TemporaryError as error:
                attempts.wait(error)
            else:
                self.silence.broken()
                return found

    def once(
        self,
        send: Callable[[], T],
        made: Callable[[], T | None],
        unclear: Callable[[RemoteError], RemoteError],
    ) -> T:
        """Send until it is certain that it arrived, never after: what it may have made is looked for.

        Raises:
            RemoteError: `unclear` of the failure, when it may have been made and is not there.
        """
        attempts = _Attempts(self)
        while True:
            try:
                with attempts.bounds():
                    found = send()
            except TemporaryError as error:
                if not error.untouched:
                    return self._looked_for(made, unclear, error, _LOOKS if error.pending else 1)
                attempts.wait(error)
            except BrokenError as error:
                return self._looked_for(made, unclear, error, 1)
            else:
                self.silence.broken()
                return found

    def _looked_for(
        self,
        made: Callable[[], T | None],
        unclear: Callable[[RemoteError], RemoteError],
        error: RemoteError,
        looks: int,
    ) -> T:
        try:
            for attempt in range(looks):
                self.sleep(random.uniform(0, self.base * 2**attempt))  # noqa: S311  # no secret
                if (found := made()) is not None:
                    return found
        except RemoteError as unseen:
            raise unclear(error) from unseen
        raise unclear(error) from error


class _Attempts:
    """The tries of one request."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff, self._made, self._waited = backoff, 0, 0.0
        self._began: float | None = None
        self._left = math.inf

    def bounds(self) -> AbstractContextManager[None]:
        """Around a try: after the first one no reply is waited for longer than patience lasts."""
        return replies.within(self._left) if self._left < math.inf else nullcontext()

    def wait(self, error: TemporaryError) -> None:
        """Before the next try; raises the failure when there shall be none."""
        its, now = self._backoff, self._backoff.clock()
        self._began = now if self._began is None else self._began
        # What was slept counts on its own: a clock that a test stands still would never end it.
        spent = max(its.silence.lasts(), now - self._began, self._waited)
        left = its.patience - spent
        self._made += 1
        if its.tries is not None and self._made >= its.tries:
            raise error
        if left <= 0:
            raise _given_up(error, its.patience)
        pause = min(self._pause(error), left)
        its.silence.tell(error.reason, left, pause)
        self._left = max(left - pause, _LAST)
        self._waited += pause
        its.sleep(pause)

    def _pause(self, error: TemporaryError) -> float:
        its = self._backoff
        if error.retry_after is not None:
            return min(error.retry_after, its.cap)
        return random.uniform(0, min(its.cap, its.base * 2 ** min(self._made - 1, 30)))  # noqa: S311  # no secret


def _given_up(error: TemporaryError, patience: float) -> TemporaryError:
    if not patience:
        return error
    text = f"{error}; given up after {patience:g} s (--patience S waits longer)"
    return TemporaryError(text, pending=error.pending, untouched=error.untouched, reason=error.reason)
