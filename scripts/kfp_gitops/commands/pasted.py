"""Commands that messages name, as one can paste them: to the same environment, server and repository."""

from __future__ import annotations

import shlex
from argparse import Namespace

from kfp_gitops.commands.common import as_called, repository


def pasted(arguments: Namespace, environment: str, text: str) -> str:
    """`run.py --status ID` → `python scripts/run.py --env dev --status ID`, with --host and --root where given."""
    script, _, rest = text.partition(" ")
    subcommand, _, options = rest.partition(" ") if not rest.startswith("-") else ("", "", rest)
    same = [f"--env {shlex.quote(environment)}"]
    same += [f"--host {shlex.quote(arguments.host)}"] if arguments.host else []
    same += [f"--root {shlex.quote(str(arguments.root))}"] if arguments.root != repository() else []
    words = [f"python scripts/{script}", subcommand, *same, options]
    return as_called(" ".join(filter(None, words)))
