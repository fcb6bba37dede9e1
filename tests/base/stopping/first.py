"""A command as PID 1 of a PID namespace of its own, as a container has it, and servers that do not answer."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from project import PROJECT

PROMISE = 5.0
"""Seconds from the signal to the end."""
_UNSHARE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
_WAYS = (_UNSHARE, (*_UNSHARE, "--user", "--map-root-user"))


def way() -> Sequence[str]:
    """How a PID namespace is had here: as root, or with a user namespace."""
    for found in _WAYS:
        with_it = subprocess.run([*found, "true"], capture_output=True, check=False)
        if with_it.returncode == 0:
            return found
    reason = "no PID namespace may be made here (unshare --pid); the tests of PID 1 need one"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass
class Running:
    """A command that runs as PID 1 of its namespace; `pid` is its number here."""

    process: subprocess.Popen[str]
    pid: int

    def stop(self, number: signal.Signals = signal.SIGTERM) -> Ended:
        """Send the signal, and wait for the end."""
        began = time.monotonic()
        os.kill(self.pid, number)
        try:
            out, err = self.process.communicate(timeout=3 * PROMISE)
        except subprocess.TimeoutExpired:
            os.kill(self.pid, signal.SIGKILL)
            out, err = self.process.communicate()
        return Ended(self.process.returncode, out, err, time.monotonic() - began)

    def ended(self) -> str:
        """What it said, when it ended before its time."""
        return "" if self.process.poll() is None else "".join(self.process.communicate())


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str
    seconds: float


@contextmanager
def running(command: Sequence[object], folder: Path, **variables: str) -> Iterator[Running]:
    """A Python command line, `sys.executable` left out, as PID 1."""
    process = subprocess.Popen(
        [*way(), sys.executable, *map(str, command)],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(PROJECT / "scripts"), **variables},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder,
    )  # fmt: skip
    try:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        until(lambda: children.read_text("ascii").split(), process)
        yield Running(process, int(children.read_text("ascii").split()[0]))
    finally:
        process.kill()
        process.communicate()


def until(
    there: Callable[[], object], process: subprocess.Popen[str] | None = None, timeout: float = 60
) -> None:
    """Wait for something; a process that ends meanwhile fails."""
    deadline = time.monotonic() + timeout
    while not there():
        if process is not None and process.poll() is not None:
            raise AssertionError("it ended before: " + "".join(process.communicate()))
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


class Silent:
    """A server that takes every connection and answers nothing."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.asked = threading.Event()
        self._taken: list[socket.socket] = []
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while True:
            try:
                taken, _ = self._socket.accept()
            except OSError:
                return
            self._taken.append(taken)
            threading.Thread(target=self._hear, args=(taken,), daemon=True).start()

    def _hear(self, taken: socket.socket) -> None:
        if taken.recv(1000):
            self.asked.set()

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for taken in self._taken:
            taken.close()
