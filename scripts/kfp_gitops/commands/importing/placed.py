"""What imports write into the repository: all of it, rendered, or nothing."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from kfp_gitops.base.errors import GitOpsError
from kfp_gitops.commands import begun, console
from kfp_gitops.importing.written import Written


def place(root: Path, env: str, made: Written) -> None:
    """All files, rendered; or none of them, and what is rendered is what it was."""
    try:
        made.write(root)
        begun.render(root, "--env", env)
    except BaseException:
        made.undo(root)
        with suppress(GitOpsError):  # which may have been so before
            begun.render(root, "--env", env)
        console.note("import.py: that was not rendered, and nothing of it was left behind")
        raise
    for path in made.added:
        console.result(f"add {path}")
    for path in made.changed:
        console.result(f"change {path}")
