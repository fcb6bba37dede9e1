"""A tar written byte for byte the same by every Python; what is read must be written so, else it is refused.

`tarfile` writes one, too, but not the same one in each version of Python (device numbers of plain files), and digests
are made of these bytes. Layout: POSIX.1-1988 ustar, `pax(1)`; owner, group and time are 0, the mode is 0644.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import PurePosixPath

_BLOCK, _RECORD = 512, 10_240
_NAME, _PREFIX = 100, 155  # bytes of a path: its end, and what stands before
_PLAIN, _FOLDER = b"0", b"5"
_CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")
"""What no system takes in a name, or a terminal takes for something else; a backslash divides names on Windows."""
_OCTAL = re.compile(rb"[0-7]{11}")


class BadArchiveError(ValueError):
    """What is wrong with an archive, in a few words."""


def written(members: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    """The pieces of an archive of plain files, in the order given; a path that ends in `/` is a folder.

    Raises:
        BadArchiveError: a path that ustar cannot hold.
    """
    size = 0
    for path, content in members:
        yield _header(path, len(content))
        yield content
        yield bytes(-len(content) % _BLOCK)
        size += _BLOCK + len(content) + -len(content) % _BLOCK
    yield _end(size)


def _end(size: int) -> bytes:
    """Two empty blocks, and more up to a whole record."""
    end = 2 * _BLOCK
    return bytes(end + -(size + end) % _RECORD)


def _header(path: str, size: int) -> bytes:
    prefix, name = _split(path)
    mode, kind = (b"0000755\0", _FOLDER) if path.endswith("/") else (b"0000644\0", _PLAIN)
    fields = b"".join([
        name.ljust(_NAME, b"\0"), mode, b"0000000\0", b"0000000\0", b"%011o\0" % size, b"00000000000\0",
        b" " * 8, kind, bytes(100), b"ustar\0" b"00", bytes(32), bytes(32), b"0000000\0", b"0000000\0",
        prefix.ljust(_PREFIX, b"\0"), bytes(12),
    ])  # fmt: skip
    return fields[:148] + b"%06o\0 " % sum(fields) + fields[156:]


def fits(path: str) -> bool:
    """Whether `written` can hold a path."""
    try:
        _split(path)
    except BadArchiveError:
        return False
    return True


def _split(path: str) -> tuple[bytes, bytes]:
    whole = path.encode()
    if len(whole) <= _NAME:
        return b"", whole
    cut = whole.find(b"/", len(whole) - _NAME - 1)
    if 0 < cut <= _PREFIX:
        return whole[:cut], whole[cut + 1 :]
    raise BadArchiveError(f"the path {path!r} is too long for a tar")


def read(content: bytes, most: int, *, folders: bool = False) -> dict[str, bytes]:
    """Path → bytes of an archive that `written` wrote: plain files alone, at most so many, each once and inside.

    `folders`: it may have some, which are in none of the paths.

    Raises:
        BadArchiveError: it is none, or it holds anything else.
    """
    found: dict[str, bytes] = {}
    start = 0
    while (block := content[start : start + _BLOCK]).strip(b"\0"):
        path, size = _read_header(block, folders)
        if path in found:
            raise BadArchiveError(f"{path!r} is in it twice")
        if len(found) == most:
            raise BadArchiveError(f"it holds more than {most} files")
        start += _BLOCK
        found[path] = content[start : start + size]
        start += size + -size % _BLOCK
        if path.endswith("/"):
            del found[path]
    if content[start:] != _end(start):
        raise BadArchiveError("it is cut off, or more follows after its end")
    for path in found:
        if clash := next((above for above in _above(path) if above in found), ""):
            raise BadArchiveError(f"{clash!r} is a file, and {path!r} is in it")
    return found


def _above(path: str) -> Iterator[str]:
    """The folders that a path is in."""
    return accumulate(path.split("/")[:-1], "{}/{}".format)


def _read_header(block: bytes, folders: bool) -> tuple[str, int]:
    if len(block) < _BLOCK or block[257:263] != b"ustar\0":
        raise BadArchiveError("it is no tar, or cut off")
    name, prefix = block[:_NAME].rstrip(b"\0"), block[345 : 345 + _PREFIX].rstrip(b"\0")
    path = (prefix + b"/" + name if prefix else name).decode("utf-8", "backslashreplace")
    is_folder = folders and block[156:157] == _FOLDER and path.endswith("/")
    if block[156:157] != _PLAIN and not is_folder:
        raise BadArchiveError(f"{path!r} is no plain file")
    parts = PurePosixPath(path)
    if (
        parts.is_absolute()
        or not parts.parts
        or ".." in parts.parts
        or _CONTROL.search(path)
        or str(parts) != path.removesuffix("/" if is_folder else "")
    ):
        raise BadArchiveError(f"{path!r} leads out of it")
    size = int(block[124:135], 8) if _OCTAL.fullmatch(block[124:135]) else 0
    if block != _header(path, size):
        raise BadArchiveError(f"{path!r} has a header that is not written here")
    return path, size
