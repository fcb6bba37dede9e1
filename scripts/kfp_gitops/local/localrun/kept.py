"""The cache of runs on this machine: what tasks of one pipeline gave, one file each, under KFP's own key."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from kfp_gitops.compiling import cachekey
from kfp_gitops.local.localrun import cache
from kfp_gitops.local.localrun.cache import Asked
from kfp_gitops.local.localrun.executors import remote
from kfp_gitops.local.localrun.values import Outputs


class Kept:
    """A folder of results.

    `libraries` stand for the image of Python components here, so their content counts as the image does on KFP. A
    result is not used once a file that it points to is gone with its run.
    """

    def __init__(self, folder: Path, libraries: Sequence[Path]) -> None:
        self._folder, self._libraries = folder, libraries

    def find(self, asked: Asked) -> tuple[str, Outputs | None]:
        """The fingerprint of a task, and what one with the same gave; a file that cannot be read is none."""
        key = cachekey.cache_key(
            asked.inputs, asked.outputs, asked.output_parameter_types, asked.command_and_args,
            f"{asked.image} {self._content}", asked.pvc_names,
        )  # fmt: skip
        fingerprint = cachekey.fingerprint(key)
        try:
            found = cache.of_json(json.loads(self._file(fingerprint).read_text("utf-8")))
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return fingerprint, None
        return fingerprint, found if _is_whole(found) else None

    def note(self, fingerprint: str, outputs: Outputs) -> None:
        """Keep it, in whole or not at all; another run may be doing the same."""
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor, unfinished = tempfile.mkstemp(dir=self._folder, prefix=".")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(cache.to_json(outputs), file)
        Path(unfinished).replace(self._file(fingerprint))

    def _file(self, fingerprint: str) -> Path:
        return self._folder / f"{fingerprint}.json"

    @cached_property
    def _content(self) -> str:
        """A digest of the libraries."""
        found = hashlib.sha256()
        for library in self._libraries:
            for path in _files(library):
                found.update(f"{path.relative_to(library)}\0{_digest(path)}\0".encode())
        return found.hexdigest()


def _files(library: Path) -> Iterator[Path]:
    """All of it but what Python itself writes there."""
    return (path for path in sorted(library.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _is_whole(outputs: Outputs) -> bool:
    """Whether the folders of its artifacts are there, as far as they are on this machine."""
    uris = [one.uri for many in outputs.artifacts.values() for one in many]
    return all(remote(uri) or Path(uri).parent.is_dir() for uri in uris)
