"""The files of a commit, read as those of a work tree are; no attribute, filter or hook has a say in it.

Through one `git cat-file`: a process for each file would take minutes for 1,000 pipelines.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from kfp_gitops.base import git
from kfp_gitops.base.errors import InputError, RemoteError, UsageError
from kfp_gitops.base.files import MAX_BYTES

_FOLDER = "40000"
_PLAIN = ("100644", "100755", "100664")


@dataclass
class Objects:
    """Git's objects by name or id; trees and files, which commits share, are kept."""

    process: subprocess.Popen[bytes]
    blobs: dict[str, bytes | None] = field(default_factory=dict)
    trees: dict[str, Mapping[str, tuple[str, str]]] = field(default_factory=dict)

    def read(self, name: str) -> bytes | None:
        """The content of an object; None when there is none, or when it is larger than any file that is read."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{name}\n".encode())
        self.process.stdin.flush()
        facts = self.process.stdout.readline().split()
        if not facts:
            raise RemoteError("git cat-file ended before it had answered; look at the repository: `git fsck`")
        if not facts[-1].isdigit():  # `missing`, `ambiguous`
            return None
        size = int(facts[-1])
        if size > MAX_BYTES:
            self._skip(size)
            return None
        return self._content(size)

    def _content(self, size: int) -> bytes:
        assert self.process.stdout is not None
        return self.process.stdout.read(size + 1)[:size]

    def _skip(self, size: int) -> None:
        assert self.process.stdout is not None
        left = size + 1
        while left:
            left -= len(self.process.stdout.read(min(left, MAX_BYTES))) or left

    def blob(self, name: str) -> bytes | None:
        """The content of a file, by its id; None when it is larger than any that is read."""
        if name not in self.blobs:
            self.blobs[name] = self.read(name)
        return self.blobs[name]

    def tree(self, name: str) -> Mapping[str, tuple[str, str]]:
        """Name → (mode, id) of what is in a folder; nothing where there is none."""
        if name not in self.trees:
            self.trees[name] = dict(_entries(self.read(name) or b"", length=len(name.partition("^")[0]) // 2))
        return self.trees[name]


def _entries(content: bytes, length: int) -> Iterator[tuple[str, tuple[str, str]]]:
    """`mode name NUL id` each, the id in binary (20 bytes, or 32 in a repository of SHA-256)."""
    start = 0
    while start < len(content):
        end = content.index(b"\0", start)
        mode, _, name = content[start:end].decode("utf-8", "surrogateescape").partition(" ")
        yield name, (mode, content[end + 1 : end + 1 + length].hex())
        start = end + 1 + length


@contextmanager
def objects(root: Path) -> Iterator[Objects]:
    """The objects of a repository.

    Raises:
        UsageError: git is not installed.
    """
    command = [*git.COMMAND, "cat-file", "--batch"]
    try:
        process = subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    except FileNotFoundError:
        raise UsageError(git.NOT_INSTALLED) from None
    with process:
        yield Objects(process)


@dataclass(frozen=True)
class Commit:
    """One commit, by its full id; `prefix` is the folder in its repository that is read, with a `/` at its end."""

    objects: Objects
    id: str
    prefix: str = ""

    def read_text(self, relative: str) -> str:
        """As `files.read_text`.

        Raises:
            InputError: missing, no plain file, too large, not UTF-8.
        """
        shown = f"{relative} at {self.id[:12]}"
        mode, name = self._entry(relative) or ("", "")
        content = self.objects.blob(name) if mode in _PLAIN else None
        if content is None:
            raise InputError.of(shown, "no such plain file", "name a commit that has it")
        try:
            return content.decode("utf-8").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            raise InputError.of(shown, f"not UTF-8 at byte {error.start}", "save it as UTF-8") from None

    def list_files(self, folder: str) -> list[str]:
        """As `files.list_files`, without hidden ones."""
        mode, name = self._entry(folder) or ("", "")
        return sorted(self._below(name, "")) if mode == _FOLDER else []

    def holds(self, relative: str) -> bool:
        """Whether there is something of that name."""
        return self._entry(relative) is not None

    def identity(self, relative: str) -> str:
        """What changes whenever a file or anything in a folder does; empty where there is nothing."""
        return (self._entry(relative) or ("", ""))[1]

    def _below(self, tree: str, before: str) -> Iterator[str]:
        for name, (mode, found) in self.objects.tree(tree).items():
            if name.startswith("."):
                continue
            if mode == _FOLDER:
                yield from self._below(found, f"{before}{name}/")
            else:
                yield before + name

    def _entry(self, relative: str) -> tuple[str, str] | None:
        """(mode, id) of a path: folder by folder, so that no link is taken for what it leads to."""
        mode, name = _FOLDER, f"{self.id}^{{tree}}"
        for part in PurePath(f"{self.prefix}{relative}").parts:
            found = self.objects.tree(name).get(part) if mode == _FOLDER else None
            if found is None:
                return None
            mode, name = found
        return mode, name
