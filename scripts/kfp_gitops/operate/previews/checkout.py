"""What an environment is rendered from, as files in a folder: of a commit, or as they are now. Nothing of it is run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from kfp_gitops.base import git
from kfp_gitops.base.errors import RemoteError, UsageError

_INPUTS = ("environments", "templates", "components")
_NOT = "components/src/"
"""What is in images, and not read when something is rendered."""
QUIET = tuple(
    word
    for setting in ("core.hooksPath=/dev/null", "core.fsmonitor=false", "filter.lfs.process=", "filter.lfs.clean=",
                    "filter.lfs.required=false")
    for word in ("-c", setting)
)  # fmt: skip
"""Of a stranger's work tree git runs nothing, whatever this machine is configured to."""
_PLAIN = ("100644", "100755")
_MARK = "{preview}"
_LARGEST = 32_000_000
"""Bytes of one file; render reads less of any."""


def resolve(root: Path, revision: str) -> str:
    """The commit that a revision names.

    Raises:
        UsageError: there is none.
    """
    found = git.commit(root, revision)
    if found is None:
        raise UsageError(
            f"--base {revision!r}: no such revision; name a branch, tag or commit of the repository {root}"
        )
    return found


def of_commit(root: Path, commit: str, into: Path) -> None:
    """Write what it holds of `_INPUTS`; links and submodules are left out, as render refuses them.

    Raises:
        RemoteError: git does not give it.
    """
    wanted = list(_listed(root, commit))
    given = "".join(f"{oid}\n" for oid, _ in wanted).encode()
    done = git.call(root, "cat-file", "--batch", given=given)
    if done.returncode != 0:
        raise RemoteError(f"git cat-file: {git.complaint(done)}")
    start = 0
    for _, path in wanted:
        end = done.stdout.index(b"\n", start)
        size = int(done.stdout[start:end].split(b" ")[2])
        _write(into, path, done.stdout[end + 1 : end + 1 + size])
        start = end + 1 + size + 1


def _listed(root: Path, commit: str) -> Iterator[tuple[str, str]]:
    """(object id, path) of each file; a path of git has no `..` (git-fsck refuses it), and none is taken."""
    listed = git.output(root, "ls-tree", "-r", "-l", "-z", commit, "--", *(f"{name}/" for name in _INPUTS))
    for entry in filter(None, listed.split("\0")):
        facts, _, path = entry.partition("\t")
        mode, kind, oid, size = facts.split()
        safe = not {"..", ".git"} & {*PurePosixPath(path).parts}
        if kind == "blob" and mode in _PLAIN and safe and not path.startswith(_NOT) and int(size) <= _LARGEST:
            yield oid, path


def of_work_tree(root: Path, into: Path) -> None:
    """Copy them; a link stays one, and is not followed where it stands for a whole folder of inputs."""
    skip = shutil.ignore_patterns("__pycache__", ".*")
    for name in _INPUTS:
        if (root / name).is_dir() and not (root / name).is_symlink():
            ignore = _without_source if name == "components" else skip
            shutil.copytree(root / name, into / name, symlinks=True, ignore=ignore)


def _without_source(folder: str, names: list[str]) -> list[str]:
    here = PurePosixPath(folder).name == "components"
    return [name for name in names if name == "__pycache__" or name[0] == "." or (here and name == "src")]


def named(folder: Path, environment: str, prefix: str) -> None:
    """Write whose preview it is where the values of an environment ask for that."""
    path = folder / "environments" / environment / "values.yaml"
    if path.is_file() and not path.is_symlink():
        text = path.read_bytes()
        path.write_bytes(text.replace(_MARK.encode(), prefix.encode()))


def of_images(root: Path, base: str) -> list[str]:
    """The files that differ from a commit and get into images alone: what a preview does not build."""
    how = ("--name-only", "-z", "--no-ext-diff", "--no-textconv", "--no-renames")
    done = git.call(root, *QUIET, "diff", *how, base, "--", "components")
    names = done.stdout.decode("utf-8", "replace").split("\0") if done.returncode == 0 else []
    return sorted(name for name in names if name.startswith(_NOT) or name.count("/") == 1)


def _write(into: Path, path: str, content: bytes) -> None:
    target = into / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
