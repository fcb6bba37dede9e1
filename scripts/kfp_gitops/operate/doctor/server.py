"""Prerequisites at the KFP server, as far as its API tells them without a write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Literal, get_args

from kfp_gitops.base import columns
from kfp_gitops.base.errors import DeniedError, RemoteError
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.features import Features
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.operate.doctor import supported
from kfp_gitops.operate.doctor.check import Check, Status, missing, ok, unknown
from kfp_gitops.operate.faults import server as faults
from kfp_gitops.reconcile import aside

_Kind = Literal["pipelines", "experiments", "jobs", "runs"]
_NEEDED = frozenset({"reachable", "credentials", "namespace"})
_CREDENTIALS = (
    "in a cluster: mount a projected token with audience pipelines.kubeflow.org (templates/delivery does);\n"
    "elsewhere: --token-file or --cookies-file, or go past the login: "
    "kubectl -n kubeflow port-forward svc/ml-pipeline 8888"
)


def checks(api: KfpApi, environment: str) -> Iterator[Check]:
    """Reachability first: when it fails nothing else is asked."""
    try:
        features = api.features()
    except DeniedError as error:
        yield ok("reachable", api.host)
        yield missing("credentials", str(error), _CREDENTIALS)
        return
    except RemoteError as error:
        mend = (
            "kubectl -n kubeflow get deployment,service ml-pipeline; from outside of the cluster:\n"
            "kubectl -n kubeflow port-forward svc/ml-pipeline 8888, and --host http://localhost:8888"
        )
        yield missing("reachable", str(error), mend)
        return
    yield ok("reachable", api.host)
    look = "kubectl -n kubeflow get deployment ml-pipeline -o jsonpath='{..image}'"
    yield supported.check("kfp", features.version, look)
    yield _mode(api, features, environment)
    yield _tags(features)
    yield _orphans(features)
    yield _clock(api, features)
    yield from _reading(api, environment)


def asides(api: KfpApi, owner: Owner) -> Iterator[Check]:
    """What people have registered beside environments of this repository, and what of it is left over."""
    try:
        found = aside.known(api.marked(), owner.repository)
    except RemoteError as error:
        yield unknown("asides", str(error), "look into the log of deployment ml-pipeline")
        return
    now = api.now()
    over = [one for one in found if one.is_over(now)]
    command = f"python scripts/reconcile.py down --env {owner.environment} --over" if over else ""
    yield Check("asides", Status.OK, "; ".join(_aside(one, now) for one in found) or "none", command)


def _aside(found: aside.Known, now: datetime) -> str:
    until = f"until {found.over:%Y-%m-%d %H:%M} UTC" if found.over else "without an end"
    its = columns.counted(len(found.pipelines), "pipeline")
    return f"{found.owner.environment} ({its}) {'left over, was ' if found.is_over(now) else ''}{until}"


def hinders(checks: Iterable[Check]) -> bool:
    """Whether something of it is so that nobody can plan."""
    names = {check.name for check in checks if check.status is Status.MISSING}
    return any(name in _NEEDED or name.startswith("may list ") for name in names)


def _mode(api: KfpApi, features: Features, environment: str) -> Check:
    mode = "multi-user" if features.multi_user else "single-user"
    if fault := faults.namespace(features, api.namespace, environment):
        return missing(fault.name, fault.cause, fault.command)
    return ok("namespace", f"{mode}, {api.namespace or 'no namespace'}")


def _tags(features: Features) -> Check:
    if features.tags:
        return ok("tags", "kept: versions can be found by release and commit")
    return ok("tags", "not kept before KFP 2.17: provenance stands in descriptions alone")


def _orphans(features: Features) -> Check:
    if features.orphan_delete:
        return ok("replacing schedules", "without killing their runs")
    found = "this server kills the runs of a recurring run that is deleted (kubeflow/pipelines #12573)"
    return missing("replacing schedules", found, "upgrade KFP to 2.16 or later")


def _clock(api: KfpApi, features: Features) -> Check:
    if features.date is None:
        return unknown("clock", "the server does not tell its time", "compare `date -u` here and there")
    if fault := faults.clock(api.now(), datetime.now(UTC)):
        return missing(fault.name, fault.cause, fault.command)
    return ok("clock", f"within {faults.SKEW:g} s of the server's")


def _reading(api: KfpApi, environment: str) -> Iterator[Check]:
    for kind in get_args(_Kind):
        name = f"may list {kind}"
        try:
            api.probe(kind)
        except DeniedError as error:
            mend = _CREDENTIALS if error.status == 401 else _rule(kind, api.namespace, environment)
            yield missing(name, str(error), mend)
        except RemoteError as error:
            yield missing(name, str(error), "look into the log of deployment ml-pipeline")
        else:
            yield ok(name, "yes")


def _rule(kind: str, namespace: str | None, environment: str) -> str:
    return (
        f"bind a Role in namespace {namespace or 'of the user'} with "
        f"{{apiGroups: [pipelines.kubeflow.org], resources: [{kind}], verbs: [get, list, …]}}: "
        f"manifests/{environment}/access.yaml has it"
    )
