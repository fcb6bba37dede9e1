"""Folders of this user alone, also where everybody may write (the temporary folder): no link, no one else's, 0700."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kfp_gitops.base.errors import UsageError


def cache(*names: str) -> Path:
    """The folder of these names in the user's cache; it is made where there is none.

    Raises:
        OSError: there is no cache, or it cannot be written.
        UsageError: somebody made it something else.
    """
    told = os.environ.get("XDG_CACHE_HOME")
    base = Path(told) if told else Path(os.environ.get("HOME") or "/nonexistent") / ".cache"
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    with folder(base, "kfp-gitops", *names):
        return base.joinpath("kfp-gitops", *names)


@contextmanager
def folder(base: Path, *names: str) -> Iterator[int]:
    """The descriptor of `base/names…`; each of the names is made, or what is there is proved to be ours.

    What was open to others is closed to them. `base` may be a link: people move their caches.

    Raises:
        OSError: it cannot be made, as on a read-only file system.
        UsageError: somebody made it something else.
    """
    here, at = os.open(base, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), base
    try:
        for name in names:
            at = at / name
            here, outer = _below(here, name, at), here
            os.close(outer)
        yield here
    finally:
        os.close(here)


def _below(outer: int, name: str, shown: Path) -> int:
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=outer)
    try:
        found = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=outer)
    except OSError as error:
        closed = error.errno in (errno.EACCES, errno.EPERM)
        raise _strange(shown, "closed to us" if closed else "a link or a file") from None
    try:
        if os.fstat(found).st_uid != os.getuid():
            raise _strange(shown, "somebody else's")
        os.fchmod(found, 0o700)
    except BaseException:
        os.close(found)
        raise
    return found


def _strange(shown: Path, what: str) -> UsageError:
    return UsageError(
        f"{shown}: is {what}, where a folder of this user alone must be; look who made it, and remove it"
    )
