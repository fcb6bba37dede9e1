"""Where a rendered environment stands: in the repository, where no link is followed, or mounted, where all are links.

A kubelet lays a ConfigMap, a Secret, a projected volume and a token in one way (kubernetes/pkg/volume/util,
atomic_writer.go; seen on Kubernetes 1.34): the content stands in a dated folder, `..data` is a link to it, each name
of the first level is a link to `..data/<name>`, folders too. An update writes another dated folder, renames `..data`
over, mends the links of the first level, and removes the old folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Protocol, TypeVar

from kfp_gitops.base import files, parts
from kfp_gitops.base.errors import InputError, RemoteError

T = TypeVar("T")
_DATA = "..data"
_RENDERED = "manifests"
_TRIES = 20
"""A kubelet writes at most once a minute or so: whoever sees more changes than this is not looking at a kubelet."""


class Source(Protocol):
    """A folder that is read by paths relative to it; `name` stands before them in messages."""

    @property
    def name(self) -> str: ...
    @property
    def path(self) -> Path: ...
    def read_text(self, relative: str) -> str:
        """The text of a file; InputError when it is none, or is reached by a link that is not followed."""

    def list_files(self, folder: str) -> list[str]:
        """All files below a folder, sorted, relative to it with `/`; hidden ones are left out."""

    def read_texts(self, folder: str) -> dict[str, str]:
        """The text of each of these, by its path."""

    def parts(self) -> Iterator[Source]:
        """Itself; where its pipelines stand in archives (`base.archives`), one for each of these, one after the other.

        Each has an environment.yaml with its own pipelines, a lock with their entries, and the components of all.
        """


class Tree(Protocol):
    """A repository as it is at some time: its work tree, or a commit."""

    def read_text(self, relative: str) -> str:
        """The text of a plain file; InputError when it is none."""

    def list_files(self, folder: str) -> list[str]:
        """All files below a folder, sorted, relative to it with `/`; hidden ones are left out."""

    def holds(self, relative: str) -> bool:
        """Whether there is something of that name."""


@dataclass(frozen=True)
class WorkTree:
    """A repository as it is on the disk."""

    root: Path

    def read_text(self, relative: str) -> str:
        """As `files.read_text`."""
        return files.read_text(self.root, relative)

    def list_files(self, folder: str) -> list[str]:
        """As `files.list_files`."""
        return files.list_files(self.root, folder)

    def holds(self, relative: str) -> bool:
        """A link that leads nowhere is nothing."""
        return (self.root / relative).exists()


class Place(Protocol):
    """What can be read as a whole, in one state of it."""

    def whole(self, read: Callable[[Source], T]) -> T: ...


@dataclass(frozen=True)
class Plain:
    """A folder of a repository: a stranger's pull request may hold any link, so none is followed."""

    root: Path
    name: str

    @classmethod
    def at(cls, folder: Path) -> Plain:
        """Of a path: its name is the folder's own, and of a rendered environment the one in its repository."""
        if folder.parent.name == _RENDERED:
            return cls(folder.parent.parent, f"{_RENDERED}/{folder.name}")
        return cls(folder.parent, folder.name)

    @property
    def path(self) -> Path:
        """The folder."""
        return self.root / self.name

    def read_text(self, relative: str) -> str:
        """As `files.read_text`."""
        return files.read_text(self.root, f"{self.name}/{relative}")

    def list_files(self, folder: str) -> list[str]:
        """As `files.list_files`."""
        return files.list_files(self.root, f"{self.name}/{folder}")

    def read_texts(self, folder: str) -> dict[str, str]:
        """As `files.read_texts`."""
        return files.read_texts(self.root, f"{self.name}/{folder}")

    def read_bytes(self, relative: str, most: int) -> bytes:
        """As `files.read_bytes`."""
        return files.read_bytes(self.root, f"{self.name}/{relative}", most)

    def holds(self, relative: str) -> bool:
        """Whether there is something of that name."""
        return os.path.lexists(self.path / relative)

    def parts(self) -> Iterator[Source]:
        """As `Source.parts`."""
        return _parts(self)

    def whole(self, read: Callable[[Source], T]) -> T:
        """Nobody swaps a work tree."""
        return read(self)


