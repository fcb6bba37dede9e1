"""A lock among pods: a coordination.k8s.io Lease, by the rules of client-go's leader election.

Clocks of nodes differ, so nobody's `renewTime` is compared with our own clock: a lease has expired when we have
watched it unchanged for its whole duration. We in turn give up writing before anybody else may come to that. Ours: the
election of Kubernetes' Python client locks ConfigMaps alone.
"""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from kfp_gitops.base import replies, stopping, waiting
from kfp_gitops.base.errors import AlreadyExistsError, LockedError, LockLostError, RemoteError, TemporaryError
from kfp_gitops.reconcile.locking import witness
from kfp_gitops.reconcile.locking.memory import Memory
from kfp_gitops.reconcile.locking.witness import Witness


@dataclass(frozen=True)
class Record:
    """What a Lease says. `version` is its resourceVersion: an update of an older one is refused."""

    holder: str
    duration: int
    renewed: datetime | None
    transitions: int = 0
    acquired: datetime | None = None
    version: str = ""
    memory: Memory = Memory.NEVER
    begun: str = ""
    kept: str = ""
    """What is kept of KFP's database, as `witness` writes it."""


_NOBODY = Record("", 0, None)


class Store(Protocol):
    """The Leases of one namespace; get, create and update are all the rights that are needed."""

    def get(self, name: str) -> Record | None: ...
    def create(self, name: str, record: Record) -> Record:
        """Raises AlreadyExistsError."""

    def update(self, name: str, record: Record) -> Record:
        """Raises AlreadyExistsError: somebody else wrote since `record.version`."""


@dataclass
class _Watched:
    """A record of another holder, and since when (monotonic seconds) it has not changed."""

    record: Record
    since: float


_JOIN = 15.0
"""Seconds for a renewal that is under way when the lease is given back."""


