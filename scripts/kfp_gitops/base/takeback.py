"""All that a command writes below a folder, or none of it.

What stood there before is kept in `.kfp-gitops-begun/` in that folder (`journal`) until the command is done. Its file
`command` says what was begun, and its process holds a lock on it (flock(2)): a folder that nobody holds was left by a
start that was cut off, by SIGKILL or with the machine, and the next start takes back what it had written.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from kfp_gitops.base.errors import UsageError
from kfp_gitops.base.journal import Journal

FOLDER = ".kfp-gitops-begun"
_ANOTHER = frozenset({errno.EEXIST, errno.ENOTEMPTY, errno.ENOENT})
"""How it shows that another process began at the same time."""
_LONGEST = 1_000
"""Bytes of a command that are told."""


@dataclass(frozen=True)
class Left:
    """What a start that was cut off had done: the paths that are as they were again, and those that others changed."""

    command: str
    back: tuple[str, ...]
    changed: tuple[str, ...]


_open: Journal | None = None


def writing(path: str, content: bytes | None) -> None:
    """To be called before a file gets this content (None: is removed) by whatever writes files of a repository."""
    if _open is not None:
        _open.note(Path(path), content)


def is_open() -> bool:
    """Whether what is written now can be taken back."""
    return _open is not None


@contextmanager
def whole(root: Path, command: str, tell: Callable[[], None]) -> Iterator[None]:
    """All that is written within, or, if it ends by an exception, none of it; within another one, as that one says.

    `tell` is called when something was taken back.

    Raises:
        UsageError: another process is at work in this folder, or what one left was not taken back.
    """
    global _open  # noqa: PLW0603  # who writes files cannot be handed it, and there is one command in a process
    if _open is not None:
        yield
        return
    descriptor = _begun(root, command)
    journal = Journal(root, root / FOLDER)
    try:
        _open = journal
        yield
        _open = None
        _close(journal)
    except BaseException:
        _open = None
        if journal.folder.is_dir() and _undone_whatever_comes(journal):
            tell()
        raise
    finally:
        _open = None
        os.close(descriptor)


def _undone_whatever_comes(journal: Journal) -> bool:
    """A signal is raised once (`stopping`): what it cuts off is done again. What cannot be done is left to a start."""
    try:
        back, _ = journal.undone()
    except KeyboardInterrupt:
        back, _ = journal.undone()
    _close(journal)
    return bool(back)


def _close(journal: Journal) -> None:
    """It is done with: at once, and then the room that it took is given back."""
    gone = journal.root / f"{FOLDER}.{secrets.token_hex(8)}"
    journal.folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def left(root: Path) -> str | None:
    """What was begun here and cut off, as it was called; None where nothing was, or it is still at work."""
    with _held(root / FOLDER) as command:
        return command


def taken_back(root: Path) -> Left | None:
    """Take back what a start that was cut off left; None where there is nothing."""
    for folder in root.glob(f"{FOLDER}.*"):
        with _held(folder) as nobodys:
            if nobodys is not None:
                shutil.rmtree(folder, ignore_errors=True)
    with _held(root / FOLDER) as command:
        if command is None:
            return None
        journal = Journal(root, root / FOLDER)
        back, changed = journal.undone()
        _close(journal)
        return Left(command, tuple(back), tuple(changed))


def _begun(root: Path, command: str) -> int:
    """The descriptor that holds the lock; the folder appears locked, or not at all."""
    fresh = root / f"{FOLDER}.{secrets.token_hex(8)}"
    fresh.mkdir(0o700)
    descriptor = os.open(fresh / "command", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, f"{command}\n".encode())
        (fresh / ".gitignore").write_text("*\n", "ascii")
        fresh.rename(root / FOLDER)
    except BaseException as error:
        os.close(descriptor)
        shutil.rmtree(fresh, ignore_errors=True)
        if isinstance(error, OSError) and error.errno in _ANOTHER:
            raise UsageError(
                f"{root / FOLDER}: another new.py or import.py is at work here; run this again when it has ended"
            ) from None
        raise
    return descriptor


@contextmanager
def _held(folder: Path) -> Iterator[str | None]:
    """The command of a folder whose process is gone, and nobody else may take it meanwhile; None: it is at work."""
    try:
        descriptor = os.open(folder / "command", os.O_RDWR | os.O_CLOEXEC)
    except OSError:  # most often there is none
        yield "" if folder.is_dir() and not folder.is_symlink() else None
        return
    try:
        said = os.pread(descriptor, _LONGEST, 0).decode("utf-8", "replace").strip()
        yield said if _locked(descriptor) else None
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
