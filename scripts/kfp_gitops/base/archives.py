"""Many pipelines in few files: archives of some of them each. `base.parts` reads them, and never unpacks one.

A ConfigMap holds 1 MiB, and an object for each of 10,000 pipelines is more than Argo CD shows or a pod mounts. So the
pipelines of a large environment are spread over some archives by the digests of their names: a change of one pipeline
changes one archive. In the folder there are

* `environment.yaml`: the head, without `pipelines`; `parts` and `componentParts` say how many archives there are;
* `pipelines-NN.tar.gz`, each with an `environment.yaml` (its part of `pipelines`), a `versions.lock.yaml` (its part of
  the lock) and the files of its pipelines;
* `components-NN.tar.gz`: the component specs, which pipelines of any part share.

What an archive is, is its tar: compressors may differ, so of one tar there can be several writings.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from kfp_gitops.base import ustar
from kfp_gitops.base.ustar import BadArchiveError

HEAD, LOCK = "environment.yaml", "versions.lock.yaml"
PIPELINES, COMPONENTS = "pipelines", "components"
LARGEST = 672_000
"""Bytes of an archive. In base64, as a ConfigMap has it, these are 896,000 characters: below 900 kB with its frame."""
MOST_PARTS = 256
_UNPACKED = 64 * 1024 * 1024
_FILES = 20_000
_GZIP = 31  # zlib's wbits: a gzip frame, the largest window
_PLAIN_GZIP = b"\x1f\x8b\x08\x00"
"""Deflated, and no name, comment or extra field in the header, in which anything could stand."""


def part_of(name: str, parts: int) -> int:
    """In which of so many parts something belongs, by its name alone."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()) % parts


def file_name(kind: str, part: int) -> str:
    """`pipelines-07.tar.gz`."""
    return f"{kind}-{part:02}.tar.gz"


@dataclass(frozen=True)
class Archive:
    """An archive to be written: path → text, in this order. A `folders.Blob`."""

    texts: Mapping[str, str]

    def tar(self) -> Iterator[bytes]:
        """The pieces of its tar, made when they are asked for: all at once are larger than all that is rendered."""
        return ustar.written((path, text.encode()) for path, text in self.texts.items())

    @cached_property
    def digest(self) -> str:
        """Identity of its content: what `gunzip -c FILE | sha256sum` says."""
        found = hashlib.sha256()
        for piece in self.tar():
            found.update(piece)
        return f"sha256:{found.hexdigest()}"

    @cached_property
    def _content(self) -> bytes:
        """Of instances of one template the best level takes six times as long, and saves a hundredth."""
        tar = b"".join(self.tar())
        usual = _packed(tar, 6)
        return usual if len(usual) <= LARGEST else _packed(tar, 9)

    def content(self) -> bytes:
        """Its bytes as they are written here; the same content may have been written otherwise elsewhere."""
        return self._content

    def is_in(self, found: bytes) -> bool:
        """Whether a file is this archive, whoever compressed it."""
        tar = tar_in(found)
        return tar is not None and tar == b"".join(self.tar())

    def faults(self) -> str:
        """Why nobody could read it; nothing when all is well."""
        size = sum(len(piece) for piece in self.tar())
        if size > _UNPACKED or len(self.texts) > _FILES:
            return f"{len(self.texts)} files of {size} bytes; an archive has at most {_FILES} of {_UNPACKED}"
        if len(self.content()) > LARGEST:
            return f"{len(self.content())} bytes compressed; an archive has at most {LARGEST}"
        return ""


def read(content: bytes) -> dict[str, bytes]:
    """The files in an archive; of a stranger's none takes more memory than is allowed.

    Raises:
        BadArchiveError: it is none, or one that is not written here.
    """
    return ustar.read(_unpacked(content), _FILES)


def tar_in(content: bytes) -> bytes | None:
    """The tar in the bytes of an archive, whoever compressed it; None where they are no archive as is written here."""
    if len(content) > LARGEST or not content.startswith(_PLAIN_GZIP):
        return None
    try:
        return _unpacked(content)
    except BadArchiveError:
        return None


def _packed(tar: bytes, level: int) -> bytes:
    packer = zlib.compressobj(level, zlib.DEFLATED, _GZIP)
    return packer.compress(tar) + packer.flush()


def _unpacked(content: bytes) -> bytes:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        found = unpacker.decompress(content, _UNPACKED + 1)
    except zlib.error as error:
        raise BadArchiveError(f"it is no gzip, or was damaged: {error}") from None
    if len(found) > _UNPACKED:
        raise BadArchiveError(f"it holds more than {_UNPACKED} bytes")
    if not unpacker.eof or unpacker.unused_data:
        raise BadArchiveError("it is cut off, or more follows after its end")
    return found
