"""Commands that messages name, as one can paste them: to the same environment, server and repository."""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections.abc import Sequence

from kfp_gitops.commands.common import as_called, repository


def pasted(arguments: Namespace, environment: str, text: str) -> str:
    """`run.py --status ID` → `python scripts/run.py --env dev --status ID`, with --host and --root where given."""
    root = [f"--root {shlex.quote(str(arguments.root))}"] if arguments.root != repository() else []
    return as_called(_typed(arguments, environment, text, root))


def anywhere(arguments: Namespace, environment: str, text: str) -> str:
    """The same for readers who sit before another machine, in the repository."""
    return _typed(arguments, environment, text, ())


def _typed(arguments: Namespace, environment: str, text: str, more: Sequence[str]) -> str:
    script, _, rest = text.partition(" ")
    subcommand, _, options = rest.partition(" ") if not rest.startswith("-") else ("", "", rest)
    same = [f"--env {shlex.quote(environment)}"]
    same += [f"--as {shlex.quote(name)}"] if (name := getattr(arguments, "mine", None)) else []
    same += [f"--host {shlex.quote(arguments.host)}"] if arguments.host else []
    return " ".join(filter(None, (f"python scripts/{script}", subcommand, *same, *more, options)))
