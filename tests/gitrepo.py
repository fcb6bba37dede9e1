"""Scratch git repositories for tests, independent of this machine's configuration."""

from __future__ import annotations

import subprocess
from pathlib import Path

_WHO = ["-c", "user.name=tests", "-c", "user.email=tests@example.com", "-c", "commit.gpgsign=false"]


def git(root: Path, *arguments: str) -> str:
    """Git as a person who is nobody in particular."""
    done = subprocess.run(["git", *_WHO, *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(root: Path, message: str) -> str:
    """Commit everything; returns the commit."""
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", message)
    return git(root, "rev-parse", "HEAD")


def init(root: Path) -> str:
    """A repository of what lies in a folder."""
    git(root, "init", "-q", "-b", "main", "--template=")
    return commit(root, "as it was")
