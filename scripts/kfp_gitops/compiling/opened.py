"""Which files of a repository are read while something runs: modules that it imports, and whatever else it opens."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

# Nobody edits it for a component's sake, and no two machines have the same.
_INSTALLED = "site-packages"
_WRITING = os.O_WRONLY | os.O_RDWR


@dataclass
class Opened:
    """The paths that a thread opened for reading below a root, relative to it."""

    root: str
    without: Sequence[str] = ()
    """Names of folders in the root of which nothing counts."""
    thread: int = field(default_factory=threading.get_ident)
    paths: set[str] = field(default_factory=set)

    def heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An event of Python's audit (https://docs.python.org/3/library/audit_events.html: open(path, mode, flags))."""
        if event != "open" or self.thread != threading.get_ident():
            return
        if not isinstance(arguments[0], str) or arguments[2] & _WRITING:
            return
        path = os.path.realpath(arguments[0])
        if path.startswith(f"{self.root}/") and self._counts(PurePath(path).relative_to(self.root)):
            self.paths.add(PurePath(path).relative_to(self.root).as_posix())

    def _counts(self, path: PurePath) -> bool:
        return (
            path.parts[0] not in self.without
            and _INSTALLED not in path.parts
            and not any(part.startswith(".") for part in path.parts)
        )

    def read(self) -> dict[str, bytes]:
        """Those that are still there, by path."""
        found = {path: Path(self.root, path) for path in sorted(self.paths)}
        return {path: file.read_bytes() for path, file in found.items() if file.is_file()}


_listening: list[Opened] = []
"""Python takes no hook back, so the one that stands hears nothing while this is empty."""


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    for one in _listening:
        one.heard(event, arguments)


_hooked: list[bool] = []


@contextmanager
def listening(root: Path, without: Sequence[str] = ()) -> Iterator[Opened]:
    """Hear what is opened below a root, but for what is installed, hidden, or in folders of these names."""
    if not _hooked:
        sys.addaudithook(_hook)
        _hooked.append(True)
    found = Opened(os.path.realpath(root), without=without)
    _listening.append(found)
    try:
        yield found
    finally:
        _listening.remove(found)
