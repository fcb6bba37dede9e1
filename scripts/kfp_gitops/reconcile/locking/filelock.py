"""A lock among the processes of one user on one machine: flock, which ends with its process, however it ends."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kfp_gitops.base.errors import LockedError, UsageError
from kfp_gitops.reconcile.locking.memory import Memory

_POLL = 0.2
_PLAN = "plan "


@dataclass
class FileLock:
    """Cannot be lost while its process lives."""

    file: Path
    descriptor: int
    memory: Memory
    begun: str = ""

    def check(self) -> None:
        """Nothing can have taken it."""

    def remember(self, memory: Memory) -> None:
        """For those who hold it later, however this process ends."""
        self.memory = memory
        _write(self.descriptor, memory, self.begun)

    def begin(self, plan: str) -> None:
        """Likewise, which approved plan is being carried out; empty: none any more."""
        self.begun = plan
        _write(self.descriptor, self.memory, plan)


def path(key: tuple[str, ...]) -> Path:
    """Where the lock for a key stands: in the user's cache, or where there is no home, in the temporary folder."""
    name = hashlib.sha256("\0".join(key).encode()).hexdigest()[:24] + ".lock"
    return _folder() / name


def _folder() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME")
    home = Path(cache) if cache else Path(os.environ.get("HOME") or "/nonexistent") / ".cache"
    for folder in (home / "kfp-gitops/locks", Path(tempfile.gettempdir()) / f"kfp-gitops-{os.getuid()}"):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            continue  # a read-only root file system, as pods have
        if os.access(folder, os.W_OK) and folder.stat().st_uid == os.getuid():
            return folder
    raise UsageError("no folder for the lock can be written; set HOME, XDG_CACHE_HOME or TMPDIR to one")


@contextmanager
def hold(file: Path, timeout: float, tell: Callable[[str], None]) -> Iterator[FileLock]:
    """Hold the lock, waiting for at most `timeout` seconds.

    Raises:
        LockedError: another process still holds it.
    """
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        _acquire(descriptor, timeout, tell)
        lines = os.pread(descriptor, 200, 0).decode("utf-8", "replace").split("\n")
        memory = next((known for known in Memory if known and known in lines), Memory.NEVER)
        begun = next((line.removeprefix(_PLAN) for line in lines if line.startswith(_PLAN)), "")
        _write(descriptor, memory, begun)
        yield FileLock(file, descriptor, memory, begun)
    finally:
        os.close(descriptor)  # which releases it; the file stays, for removing it would let two hold one name


def _write(descriptor: int, memory: Memory, begun: str) -> None:
    text = f"process {os.getpid()}\n" + (f"{memory}\n" if memory else "")
    text += f"{_PLAN}{begun}\n" if begun else ""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text.encode(), 0)


def _acquire(descriptor: int, timeout: float, tell: Callable[[str], None]) -> None:
    deadline, told = time.monotonic() + timeout, False
    while not _try(descriptor):
        who = os.pread(descriptor, 100, 0).decode("utf-8", "replace").split("\n")[0] or "another process"
        if time.monotonic() >= deadline:
            raise LockedError(f"{who} is reconciling this environment; wait for its end and try again")
        if not told:
            tell(f"waiting for {who}, which is reconciling this environment")
            told = True
        time.sleep(_POLL)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
