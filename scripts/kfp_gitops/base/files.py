"""The edge to the disk: bounded reads inside one root, atomic writes.

By os rather than pathlib, which takes three times as long: a large environment has thousands of files.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import suppress
from itertools import accumulate
from pathlib import Path, PurePath
from typing import BinaryIO

from kfp_gitops.base import takeback
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamltext import GENERATED

MAX_BYTES = GENERATED.bytes
"""Of any file; of YAML that people write less is read."""
_NO_LINK: int = getattr(os, "O_NOFOLLOW", 0)
"""A link is not opened (open(2)); 0 where there is no such thing."""


def read_text(root: Path, relative: str) -> str:
    """The text of a regular file below root, with `\\n` line ends.

    Raises:
        InputError: missing, not a regular file, reached through a symbolic link, too large, not UTF-8.
    """
    return text_of(_plain(root, relative), relative)


def text_of(path: str, shown: str) -> str:
    """The text of a file whose path was looked at; `shown` is how messages name it.

    Raises:
        InputError: missing, not a regular file, too large, not UTF-8.
    """
    return text_in(bytes_of(path, shown), shown)


def bytes_of(path: str, shown: str, most: int = MAX_BYTES) -> bytes:
    """The bytes of a file whose path was looked at, at most so many.

    Raises:
        InputError: missing, not a regular file, too large.
    """
    if not os.path.isfile(path):
        raise InputError.of(shown, "no such file", "create it, or correct the name that leads to it")
    if os.path.getsize(path) > most:
        raise InputError.of(shown, f"larger than {most} bytes", "split the file")
    return read_whole(path)


def text_in(content: bytes, shown: str) -> str:
    """Bytes as a text with `\\n` line ends.

    Raises:
        InputError: not UTF-8.
    """
    try:
        return _decoded(content)
    except UnicodeDecodeError as error:
        raise InputError.of(shown, f"not UTF-8 at byte {error.start}", "save the file as UTF-8") from None


def read_bytes(root: Path, relative: str, most: int) -> bytes:
    """The bytes of a regular file below root, at most so many.

    Raises:
        InputError: missing, not a regular file, reached through a symbolic link, too large.
    """
    return bytes_of(_plain(root, relative), relative, most)


def read_texts(root: Path, folder: str) -> dict[str, str]:
    """The text of each file below a folder, by its path in it: what `list_files` lists, as `read_text` reads it.

    The folders on the way are looked at once, for `list_files` enters no link.

    Raises:
        InputError: as `read_text`, of the first file.
    """
    names = list_files(root, folder)
    for name in names[:1]:
        _inside(root, f"{folder}/{name}")
    base = os.path.join(root, folder)
    return {name: _plain_text(f"{base}/{name}") or read_text(root, f"{folder}/{name}") for name in names}


def _plain_text(path: str) -> str | None:
    """The text of a regular file that is no link; nothing where there is something to tell about it."""
    if not _NO_LINK:
        return None
    try:
        with open(
            path, "rb", buffering=0, opener=lambda name, flags: os.open(name, flags | _NO_LINK)
        ) as file:
            found = os.fstat(file.fileno())
            plain = stat.S_ISREG(found.st_mode) and found.st_size <= MAX_BYTES
            return _decoded(file.read()) if plain else None
    except (OSError, UnicodeDecodeError):
        return None


def _decoded(content: bytes) -> str:
    text = content.decode("utf-8")
    return text.replace("\r\n", "\n") if "\r" in text else text


def _inside(root: Path, relative: str) -> str:
    """The path of something below a root that no symbolic link leads to; it may itself be one.

    Raises:
        InputError: it leads elsewhere. A stranger's pull request may make any folder a link.
    """
    parts = PurePath(relative).parts
    folders = accumulate(parts[:-1], os.path.join, initial=os.path.join(root, ""))
    if ".." in parts or os.path.isabs(relative) or any(map(os.path.islink, folders)):
        raise _outside(relative)
    return os.path.join(root, relative)


def _plain(root: Path, relative: str) -> str:
    """As `_inside`, and it is no link either."""
    path = _inside(root, relative)
    if os.path.islink(path):
        raise _outside(relative)
    return path


def folder_inside(root: Path, relative: str) -> Path:
    """A folder below a root that is no symbolic link, nor reached through one; it need not be there.

    Raises:
        InputError: it leads elsewhere.
    """
    return Path(_plain(root, relative))


def _outside(relative: str) -> InputError:
    return InputError.of(relative, "leads out of the repository", "use a plain file or folder inside it")


def read_whole(path: str) -> bytes:
    """All bytes of a file, whose path was looked at and whose size is no matter.

    Raises:
        OSError: it is not there, or may not be read.
    """
    with open(path, "rb", buffering=0) as file:
        return file.read()


def list_files(root: Path, folder: str, *, hidden: bool = False) -> list[str]:
    """All files below a folder, as sorted paths relative to it with `/`; hidden ones are left out unless asked for."""
    base = root / folder
    return sorted(_below(os.fspath(base), "", hidden)) if base.is_dir() else []


def _below(folder: str, prefix: str, hidden: bool) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") and not hidden:
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _below(entry.path, f"{prefix}{entry.name}/", hidden)
            elif entry.is_file() or entry.is_symlink():
                yield prefix + entry.name


def list_folders(root: Path, folder: str) -> list[str]:
    """The names of the folders directly in a folder, sorted."""
    base = root / folder
    if not base.is_dir():
        return []
    return sorted(path.name for path in base.iterdir() if path.is_dir() and not path.name.startswith("."))


def write_text(root: Path, relative: str, text: str) -> None:
    """Write a file below root so that a reader sees the old or the new text, never half of one.

    Raises:
        InputError: a symbolic link leads out of the root; one in the file's own place is replaced.
    """
    write_whole(_inside(root, relative), text.encode())


def write_result(path: Path, text: str) -> None:
    """Write what somebody asked for to the file that they named, whole or not at all, and make its folder.

    What is no file (a pipe, /dev/stdout) is written to: a file in its place would be all that is left of /dev/null.
    A link stays, and leads to the new text.

    Raises:
        OSError: it is a folder, or may not be written.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        target.write_bytes(text.encode())
        return
    write_whole(os.fspath(target), text.encode())


def write_whole(path: str, content: bytes) -> None:
    """Write a file whose path was looked at, whole or not at all, and make its folder; noted, to be taken back.

    Raises:
        OSError: it is a folder, or may not be written.
    """
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}.{secrets.token_hex(8)}")
    takeback.writing(path, content)
    try:
        with _created(temporary) as file:
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def _created(path: str) -> BinaryIO:
    try:
        return open(path, "xb")
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return open(path, "xb")
