"""An edit of values, rendered and committed on a branch of its own; what reaches a network is left to a person."""

from __future__ import annotations

import hashlib
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from importlib.util import find_spec
from pathlib import Path

from kfp_gitops.base import files, git
from kfp_gitops.base.errors import GitOpsError, RefusedError, UsageError


def may(root: Path) -> None:
    """Before anything is asked.

    Raises:
        UsageError: no git repository, or no kfp to compile with.
        RefusedError: there are changes, which would get into the commit.
    """
    if find_spec("kfp") is None:
        raise UsageError(
            "--open-pr renders with the lock, which needs kfp: install requirements-reconcile.lock"
        )
    if git.commit(root, "HEAD") is None:
        raise UsageError("--open-pr commits on a branch, and here is no git repository with a commit")
    if git.output(root, "status", "--porcelain"):
        raise RefusedError(
            "--open-pr: the work tree has changes, which would get into the commit; commit them, or take them back"
        )


def committed(root: Path, env: str, texts: Mapping[str, str], said: Sequence[str]) -> str:
    """Write, render, and commit on a new branch; returns the commands that are left to a person.

    Raises:
        RefusedError: this very edit has a branch already.
        GitOpsError: it does not render as a whole; the values are as they were then.
    """
    digest = hashlib.sha256("\0".join(map(str, texts.items())).encode()).hexdigest()[:12]
    branch = f"drift/{env}/{digest}"
    if git.commit(root, f"refs/heads/{branch}"):
        raise RefusedError(f"branch {branch} has this edit already; open its pull request, or delete it")
    _written(root, env, texts)
    title = f"Take over into {env} what was changed in KFP"
    body = "\n".join(f"- {line}" for line in said)
    git.output(root, "switch", "--create", branch)
    git.output(root, "add", "--all", "--", *texts, f"manifests/{env}")
    git.output(root, "commit", f"--message={title}", f"--message={body}")
    push = ["git", "push", "--set-upstream", "origin", branch]
    create = ["gh", "pr", "create", f"--head={branch}", f"--title={title}", f"--body={body}"]
    return f"committed on branch {branch}; now\n  {shlex.join(push)}\n  {shlex.join(create)}"


def _written(root: Path, env: str, texts: Mapping[str, str]) -> None:
    from kfp_gitops.commands import render

    old = {path: files.read_text(root, path) for path in texts}
    try:
        for path, text in texts.items():
            files.write_text(root, path, text)
        with redirect_stdout(sys.stderr):
            render.main(["--root", str(root), "--env", env, "--lock"])
    except GitOpsError:
        for path, text in old.items():
            files.write_text(root, path, text)
        raise
