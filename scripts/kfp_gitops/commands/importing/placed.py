"""What imports write into the repository: all of it, rendered, or nothing."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from kfp_gitops.commands import begun, console, team
from kfp_gitops.importing.written import Written


def home(arguments: Namespace) -> str:
    """The file of the team that is named, which is made where there is none; "": the environment's own.

    Raises:
        UsageError: no such team.
    """
    return team.values_path(arguments.root, arguments.env, arguments.team) if arguments.team else ""


def place(root: Path, env: str, made: Written) -> None:
    """All files, rendered; or none of them, and what is rendered is what it was."""
    with begun.whole(root, "import.py"):
        made.write(root)
        begun.render(root, "--env", env)
    for path in made.added:
        console.result(f"add {path}")
    for path in made.changed:
        console.result(f"change {path}")
