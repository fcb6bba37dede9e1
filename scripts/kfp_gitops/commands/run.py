"""`run`: start a registered pipeline once and follow it, or run it on this machine; list runs; show one."""

from __future__ import annotations

import math
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kfp_gitops.base.errors import ExitCode, UsageError
from kfp_gitops.commands import again, backfilling, connection, console
from kfp_gitops.commands.common import Parser, parse

if TYPE_CHECKING:  # kfp is imported when a command needs it, not for --help or a bad command line
    from kfp_gitops.kfpserver.kfpapi.client import KfpApi
    from kfp_gitops.language.manifest import Manifest
    from kfp_gitops.operate.following import Shown, Watch
    from kfp_gitops.operate.runs import Request
    from kfp_gitops.reconcile.folder import Folder

_EXAMPLES = """  python scripts/run.py --env dev --pipeline quickstart --host http://127.0.0.1:8888 --wait
  python scripts/run.py --env dev --pipeline predictive-scaling --param cv_folds=10 --param 'candidates=["prophet"]'
  python scripts/run.py --env dev --pipeline quickstart --local           on this machine, without a server
  python scripts/run.py --env dev --pipeline quickstart --list
  python scripts/run.py --env dev --status RUN_ID
  python scripts/run.py --env dev --rerun RUN_ID --wait
  python scripts/run.py --env dev --pipeline predictive-scaling --backfill 2026-01-01..2026-01-31 --parallel 2
  python scripts/run.py --env prod --backfill --missed                    make up for what status names"""


def _parser() -> Parser:
    parser = Parser("run.py", "Run a pipeline once, with the environment's parameters.", _EXAMPLES)
    parser.add_argument("--env", required=True, metavar="ENV")
    parser.add_argument("--pipeline", metavar="P", help="the pipeline to run, or whose runs to list")
    parser.add_argument(
        "--param", action="append", default=[], metavar="K=V", help="a parameter that differs; repeatable"
    )
    parser.add_argument("--wait", action="store_true", help="follow the run to its end")
    parser.add_argument(
        "--local",
        action="store_true",
        help="compile the manifest and run it on this machine; needs no server",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="with --local: a new folder for what the run writes"
        " (default: .local-runs/P-TIME of the repository)",
    )  # fmt: skip
    parser.add_argument(
        "--workers", type=int, default=2, metavar="N", help="with --local: tasks at a time (default: 2)"
    )
    parser.add_argument(
        "--pass-env", action="append", default=[], metavar="NAME",
        help="with --local: a variable of this environment that the steps see, beside PATH and its like; repeatable",
    )  # fmt: skip
    parser.add_argument(
        "--cache", action="store_true", help="with --local: answer a task from what it gave before, as KFP does"
        " where the pipeline lets it (default: every task runs)",
    )  # fmt: skip
    connection.add(parser, timeout="give up waiting after S seconds; the run goes on (default: never)")
    parser.add_argument("--list", action="store_true", help="list the newest runs instead")
    parser.add_argument("--status", metavar="RUN", help="show one run instead")
    again.add(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run, list or show; exit 4 when a run that was waited for or shown did not succeed."""
    arguments = parse(_parser(), argv)
    if again.is_backfill(arguments):
        return backfilling.run(arguments)
    if not (arguments.status or arguments.rerun or arguments.pipeline):
        raise UsageError("run.py: give --pipeline, --rerun RUN or --status RUN; see --help")
    if arguments.local:
        return _local(arguments)
    if arguments.pass_env:
        raise UsageError(
            "run.py: --pass-env is for --local; on KFP a manifest's `env` names what its steps see"
        )
    if arguments.cache:
        raise UsageError("run.py: --cache is for --local; on a server the pipeline says what is cached")
    return _dispatch(arguments)


def _local(arguments: Namespace) -> int:
    from kfp_gitops.commands import locally
    from kfp_gitops.reconcile.folder import read

    locally.refuse_together(arguments)
    folder = read(arguments.root / "manifests" / arguments.env, arguments.env)
    manifest, pipeline = _manifest(folder, arguments), arguments.pipeline
    return locally.run(arguments, manifest, folder.inner(pipeline), folder.rendered[pipeline])


def _manifest(folder: Folder, arguments: Namespace) -> Manifest:
    if arguments.pipeline not in folder.manifests:
        known = ", ".join(folder.manifests) or "none"
        raise UsageError(f"no pipeline {arguments.pipeline!r} in {arguments.env}; there are: {known}")
    return folder.manifests[arguments.pipeline]


def _dispatch(arguments: Namespace) -> int:
    from kfp_gitops.operate import runs
    from kfp_gitops.reconcile.folder import read
    from kfp_gitops.reconcile.hosts import checked_host
    from kfp_gitops.reconcile.records import experiment_name

    folder = read(arguments.root / "manifests" / arguments.env, arguments.env)
    host = checked_host(arguments.host or folder.environment["kfp"]["host"])
    request = _request(arguments, folder, host)  # checked before anything is sent
    namespace = folder.environment["kfp"]["namespace"]
    # The grace is to see how the run stands at the end.
    api = connection.api(arguments, host, namespace, math.inf, grace=10.0)
    api.service_account = folder.environment["kfp"].get("serviceAccount", "")
    watch = _watch(api, folder)
    if arguments.status:
        return _show(watch, watch.settled(watch.look(arguments.status)))
    if arguments.rerun:
        return _follow(watch, again.rerun(arguments, folder, api), arguments)
    if request is None:
        return _list(watch, experiment_name(arguments.pipeline, arguments.env))
    return _follow(watch, runs.start(api, request), arguments)


def _request(arguments: Namespace, folder: Folder, host: str) -> Request | None:
    """The run that is asked for, if one is."""
    from kfp_gitops.kfpserver.ownership import Owner
    from kfp_gitops.operate import runs

    if arguments.status or arguments.rerun:
        return None
    manifest = _manifest(folder, arguments)
    if arguments.list:
        return None
    values = runs.parameters(manifest, arguments.param)
    runs.refuse_unsound(manifest, folder.inner(arguments.pipeline), values, host)
    locked, owner = (
        folder.locked[arguments.pipeline],
        Owner(folder.environment["repository"], arguments.env),
    )
    return runs.Request(owner, arguments.pipeline, locked.version, locked.digest, values)


def _watch(api: KfpApi, folder: Folder) -> Watch:
    """What reads runs, and knows the manifests that they are shown by."""
    from kfp_gitops.operate.following import Known, Watch

    versions = {name: entry.version for name, entry in folder.locked.items()}
    return Watch(api, Known(folder.manifests, versions, folder.inner))


def _follow(watch: Watch, run_id: str, arguments: Namespace) -> int:
    from kfp_gitops.operate import following

    console.result(watch.api.run_link(run_id))
    if not arguments.wait:
        return ExitCode.OK
    return _show(watch, following.follow(watch, run_id, console.note, arguments.timeout))


def _list(watch: Watch, experiment: str) -> int:
    from kfp_gitops.operate import following

    found = watch.api.experiment(experiment)
    console.result(following.listing(watch, watch.api.runs(found.id, 20) if found else []))
    return ExitCode.OK


def _show(watch: Watch, shown: Shown) -> int:
    from kfp_gitops.operate import following

    console.result(following.table(shown, watch.api.run_link(shown.run.id)))
    return ExitCode.REMOTE_FAILED if shown.run.state in ("FAILED", "CANCELED") else ExitCode.OK
