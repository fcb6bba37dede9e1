"""One server process: started, waited for, killed without warning, started again."""

from __future__ import annotations

import ctypes
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import requests
from tools import missing

START_SECONDS = 120.0


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def program(name: str) -> str:
    """Path of a program; a skip where it is not installed, a failure in CI."""
    return shutil.which(name) or missing(f"{name} is not installed")


class ServerProcess:
    """A command that serves until it is killed; its output goes to a log in its folder."""

    def __init__(self, name: str, command: Sequence[str], folder: Path) -> None:
        self.name, self.command, self.log = name, list(command), folder / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; does not wait until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=_ends_with_us(),  # noqa: PLW1509 one system call, which takes no lock
            )

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait until it answers; a process that died tells its log."""
        end = time.monotonic() + START_SECONDS
        while not ready():
            died = self.process is None or self.process.poll() is not None
            assert not died and time.monotonic() < end, f"{self.name}: {self.log.read_text()[-2000:]}"
            time.sleep(0.05)


def _ends_with_us() -> Callable[[], None] | None:
    """Linux ends it when pytest is killed, which runs no fixture to its end.

    What counts is the thread that starts it, so this is for the main one alone (prctl(2), PR_SET_PDEATHSIG).
    """
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(1, signal.SIGKILL)


def answers(url: str) -> Callable[[], bool]:
    """Whether a URL answers with 200."""

    def ask() -> bool:
        try:
            return requests.get(url, timeout=5).status_code == 200
        except requests.RequestException:
            return False

    return ask


def listens(port: int) -> Callable[[], bool]:
    """Whether a port takes connections."""

    def ask() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    return ask
