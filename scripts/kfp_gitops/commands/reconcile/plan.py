"""`reconcile plan`: show what apply would do; reads only."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from kfp_gitops import console
from kfp_gitops.commands import connection
from kfp_gitops.commands.reconcile import options
from kfp_gitops.errors import ExitCode

if TYPE_CHECKING:
    from kfp_gitops.reconcile.plan import Plan


def add(subcommands: Any) -> None:
    """Declare the subcommand."""
    about = "show what apply would do; exit 1 if anything"
    parser = subcommands.add_parser("plan", help=about, description=about)
    options.add_target(parser)
    options.add_decisions(parser)
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Plan one environment and show it."""
    from kfp_gitops.reconcile import desired, guard
    from kfp_gitops.reconcile.observe import observe
    from kfp_gitops.reconcile.plan import plan

    wanted = desired.proved(options.folder(arguments), arguments.env, arguments.host)
    api = connection.api(arguments, wanted.host, wanted.namespace)
    decided = options.decisions(arguments, api)
    wanted = options.with_pause(api, wanted)
    found = plan(wanted, observe(api, wanted, decided), decided)
    arguments.report.planned((c.action, c.kind) for c in found.changes)
    arguments.report.drift = len(found.differences)
    options.show(arguments, found)
    guard.check(found, options.limits(arguments), desired_pipelines=len(wanted.pipelines))
    return conflicts(found) or (ExitCode.DIFFERENCES if found.differences else ExitCode.OK)


def conflicts(found: Plan) -> int:
    """Say what is not ours and stops a pipeline."""
    for change in found.conflicts:
        console.note(f"{change.kind} {change.name}: {change.reason}; nothing of this pipeline was touched")
    return ExitCode.REFUSED if found.conflicts else ExitCode.OK
