"""When a request is sent again: full jitter, so that many clients do not come back at once.

The formula is the one of «Exponential Backoff And Jitter», AWS Architecture Blog, 2015.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from kfp_gitops import stopping
from kfp_gitops.errors import RemoteError, TemporaryError

T = TypeVar("T")


@dataclass(frozen=True)
class Backoff:
    """How often, and how long between: uniform in [0, min(cap, base · 2ⁿ)] seconds, or what the server asks."""

    tries: int = 5
    base: float = 0.5
    cap: float = 20.0
    sleep: Callable[[float], None] = stopping.sleep

    def wait(self, attempt: int, asked: float | None) -> None:
        """Wait before attempt `attempt + 1`; a Retry-After is kept, up to the cap."""
        if asked is not None:
            self.sleep(min(asked, self.cap))
        else:
            self.sleep(random.uniform(0, min(self.cap, self.base * 2**attempt)))  # noqa: S311  # no secret

    def call(self, send: Callable[[], T]) -> T:
        """Send until it succeeds; for what may be sent twice: reads, and writes that say the final state."""
        for attempt in range(self.tries - 1):
            try:
                return send()
            except TemporaryError as error:
                self.wait(attempt, error.retry_after)
        return send()

    def unless_done(self, send: Callable[[], T], done: Callable[[], T | None]) -> T:
        """Send until it succeeds; ask `done` before each repetition, for a write may succeed unheard.

        What was given up while the server may still be at work on it is not sent again: it could take effect after
        the last look, and then twice.
        """
        for attempt in range(self.tries):
            try:
                return send()
            except TemporaryError as error:
                if error.pending:
                    return self._looked_for(done, error)
                if attempt == self.tries - 1:
                    raise
                self.wait(attempt, error.retry_after)
            if (found := done()) is not None:
                return found
        raise AssertionError("unreachable")

    def _looked_for(self, done: Callable[[], T | None], given_up: TemporaryError) -> T:
        for attempt in range(self.tries - 1):
            self.wait(attempt, None)
            if (found := done()) is not None:
                return found
        raise RemoteError(f"{given_up}; it may still take effect, so it is not sent again") from given_up
