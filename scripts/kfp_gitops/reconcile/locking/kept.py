"""What plans of this machine rested on, kept in the user's cache: 12 hex digits tell that something moved, not what.

A convenience: where nothing can be kept, nothing is. What is read back is what its digest says, whoever wrote it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from kfp_gitops.base import private
from kfp_gitops.base.errors import GitOpsError
from kfp_gitops.rendering import planfile
from kfp_gitops.rendering.planfile import Basis

_MOST = 50
"""Plans that are kept, the newest."""
_BYTES = 64 * 2**20


def keep(basis: Basis) -> None:
    """For an `apply --plan` by its digits."""
    with suppress(OSError, GitOpsError):
        folder = _folder()
        new = folder / f".{basis.id}.{os.getpid()}"
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.writelines(planfile.yaml_lines(basis, ()))
        new.replace(folder / basis.id)
        _forget(folder)


def kept(digest: str) -> Basis | None:
    """What the plan with these hex digits rested on, if it was made here."""
    with suppress(OSError, GitOpsError, ValueError):
        file = _folder() / digest[: planfile.ID]
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, encoding="utf-8") as found:
            basis = planfile.read(found.read(_BYTES), file.name)
        return basis if basis.digest.startswith(digest) else None
    return None


def _folder() -> Path:
    """A folder of this user alone.

    Raises:
        OSError, UsageError: there is none.
    """
    return private.cache("plans")


def _forget(folder: Path) -> None:
    found = sorted(folder.iterdir(), key=lambda file: file.lstat().st_mtime, reverse=True)
    for file in found[_MOST:]:
        file.unlink(missing_ok=True)
