"""`reconcile`: make KFP match `manifests/<env>/`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from kfp_gitops import console
from kfp_gitops.commands.common import Parser, parse
from kfp_gitops.errors import ExitCode
from kfp_gitops.reconcile.plan import Change, Plan, plan, to_text

_EXAMPLES = """  python scripts/reconcile.py plan --env dev --host http://127.0.0.1:8888  show changes; exit 1 if any
  python scripts/reconcile.py apply --env dev --host http://127.0.0.1:8888  make them"""


def main(argv: Sequence[str] | None = None) -> int:
    """Plan (read-only) or apply one environment."""
    parser = Parser(
        "reconcile.py", "Make KFP's pipelines, versions and schedules match manifests/<env>/.", _EXAMPLES
    )
    parser.add_argument("command", choices=["plan", "apply"], help="plan only reads; apply changes KFP")
    parser.add_argument("--env", required=True, metavar="ENV")
    parser.add_argument("--host", metavar="URL", help="the KFP API (default: what environment.yaml says)")
    parser.add_argument(
        "--manifests", type=Path, metavar="DIR", help="default: manifests/ENV of the repository"
    )
    arguments = parse(parser, argv, needs_environments=False)
    return _reconcile(arguments)


def _reconcile(arguments: Namespace) -> int:
    from kfp_gitops.kfpapi.client import KfpApi
    from kfp_gitops.reconcile import desired
    from kfp_gitops.reconcile.apply import apply, observe

    folder = (arguments.manifests or arguments.root / "manifests" / arguments.env).resolve()
    wanted = desired.load(folder, arguments.env, arguments.host)
    api = KfpApi(wanted.host, wanted.namespace)
    found = plan(wanted, observe(api, wanted))
    console.result(to_text(found))
    if arguments.command == "plan":
        return _verdict(found)
    failed = apply(api, wanted, found, _tell)
    for line in failed:
        console.note(line)
    return ExitCode.REMOTE_FAILED if failed else _conflicts(found)


def _tell(change: Change, outcome: str) -> None:
    console.result(f"{change.action} {change.kind} {change.name}: {outcome}")


def _conflicts(found: Plan) -> int:
    for change in found.conflicts:
        console.note(f"{change.kind} {change.name}: {change.reason}; nothing of this pipeline was touched")
    return ExitCode.REFUSED if found.conflicts else ExitCode.OK


def _verdict(found: Plan) -> int:
    return _conflicts(found) or (ExitCode.DIFFERENCES if found.to_do else ExitCode.OK)
