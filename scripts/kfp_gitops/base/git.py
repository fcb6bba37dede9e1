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


def log(root: Path, since: str, paths: Sequence[str]) -> list[str]:
    """`abc1234 subject` of each commit after one, newest first, that touched the paths; empty when it is not known."""
    start = commit(root, since)
    if start is None:
        return []
    done = call(root, "log", "--no-color", "--format=%h %s", f"{start}..HEAD", "--", *paths)
    lines = done.stdout.decode(errors="replace").splitlines() if done.returncode == 0 else []
    return [visible.shown(line) for line in lines]
