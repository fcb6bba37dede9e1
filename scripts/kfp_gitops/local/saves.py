"""Files that somebody edits, looked at again and again: which were saved with another content since the last look."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_LOOK_SECONDS = 0.3
QUIET_SECONDS = 0.25
"""So long nothing is saved before it counts: an editor saves in several steps, and somebody saves several files."""
_MOST_LOOKS = 40
"""For that moment: a log that is written on and on has none."""
_LARGE = 1 << 20
"""Bytes from which a file is known by its time and size alone."""
_NOT_EDITED = ("~", ".swp", ".swx", ".tmp", ".pyc")
_COMPILED = b"# Compiled from "
"""As what `components.py` writes begins: a look that follows one's own writing would find it."""
Stamp = tuple[int, int]


@dataclass
class Saves:
    """The files below some folders, as they were at the last look."""

    folders: Sequence[Path]
    sleep: Callable[[float], None] = time.sleep
    _stamps: dict[str, Stamp] = field(default_factory=dict)
    _digests: dict[str, str] = field(default_factory=dict)

    def look(self) -> list[Path]:
        """Those whose content is another than at the last look, those that are new and those that are gone."""
        before, digests = self._stamps, self._digests
        self._stamps = dict(self._found())
        touched = [path for path, stamp in self._stamps.items() if before.get(path) != stamp]
        self._digests = {path: digests[path] for path in self._stamps if path in digests}
        self._digests |= {path: _digest(path, self._stamps[path]) for path in touched}
        gone = [path for path in before if path not in self._stamps and digests.get(path)]
        changed = [path for path in touched if self._digests[path] != digests.get(path, "")]
        return [Path(path) for path in sorted({*gone, *changed})]

    def pending(self) -> bool:
        """Whether something may have been saved since the last look; that does not take note of it."""
        now = dict(self._found())
        return now != self._stamps and any(
            _digest(path, now[path]) != self._digests.get(path, "")
            for path in now
            if now[path] != self._stamps.get(path)
        )

    def wait(self) -> list[Path]:
        """Until something was saved and then nothing for a moment, if one comes soon; gives what it was."""
        while not (changed := self.look()):
            self.sleep(_LOOK_SECONDS)
        found = set(changed)
        for _ in range(_MOST_LOOKS):
            self.sleep(QUIET_SECONDS)
            more = self.look()
            if not more:
                break
            found.update(more)
        return sorted(found)

    def _found(self) -> Iterator[tuple[str, Stamp]]:
        for folder in self.folders:
            yield from _below(str(folder))


def _below(folder: str) -> Iterator[tuple[str, Stamp]]:
    try:
        entries = list(os.scandir(folder))
    except OSError:  # removed since it was listed
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name == "__pycache__" or entry.name.endswith(_NOT_EDITED):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _below(entry.path)
            continue
        try:
            found = entry.stat()
        except OSError:
            continue
        if stat.S_ISREG(found.st_mode):  # of a pipe or a device a read may never end
            yield entry.path, (found.st_mtime_ns, found.st_size)


def _digest(path: str, stamp: Stamp) -> str:
    """Of a file's content; "" of what nobody edits, or what cannot be read just now."""
    if stamp[1] > _LARGE:
        return f"{stamp}"
    try:
        content = Path(path).read_bytes()
    except OSError:
        return ""
    return "" if content.startswith(_COMPILED) else hashlib.sha256(content).hexdigest()
