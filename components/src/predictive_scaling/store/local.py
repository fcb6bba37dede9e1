"""The registry in a folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from predictive_scaling.base.documents import write_bytes
from predictive_scaling.base.errors import MissingObjectError, RegistryError
from predictive_scaling.store.registry import MAX_OBJECT_BYTES, Stored, checked_key


class LocalRegistry:
    """A registry in a folder. See Registry for the methods."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, key: str, data: bytes) -> None:
        """See Registry."""
        with _translated(f"cannot write {key}"):
            write_bytes(self._root / checked_key(key), data)

    def get(self, key: str) -> bytes:
        """See Registry."""
        path = self._root / checked_key(key)
        with _translated(f"cannot read {key}"):
            if path.stat().st_size > MAX_OBJECT_BYTES:
                raise RegistryError(f"cannot read {key}: larger than {MAX_OBJECT_BYTES} bytes")
            return path.read_bytes()

    def put_file(self, key: str, path: Path) -> None:
        """See Registry."""
        with _translated(f"cannot write {key}"):
            _copy(path, self._root / checked_key(key))

    def get_file(self, key: str, path: Path) -> None:
        """See Registry."""
        with _translated(f"cannot read {key}"):
            _copy(self._root / checked_key(key), path)

    def objects_under(self, folder: str) -> list[Stored]:
        """See Registry."""
        with _translated(f"cannot list {folder}"):
            files = [path for path in (self._root / checked_key(folder)).rglob("*") if path.is_file()]
            return sorted((self._stored(path) for path in files), key=lambda each: each.key)

    def _stored(self, path: Path) -> Stored:
        found = path.stat()
        key = path.relative_to(self._root).as_posix()
        return Stored(key, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def delete(self, key: str) -> None:
        """See Registry."""
        with _translated(f"cannot delete {key}"):
            (self._root / checked_key(key)).unlink(missing_ok=True)

    def delete_under(self, folder: str) -> int:
        """See Registry."""
        base = self._root / checked_key(folder)
        found = sorted(base.rglob("*"), reverse=True) if base.is_dir() else []
        files = [path for path in found if not path.is_dir() or path.is_symlink()]
        with _translated(f"cannot delete under {folder}"):
            for path in files:
                path.unlink()
            for path in [*(path for path in found if path not in files), *([base] if found else [])]:
                path.rmdir()
        return len(files)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    shutil.copyfile(source, part)
    part.replace(target)


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """The one boundary at which the system's errors become ours."""
    try:
        yield
    except FileNotFoundError as error:
        raise MissingObjectError(f"{what}: there is no such object") from error
    except OSError as error:
        raise RegistryError(f"{what}: {error.strerror or error}") from error
