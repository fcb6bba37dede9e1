"""Calls of a KFP in this process: each takes time, and any of them can be the one that never ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from fake_controller import Controller, Recurring
from kfp_gitops.base.errors import TemporaryError, UnclearError
from kfp_gitops.kfpserver.kfpapi.actual import ActualRun

T = TypeVar("T")


class KilledError(BaseException):
    """The reconciler's process ends here."""


@dataclass
class Interruption:
    """At the nth call from now, before or after its effect: the process is killed, or a connection broken.

    `hides`: KFP answers 500. What is being created then is there, with `after`, but in no list.
    """

    call: int
    after: bool
    kill: bool
    hides: bool = False


@dataclass
class WrongList:
    """The nth list from now is empty whatever there is, or, `late`, what it was before the last write."""

    list: int
    late: bool


class Calls(Controller):
    """`latency` seconds pass at each call, half of it before the effect."""

    def __init__(self, latency: int, *, lag: int, lasts: int, unseen: int, cadence: int, phase: int) -> None:
        super().__init__(lag, lasts, unseen, cadence, phase)
        self.latency = latency
        self.interruption: Interruption | None = None
        self.calls = 0
        self.before: tuple[dict[str, Recurring], dict[str, tuple[ActualRun, int]]] = ({}, {})
        self.wrong_list: WrongList | None = None
        self.watch: Callable[[], None] = lambda: None

    def _call(self, effect: Callable[[], T], creates: Callable[[T], None] | None = None) -> T:
        """`creates` takes what it made out of the lists."""
        self.calls += 1
        hit = self._hit()
        self.advance(self.latency // 2)
        if hit and not hit.after:
            self._stop(hit, unclear=creates is not None)
        result = effect()
        if hit and creates and not hit.kill:
            if hit.hides:
                creates(result)
            else:  # a connection that broke after it: the client looks for it, and finds it
                self.interruption = hit = None
        self.watch()
        self.advance(self.latency - self.latency // 2)
        if hit:
            self._stop(hit, unclear=creates is not None)
        return result

    def _list(self, effect: Callable[[], T], nothing: T) -> T:
        """A reply of many, which may once be the wrong one."""
        wrong = self.wrong_list
        if wrong is None:
            return self._call(effect)
        wrong.list -= 1
        if wrong.list:
            return self._call(effect)
        self.wrong_list = None
        return self._call((lambda: self._as_before(effect)) if wrong.late else (lambda: nothing))

    def _as_before(self, effect: Callable[[], T]) -> T:
        now = self.recurring, self.runs
        self.recurring, self.runs = self.before
        try:
            return effect()
        finally:
            self.recurring, self.runs = now

    def _remember(self) -> None:
        """What is there before a write."""
        self.before = (
            {key: replace(found, record=found.record) for key, found in self.recurring.items()},
            dict(self.runs),
        )

    def _hit(self) -> Interruption | None:
        if self.interruption is None:
            return None
        self.interruption.call -= 1
        return self.interruption if self.interruption.call == 0 else None

    def _stop(self, hit: Interruption, *, unclear: bool = False) -> None:
        self.interruption = None
        if hit.kill:
            raise KilledError
        raise UnclearError("500") if unclear else TemporaryError("the connection broke")
