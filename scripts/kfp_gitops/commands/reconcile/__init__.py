"""`reconcile`: make KFP match `manifests/<env>/`. One module a subcommand, each with `add` and `run`."""

from __future__ import annotations

from argparse import SUPPRESS, Namespace
from collections.abc import Sequence
from typing import Any

from kfp_gitops.base import metrics, stopping
from kfp_gitops.base.errors import ExitCode, GitOpsError
from kfp_gitops.commands import console
from kfp_gitops.commands.common import Parser, parse
from kfp_gitops.commands.reconcile import apply, disable, down, pause, plan, resume, status, trigger

_EXAMPLES = """  python scripts/reconcile.py plan --env dev --host http://127.0.0.1:8888  show changes; exit 1 if any
  python scripts/reconcile.py apply --env dev --host http://127.0.0.1:8888  make them
  python scripts/reconcile.py apply --env dev --as alice --pipeline churn   try a change beside dev, as it is here"""
_SUBCOMMANDS = (plan, apply, status, trigger, down, pause, resume, disable)


class Subcommand(Parser):
    """A parser without a default root, which would win over a --root that stands before the subcommand."""

    def __init__(self, prog: str, description: str, examples: str = "", **more: Any) -> None:
        super().__init__(prog, description, examples, root=SUPPRESS, **more)


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one subcommand on one environment."""
    parser = Parser(
        "reconcile.py", "Make KFP's pipelines, versions and schedules match manifests/<env>/.", _EXAMPLES
    )
    subcommands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=Subcommand
    )
    for subcommand in _SUBCOMMANDS:
        subcommand.add(subcommands)
    arguments = parse(parser, argv, needs_environments=False)
    return _reported(arguments)


def _reported(arguments: Namespace) -> int:
    """Carry it out, and tell the Pushgateway how it went, also when it failed."""
    url = metrics.checked(arguments.push_gateway) if arguments.push_gateway else None
    arguments.report = metrics.Report(
        arguments.env, arguments.command, period=getattr(arguments, "period", None)
    )
    code: int = ExitCode.DEFECT
    try:
        code = int(arguments.run(arguments))
    except GitOpsError as error:
        code = error.exit_code
        raise
    except stopping.Stopped as error:
        code = error.exit_code
        raise
    finally:
        if url and (lost := metrics.push(url, arguments.report, code, stopping.left(metrics.TIMEOUT))):
            console.note(lost)
    return code
