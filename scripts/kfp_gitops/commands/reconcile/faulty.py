"""What is wrong with the server or the environment as a whole: asked for and judged, for status and doctor alike."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kfp_gitops.base.errors import RefusedError

if TYPE_CHECKING:
    from kfp_gitops.kfpserver.kfpapi.actual import Actual
    from kfp_gitops.kfpserver.kfpapi.budget import Budget
    from kfp_gitops.kfpserver.kfpapi.client import KfpApi
    from kfp_gitops.kfpserver.kfpapi.features import Features
    from kfp_gitops.kfpserver.kfpapi.models import NamedExperiment
    from kfp_gitops.operate.faults.fault import Fault
    from kfp_gitops.operate.faults.firings import Fired, Outage
    from kfp_gitops.operate.status.model import Status
    from kfp_gitops.reconcile.locking import Kept
    from kfp_gitops.reconcile.records import Desired


@dataclass(frozen=True)
class Asked:
    """What a look asks the server for before all else."""

    features: Features
    notes: Sequence[NamedExperiment]
    told: datetime
    """The server's time, and that of this machine (`at`) at the same moment."""
    at: datetime

    @classmethod
    def of(cls, api: KfpApi, environment: str) -> Asked:
        """Both at once.

        Raises:
            RefusedError: a KFP of several users, and no namespace: it tells nothing of anybody's.
        """
        from kfp_gitops.kfpserver.kfpapi.transport import at_once
        from kfp_gitops.operate.faults import server
        from kfp_gitops.operate.operations import pause

        with at_once() as pool:
            noted = pool.submit(pause.notes, api)
            features = api.features()
            fault = server.namespace(features, api.namespace, environment)
            if fault and features.multi_user:
                raise RefusedError(f"{api.host} is {fault.cause}; {fault.command}")
            notes = noted.result()
            return cls(features, notes, api.now(), datetime.now(UTC))


def found(
    api: KfpApi,
    asked: Asked,
    kept: Kept,
    desired: Desired,
    actual: Actual,
    status: Status,
    fired: Sequence[Fired],
) -> tuple[Fault, ...]:
    """All of it, what hinders most first."""
    from kfp_gitops.operate.faults import firings, server

    namespace = server.namespace(asked.features, api.namespace, desired.owner.environment)
    clock = server.clock(asked.told, asked.at)
    faults = [
        namespace,
        *_of_database(api, asked, kept, desired, actual),
        clock,
        *firings.all_of(list(_outages(status)), fired, api.host),
    ]
    return tuple(filter(None, faults))


def _of_database(api: KfpApi, asked: Asked, kept: Kept, desired: Desired, actual: Actual) -> Iterator[Fault]:
    from kfp_gitops.operate.faults import database as judged
    from kfp_gitops.operate.operations import database
    from kfp_gitops.reconcile.observe import nothing_of

    if not kept.memory and not kept.witness:
        return
    mark = database.mark_of(asked.notes, desired.owner)
    anything = not nothing_of(desired.owner, actual) or (not mark and api.has_anything_of(desired.owner))
    lost = {one.id for one in database.lost(kept.witness, asked.notes, desired.owner, actual.now)}
    yield from judged.faults(kept, judged.There(desired, actual, mark, lost, anything))


def of_cluster(arguments: Namespace, budget: Budget) -> list[Fault]:
    """By what doctor asks a cluster for, where `--cluster` was said; what the cluster does not tell is said.

    Raises:
        UsageError: KUBECONFIG leads to none.
    """
    from kfp_gitops.base import cluster, replies
    from kfp_gitops.commands import console
    from kfp_gitops.commands.reconcile import options
    from kfp_gitops.operate.doctor import kubernetes, repository
    from kfp_gitops.operate.doctor.check import Status
    from kfp_gitops.operate.faults.fault import Fault
    from kfp_gitops.reconcile.folder import read

    if not getattr(arguments, "cluster", False):
        return []
    folder = read(options.manifests(arguments), arguments.env)
    pipelines = folder.environment["kfp"]["namespace"] or arguments.kfp_namespace
    with replies.within(budget.seconds):
        looked = cluster.Once(cluster.connect())
        named, retried = repository.named_objects(folder), repository.retries(folder)
        checks = list(kubernetes.of_what_runs(looked, arguments.kfp_namespace, pipelines, named, retried))
    for check in checks:
        if check.status is Status.UNKNOWN:
            console.note(f"{check.name} is not known: {check.found}")
    lost = (check for check in checks if check.status is Status.MISSING)
    return [Fault(check.name, check.found, check.mend.replace("\n", "; ")) for check in lost]


def add_cluster(parser: ArgumentParser) -> None:
    """Declare it."""
    parser.add_argument(
        "--cluster", action="store_true",
        help="also ask the Kubernetes cluster that KUBECONFIG leads to, as doctor does: the policy of retries, the "
        "time zone, and the secrets, config maps and claims that the pipelines name",
    )  # fmt: skip
    parser.add_argument(
        "--kfp-namespace", default="kubeflow", metavar="NS",
        help="where KFP's own pods are in it (default: kubeflow)",
    )  # fmt: skip


def _outages(status: Status) -> Iterator[Outage]:
    from kfp_gitops.operate.faults import firings
    from kfp_gitops.operate.status.model import Cause

    for pipeline in status.pipelines:
        for schedule in pipeline.schedules:
            for missed in schedule.missed:
                if missed.cause is Cause.OUTAGE:
                    yield firings.Outage(schedule.name, missed.at)
