"""What imports write into the repository: all of it, rendered, or nothing."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path

from kfp_gitops.base import columns
from kfp_gitops.commands import begun, console, team
from kfp_gitops.importing.written import Written

_TELLING = 4
"""Letters of a value; a shorter one stands anywhere."""


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


def tell_given(made: Written, variables: Iterable[str]) -> None:
    """Which values of variables that a DSL file was given stand in what is written: all of that goes to Git."""
    for name in sorted(set(variables)):
        value = os.environ.get(name, "")
        where = [path for path, text in made.texts.items() if len(value) >= _TELLING and value in text]
        if where:
            console.note(
                f"the value of {name}, which the DSL file was given, stands in {columns.some(where)}: if it is a "
                "secret, take these files back before they are committed, and let the step have it from a Secret of "
                "Kubernetes"
            )
