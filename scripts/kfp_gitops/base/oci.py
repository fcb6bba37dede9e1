"""A folder of texts as an OCI image, the same bytes on every machine: its digest is known before anything is pushed.

One layer, a tar that nobody compresses, for a compressor's output is its own affair; no time, no author. Kubernetes
takes an image of the node's own architecture, so an index names one for each: they differ in their config alone (OCI
image spec 1.1: image-layout.md, manifest.md, config.md, image-index.md).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from kfp_gitops.base import ustar

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
_ARCHITECTURES = ("amd64", "arm64")
Pieces = Callable[[], Iterable[bytes]]


@dataclass(frozen=True)
class Blob:
    """Content by its digest; its pieces are made when they are asked for."""

    kind: str
    digest: str
    size: int
    pieces: Pieces

    @classmethod
    def of(cls, kind: str, pieces: Pieces) -> Blob:
        """Read once for its digest and size."""
        found, size = hashlib.sha256(), 0
        for piece in pieces():
            found.update(piece)
            size += len(piece)
        return cls(kind, f"sha256:{found.hexdigest()}", size, pieces)

    @property
    def content(self) -> bytes:
        """All of it."""
        return b"".join(self.pieces())

    @property
    def descriptor(self) -> dict[str, Any]:
        """How another one names it."""
        return {"mediaType": self.kind, "digest": self.digest, "size": self.size}


@dataclass(frozen=True)
class Image:
    """Path → text of what the image holds."""

    texts: Mapping[str, str]

    @property
    def digest(self) -> str:
        """By which it is pulled, and signed."""
        return self.index.digest

    def blobs(self) -> Iterator[Blob]:
        """What a registry needs before the manifests."""
        yield self.layer
        yield from self._configs.values()

    @cached_property
    def layer(self) -> Blob:
        """The texts, and the folders on the way: not every runtime makes one that all may enter."""
        names = sorted(self.texts)
        folders = {f"{folder}/" for name in names for folder in PurePosixPath(name).parents if folder.name}
        members = sorted([*folders, *names])

        def pieces() -> Iterator[bytes]:
            return ustar.written((name, self.texts.get(name, "").encode()) for name in members)

        return Blob.of(LAYER, pieces)

    @cached_property
    def manifests(self) -> dict[str, Blob]:
        """One for each architecture."""
        return {name: self._manifest(config) for name, config in self._configs.items()}

    @cached_property
    def index(self) -> Blob:
        """What names all of it."""
        named = [
            {**found.descriptor, "platform": {"architecture": name, "os": "linux"}}
            for name, found in self.manifests.items()
        ]
        return _json(INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": named})

    @cached_property
    def _configs(self) -> dict[str, Blob]:
        layers = {"type": "layers", "diff_ids": [self.layer.digest]}
        return {
            name: _json(CONFIG, {"architecture": name, "os": "linux", "config": {}, "rootfs": layers})
            for name in _ARCHITECTURES
        }

    def _manifest(self, config: Blob) -> Blob:
        layers = [self.layer.descriptor]
        content = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config.descriptor, "layers": layers}
        return _json(MANIFEST, content)

    def layout(self) -> Iterator[tuple[str, Pieces]]:
        """(path, content) of an OCI image layout, which skopeo, oras, crane and cosign read."""
        yield "oci-layout", lambda: [b'{"imageLayoutVersion":"1.0.0"}']
        for blob in (*self.blobs(), *self.manifests.values(), self.index):
            yield f"blobs/sha256/{blob.digest.removeprefix('sha256:')}", blob.pieces
        yield "index.json", _json(INDEX, {"schemaVersion": 2, "manifests": [self.index.descriptor]}).pieces


def _json(kind: str, value: Any) -> Blob:
    content = json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
    return Blob.of(kind, lambda: [content])
