"""The registry of models and recommendations: a local folder, or `s3://bucket/prefix` (also written `minio://`).

models/<service>/<metric>/<sha256>.json    models by content; writing one again changes nothing
recommendations/<sha256>.json              recommendations by content
runs/<instant>-<run id>/                   what a run read and made: source data, predictions, metadata.json
current.json                               what is in force, written last: readers never see half a release
tmp/<run id>/                              what a run may leave behind until it is cleaned up
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from predictive_scaling.base.errors import InputError

CURRENT = "current.json"
# No object is read into memory beyond this; files go through get_file, which streams.
MAX_OBJECT_BYTES = 64_000_000
_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


@dataclass(frozen=True)
class Stored:
    """An object that is there: its key, size in bytes and when it was last written (UTC)."""

    key: str
    size: int
    modified: datetime


class Registry(Protocol):
    """Objects under keys such as `models/checkout/cpu/<digest>.json`. All methods raise RegistryError.

    A write is whole or not at all, and what is read is what was written: both ends compare checksums.
    """

    def put(self, key: str, data: bytes) -> None:
        """Write an object."""
        ...

    def get(self, key: str) -> bytes:
        """Read an object of at most 64 MB; MissingObjectError, a RegistryError, when there is none."""
        ...

    def put_file(self, key: str, path: Path) -> None:
        """Write a file of any size, in parts where it is large."""
        ...

    def get_file(self, key: str, path: Path) -> None:
        """Read an object of any size into a file, which appears whole or not at all."""
        ...

    def objects_under(self, folder: str) -> list[Stored]:
        """Objects of a folder and below it, by key."""
        ...

    def delete(self, key: str) -> None:
        """Delete an object; it is no error when there is none."""
        ...

    def delete_under(self, folder: str) -> int:
        """Delete the objects of a folder, such as `tmp/run-1`; gives their number."""
        ...


def checked_key(key: str) -> str:
    """Give the key back when it cannot leave the registry; raises InputError."""
    if not _KEY.fullmatch(key):
        raise InputError(f"{key!r} is not a registry key")
    return key
