"""Where a status page stands: a folder, or a prefix of a bucket of an S3 service."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from kfp_gitops.base import files
from kfp_gitops.base.errors import InputError, RemoteError, UsageError
from kfp_gitops.operate.statuspage import page, plain
from kfp_gitops.operate.statuspage.bucket import Bucket
from kfp_gitops.operate.statuspage.records import Board

PAGE, DATA = "index.html", "status.json"
_MOST = 64 << 20
"""Bytes of a status.json: 10,000 pipelines in several environments."""


class Place(Protocol):
    """Holds files by name; each is the old one or the new one at any time, never half of one."""

    def read(self, name: str) -> str | None:
        """The text of a file; None where there is none."""

    def write(self, name: str, text: str) -> None:
        """Put a file in the place of what is there."""

    def shown(self, name: str) -> str:
        """How a message names a file."""


class Folder:
    """A folder of this machine, which is made where it is not there."""

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        if path.exists() and not path.is_dir():
            raise UsageError(f"{path}: no folder; give one, in which {PAGE} and {DATA} shall stand")

    def read(self, name: str) -> str | None:
        """See Place."""
        path = self._path / name
        if not path.exists():
            return None
        return files.text_in(files.bytes_of(str(path), str(path), _MOST), str(path))

    def write(self, name: str, text: str) -> None:
        """See Place."""
        self._path.mkdir(parents=True, exist_ok=True)
        files.write_text(self._path, name, text)

    def shown(self, name: str) -> str:
        """See Place."""
        return str(self._path / name)


def at(where: str) -> Place:
    """The place of a path or of `s3://bucket/prefix`.

    Raises:
        UsageError: it is neither.
    """
    return Bucket.at(where) if where.startswith("s3:") else Folder(Path(where))


def publish(place: Place, board: Board) -> None:
    """Write the page and its data. Both are made before one is written, so that what fails leaves what was there."""
    texts = {DATA: plain.to_json(board), PAGE: page.to_html(board)}
    for name, text in texts.items():
        place.write(name, text)


def before(place: Place) -> Board | None:
    """What was written there the last time; None where that cannot be read, or not by this version.

    S3 says of an object that is not there that it is forbidden, to whom it does not list the bucket.
    """
    try:
        text = place.read(DATA)
        return None if text is None else plain.from_json(text, place.shown(DATA))
    except (InputError, RemoteError):
        return None


def boards(where: str, environments: Sequence[str]) -> Iterator[Board]:
    """The status.json of each folder of a place, of a bucket those that are called as an environment; else its own.

    Its own, beside those of folders, is what was put together of them the last time.

    Raises:
        InputError: one of them is no status.json of this version, or there is none at all.
    """
    path = Path(where)
    if not where.startswith("s3:") and path.is_file():
        texts = [(where, files.text_in(files.bytes_of(where, where, _MOST), where))]
    else:
        below = environments if where.startswith("s3:") else files.list_folders(path, ".")
        place = at(where)
        texts = _texts(place, [f"{name}/{DATA}" for name in below]) or _texts(place, [DATA])
    if not texts:
        raise InputError.of(where, f"no {DATA} in it, nor in a folder of it", "have one written there first")
    for shown, text in texts:
        yield plain.from_json(text, shown)


def _texts(place: Place, names: Sequence[str]) -> list[tuple[str, str]]:
    return [(place.shown(name), text) for name in names if (text := place.read(name)) is not None]
