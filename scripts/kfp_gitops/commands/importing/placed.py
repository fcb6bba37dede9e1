"""What imports write into the repository: all of it, rendered, or nothing."""

from __future__ import annotations

from pathlib import Path

from kfp_gitops.commands import begun, console
from kfp_gitops.importing.written import Written


def place(root: Path, env: str, made: Written) -> None:
    """All files, rendered; or none of them, and what is rendered is what it was."""
    with begun.whole(root, "import.py"):
        made.write(root)
        begun.render(root, "--env", env)
    for path in made.added:
        console.result(f"add {path}")
    for path in made.changed:
        console.result(f"change {path}")
