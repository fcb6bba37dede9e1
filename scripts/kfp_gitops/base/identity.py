"""What runs: the package's version, the commit it is of where that is known, and a digest of its files.

The digest is the same in a repository and in an image that was built from it, so the two can be compared by anybody.
"""

from __future__ import annotations

import hashlib
import os
import platform
from importlib import metadata
from pathlib import Path

from kfp_gitops import __version__
from kfp_gitops.base import git
from kfp_gitops.base.errors import GitOpsError

PACKAGE = Path(__file__).resolve().parents[1]
COMMIT = "KFP_GITOPS_COMMIT"
"""Set by scripts/Dockerfile, for an image has no git: `docker build --build-arg COMMIT=…`."""
_SHOWN = 12  # of a digest or a commit


def told() -> str:
    """One line: `kfp-gitops 0.1.0 (commit 1a2b3c4d5e6f, package sha256:…, kfp 2.17.3, Python 3.11.7)`."""
    parts = [
        _commit(),
        f"package sha256:{digest(PACKAGE)[:_SHOWN]}",
        _kfp(),
        f"Python {platform.python_version()}",
    ]
    return f"kfp-gitops {__version__} ({', '.join(parts)})"


def digest(package: Path) -> str:
    """SHA-256 over the files of a package, by name and content; what Python compiled of them is left out."""
    found = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        name = path.relative_to(package)
        if path.is_file() and "__pycache__" not in name.parts:
            content = path.read_bytes()
            found.update(f"{name.as_posix()}\0{len(content)}\0".encode() + content)
    return found.hexdigest()


def _commit() -> str:
    """Of the image, else of the repository that the package stands in."""
    built = os.environ.get(COMMIT, "").strip()
    if built:
        return f"commit {built[:_SHOWN]}"
    try:
        found = git.commit(PACKAGE, "HEAD")
        changed = bool(found) and bool(git.output(PACKAGE, "status", "--porcelain", "--", "."))
    except (GitOpsError, OSError):
        found, changed = None, False
    if not found:
        return "commit not known"
    return f"commit {found[:_SHOWN]}{' and changes that are not committed' if changed else ''}"


def _kfp() -> str:
    """The SDK that compiles: with another one the digests of a lock may differ."""
    try:
        return f"kfp {metadata.version('kfp')}"
    except metadata.PackageNotFoundError:
        return "no kfp"
