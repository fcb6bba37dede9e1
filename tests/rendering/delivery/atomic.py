"""A volume as a kubelet lays it, step by step as kubernetes/pkg/volume/util/atomic_writer.go does (v1.34).

ConfigMaps, Secrets, projected volumes, the downward API and tokens are all laid so. The content stands in a dated
folder; `..data` is a link to it, and each name of the first level is a link into `..data`, be it a file or a folder.
"""

from __future__ import annotations

import itertools
import shutil
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

_NUMBERS = itertools.count(100_000_000)


class Volume:
    """One volume; `write` is what the kubelet does when it is first laid and at every update."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self._one_at_a_time = threading.Lock()

    def write(self, payload: Mapping[str, str | bytes], swapped: Callable[[], None] = lambda: None) -> None:
        """Lay a new state; `swapped` is called right after the rename, before the first level is mended."""
        with self._one_at_a_time:
            old = self._current()
            dated = self._dated(payload)
            link = self.folder / "..data_tmp"
            link.symlink_to(dated.name)
            link.rename(self.folder / "..data")
            swapped()
            self._mend({path.split("/")[0] for path in payload})
            if old:
                shutil.rmtree(old)

    def _current(self) -> Path | None:
        data = self.folder / "..data"
        return self.folder / data.readlink() if data.is_symlink() else None

    def _dated(self, payload: Mapping[str, str | bytes]) -> Path:
        dated = self.folder / f"..{datetime.now(UTC):%Y_%m_%d_%H_%M_%S}.{next(_NUMBERS)}"
        dated.mkdir(0o755)
        for path, content in payload.items():
            place = dated / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content if isinstance(content, bytes) else content.encode())
            place.chmod(0o644)
        return dated

    def _mend(self, wanted: set[str]) -> None:
        present = {path.name for path in self.folder.iterdir() if not path.name.startswith("..")}
        for name in sorted(wanted - present):
            (self.folder / name).symlink_to(f"..data/{name}")
        for name in sorted(present - wanted):
            (self.folder / name).unlink()