@dataclass(frozen=True)
class Mounted:
    """A folder that somebody mounted for us: links that stay inside of its real path are followed."""

    path: Path

    def whole(self, read: Callable[[Source], T]) -> T:
        """What `read` makes of one state, old or new: when the folder was swapped meanwhile, it is read again.

        Raises:
            RemoteError: it is swapped all the time.
        """
        for _ in range(_TRIES):
            state = _State.of(self.path)
            try:
                found = read(state)
            except Exception:  # what was read half may look like anything
                if _State.of(self.path) == state:
                    raise
            else:
                if _State.of(self.path) == state:
                    return found
        raise RemoteError(f"{self.path}: changed {_TRIES} times while it was read; try again")


@dataclass(frozen=True)
class _State:
    """One state of a mounted folder: its real path, and that of the dated folder (none where nobody swaps)."""

    path: Path
    name: str
    real: str
    data: str

    @classmethod
    def of(cls, path: Path) -> _State:
        real, data = os.path.realpath(path), os.path.join(path, _DATA)
        return cls(path, str(path), real, os.path.realpath(data) if os.path.islink(data) else "")

    def read_text(self, relative: str) -> str:
        return files.text_of(self._real(relative), f"{self.name}/{relative}")

    def list_files(self, folder: str) -> list[str]:
        base = self._real(folder)
        return sorted(self._below(base, f"{self.name}/{folder}", ())) if os.path.isdir(base) else []

    def read_texts(self, folder: str) -> dict[str, str]:
        return {name: self.read_text(f"{folder}/{name}") for name in self.list_files(folder)}

    def read_bytes(self, relative: str, most: int) -> bytes:
        return files.bytes_of(self._real(relative), f"{self.name}/{relative}", most)

    def holds(self, relative: str) -> bool:
        return os.path.exists(self._real(relative))

    def parts(self) -> Iterator[Source]:
        return _parts(self)

    def _below(self, folder: str, shown: str, outer: tuple[str, ...]) -> Iterator[str]:
        for name in os.listdir(folder):
            if name.startswith("."):
                continue
            found = self._inside(os.path.join(folder, name), f"{shown}/{name}")
            if found in outer:  # a link to where we are
                continue
            if os.path.isdir(found):
                inner = self._below(found, f"{shown}/{name}", (*outer, folder))
                yield from (f"{name}/{path}" for path in inner)
            else:
                yield name

    def _real(self, relative: str) -> str:
        parts = PurePath(relative).parts
        if ".." in parts or os.path.isabs(relative):
            raise _leaves(f"{self.name}/{relative}")
        # Between the swap and the mending of the first level a new name is in the dated folder alone.
        new = self.data and not os.path.lexists(os.path.join(self.real, parts[0]))
        return self._inside(
            os.path.join(self.data if new else self.real, relative), f"{self.name}/{relative}"
        )

    def _inside(self, path: str, shown: str) -> str:
        found = os.path.realpath(path)
        if os.path.commonpath([self.real, found]) != self.real:
            raise _leaves(shown)
        return found


def _parts(source: Plain | _State) -> Iterator[Source]:
    return parts.parts(source) if parts.is_packed(source) else iter((source,))


def _leaves(shown: str) -> InputError:
    return InputError.of(
        shown, "leads out of the folder", "mount what it leads to, or put a plain file there"
    )


def read_mounted(path: Path) -> bytes:
    """A single file of a mounted folder, such as a token; a swap between two steps of its path is waited out.

    Raises:
        OSError: it cannot be read.
    """
    for _ in range(_TRIES):
        target = os.path.realpath(path)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            if os.path.realpath(path) == target:
                raise
    return path.read_bytes()
