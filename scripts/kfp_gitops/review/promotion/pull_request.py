"""A promotion as a branch, a commit and a pull request; through `gh` or `glab`, whichever is there."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kfp_gitops.base import git
from kfp_gitops.base.errors import RefusedError, RemoteError, UsageError


@dataclass(frozen=True)
class Forge:
    """A command line that opens pull requests; the body comes from standard input or as an argument."""

    command: str

    def arguments(self, branch: str, title: str, body: str) -> list[str]:
        """The whole command."""
        if self.command == "gh":
            return ["gh", "pr", "create", f"--head={branch}", f"--title={title}", f"--body={body}"]
        return [
            "glab", "mr", "create", "--yes", f"--source-branch={branch}", f"--title={title}", f"--description={body}"
        ]  # fmt: skip


def forge(root: Path) -> Forge:
    """The forge's command line, checked before anything is written.

    Raises:
        UsageError: neither is installed.
        RefusedError: something is staged already and would get into the commit.
    """
    found = next((name for name in ("gh", "glab") if shutil.which(name)), None)
    if found is None:
        raise UsageError(
            "--open-pr needs gh (GitHub) or glab (GitLab); without them: commit the result on a branch, "
            "push it, and open the pull request by hand"
        )
    if git.call(root, "diff", "--cached", "--quiet").returncode != 0:
        raise RefusedError(
            "changes are staged already and would get into the promotion; commit or unstage them"
        )
    return Forge(found)


def open_(root: Path, by: Forge, branch: str, title: str, body: str, folders: Sequence[str]) -> str:
    """Commit the folders on a new branch, push it, and open the pull request; returns what the forge says.

    Raises:
        RemoteError: git or the forge refused; what is done so far stays on the branch.
    """
    git.output(root, "switch", "--create", branch)
    git.output(root, "add", "--all", "--", *folders)
    git.output(root, "commit", f"--message={title}")
    git.output(root, "push", "--set-upstream", "origin", branch)
    done = subprocess.run(by.arguments(branch, title, body), cwd=root, capture_output=True, check=False)
    if done.returncode != 0:
        raise RemoteError(f"{by.command}: {git.complaint(done)}; branch {branch} is pushed, open it by hand")
    return done.stdout.decode(errors="replace").strip()
