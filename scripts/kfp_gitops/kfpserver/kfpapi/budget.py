"""How long a command may speak to KFP in all (--timeout), whatever KFP or what stands before it makes of that."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from threading import Lock

from kfp_gitops.base.errors import RemoteError


class Budget:
    """So many seconds, from when they are first asked for; threads may share it."""

    def __init__(self, seconds: float = math.inf, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock, self._lock = seconds, clock, Lock()
        self._end: float | None = None

    def left(self, host: str) -> float:
        """What is left of them.

        Raises:
            RemoteError: nothing.
        """
        with self._lock:
            if self._end is None:
                self._end = self._clock() + self._seconds
        if self.over:
            raise RemoteError(f"{host}: {self.said}")
        return self._end - self._clock()

    @property
    def over(self) -> bool:
        """Whether nothing is left."""
        return self._end is not None and self._end <= self._clock()

    @property
    def said(self) -> str:
        """What to tell people then."""
        return (
            f"not done after the {self._seconds:g} s that speaking to it may take; look into what makes it slow, "
            "or give it longer with --timeout S"
        )
