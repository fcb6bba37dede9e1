"""How far an apply is: each step where there are few, a counter where there are many."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import IO, TYPE_CHECKING

from kfp_gitops.commands import console

if TYPE_CHECKING:
    from kfp_gitops.reconcile.events import Event
    from kfp_gitops.reconcile.plan import Plan

_FEW = 10
"""Pipelines that change, of which each step is a line."""
_EVERY, _BLINK = 10.0, 0.2
"""Seconds between two lines of a log, and between two states of the line on a terminal."""


class Progress:
    """What is told while an apply works; threads may share it."""

    def __init__(
        self, log: IO[str] | None, *, each: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`log` gets a line of JSON for each step; `each`: tell people each step, too, however many there are."""
        self._log, self._each, self._clock, self._lock = log, each, clock, Lock()
        self._steps = self._done = self._all = self._failed = 0
        self._began = self._told = clock()

    def of(self, plan: Plan) -> None:
        """What is to be done."""
        self._all = len({change.pipeline for change in plan.to_do})
        self._each = self._each or self._all <= _FEW
        self._began = self._told = self._clock()

    def tell(self, event: Event) -> None:
        """One step."""
        text = f": {event.detail}" if event.detail else ""
        if self._each:
            console.result(f"{event.action} {event.kind} {_name(event)}: {event.outcome}{text}")
        if self._log:
            from kfp_gitops.reconcile import events

            self._log.write(events.to_json(event) + "\n")
            self._log.flush()
        self._count(steps=event.outcome == "done", failed=event.outcome == "failed")

    def ended(self, _pipeline: str) -> None:
        """One pipeline on which no more is done."""
        self._count(done=1)

    def _count(self, steps: int = 0, done: int = 0, failed: int = 0) -> None:
        with self._lock:
            self._steps, self._done, self._failed = (
                self._steps + steps,
                self._done + done,
                self._failed + failed,
            )
            now, watched = self._clock(), console.is_watched()
            if self._each or now - self._told < (_BLINK if watched else _EVERY):
                return
            self._told = now
            (console.counter if watched else console.note)(self._line(now))

    def _line(self, now: float) -> str:
        failed = f", {self._failed:,} steps failed" if self._failed else ""
        seconds = now - self._began
        return f"{self._done:,} of {self._all:,} pipelines, {self._steps:,} steps{failed}; {seconds:.0f} s"


def _name(event: Event) -> str:
    """A version's name says nothing of whose it is."""
    if event.kind == "version":
        return f"{event.pipeline} {event.name}"
    return event.name or event.pipeline


class Lines:
    """What is told of many objects: the first few lines, and in the end how many more there were."""

    def __init__(self, most: int = _FEW) -> None:
        self._most, self._told = most, 0

    def tell(self, text: str) -> None:
        """One of them."""
        self._told += 1
        if self._told <= self._most:
            console.result(text)
        elif console.is_watched():
            console.counter(f"{self._told:,}: {text}")

    def ended(self) -> None:
        """No more of them."""
        if self._told > self._most:
            console.result(f"… {self._told - self._most:,} more")
