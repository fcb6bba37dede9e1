"""Everything of a repository by which a review could be shown something else than what is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from kfp_gitops.base import files
from kfp_gitops.base.errors import InputError, Problem
from kfp_gitops.review.forge import attributes, characters, outer
from kfp_gitops.review.forge.listing import LINK, SUBMODULE, File, listed

_TEXTS = frozenset(
    {"", ".cfg", ".in", ".ini", ".j2", ".json", ".lock", ".py", ".sh", ".toml", ".txt", ".yaml", ".yml"}
)
_GENERATED = ("argocd/", "manifests/")  # compared with what they are generated from, byte by byte
_ELSEWHERE = {
    ".gitmodules": "files of submodules are in no diff, and Argo CD would fetch them",
    ".lfsconfig": "what Git LFS stores is in no diff",
}


def problems(root: Path) -> Iterator[Problem]:
    """All of them; names of files are compared as file systems do that know no case."""
    found = listed(root)
    yield from outer.problems(root, [file.path for file in found if file.is_read])
    for file in found:
        name = file.name.lower()
        if name in _ELSEWHERE:
            yield Problem(file.path, 0, 0, _ELSEWHERE[name], "remove it, and commit the files themselves")
        elif file.mode == SUBMODULE:
            what = "a submodule, whose files are in no diff"
            yield Problem(file.path, 0, 0, what, "remove it, and commit the files themselves")
        elif file.mode == LINK:
            yield from _link(file, name)
        elif name == ".gitattributes":
            yield from _attributes(root, file)
        elif _is_text(file):
            yield from _characters(root, file)


def _link(file: File, name: str) -> Iterator[Problem]:
    """Elsewhere than in what is read a repository may have what links it likes."""
    if file.is_read or name == ".gitattributes":
        what = "a symbolic link: a review shows where it leads, and not what stands there"
        yield Problem(file.path, 0, 0, what, "use a plain file")


def _attributes(root: Path, file: File) -> Iterator[Problem]:
    if (root / file.path).is_file():
        try:
            yield from attributes.problems(files.read_text(root, file.path), file.path)
        except InputError as error:
            yield from error.problems


def _is_text(file: File) -> bool:
    return (
        file.is_read
        and not file.path.startswith(_GENERATED)
        and PurePosixPath(file.name).suffix.lower() in _TEXTS
    )


def _characters(root: Path, file: File) -> Iterator[Problem]:
    path = root / file.path
    if path.is_file() and not path.is_symlink():
        yield from characters.problems(path.read_bytes(), file.path)
