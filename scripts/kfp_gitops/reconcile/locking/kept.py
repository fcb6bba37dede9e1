"""What plans of this machine rested on, kept beside its locks: 12 hex digits alone tell that something moved, not what.

A convenience: where nothing can be kept, nothing is. What is read back is what its digest says, whoever wrote it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from kfp_gitops.base.errors import GitOpsError
from kfp_gitops.reconcile.locking import filelock
from kfp_gitops.rendering import planfile
from kfp_gitops.rendering.planfile import Basis

_ENDING = ".plan"
_MOST = 50
"""Plans that are kept, the newest."""
_BYTES = 64 * 2**20


def keep(basis: Basis) -> None:
    """For an `apply --plan` by its digits."""
    with suppress(OSError, GitOpsError):
        file = _file(basis.id)
        new = file.with_name(f"{file.name}.{os.getpid()}")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(planfile.to_yaml(basis, ()))
        new.replace(file)
        _forget(file.parent)


def kept(digest: str) -> Basis | None:
    """What the plan with these hex digits rested on, if it was made here."""
    with suppress(OSError, GitOpsError, ValueError):
        file = _file(digest[: planfile.ID])
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, encoding="utf-8") as found:
            basis = planfile.read(found.read(_BYTES), file.name)
        return basis if basis.digest.startswith(digest) else None
    return None


def _file(name: str) -> Path:
    return filelock.spot(("plan", name)).path.with_suffix(_ENDING)


def _forget(folder: Path) -> None:
    found = sorted(folder.glob(f"*{_ENDING}"), key=lambda file: file.lstat().st_mtime, reverse=True)
    for file in found[_MOST:]:
        file.unlink(missing_ok=True)
