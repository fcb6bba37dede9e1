"""The edge: the files of `manifests/<env>/` in the work tree, and as they were at a git revision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from kfp_gitops.base import files, git
from kfp_gitops.base.errors import InputError, UsageError
from kfp_gitops.base.yamltext import MAX_BYTES


def in_tree(root: Path, folder: str) -> dict[str, str]:
    """Path below the folder → text, as the files are now; empty when there is no such folder."""
    if not (root / folder).is_dir():
        return {}
    return {name: files.read_text(root, f"{folder}/{name}") for name in files.list_files(root, folder)}


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
    blobs = dict(_blobs(listed.stdout.decode("utf-8", "surrogateescape"), f"{folder}/"))
    return dict(_texts(root, commit, folder, blobs))


def folders(root: Path, commit: str, folder: str) -> list[str]:
    """The names of the folders directly in a folder at a commit."""
    listed = git.call(root, "ls-tree", "-d", "-z", "--name-only", commit, "--", f"{folder}/")
    paths = listed.stdout.decode("utf-8", "surrogateescape").split("\0") if listed.returncode == 0 else []
    return sorted(path.rpartition("/")[2] for path in paths if path)


def _blobs(listing: str, prefix: str) -> Iterator[tuple[str, str]]:
    """(path below the folder, object id) of the regular files; links and submodules are never followed."""
    for entry in filter(None, listing.split("\0")):
        facts, _, path = entry.partition("\t")
        mode, kind, oid = facts.split(" ")
        if kind == "blob" and mode != "120000" and path.startswith(prefix):
            yield path.removeprefix(prefix), oid


def _texts(root: Path, commit: str, folder: str, blobs: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """All blobs through one `git cat-file`: a process for each file would take minutes for 1,000 pipelines."""
    asked = "".join(f"{oid}\n" for oid in blobs.values()).encode()
    reply = git.call(root, "cat-file", "--batch", given=asked).stdout
    start = 0
    for path in blobs:
        end = reply.index(b"\n", start)
        size = int(reply[start:end].split(b" ")[2])
        if size > MAX_BYTES:
            raise InputError.of(
                f"{folder}/{path} at {commit[:12]}", f"larger than {MAX_BYTES} bytes", "split it"
            )
        yield path, reply[end + 1 : end + 1 + size].decode("utf-8", "replace").replace("\r\n", "\n")
        start = end + 1 + size + 1
