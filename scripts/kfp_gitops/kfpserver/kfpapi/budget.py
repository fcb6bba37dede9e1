"""How long a command may speak to KFP in all (--timeout), whatever KFP or what stands before it makes of that."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from threading import Lock

from kfp_gitops.base.errors import RemoteError


class Budget:
    """So many seconds, from when they are first asked for; threads may share it, and all that a command waits for."""

    def __init__(self, seconds: float = math.inf, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock, self._lock = seconds, clock, Lock()
        self._began: float | None = None
        self._heard = -math.inf

    def of(self, seconds: float) -> Budget:
        """The same with so many seconds in all, of which those are gone that are gone already."""
        self._seconds = seconds
        return self

    def begin(self) -> None:
        """From now on it runs, if it does not yet."""
        with self._lock:
            self._began = self._clock() if self._began is None else self._began

    def left(self, host: str) -> float:
        """What is left of them.

        Raises:
            RemoteError: nothing.
        """
        if self.seconds <= 0:
            raise RemoteError(f"{host}: {self.said}")
        return self.seconds

    def heard(self) -> None:
        """Somebody answered."""
        self._heard = self._clock()

    @property
    def silent(self) -> float:
        """Seconds since somebody answered, or since it was first asked for."""
        began = self._clock() if self._began is None else self._began
        return self._clock() - max(began, self._heard)

    @property
    def seconds(self) -> float:
        """What is left of them; 0 or less: nothing."""
        self.begin()
        assert self._began is not None
        return self._began + self._seconds - self._clock()

    @property
    def over(self) -> bool:
        """Whether nothing is left."""
        return self._began is not None and self.seconds <= 0

    @property
    def said(self) -> str:
        """What to tell people then."""
        if self._heard == -math.inf:
            todo = "look whether it and its database are well, and whether this is its address"
            return f"no answer in {self._seconds:g} s; {todo}, or give it longer with --timeout S"
        return (
            f"not done after the {self._seconds:g} s that speaking to it may take; look into what makes it slow, "
            "or give it longer with --timeout S"
        )
