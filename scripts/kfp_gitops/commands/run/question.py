"""A question before much is done."""

from __future__ import annotations

import sys

from kfp_gitops.base.errors import RefusedError
from kfp_gitops.commands import console


def ask(question: str, nobody: str, otherwise: str) -> None:
    """Go on after a yes.

    Raises:
        RefusedError: `otherwise` after another answer, `nobody` where none can be given.
    """
    if not sys.stdin.isatty():
        raise RefusedError(nobody)
    console.note(f"{question} [y/N] ")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise RefusedError(otherwise)
