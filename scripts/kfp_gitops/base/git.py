"""Git, as this project calls it: by name, with lists, never through a shell; a revision is never an option."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from kfp_gitops.base import redact, visible
from kfp_gitops.base.errors import RemoteError, UsageError

COMMAND = ("git", "--no-replace-objects")  # another commit under a commit's name proves nothing
NOT_INSTALLED = "git is not installed; install it, and run this again"


def call(root: Path, *arguments: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run git in a folder, whatever comes of it.

    Raises:
        UsageError: git is not installed.
    """
    try:
        return subprocess.run([*COMMAND, *arguments], cwd=root, input=given, capture_output=True, check=False)
    except FileNotFoundError:
        raise UsageError(NOT_INSTALLED) from None


def output(root: Path, *arguments: str, given: bytes | None = None) -> str:
    """What git prints.

    Raises:
        RemoteError: git failed; the reason is what it said, without credentials.
    """
    done = call(root, *arguments, given=given)
    if done.returncode != 0:
        raise RemoteError(f"git {arguments[0]}: {complaint(done)}")
    return done.stdout.decode(errors="replace").strip()


def complaint(done: subprocess.CompletedProcess[bytes]) -> str:
    """What a failed command said."""
    return redact.text(done.stderr.decode(errors="replace").strip()) or f"ended with {done.returncode}"


def commit(root: Path, revision: str) -> str | None:
    """The commit that a revision names; None when there is none, or no repository."""
    done = call(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    return done.stdout.decode().strip() if done.returncode == 0 else None


def log(root: Path, since: str, folders: Sequence[str]) -> list[tuple[str, frozenset[str]]]:
    """(`abc1234 subject`, the files of the folders that it touched) of each commit after one, newest first.

    Empty when that one is not known. All at once: a process for each pipeline would take minutes for 1,000.
    """
    start = commit(root, since)
    if start is None:
        return []
    how = ("--no-color", "--no-ext-diff", "--no-renames", "--name-only", "--relative", "--format=%x00%h %s")
    done = call(root, "log", *how, f"{start}..HEAD", "--", *folders)
    texts = done.stdout.decode(errors="replace").split("\0")[1:] if done.returncode == 0 else []
    found = (text.splitlines() for text in texts)
    return [(visible.shown(line), frozenset(filter(None, files))) for line, *files in found]
