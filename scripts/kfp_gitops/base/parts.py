"""A packed folder (`base.archives`) is read archive by archive: who keeps none has one of them in memory."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from kfp_gitops.base import archives, files
from kfp_gitops.base.archives import (
    COMPONENTS,
    HEAD,
    LARGEST,
    LOCK,
    MOST_PARTS,
    PIPELINES,
    file_name,
    part_of,
)
from kfp_gitops.base.errors import InputError, Problem
from kfp_gitops.base.ustar import BadArchiveError
from kfp_gitops.base.yamltext import MAX_BYTES, parse

_ENTRIES = "\npipelines:"
_PARTS = re.compile(r"^(?:parts|componentParts): \d+\n", re.MULTILINE)


class Folder(Protocol):
    """A folder that archives may stand in."""

    @property
    def name(self) -> str: ...
    @property
    def path(self) -> Path: ...
    def read_text(self, relative: str) -> str: ...
    def read_bytes(self, relative: str, most: int) -> bytes: ...
    def holds(self, relative: str) -> bool: ...


def is_packed(folder: Folder) -> bool:
    """Whether the pipelines stand in archives."""
    return _PARTS.search(folder.read_text(HEAD)) is not None


def parts(folder: Folder) -> Iterator[Part]:
    """The parts of a packed folder, one after the other: who keeps none has one of them in memory.

    Raises:
        InputError: an archive is missing, or it is not one that belongs here.
    """
    head = _Head.of(folder)
    names = [file_name(PIPELINES, part) for part in range(head.parts)]
    names += [file_name(COMPONENTS, part) for part in range(head.component_parts)]
    missing = [name for name in names if not folder.holds(name)]
    if missing:
        raise InputError([_missing(folder, name, head.parts) for name in missing])
    components = _Components(folder, head)
    for part in range(head.parts):
        yield _part(folder, head, part, components)


def _missing(folder: Folder, name: str, count: int) -> Problem:
    what = f"no such file, and {HEAD} says that the pipelines are in {count} parts"
    return Problem(f"{folder.name}/{name}", 0, 0, what, "mount all ConfigMaps of one commit")


@dataclass(frozen=True)
class _Head:
    """`text` is environment.yaml without the counts: with `pipelines` after it, that of a part."""

    text: str
    environment: Any
    parts: int
    component_parts: int

    @classmethod
    def of(cls, folder: Folder) -> _Head:
        path = f"{folder.name}/{HEAD}"
        document = parse(text := folder.read_text(HEAD), path)
        found = document.value
        said = found if isinstance(found, dict) else {}
        parts, component_parts = said.get("parts"), said.get("componentParts", 0)
        for count, least in ((parts, 1), (component_parts, 0)):
            if type(count) is not int or not least <= count <= MOST_PARTS:
                raise _bad(path, f"`parts` is no number from 1 to {MOST_PARTS}, or `componentParts` none")
        assert isinstance(parts, int)
        return cls(_PARTS.sub("", text), said.get("environment"), parts, component_parts)


@dataclass(frozen=True)
class Part:
    """Some of the pipelines, in memory: a `places.Source` whose environment.yaml names these alone."""

    name: str
    path: Path
    content: Mapping[str, bytes]
    components: _Components

    def read_text(self, relative: str) -> str:
        """The text of a file; of one path among the components it is always the same object.

        Raises:
            InputError: there is none of that name.
        """
        if relative.startswith(f"{COMPONENTS}/"):
            return self.components.text(relative)
        shown = f"{self.name}/{relative}"
        if relative not in self.content:
            raise InputError.of(shown, "no such file", "render it again, and deliver all of one commit")
        return _text(self.content[relative], shown)

    def list_files(self, folder: str) -> list[str]:
        """All files below a folder, sorted, relative to it with `/`."""
        names = self.components.names() if folder == COMPONENTS else self.content
        return sorted(name.removeprefix(f"{folder}/") for name in names if name.startswith(f"{folder}/"))

    def read_texts(self, folder: str) -> dict[str, str]:
        """The text of each of these, by its path."""
        return {name: self.read_text(f"{folder}/{name}") for name in self.list_files(folder)}

    def parts(self) -> Iterator[Part]:
        """It is one."""
        yield self


@dataclass(frozen=True)
class _Components:
    """The component specs of all parts, each archive opened when the first of its files is asked for."""

    folder: Folder
    head: _Head
    opened: dict[int, dict[str, str]] = field(default_factory=dict)

    def text(self, path: str) -> str:
        found = self._of(part_of(path, self.head.component_parts)) if self.head.component_parts else {}
        if path not in found:
            shown = f"{self.folder.name}/{path}"
            raise InputError.of(shown, "no such file", "render it again, and deliver all of one commit")
        return found[path]

    def names(self) -> list[str]:
        return [name for part in range(self.head.component_parts) for name in self._of(part)]

    def _of(self, part: int) -> dict[str, str]:
        if part not in self.opened:
            self.opened[part] = self._read(part)
        return self.opened[part]

    def _read(self, part: int) -> dict[str, str]:
        name, count = file_name(COMPONENTS, part), self.head.component_parts
        content = _archive(self.folder, name)
        strange = [
            path for path in content if not path.startswith(f"{COMPONENTS}/") or part_of(path, count) != part
        ]
        _refuse(self.folder, name, strange, f"does not belong into part {part} of {count}")
        return {path: _text(text, f"{self.folder.name}/{path}") for path, text in content.items()}


def _part(folder: Folder, head: _Head, part: int, components: _Components) -> Part:
    name = file_name(PIPELINES, part)
    content = _archive(folder, name)
    strange = [path for path in content if path not in (HEAD, LOCK) and not path.startswith(f"{PIPELINES}/")]
    _refuse(folder, name, strange, "is of no pipeline")
    own = {path.split("/")[1] for path in content if path.startswith(f"{PIPELINES}/")}
    strange = sorted(pipeline for pipeline in own if part_of(pipeline, head.parts) != part)
    _refuse(folder, name, strange, f"does not belong into part {part} of {head.parts}")
    shown = f"{folder.name}/{name}"
    text = _text(content.get(HEAD, b""), f"{shown}/{HEAD}")
    content[HEAD] = f"{head.text}{_entries(text, head, part, len(own), shown)}".encode()
    return Part(folder.name, folder.path, content, components)


def _entries(text: str, head: _Head, part: int, count: int, shown: str) -> str:
    """`pipelines:` of a part, when it is of this environment and says nothing but these."""
    said, key, entries = text.partition(_ENTRIES)
    wanted = {"environment": head.environment, "part": part, "parts": head.parts}
    if not key or parse(said + "\n", f"{shown}/{HEAD}").value != wanted:
        raise _bad(shown, f"it is not part {part} of {head.parts} of environment {head.environment!r}")
    lines = entries.split("\n")[1:-1]
    listed = sum(line.startswith("- ") for line in lines)
    if not all(line.startswith(("- ", "  ")) for line in lines) or listed != count:
        raise _bad(shown, f"it holds {count} pipelines, and its {HEAD} does not list just these")
    return f"{key[1:]}{entries}"


def _archive(folder: Folder, name: str) -> dict[str, bytes]:
    """The files in an archive; of a stranger's none takes more memory than is allowed."""
    shown = f"{folder.name}/{name}"
    try:
        return archives.read(folder.read_bytes(name, LARGEST))
    except BadArchiveError as error:
        raise _bad(shown, str(error)) from None


def _text(content: bytes, shown: str) -> str:
    if len(content) > MAX_BYTES:
        raise InputError.of(shown, f"larger than {MAX_BYTES} bytes", "split the file")
    return files.text_in(content, shown)


def _refuse(folder: Folder, name: str, strange: Sequence[str], what: str) -> None:
    if strange:
        raise InputError([_problem(f"{folder.name}/{name}", f"{path!r} {what}") for path in strange])


def _bad(shown: str, what: str) -> InputError:
    return InputError([_problem(shown, what)])


def _problem(shown: str, what: str) -> Problem:
    return Problem(shown, 0, 0, what, "render again, and deliver all of one commit")
