"""`doctor`: is everything there that reconciling needs?"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kfp_gitops.base import replies
from kfp_gitops.base.errors import ExitCode, UsageError
from kfp_gitops.commands import connection, console, diagnosed
from kfp_gitops.commands.common import Parser, parse
from kfp_gitops.commands.reconcile import options
from kfp_gitops.kfpserver.ownership import Owner

if TYPE_CHECKING:
    from kfp_gitops.operate.doctor.check import Check
    from kfp_gitops.reconcile.folder import Folder

_EXAMPLES = """  python scripts/doctor.py --env dev --host http://127.0.0.1:8888
  python scripts/doctor.py --env prod --lease kubeflow/kfp-gitops-prod --json"""


def main(argv: Sequence[str] | None = None) -> int:
    """Check every prerequisite of one environment; exit 1 when one is missing, 4 when KFP cannot be reached."""
    parser = Parser("doctor.py", "Check what must be there before an environment can be applied.", _EXAMPLES)
    parser.add_argument("--env", required=True, metavar="ENV")
    parser.add_argument(
        "--manifests", type=Path, metavar="DIR", help="default: manifests/ENV of the repository"
    )
    parser.add_argument("--lease", metavar="NAMESPACE/NAME", help="check the rights on this Lease, too")
    parser.add_argument(
        "--kfp-namespace",
        default="kubeflow",
        metavar="NS",
        help="where KFP's own pods are (default: kubeflow)",
    )
    parser.add_argument("--json", action="store_true", help="for machines: schemas/doctor.schema.json")
    connection.add_metadata(parser)
    connection.add(parser, patience=5.0)  # how it is now is what was asked
    arguments = parse(parser, argv, needs_environments=False)
    checks = list(_checks(arguments))
    return _show(arguments, checks)


def _checks(arguments: Namespace) -> Iterator[Check]:
    from kfp_gitops.operate.doctor import metadata, repository, server
    from kfp_gitops.operate.doctor.check import Check, Status
    from kfp_gitops.reconcile.folder import read
    from kfp_gitops.reconcile.hosts import checked_host, is_loopback

    folder = read(options.manifests(arguments), arguments.env)
    kfp = folder.environment["kfp"]
    host = checked_host(arguments.host or kfp["host"])
    yield from (of_repository := list(repository.checks(folder, host)))
    api, of_server = connection.api(arguments, host, kfp["namespace"]), list[Check]()

    owner = Owner(folder.environment["repository"], arguments.env)

    def is_well() -> bool:
        """Asked once the manifests are being compiled, for then no process is forked any more."""
        of_server.extend(server.checks(api, arguments.env))
        well = not server.hinders(of_server)
        if well:
            of_server.extend(server.asides(api, owner))
        return well

    planned = diagnosed.Planned(arguments, is_well)
    lost = {check.name for check in of_repository if check.status is Status.MISSING}
    yield from planned.compiled(stale="lock" in lost)
    yield from of_server
    if not server.hinders(of_server):
        yield from metadata.checks(connection.metadata(arguments, api, kfp), folder.manifests)
    yield from planned.checks()
    if not (is_loopback(host) and arguments.lease is None):
        with replies.within(connection.budget(arguments).seconds):
            yield from _cluster(arguments, folder)


def _cluster(arguments: Namespace, folder: Folder) -> Iterator[Check]:
    from kfp_gitops.base import cluster
    from kfp_gitops.operate.doctor import check, kubernetes, repository

    named = repository.named_objects(folder)
    pipelines = folder.environment["kfp"]["namespace"] or arguments.kfp_namespace
    try:
        api = cluster.connect()
    except UsageError as error:
        yield check.unknown("cluster", "versions, rights and objects in it were not looked at", str(error))
        for kind, name, users in named:
            look = f"kubectl -n {pipelines} get {kind.lower()} {name}"
            yield check.unknown(f"{kind} {name}", f"named by {', '.join(users)}", look)
        return
    yield from kubernetes.checks(
        cluster.Once(api), arguments.kfp_namespace, pipelines, named, arguments.lease, arguments.env
    )


def _show(arguments: Namespace, checks: Sequence[Check]) -> int:
    from kfp_gitops.operate.doctor import check

    console.result(check.to_json(arguments.env, checks) if arguments.json else check.to_text(checks))
    lost = [c for c in checks if c.status is check.Status.MISSING]
    if any(c.name == "reachable" for c in lost):
        return ExitCode.REMOTE_FAILED
    return ExitCode.DIFFERENCES if lost else ExitCode.OK