class Holder:
    """Takes a lease, renews it in the background, gives it back."""

    def __init__(
        self,
        store: Store,
        name: str,
        duration: int = 45,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.identity = f"{socket.gethostname()}-{secrets.token_hex(4)}"
        self._store, self._name, self._duration = store, name, duration
        self._clock, self._sleep = clock, sleep
        self._end = threading.Event()
        self._lost = ""
        self._record = _NOBODY
        self._memory = Memory.NEVER
        self._begun = ""
        self._kept = ""
        self._tried = False

    @contextmanager
    def hold(self, timeout: float, tell: Callable[[str], None]) -> Iterator[None]:
        """Hold the lease, waiting for at most `timeout` seconds.

        Raises:
            LockedError: another one still holds it.
            RemoteError: Kubernetes refuses or cannot be reached.
        """
        release = stopping.at_last(
            lambda: self._release(tell)
        )  # before it is taken: the answer may be never heard
        thread = threading.Thread(target=self._renew_until_the_end, name="lease", daemon=True)
        try:
            with waiting.on(f"the lease {self._name}", timeout, told=True):
                self._acquire(timeout, tell)
            thread.start()
            yield
        finally:
            self._end.set()
            if thread.ident:
                thread.join(stopping.left(_JOIN))
            release()

    @property
    def memory(self) -> Memory:
        """What it remembers."""
        return self._memory

    def remember(self, memory: Memory) -> None:
        """For those who hold it later: written at once, for we may be killed.

        Raises:
            RemoteError: Kubernetes refuses or cannot be reached.
        """
        self._memory = memory
        self._written()

    @property
    def begun(self) -> str:
        """The digest of the approved plan that an apply has begun and none has run through; or empty."""
        return self._begun

    def begin(self, plan: str) -> None:
        """As `remember`, which approved plan is being carried out; empty: none any more."""
        self._begun = plan
        self._written()

    @property
    def witness(self) -> Witness | None:
        """What it keeps of KFP's database."""
        return witness.read(self._kept)

    def keep(self, found: Witness) -> None:
        """As `remember`, what was seen of KFP's database."""
        self.keep_text(found.text())

    @property
    def kept(self) -> str:
        """The text that it keeps."""
        return self._kept

    def keep_text(self, text: str) -> None:
        """As `remember`, any text."""
        self._kept = text
        self._written()

    @property
    def _noted(self) -> tuple[Memory, str, str]:
        return self._memory, self._begun, self._kept

    def _written(self) -> None:
        for _ in range(3):  # the renewal in the background may come in between
            self.check()
            self._renew()
            if (self._record.memory, self._record.begun, self._record.kept) == self._noted:
                return

    def check(self) -> None:
        """Raise LockLostError once another one may have taken the lease; asked before every write."""
        if not self._lost and self._clock() - self._renewed >= self._duration * 2 / 3:
            self._lost = "it could not be renewed in time"
        if self._lost:
            raise LockLostError(
                f"lease {self._name}: {self._lost}; nothing more is changed, and the next apply goes on from here"
            )

    # taking it

    def _acquire(self, timeout: float, tell: Callable[[str], None]) -> None:
        deadline, told = self._clock() + timeout, ""
        watched: _Watched | None = None
        while True:
            began = self._clock()
            found = self._read()
            if watched is None or found != watched.record:
                watched = _Watched(found, began) if found else None
            if self._is_free(watched) and self._take(found, began):
                return
            holder = found.holder if found else ""
            if self._clock() >= deadline:
                raise LockedError(self._held_by(found))
            if holder and holder != told:
                left = waiting.until(deadline - self._clock())
                tell(f"waiting for {holder}, which holds the lease {self._name}, {left}")
                told = holder
            self._sleep(min(2.0, self._duration / 10))

    def _held_by(self, found: Record | None) -> str:
        if found is None or not found.holder:
            return f"lease {self._name}: it is free, but every attempt to take it failed; try again"
        return (
            f"lease {self._name}: {found.holder} is reconciling this environment (renewed {found.renewed}); "
            "wait for its end and try again"
        )

    def _read(self) -> Record | None:
        for attempt in range(5):
            try:
                return self._store.get(self._name)
            except TemporaryError:
                if attempt == 4 or replies.left() <= 0:
                    raise
                self._sleep(2.0**attempt / 4)
        raise AssertionError("unreachable")

    def _is_free(self, watched: _Watched | None) -> bool:
        if watched is None or watched.record.holder in ("", self.identity):  # ours: taken unheard
            return True
        return self._clock() - watched.since >= watched.record.duration

    def _take(self, found: Record | None, began: float) -> bool:
        now = _now()
        transitions = 0 if found is None else found.transitions + 1
        version = "" if found is None else found.version
        before = found or _NOBODY
        self._memory, self._begun, self._kept = before.memory, before.begun, before.kept
        wanted = Record(self.identity, self._duration, now, transitions, now, version, *self._noted)
        self._tried = True
        try:
            write = self._store.create if found is None else self._store.update
            self._record = write(self._name, wanted)
        except (AlreadyExistsError, TemporaryError):
            return False  # somebody was faster, or it is unknown who: look again
        self._renewed = began
        return True

    # keeping it

    def _renew_until_the_end(self) -> None:
        while not self._end.wait(self._duration / 5) and not self._lost:
            try:
                self._renew()
            except TemporaryError:
                continue  # `check` counts the seconds
            except RemoteError as error:
                self._lost = str(error)

    def _renew(self) -> None:
        began = self._clock()
        try:
            memory, begun, kept = self._noted
            wanted = replace(self._record, renewed=_now(), memory=memory, begun=begun, kept=kept)
            self._record = self._store.update(self._name, wanted)
        except AlreadyExistsError:
            # Our own renewal may have been made unheard: then it is still ours, and newer than we know.
            found = self._store.get(self._name)
            if found is None or found.holder != self.identity:
                self._lost = f"{found.holder if found else 'somebody'} has taken or removed it"
                return
            self._record = found
            return
        self._renewed = began

    def _release(self, tell: Callable[[str], None]) -> None:
        if self._lost or not self._tried:
            return
        if stopping.unanswered():
            # It may take effect when another one is at work already. Until the lease expires it is over.
            tell(f"a write was not answered: the lease {self._name} is left to expire in {self._duration} s")
            return
        with suppress(RemoteError):  # it expires by itself
            self._give_back(self._record)

    def _give_back(self, known: Record) -> None:
        for record in (known, _NOBODY):
            found = record if record.holder else self._store.get(self._name)
            if found is None or found.holder != self.identity:
                return
            try:
                memory, begun, kept = self._noted
                free = replace(found, holder="", renewed=_now(), memory=memory, begun=begun, kept=kept)
                self._store.update(self._name, free)
                return
            except AlreadyExistsError:
                continue  # the renewal in the background came between


def _now() -> datetime:
    """Never with zero microseconds: `isoformat` would leave them out, and a MicroTime without is refused."""
    now = datetime.now(UTC)
    return now.replace(microsecond=max(1, now.microsecond))
