"""The registry of models and recommendations: a local folder or `s3://bucket/prefix`.

models/<service>/<metric>/<sha256>.json    models by content; writing one again changes nothing
recommendations/<sha256>.json              recommendations by content
current.json                               what is in force, written last: readers never see half a release
tmp/<run id>/                              what a run may leave behind until it is cleaned up
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Protocol

from predictive_scaling.documents import write_bytes
from predictive_scaling.errors import InputError, RegistryError

CURRENT = "current.json"
S3_PREFIX = "s3://"
_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


class Registry(Protocol):
    """Objects under keys such as `models/checkout/cpu/<digest>.json`."""

    def put(self, key: str, data: bytes) -> None:
        """Write an object whole; raises RegistryError."""
        ...

    def get(self, key: str) -> bytes:
        """Read an object; raises RegistryError, also when there is none."""
        ...

    def delete_under(self, folder: str) -> int:
        """Delete the objects of a folder, such as `tmp/run-1`; gives their number. Raises RegistryError."""
        ...


def open_registry(uri: str) -> Registry:
    """Open `s3://bucket/prefix` or a folder; raises InputError for another scheme or an empty name."""
    if uri.startswith(S3_PREFIX):
        from predictive_scaling.store_s3 import S3Registry

        bucket, _, prefix = uri.removeprefix(S3_PREFIX).partition("/")
        if not bucket:
            raise InputError(f"{uri!r} names no bucket")
        return S3Registry(bucket, prefix.strip("/"))
    if not uri or "://" in uri:
        raise InputError(f"registry {uri!r}: expected s3://bucket/prefix or a folder")
    return LocalRegistry(Path(uri))


def checked_key(key: str) -> str:
    """Give the key back when it cannot leave the registry; raises InputError."""
    if not _KEY.fullmatch(key):
        raise InputError(f"{key!r} is not a registry key")
    return key


class LocalRegistry:
    """A registry in a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, key: str, data: bytes) -> None:
        """See Registry."""
        try:
            write_bytes(self._root / checked_key(key), data)
        except OSError as error:
            raise RegistryError(f"cannot write {key}: {error}") from error

    def get(self, key: str) -> bytes:
        """See Registry."""
        try:
            return (self._root / checked_key(key)).read_bytes()
        except OSError as error:
            raise RegistryError(f"cannot read {key}: {error}") from error

    def delete_under(self, folder: str) -> int:
        """See Registry."""
        base = self._root / checked_key(folder)
        found = sorted(base.rglob("*"), reverse=True) if base.is_dir() else []
        files = [path for path in found if not path.is_dir() or path.is_symlink()]
        try:
            for path in files:
                path.unlink()
            for path in [*(path for path in found if path not in files), *([base] if found else [])]:
                path.rmdir()
        except OSError as error:
            raise RegistryError(f"cannot delete under {folder}: {error}") from error
        return len(files)
