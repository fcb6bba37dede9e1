"""The edge: the files of `manifests/<env>/` in the work tree, and as they were at a git revision."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from kfp_gitops.base import files, git
from kfp_gitops.base.errors import InputError, UsageError
from kfp_gitops.base.files import MAX_BYTES
from kfp_gitops.rendering import repacked
from kfp_gitops.review.diff import shared
from kfp_gitops.review.diff.shared import Shared

_LINK = "120000"
_A_LINK = "a symbolic link or a repository of its own\n"


def in_tree(root: Path, folder: str) -> dict[str, str]:
    """Path below the folder → text, as the files are now; empty when there is no such folder."""
    if not (root / folder).is_dir():
        return {}
    names = files.list_files(root, folder, hidden=True)  # Argo CD reads a .argocd-source.yaml
    return {name: _of_tree(root, folder, name) for name in names}


def _of_tree(root: Path, folder: str, name: str) -> str:
    if repacked.is_archive(name):
        return repacked.identity(files.read_bytes(root, f"{folder}/{name}", MAX_BYTES))
    return files.read_text(root, f"{folder}/{name}")


def resolve(root: Path, revision: str) -> str:
    """The commit that a revision names.

    Raises:
        UsageError: no git, no repository, or no such revision.
    """
    found = git.commit(root, revision)
    if found is None and git.call(root, "rev-parse", "--git-dir").returncode != 0:
        raise UsageError(
            f"{root} is no git repository, so there is nothing to compare with; clone it, or `git init`"
        )
    if found is None:
        raise UsageError(
            f"--base {revision!r}: no such revision; name a branch, tag or commit of the repository {root}"
        )
    return found


def at(root: Path, commit: str, folder: str) -> dict[str, str]:
    """Path below the folder → text, as it was at a commit; empty when there was no such folder."""
    listed = git.call(root, "ls-tree", "-r", "-z", commit, "--", f"{folder}/")
    if listed.returncode != 0:
        raise UsageError(f"git ls-tree {commit}: {listed.stderr.decode(errors='replace').strip()}")
    blobs, others = _blobs(listed.stdout.decode("utf-8", "surrogateescape"), f"{folder}/")
    return {**dict(_texts(root, commit, folder, blobs)), **dict.fromkeys(others, _A_LINK)}


def folders(root: Path, commit: str, folder: str) -> list[str]:
    """The names of the folders directly in a folder at a commit."""
    listed = git.call(root, "ls-tree", "-d", "-z", "--name-only", commit, "--", f"{folder}/")
    paths = listed.stdout.decode("utf-8", "surrogateescape").split("\0") if listed.returncode == 0 else []
    return sorted(path.rpartition("/")[2] for path in paths if path)


def shared_at(root: Path, commit: str, name: str) -> Shared:
    """The files that no environment owns, as they were at a commit."""
    listed = git.call(root, "ls-tree", "-r", "-z", commit)
    blobs, others = _blobs(listed.stdout.decode("utf-8", "surrogateescape"), "")

    def read(paths: Collection[str]) -> dict[str, str]:
        return dict(_texts(root, commit, "", {path: blobs[path] for path in paths if path in blobs}))

    wanted = shared.wanted({*blobs, *others}, read)
    return Shared(name, {**read(sorted(wanted)), **dict.fromkeys(wanted & others, _A_LINK)})


def shared_in_tree(root: Path, name: str) -> Shared:
    """The same, as they are now: what git would commit, so nothing that it ignores."""
    listed = git.call(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    paths = {path for path in listed.stdout.decode("utf-8", "surrogateescape").split("\0") if path}

    def read(paths: Collection[str]) -> dict[str, str]:
        return {path: text for path in paths if (text := _in_tree(root, path)) is not None}

    return Shared(name, read(sorted(shared.wanted(paths, read))))


def _in_tree(root: Path, path: str) -> str | None:
    """The text of a file; of a link that it is one, of anything that is no text a digest, of nothing None."""
    if (root / path).is_symlink():
        return _A_LINK
    if not (root / path).is_file():
        return None
    return _text_of((root / path).read_bytes())


def _text_of(content: bytes) -> str:
    """Bytes as text: those that are none are written out, so that two texts are the same for the same bytes only."""
    if len(content) > MAX_BYTES or b"\0" in content:
        return f"{len(content)} bytes, sha256:{hashlib.sha256(content).hexdigest()}\n"
    return content.decode("utf-8", "backslashreplace").replace("\r\n", "\n")


def _entries(listing: str) -> Iterator[tuple[str, str, str, str]]:
    """(mode, kind, object id, path) of what `git ls-tree -z` lists."""
    for entry in filter(None, listing.split("\0")):
        facts, _, path = entry.partition("\t")
        mode, kind, oid = facts.split(" ")
        yield mode, kind, oid, path


def _blobs(listing: str, prefix: str) -> tuple[dict[str, str], set[str]]:
    """Path below the folder → object id of the regular files; and links and submodules, which are never followed."""
    blobs: dict[str, str] = {}
    others: set[str] = set()
    for mode, kind, oid, path in _entries(listing):
        if kind == "blob" and mode != _LINK and path.startswith(prefix):
            blobs[path.removeprefix(prefix)] = oid
        elif path.startswith(prefix):
            others.add(path.removeprefix(prefix))
    return blobs, others


def _texts(root: Path, commit: str, folder: str, blobs: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """All blobs through one `git cat-file`: a process for each file would take minutes for 1,000 pipelines."""
    asked = "".join(f"{oid}\n" for oid in blobs.values()).encode()
    reply = git.call(root, "cat-file", "--batch", given=asked).stdout
    start = 0
    for path in blobs:
        end = reply.index(b"\n", start)
        size = int(reply[start:end].split(b" ")[2])
        if size > MAX_BYTES and folder:
            raise InputError.of(
                f"{folder}/{path} at {commit[:12]}", f"larger than {MAX_BYTES} bytes", "split it"
            )
        content = reply[end + 1 : end + 1 + size]
        yield path, repacked.identity(content) if folder and repacked.is_archive(path) else _text_of(content)
        start = end + 1 + size + 1
