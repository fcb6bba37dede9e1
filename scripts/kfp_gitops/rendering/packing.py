"""How the pipelines of an environment are delivered: each in a ConfigMap of its own, or many together in archives.

In Git all of it stands as text. `packed/` holds the same once more, as `base.archives` describes it: that is mounted.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kfp_gitops.base import archives, ustar
from kfp_gitops.base.archives import (
    COMPONENTS,
    HEAD,
    LARGEST,
    LOCK,
    PIPELINES,
    Archive,
    file_name,
    part_of,
)
from kfp_gitops.base.errors import InputError, Problem

__all__ = [
    "FEWEST", "FOLDER", "HEAD", "LARGEST", "Given", "Packing", "chosen", "too_large",
]  # fmt: skip

FOLDER = "packed"
FEWEST = 50
"""Pipelines that are packed. With fewer Argo CD's diff shows what changed, as text."""
_PARTS = ((500, 8), (5_000, 32))
_MOST_PARTS = 64
_COMPONENT_PARTS = ((100, 1), (1_000, 4))
_MOST_COMPONENT_PARTS = 16
"""With 64 and 16 archives, the Job, its checks and rights are fewer than a hundred objects."""
_READABLE = 850_000
"""Bytes of texts in one ConfigMap: as JSON, escaped, they are some more, and are to be less than 900 kB."""
_LISTING = 12_000
"""Characters of the lines that say where each file is mounted: the Job with them is to be less than 20 kB."""
_LINE = len("        - {key: , path: }\n")
_LIST = re.compile(r"(?:(?:- |  ).*\n)*")
_ENTRY = re.compile(r"- name: (\S+)\n(?:  .*\n)*")
_LOCKED = re.compile(r"  (\S+):\n(?:    .*\n)+")
_KEY = "\npipelines:\n"
_COUNTS = ("parts", "componentParts")


@dataclass(frozen=True)
class Packing:
    """How many archives there are: a pure function of how much there is, so it changes at few numbers."""

    parts: int
    component_parts: int

    def names(self) -> list[str]:
        """The files of all archives."""
        found = [file_name(PIPELINES, part) for part in range(self.parts)]
        return found + [file_name(COMPONENTS, part) for part in range(self.component_parts)]

    def files(self, texts: Mapping[str, str], given: Given) -> dict[str, str | Archive]:
        """Path below manifests/<env>/ → what is mounted; `texts` are those of environment.yaml and the lock."""
        head, entries = _environment(texts[HEAD])
        found: dict[str, str | Archive] = {f"{FOLDER}/{HEAD}": self._head(head)}
        name = _line(texts[HEAD], "environment")
        archives = [*self._pipelines(name, entries, texts.get(LOCK, ""), given), *self._components(given)]
        return found | {f"{FOLDER}/{file}": archive for file, archive in archives}

    def _head(self, head: str) -> str:
        counts = zip(_COUNTS, (self.parts, self.component_parts), strict=True)
        return head + "".join(f"{key}: {count}\n" for key, count in counts if count)

    def _pipelines(
        self, environment: str, entries: Mapping[str, str], lock: str, given: Given
    ) -> Iterator[tuple[str, Archive]]:
        before, locked = _lock(lock, f"manifests/{environment}/{LOCK}")
        own: dict[int, list[str]] = defaultdict(list)
        for name in sorted({*entries, *locked}):
            own[part_of(name, self.parts)].append(name)
        for part in range(self.parts):
            names = own[part]
            said = "".join(entries.get(name, "") for name in names)
            counted = f"environment: {environment}\npart: {part}\nparts: {self.parts}\npipelines:"
            texts = {HEAD: f"{counted}\n{said}" if said else f"{counted} []\n"}
            if lock:
                said = "".join(locked.get(name, "") for name in names)
                texts[LOCK] = f"{before}pipelines:\n{said}" if said else f"{before}pipelines: {{}}\n"
            for name in names:
                texts |= dict(sorted(given.own.get(name, {}).items()))
            yield file_name(PIPELINES, part), Archive(texts)

    def _components(self, given: Given) -> Iterator[tuple[str, Archive]]:
        own: dict[int, dict[str, str]] = defaultdict(dict)
        for path in sorted(given.shared):
            own[part_of(path, self.component_parts)][path] = given.shared[path]
        for part in range(self.component_parts):
            yield file_name(COMPONENTS, part), Archive(own[part])


