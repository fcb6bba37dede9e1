"""`reconcile resume`: end every pause of an environment, and apply."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from kfp_gitops.commands import connection, console
from kfp_gitops.commands.reconcile import apply, options


def add(subcommands: Any) -> None:
    """Declare the subcommand."""
    about = "end every pause of the environment, and apply"
    parser = subcommands.add_parser("resume", help=about, description=f"{about}.")
    apply.add_options(parser)
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Take the notes back, then apply: enabling after a pause is a replacement, so that no missed firing runs."""
    from kfp_gitops.operate.operations import pause

    found = apply.loaded(arguments)
    api = connection.api(arguments, found.host, found.namespace)
    with options.locked(arguments, api, found.owner):
        if not pause.end(api, found.owner, console.note):
            console.note(f"{arguments.env} is not paused")
    return apply.carry_out(arguments, found)
