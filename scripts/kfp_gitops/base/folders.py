"""A folder that holds exactly what is wanted: what differs from that, and making it so."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Protocol

from kfp_gitops.base import files, processes, takeback


class Blob(Protocol):
    """What a file shall hold that is no text."""

    def content(self) -> bytes:
        """The bytes to write where no file holds it yet."""

    def is_in(self, found: bytes) -> bool:
        """Whether these bytes say the same: of some contents there is more than one writing."""


@dataclass(frozen=True)
class Kept:
    """Just these bytes."""

    found: bytes

    def content(self) -> bytes:
        """As `Blob.content`."""
        return self.found

    def is_in(self, found: bytes) -> bool:
        """As `Blob.is_in`."""
        return found == self.found


Wanted = Mapping[str, str | Blob]
"""Path → what a file shall hold."""


def differences(root: Path, folder: str, wanted: Wanted) -> Iterator[tuple[str, str]]:
    """What would have to be done so that a folder holds exactly what is wanted.

    Hidden files count, too: Argo CD reads a `.argocd-source.yaml` beside what it applies.

    Yields:
        (`add` | `change` | `remove`, path relative to the folder), in order of path.

    Raises:
        InputError: the folder is, or is reached through, a symbolic link.
    """
    files.folder_inside(root, folder)
    present = set(files.list_files(root, folder, hidden=True))
    for name in sorted(present | set(wanted)):
        if name not in wanted:
            yield "remove", name
        elif name not in present:
            yield "add", name
        elif not _holds(os.path.join(root, folder, name), wanted[name]):
            yield "change", name


def _holds(path: str, wanted: str | Blob) -> bool:
    if os.path.islink(path):
        return False
    found = files.read_whole(path)
    return found == wanted.encode() if isinstance(wanted, str) else wanted.is_in(found)


def _content(wanted: str | Blob) -> bytes:
    return wanted.encode() if isinstance(wanted, str) else wanted.content()


def synchronise(root: Path, folder: str, wanted: Wanted) -> list[tuple[str, str]]:
    """Make a folder hold exactly what is wanted; returns what was done."""
    done = list(differences(root, folder, wanted))

    def write(name: str) -> str:
        files.write_whole(os.path.join(root, folder, name), _content(wanted[name]))
        return name

    for name in (name for action, name in done if action == "remove"):
        gone = os.path.join(root, folder, name)
        takeback.writing(gone, None)
        os.unlink(gone)
        _remove_empty(root / folder, PurePath(name).parents)
    processes.spread(write, [name for action, name in done if action != "remove"])
    return done


def _remove_empty(base: Path, folders: Sequence[PurePath]) -> None:
    for folder in folders[:-1]:  # the last is the base itself
        with suppress(OSError):  # it still holds something
            (base / folder).rmdir()
