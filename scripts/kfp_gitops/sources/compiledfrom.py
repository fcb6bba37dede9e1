"""What is compiled from Python: a component's spec from component.py, a pipeline's IR from pipeline.py. Needs no kfp.

A compiled file ends with a line for each file of the repository that its compilation read, and that file's digest. So
whoever has no kfp, and runs nobody's code, knows at once what was edited and not compiled. These lines are for the
sources alone: they are no part of a release, or the comment of a function would make another one of it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from kfp_gitops.base import files
from kfp_gitops.base.errors import InputError, Problem

COMPONENTS = "components"
TEMPLATES = "templates/pipelines"
COMPONENT_SOURCE, COMPONENT_SPEC = "component.py", "component.yaml"
PIPELINE_SOURCE, PIPELINE_IR = "pipeline.py", "compiled.yaml"
TODO = "run `make components`, or `make render` for both steps"
_HEADER = "# Compiled from {source} by `python scripts/components.py`; edit that, not this.\n"
_LINE = re.compile(r"^# from (?P<path>\S.*) sha256:(?P<digest>[0-9a-f]{64})$", re.MULTILINE)


@dataclass(frozen=True)
class Compilation:
    """A Python file of a folder, and the file beside it that it is compiled to."""

    folder: str
    source: str
    target: str

    @property
    def name(self) -> str:
        """The folder's own name: that of the component or of the template."""
        return PurePosixPath(self.folder).name

    @property
    def source_path(self) -> str:
        """Below the repository's root."""
        return f"{self.folder}/{self.source}"

    @property
    def target_path(self) -> str:
        """Below the repository's root."""
        return f"{self.folder}/{self.target}"

    @property
    def is_pipeline(self) -> bool:
        """Whether it is a pipeline, else a component."""
        return self.source == PIPELINE_SOURCE


def component(name: str) -> Compilation:
    """Of a folder of components/."""
    return Compilation(f"{COMPONENTS}/{name}", COMPONENT_SOURCE, COMPONENT_SPEC)


def pipeline(template: str) -> Compilation:
    """Of a folder of templates/pipelines/."""
    return Compilation(f"{TEMPLATES}/{template}", PIPELINE_SOURCE, PIPELINE_IR)


def every(root: Path) -> list[Compilation]:
    """All that there are, components first: a pipeline may read what they are compiled to."""
    found = [component(name) for name in files.list_folders(root, COMPONENTS)]
    found += [pipeline(name) for name in files.list_folders(root, TEMPLATES)]
    return [one for one in found if (root / one.source_path).is_file()]


def digest(content: bytes) -> str:
    """SHA-256 of a file, the same whatever git makes of its line breaks."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


def written(one: Compilation, text: str, read: Mapping[str, bytes]) -> str:
    """What stands in its target: the compiled text, and the files that it is from, by their paths below the root."""
    return stamped(f"{_HEADER.format(source=one.source)}{text}", read)


def stamped(text: str, read: Mapping[str, bytes]) -> str:
    """A text with the files that it was compiled from."""
    lines = [f"# from {path} sha256:{digest(content)}\n" for path, content in sorted(read.items())]
    return f"{text}{''.join(lines)}"


def plain(text: str) -> str:
    """The text without these lines at its end; itself when it has none."""
    while (start := text.rfind("\n", 0, -1) + 1) and _LINE.match(text, start):
        text = text[:start]
    return text


def _stamps(text: str) -> dict[str, str]:
    """Path → digest; no text in YAML that we write begins in the first column as such a line does."""
    return {match["path"]: match["digest"] for match in _LINE.finditer(text)}


def sources_of(one: Compilation, text: str) -> set[str]:
    """The files of its own folder that a compiled text says it was compiled from, by their paths there."""
    inside = f"{one.folder}/"
    return {path.removeprefix(inside) for path in _stamps(text) if path.startswith(inside)}


def stale(root: Path, among: Iterable[Compilation]) -> list[Problem]:
    """What was edited and not compiled, each file once."""
    return sorted({problem for one in among for problem in problems(root, one)})


def problems(root: Path, one: Compilation) -> Iterator[Problem]:
    """Of one of them; nothing where there is no Python to compile."""
    if not (root / one.source_path).is_file():
        return
    if not (root / one.target_path).is_file():
        yield Problem(one.source_path, 0, 0, f"not compiled: there is no {one.target}", TODO)
        return
    known = _stamps(files.read_text(root, one.target_path))
    if one.source_path not in known:
        what = f"{one.target} does not say what it was compiled from"
        yield Problem(one.source_path, 0, 0, what, TODO)
        return
    for path in _edited(root, known):
        into = one.target if path == one.source_path else one.target_path
        yield Problem(path, 0, 0, f"edited and not compiled into {into}", TODO)


def _edited(root: Path, known: Mapping[str, str]) -> Sequence[str]:
    return [path for path, one in known.items() if _digest_of(root, path) != one]


def _digest_of(root: Path, path: str) -> str:
    try:
        return digest(files.read_bytes(root, path, files.MAX_BYTES))
    except InputError:  # it is gone
        return ""
