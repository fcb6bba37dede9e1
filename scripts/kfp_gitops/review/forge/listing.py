"""The files that are, or would be, committed: of Git where there is a repository, else of the disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kfp_gitops.base import git

READ = (".ci", ".github", "argocd", "components", "environments", "manifests", "scripts", "templates")
"""The folders that rendering, its checks and Argo CD read; files beside them are read, too."""
LINK = "120000"
SUBMODULE = "160000"
_OURS = frozenset({".git", ".venv", "__pycache__"})


@dataclass(frozen=True)
class File:
    """A path from the root, and Git's mode of it."""

    path: str
    mode: str

    @property
    def name(self) -> str:
        """Without its folders."""
        return self.path.rpartition("/")[2]

    @property
    def is_read(self) -> bool:
        """Whether something of ours, or Argo CD, reads it."""
        top, slash, _ = self.path.partition("/")
        return top in READ or not slash


def listed(root: Path) -> list[File]:
    """All of them, in order of path; where there is no repository, those that are read."""
    known = git.call(root, "ls-files", "-z", "--stage") if shutil.which("git") else None
    if known is None or not known.stdout:  # a folder that some repository around it does not know
        return sorted(_on_disk(root), key=lambda file: file.path)
    entries = (entry.partition("\t") for entry in _split(known.stdout))
    found = {path: facts.split(" ")[0] for facts, _, path in entries}
    others = git.call(root, "ls-files", "-z", "--others", "--exclude-standard")
    found |= {path: _mode(root / path) for path in _split(others.stdout)}
    return [File(path, found[path]) for path in sorted(found)]


def _split(listing: bytes) -> list[str]:
    return [entry for entry in listing.decode("utf-8", "surrogateescape").split("\0") if entry]


def _on_disk(root: Path) -> Iterator[File]:
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        links = [name for name in folders if (here / name).is_symlink()]
        folders[:] = [name for name in folders if name not in _OURS and name not in links]
        if here == root:
            folders[:] = [name for name in folders if name in READ]
        for name in [*names, *links]:
            yield File((here / name).relative_to(root).as_posix(), _mode(here / name))


def _mode(path: Path) -> str:
    return LINK if path.is_symlink() else "100644"
