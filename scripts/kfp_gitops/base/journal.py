"""What stood at paths before a command wrote them, kept on the disk, and how it is put back.

It outlives the process, and holds what forked processes write. A kept file is the old one itself under a second name
(link(2)): nothing is copied, and going back needs no room on the disk. What somebody else changed since is theirs, and
stays. In the folder:

    ID.path    a path that was about to be written or removed, and which folders it needs (JSON)
    ID.before  the file that was there, if there was one
    ID.ours    digests of what was to stand there, a line each
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from kfp_gitops.base.errors import UsageError

_REMOVED = "-"
_UNREADABLE = "?"
_TEMPORARY = r"\.%s\.[0-9a-f]{16}"
"""As `files` names a file before it is whole."""


@dataclass(frozen=True)
class Journal:
    """Of the files below `root`, in a folder of its own."""

    root: Path
    folder: Path

    def note(self, path: Path, content: bytes | None) -> None:
        """Before a file gets this content; None: before it is removed. Files elsewhere are not noted."""
        if not path.is_relative_to(self.root):
            return
        relative = path.relative_to(self.root)
        entry = self.folder / hashlib.sha256(os.fsencode(relative)).hexdigest()
        with entry.with_suffix(".ours").open("a", encoding="ascii") as ours:
            ours.write(f"{_digest(content)}\n")
        noted = entry.with_suffix(".path")
        if not noted.exists():
            there = _kept(path, entry.with_suffix(".before"))
            made = [str(folder) for folder in relative.parents if not (self.root / folder).is_dir()]
            _write_whole(noted, json.dumps({"path": str(relative), "there": there, "made": made}))

    def undone(self) -> tuple[list[str], list[str]]:
        """Paths that are as they were again, and those that are left to whom changed them. May be done twice.

        Raises:
            UsageError: this folder is not one that we wrote; nothing is touched then.
        """
        back: list[str] = []
        changed: list[str] = []
        made: set[str] = set()
        for file, noted in [(file, self._said(file)) for file in sorted(self.folder.glob("*.path"))]:
            made.update(noted["made"])
            (back if self._restored(file, noted) else changed).append(noted["path"])
        for folder in sorted(made, key=len, reverse=True):
            with suppress(OSError):  # somebody put something into it
                (self.root / folder).rmdir()
        return sorted(back), sorted(changed)

    def _said(self, file: Path) -> dict[str, Any]:
        """What is noted of a path, which may have come with a branch of somebody: only files of ours are put back."""
        try:
            said: dict[str, Any] = json.loads(file.read_text("utf-8"))
            ours = file.with_suffix(".ours").is_file() and type(said["there"]) is bool
            if ours and all(map(self._is_of_ours, [said["path"], *said["made"]])):
                return said
        except (OSError, ValueError, TypeError, LookupError, RecursionError):
            pass
        raise UsageError(
            f"{file}: new.py and import.py write no such thing; look where this folder is from, then remove it"
        )

    def _is_of_ours(self, path: str) -> bool:
        """Whether it is below the root, reached through no link, and no part of Git's own folder."""
        parts = PurePath(path).parts
        folders = [self.root.joinpath(*parts[:length]) for length in range(1, len(parts))]
        inside = bool(parts) and not PurePath(path).is_absolute() and ".." not in parts
        return inside and parts[0].casefold() != ".git" and not any(one.is_symlink() for one in folders)

    def _restored(self, noted: Path, said: dict[str, Any]) -> bool:
        path, before = self.root / said["path"], noted.with_suffix(".before")
        _remove_halves(path)
        if said["there"] and (not os.path.lexists(before) or _same(before, path)):
            return True  # it is as it was, or an earlier going back was cut off after this one
        ours = {*noted.with_suffix(".ours").read_text("ascii").split()}
        if _found(path) not in (ours if said["there"] else {*ours, _REMOVED}):
            return False
        if said["there"]:
            path.parent.mkdir(parents=True, exist_ok=True)
            before.replace(path)
        else:
            path.unlink(missing_ok=True)
        return True


def _kept(path: Path, place: Path) -> bool:
    """Give a file a second name; whether there is one."""
    try:
        os.link(path, place, follow_symlinks=False)
    except FileNotFoundError:
        return False
    except OSError:  # this file system has no second names
        shutil.copy2(path, place, follow_symlinks=False)
    return True


def _write_whole(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(text, "utf-8")
    fresh.replace(path)


def _digest(content: bytes | None) -> str:
    return _REMOVED if content is None else hashlib.sha256(content).hexdigest()


def _found(path: Path) -> str:
    """What stands at a path now."""
    try:
        return _digest(path.read_bytes() if os.path.lexists(path) else None)
    except OSError:
        return _UNREADABLE


def _same(one: Path, other: Path) -> bool:
    with suppress(OSError):
        return os.path.samestat(one.lstat(), other.lstat()) or _found(one) == _found(other)
    return False


def _remove_halves(path: Path) -> None:
    """What was written of a file when its process was killed."""
    for found in _halves(path):
        found.unlink(missing_ok=True)


def _halves(path: Path) -> Iterator[Path]:
    half = re.compile(_TEMPORARY % re.escape(path.name))
    if path.parent.is_dir():
        yield from (found for found in path.parent.iterdir() if half.fullmatch(found.name))
