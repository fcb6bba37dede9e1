"""`reconcile disable`: turn every schedule of an environment off, with or without its files."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from kfp_gitops.base import columns, metrics
from kfp_gitops.base.errors import ExitCode
from kfp_gitops.commands import console
from kfp_gitops.commands.reconcile import options
from kfp_gitops.commands.reconcile.progress import Lines

_EXAMPLES = """  python scripts/reconcile.py disable --env stage
  python scripts/reconcile.py disable --env stage --repository ID --host http://127.0.0.1:8888 --namespace ''
                                         an environment whose files are gone"""


def add(subcommands: Any) -> None:
    """Declare the subcommand."""
    about = "disable every schedule of the environment; KFP keeps all objects"
    more = (
        "Needs no pipeline: environment.yaml is enough, or --repository, --host and --namespace without it."
    )
    parser = subcommands.add_parser("disable", help=about, description=f"{about}. {more}", examples=_EXAMPLES)
    options.add_target(parser)
    options.add_identity(parser)
    options.add_lock(parser)
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Disable; exit 4 when one could not be."""
    from kfp_gitops.operate.operations import pause

    owner, api = options.owned(arguments)
    with options.locked(arguments, api, owner):
        failed = pause.disable(api, owner, (lines := Lines()).tell)
    lines.ended()
    for line in columns.first_of(failed, 20, "… {more} more, for the same or another reason"):
        console.note(line)
    if failed:
        return ExitCode.REMOTE_FAILED
    _forget_findings(arguments)
    return ExitCode.OK


def _forget_findings(arguments: Namespace) -> None:
    """Nobody looks at what is off: what was found before would be an alarm for ever. Checks that go on tell it anew."""
    if arguments.push_gateway:
        url = metrics.checked(arguments.push_gateway)
        if lost := metrics.forget(url, arguments.env, ("plan", "status", "apply", "trigger")):
            console.note(lost)
