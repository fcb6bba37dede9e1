"""`reconcile apply`: plan, then carry the plan out."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from kfp_gitops import console
from kfp_gitops.commands import connection
from kfp_gitops.commands.reconcile import options
from kfp_gitops.commands.reconcile.plan import conflicts
from kfp_gitops.errors import ExitCode

if TYPE_CHECKING:
    from kfp_gitops.reconcile.plan import Change


def add(subcommands: Any) -> None:
    """Declare the subcommand."""
    about = "make KFP match the manifests"
    parser = subcommands.add_parser("apply", help=about, description=about)
    options.add_target(parser)
    options.add_lock(parser)
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Plan one environment and make the changes."""
    from kfp_gitops.reconcile import desired
    from kfp_gitops.reconcile.apply import apply, observe
    from kfp_gitops.reconcile.plan import plan, to_text

    wanted = desired.load(options.folder(arguments), arguments.env, arguments.host)
    api = connection.api(arguments, wanted.host, wanted.namespace)
    with options.locked(arguments, api):
        found = plan(wanted, observe(api, wanted))
        console.result(to_text(found))
        failed = apply(api, wanted, found, _tell)
    for line in failed:
        console.note(line)
    return ExitCode.REMOTE_FAILED if failed else conflicts(found)


def _tell(change: Change, outcome: str) -> None:
    console.result(f"{change.action} {change.kind} {change.name}: {outcome}")
