"""`run`: start a registered pipeline once and follow it; list runs; show one."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kfp_gitops import console
from kfp_gitops.commands import connection
from kfp_gitops.commands.common import Parser, parse
from kfp_gitops.errors import ExitCode, UsageError

if TYPE_CHECKING:  # kfp is imported when a command needs it, not for --help or a bad command line
    from kfp_gitops.kfpapi.client import KfpApi
    from kfp_gitops.runs import Request

_EXAMPLES = """  python scripts/run.py --env dev --pipeline quickstart --host http://127.0.0.1:8888 --wait
  python scripts/run.py --env dev --pipeline predictive-scaling --param cv_folds=10 --param 'candidates=["prophet"]'
  python scripts/run.py --env dev --pipeline quickstart --list
  python scripts/run.py --env dev --status RUN_ID"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run, list or show; exit 4 when a run that was waited for or shown did not succeed."""
    parser = Parser("run.py", "Run a registered pipeline once, with the environment's parameters.", _EXAMPLES)
    parser.add_argument("--env", required=True, metavar="ENV")
    parser.add_argument("--pipeline", metavar="P", help="the pipeline to run, or whose runs to list")
    parser.add_argument(
        "--param", action="append", default=[], metavar="K=V", help="a parameter that differs; repeatable"
    )
    parser.add_argument("--wait", action="store_true", help="follow the run to its end")
    parser.add_argument(
        "--timeout", type=float, metavar="S", help="give up waiting after S seconds; the run goes on"
    )
    connection.add(parser)
    parser.add_argument("--list", action="store_true", help="list the newest runs instead")
    parser.add_argument("--status", metavar="RUN", help="show one run instead")
    arguments = parse(parser, argv)
    if not arguments.status and not arguments.pipeline:
        raise UsageError("run.py: give --pipeline or --status RUN; see --help")
    return _dispatch(arguments)


def _dispatch(arguments: Namespace) -> int:
    from kfp_gitops import runs
    from kfp_gitops.reconcile import desired

    folder = desired.read(arguments.root / "manifests" / arguments.env, arguments.env)
    request = None
    if not arguments.status:
        if arguments.pipeline not in folder.manifests:
            known = ", ".join(folder.manifests) or "none"
            raise UsageError(f"no pipeline {arguments.pipeline!r} in {arguments.env}; there are: {known}")
        if not arguments.list:  # checked before anything is sent
            values = runs.parameters(folder.manifests[arguments.pipeline], arguments.param)
            version = folder.locked[arguments.pipeline].version
            request = runs.Request(arguments.env, arguments.pipeline, version, values)
    host = desired.checked_host(arguments.host or folder.environment["kfp"]["host"])
    api = connection.api(arguments, host, folder.environment["kfp"]["namespace"])
    if arguments.status:
        return _show(runs.table(state := api.run(arguments.status)), state.state)
    if request is None:
        return _list(api, desired.experiment_name(arguments.pipeline, arguments.env))
    return _run(api, request, arguments)


def _run(api: KfpApi, request: Request, arguments: Namespace) -> int:
    from kfp_gitops import runs

    run_id = runs.start(api, request)
    console.result(api.run_link(run_id))
    if not arguments.wait:
        return ExitCode.OK
    state = runs.follow(api, run_id, console.note, arguments.timeout)
    return _show(runs.table(state), state.state)


def _list(api: KfpApi, experiment: str) -> int:
    from kfp_gitops import runs

    found = api.experiment(experiment)
    console.result(runs.listing(api.runs(found, 20) if found else []))
    return ExitCode.OK


def _show(text: str, state: str) -> int:
    console.result(text)
    return ExitCode.REMOTE_FAILED if state in ("FAILED", "CANCELED") else ExitCode.OK
