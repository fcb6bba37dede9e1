"""Trouble on order, and a record of what was asked: how tests meet a network and a server that fail."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from enum import Enum

_TOUCHING = (
    ("POST", r"/recurringruns$", 1),
    ("POST", r"/recurringruns/[^/]+:enable$", 2),  # it reads the ScheduledWorkflow first
    ("POST", r"/recurringruns/[^/]+:disable$", 1),
    ("DELETE", r"/recurringruns/[^/]+$", 1),
    ("POST", r"/runs$", 1),
)
"""How often resource_manager.go asks Kubernetes for each request (2.17.0)."""


class Trouble(Enum):
    """What goes wrong."""

    DROP_BEFORE = "the connection breaks before the request is handled"
    DROP_AFTER = "the connection breaks after the effect, before the reply"
    ANSWER = "an error is answered, and nothing is done"
    DELAY = "the request is handled late"
    HIDDEN = "what it makes runs and fires, no list shows it, and 500 is answered"
    """CreateRun and CreateJob make the Workflow or ScheduledWorkflow before its row, which then cannot be stored."""


@dataclass(frozen=True)
class Fault:
    """The `nth` request (from 1) that has this method and whose path matches gets the trouble; 0 is every one."""

    method: str
    path: str
    trouble: Trouble
    nth: int = 1
    status: int = 503
    seconds: float = 0.0


@dataclass(frozen=True)
class Logged:
    """A request that was made; `status` is what it was answered or would have been, 0 if it was not handled."""

    method: str
    path: str
    query: str
    status: int
    delivered: bool = True


class Faults:
    """The faults to come, and the log of requests. Safe to use while the server runs."""

    def __init__(self, *faults: Fault, latency: float = 0.0, kubernetes: float = 0.0) -> None:
        self.latency = latency
        """Seconds that every request waits before it is handled."""
        self.kubernetes = kubernetes
        """Seconds of each request to Kubernetes, one after another; the real server's client makes 5 a second."""
        self._queue = threading.Lock()
        self._lock = threading.Lock()
        self._seen: list[tuple[Fault, int]] = [(fault, 0) for fault in faults]
        self._log: list[Logged] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._seen.append((fault, 0))

    def clear(self) -> None:
        """Forget the faults and the log."""
        with self._lock:
            self._seen.clear()
            self._log.clear()

    @property
    def requests(self) -> list[Logged]:
        with self._lock:
            return list(self._log)

    def pace(self, method: str, path: str) -> None:
        """Take as long as a request does, by what the real server asks of Kubernetes for it."""
        time.sleep(self.latency)
        requests = next((n for verb, end, n in _TOUCHING if verb == method and re.search(end, path)), 0)
        if requests and self.kubernetes:
            with self._queue:
                time.sleep(self.kubernetes * requests)

    def log(self, entry: Logged) -> None:
        with self._lock:
            self._log.append(entry)

    def claim(self, method: str, path: str) -> Fault | None:
        """Count a request, and say what is to happen to it."""
        with self._lock:
            chosen = None
            for place, (fault, seen) in enumerate(self._seen):
                if fault.method == method and re.search(fault.path, path):
                    self._seen[place] = (fault, seen + 1)
                    if chosen is None and fault.nth in (0, seen + 1):
                        chosen = fault
            return chosen
