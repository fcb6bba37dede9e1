"""A lock among the processes of one user on one machine: flock, which ends with its process, however it ends."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from kfp_gitops.base import private, waiting
from kfp_gitops.base.errors import LockedError, UsageError
from kfp_gitops.reconcile.locking import witness
from kfp_gitops.reconcile.locking.memory import Memory
from kfp_gitops.reconcile.locking.witness import Witness

_POLL = 0.2
_PLAN, _KEPT = "plan ", "server "
_MOST = 1 << 19
"""Bytes of the file that are read."""


@dataclass
class FileLock:
    """Cannot be lost while its process lives."""

    descriptor: int
    memory: Memory
    begun: str = ""
    kept: str = ""

    def check(self) -> None:
        """Nothing can have taken it."""

    def remember(self, memory: Memory) -> None:
        """For those who hold it later, however this process ends."""
        self.memory = memory
        self._write()

    def begin(self, plan: str) -> None:
        """Likewise, which approved plan is being carried out; empty: none any more."""
        self.begun = plan
        self._write()

    @property
    def witness(self) -> Witness | None:
        """What it keeps of KFP's database."""
        return witness.read(self.kept)

    def keep(self, found: Witness) -> None:
        """Likewise, what was seen of KFP's database."""
        self.keep_text(found.text())

    def keep_text(self, text: str) -> None:
        """Likewise, a line of any text."""
        self.kept = text
        self._write()

    def _write(self) -> None:
        text = f"process {os.getpid()}\n" + (f"{self.memory}\n" if self.memory else "")
        text += f"{_PLAN}{self.begun}\n" if self.begun else ""
        text += f"{_KEPT}{self.kept}\n" if self.kept else ""
        # In this order: killed in between, or on a full disk, it still keeps what it kept.
        written = os.pwrite(self.descriptor, content := text.encode(), 0)
        if written == len(content):
            os.ftruncate(self.descriptor, written)

    @classmethod
    def of(cls, descriptor: int) -> FileLock:
        """As those who held it before left it."""
        lines = os.pread(descriptor, _MOST, 0).decode("utf-8", "replace").split("\n")
        memory = next((known for known in Memory if known and known in lines), Memory.NEVER)
        return cls(descriptor, memory, _after(_PLAN, lines), _after(_KEPT, lines))


@dataclass(frozen=True)
class Spot:
    """Where a lock stands: below a folder that there is, in folders of this user alone."""

    base: Path
    folders: tuple[str, ...]
    name: str

    @property
    def path(self) -> Path:
        """Where it is, as a person is told."""
        return self.base.joinpath(*self.folders, self.name)


def spot(key: tuple[str, ...]) -> Spot:
    """Where the lock for a key stands: in the user's cache, or where there is no home, in the temporary folder.

    Raises:
        UsageError: nowhere, or somebody put a link, or a folder of their own, in its place.
    """
    name = hashlib.sha256("\0".join(key).encode()).hexdigest()[:24] + ".lock"
    cache = os.environ.get("XDG_CACHE_HOME")
    home = Path(cache) if cache else Path(os.environ.get("HOME") or "/nonexistent") / ".cache"
    temporary = Path(tempfile.gettempdir())
    for base, folders in ((home, ("kfp-gitops", "locks")), (temporary, (f"kfp-gitops-{os.getuid()}",))):
        with suppress(OSError):  # a read-only root file system, as pods have
            base.mkdir(mode=0o700, parents=True, exist_ok=True)
            with private.folder(base, *folders) as folder:
                if os.access(".", os.W_OK, dir_fd=folder):
                    return Spot(base, folders, name)
    raise UsageError("no folder for the lock can be written; set HOME, XDG_CACHE_HOME or TMPDIR to one")


@contextmanager
def hold(where: Spot, timeout: float, tell: Callable[[str], None]) -> Iterator[FileLock]:
    """Hold the lock, waiting for at most `timeout` seconds.

    Raises:
        LockedError: another process still holds it.
    """
    descriptor = _opened(where)
    try:
        _acquire(descriptor, timeout, tell)
        found = FileLock.of(descriptor)
        found.remember(found.memory)  # and whose it is now
        yield found
    finally:
        os.close(descriptor)  # which releases it; the file stays, for removing it would let two hold one name


def _opened(where: Spot) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    with private.folder(where.base, *where.folders) as folder:
        try:
            found = os.open(where.name, flags, 0o600, dir_fd=folder)
        except OSError as error:
            raise UsageError(f"{where.path}: {error.strerror}; look who made it, and remove it") from None
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        raise UsageError(f"{where.path}: is no plain file; look who made it, and remove it")
    return found


def peek(key: tuple[str, ...]) -> tuple[Memory, str]:
    """What the lock for a key remembers, whoever holds it; nothing where there is none."""
    try:
        where = spot(key)
        with private.folder(where.base, *where.folders) as folder:
            flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
            descriptor = os.open(where.name, flags, dir_fd=folder)
    except (OSError, UsageError):
        return Memory.NEVER, ""
    try:
        found = FileLock.of(descriptor)
    except OSError:  # no plain file
        return Memory.NEVER, ""
    finally:
        os.close(descriptor)
    return found.memory, found.kept


def _after(key: str, lines: Sequence[str]) -> str:
    return next((line.removeprefix(key) for line in lines if line.startswith(key)), "")


def _acquire(descriptor: int, timeout: float, tell: Callable[[str], None]) -> None:
    if _try(descriptor):
        return
    deadline, who = time.monotonic() + timeout, f"{_who(descriptor)}, which is reconciling this environment"
    if timeout > 0:
        tell(f"waiting for {who}, {waiting.until(timeout)}")
    with waiting.on(who, timeout, told=True):
        while not _try(descriptor):
            if time.monotonic() >= deadline:
                raise LockedError(
                    f"{_who(descriptor)} is reconciling this environment; wait for its end and try again"
                )
            time.sleep(_POLL)


def _who(descriptor: int) -> str:
    return os.pread(descriptor, 100, 0).decode("utf-8", "replace").split("\n")[0] or "another process"


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