@dataclass(frozen=True)
class Given:
    """What is to be delivered: pipeline → path → text of its own files, and path → text of what they share."""

    own: Mapping[str, Mapping[str, str]]
    shared: Mapping[str, str]


def chosen(given: Given) -> Packing | None:
    """Nothing where each pipeline has a ConfigMap of its own: they are few, and none of them is too large."""
    if len(given.own) < FEWEST and _is_readable(given):
        return None
    parts = _step(_PARTS, len(given.own), _MOST_PARTS)
    return Packing(parts, _step(_COMPONENT_PARTS, len(given.shared), _MOST_COMPONENT_PARTS))


def _step(steps: Sequence[tuple[int, int]], count: int, most: int) -> int:
    return next((parts for below, parts in steps if count < below), most) if count else 0


def _is_readable(given: Given) -> bool:
    groups = [*given.own.values(), given.shared]
    listing = sum(_LINE + 2 * len(path) for group in groups for path in group)
    sizes = (sum(len(text.encode()) for text in group.values()) for group in groups)
    return listing <= _LISTING and all(size <= _READABLE for size in sizes)


def too_long(folder: str, paths: Iterable[str]) -> Iterator[Problem]:
    """The paths that no archive or image holds."""
    for path in paths:
        if not ustar.fits(path):
            what, todo = "a tar, in which it is delivered, cannot hold so long a path", "shorten its name"
            yield Problem(f"{folder}/{path}", 0, 0, what, todo)


def too_large(root: Path, folder: str, found: Mapping[str, object]) -> Iterator[Problem]:
    """The archives that no ConfigMap could hold, with what fills them; what stands there already fits."""
    archives = {path: archive for path, archive in found.items() if isinstance(archive, Archive)}
    for path, archive in archives.items():
        if long := [*too_long(folder, archive.texts)]:
            yield from long
            continue
        if _stands(root / folder / path, archive):
            continue
        if fault := archive.faults():
            yield Problem(f"{folder}/{_largest(archive)}", 0, 0, f"{path}: {fault}", _TODO)


_TODO = (
    "move code from components into the image, take long texts out of values, or deliver an artifact: "
    "docs/delivery.md, «Ten thousand pipelines»"
)


def _stands(path: Path, archive: Archive) -> bool:
    return path.is_file() and not path.is_symlink() and archive.is_in(path.read_bytes())


def _largest(archive: Archive) -> str:
    """The file in it that is larger than any other."""
    return max(archive.texts, key=lambda path: len(archive.texts[path]))


def _environment(text: str) -> tuple[str, dict[str, str]]:
    """(environment.yaml without its pipelines, pipeline → its lines), of a text as render writes it."""
    before, _, rest = text.partition(_KEY)
    entries = _LIST.match(rest)
    assert entries, "it matches nothing, too"
    found = {_plain(match[1]): match[0] for match in _ENTRY.finditer(entries[0])}
    return f"{before}\n{rest[entries.end() :]}", found


def _lock(text: str, path: str) -> tuple[str, dict[str, str]]:
    """The same of a lock, which may have been edited or merged."""
    before, _, rest = text.replace("\npipelines: {}\n", _KEY).partition(_KEY)
    found = {_plain(match[1]): match[0] for match in _LOCKED.finditer(rest)}
    if text and "".join(found.values()) != rest:
        what, todo = "not as render writes it, and it is packed by its lines", "run render with --lock"
        raise InputError.of(path, what, todo)
    return f"{before}\n", found


def _plain(name: str) -> str:
    """A name that YAML would take for something else stands in quotes."""
    return name.strip("'\"")


def _line(text: str, key: str) -> str:
    """The value of a key at the beginning of a line, as it is written."""
    found = re.search(rf"^{key}: (.*)$", text, re.MULTILINE)
    assert found, f"{key} is in every environment.yaml that render writes"
    return found[1]


assert _MOST_PARTS <= archives.MOST_PARTS
