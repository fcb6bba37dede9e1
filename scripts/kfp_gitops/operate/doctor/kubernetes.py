"""Prerequisites in the cluster, where a kubeconfig or a pod's service account leads to one. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kfp_gitops.base.cluster import Once, client
from kfp_gitops.base.errors import DeniedError, NotFoundError, RemoteError
from kfp_gitops.operate.doctor import supported, workflows
from kfp_gitops.operate.doctor.check import Check, missing, ok, unknown

_TIMEOUT = (5, 10)
# What apply asks of KFP, which looks them up by SubjectAccessReview: the Role of manifests/<env>/access.yaml.
_RIGHTS: Mapping[str, Sequence[str]] = {
    "pipelines": ("get", "list", "create", "delete"),
    "experiments": ("list", "create", "archive", "unarchive"),
    "jobs": ("list", "create", "enable", "disable", "delete"),
    "runs": ("list", "create"),
}
_PATHS = {
    "Secret": "secrets",
    "ConfigMap": "configmaps",
    "PersistentVolumeClaim": "persistentvolumeclaims",
}
_METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
"""A secret's name without its value: it is never even sent."""


def checks(
    looked: Once,
    kfp: str,
    pipelines: str,
    named: Sequence[tuple[str, str, list[str]]],
    lease: str | None,
    environment: str,
) -> Iterator[Check]:
    """All checks; `kfp` is the namespace of KFP's own pods, `pipelines` the one in which runs run."""
    yield _version(looked)
    yield _argocd(looked)
    yield _time_zone(looked, kfp)
    yield workflows.check(looked, kfp)
    yield from _rights(looked, pipelines, environment)
    if lease:
        yield from _lease_rights(looked, lease, environment)
    for kind, name, users in named:
        yield _exists(looked, pipelines, kind, name, users)


def of_what_runs(
    looked: Once,
    kfp: str,
    pipelines: str,
    named: Sequence[tuple[str, str, list[str]]],
    retried: Sequence[str],
) -> Iterator[Check]:
    """Those of them that break what runs already; that of retries where somebody counts on them."""
    yield _time_zone(looked, kfp)
    if retried:
        yield workflows.check(looked, kfp)
    for kind, name, users in named:
        yield _exists(looked, pipelines, kind, name, users)


def _version(looked: Once) -> Check:
    look = "kubectl version"
    try:
        found = looked.call(
            lambda: str(client.VersionApi(looked.api).get_code(_request_timeout=_TIMEOUT).git_version)
        )
    except RemoteError as error:
        return unknown("Kubernetes version", str(error), look)
    return supported.check("kubernetes", found, look)


def _argocd(looked: Once) -> Check:
    look = "kubectl get deployments -A -l app.kubernetes.io/name=argocd-server -o jsonpath='{..image}'"
    try:
        selector = "app.kubernetes.io/name=argocd-server"
        apps = client.AppsV1Api(looked.api)
        listed = apps.list_deployment_for_all_namespaces
        images = looked.call(
            lambda: _images(listed(label_selector=selector, _request_timeout=_TIMEOUT).items)
        )
    except RemoteError as error:
        return unknown("Argo CD version", str(error), look)
    if not images:
        return unknown("Argo CD version", "no argocd-server in this cluster; it may be in another one", look)
    return supported.check("argocd", images[0].partition("@")[0].rpartition(":")[2], look)


def _images(deployments: Sequence[Any]) -> list[str]:
    return [str(each.spec.template.spec.containers[0].image) for each in deployments]


def _time_zone(looked: Once, namespace: str) -> Check:
    """KFP reads crons in the zone of this variable; ours are written in UTC."""
    name, deployment = "cron time zone", "ml-pipeline-scheduledworkflow"
    look = f"kubectl -n {namespace} get deployment {deployment} -o jsonpath='{{..env}}'"
    apps = client.AppsV1Api(looked.api)
    try:
        read = apps.read_namespaced_deployment
        zones = looked.call(lambda: _zones(read(deployment, namespace, _request_timeout=_TIMEOUT)))
    except RemoteError as error:
        return unknown(name, str(error), look)
    if not zones or zones == ["UTC"]:
        return ok(name, "UTC")
    mend = f"kubectl -n {namespace} set env deployment/{deployment} CRON_SCHEDULE_TIMEZONE=UTC"
    return missing(name, f"{zones[0]}: schedules are written, shown and judged in UTC", mend)


def _zones(deployment: Any) -> list[str]:
    variables = [v for c in deployment.spec.template.spec.containers for v in c.env or []]
    return [v.value for v in variables if v.name == "CRON_SCHEDULE_TIMEZONE" and v.value]


def _rights(looked: Once, namespace: str, environment: str) -> Iterator[Check]:
    for resource, verbs in _RIGHTS.items():
        wanted = {"group": "pipelines.kubeflow.org", "resource": resource, "namespace": namespace}
        yield _may(looked, resource, verbs, wanted, environment)


def _lease_rights(looked: Once, lease: str, environment: str) -> Iterator[Check]:
    namespace, _, name = lease.partition("/")
    wanted = {"group": "coordination.k8s.io", "resource": "leases", "namespace": namespace}
    yield _may(looked, "leases", ("create",), wanted, environment)
    yield _may(looked, f"lease {name}", ("get", "update"), {**wanted, "name": name}, environment)


def _may(looked: Once, what: str, verbs: Sequence[str], wanted: Mapping[str, str], environment: str) -> Check:
    name = f"rights on {what}"
    try:
        refused = [verb for verb in verbs if not _allowed(looked, {**wanted, "verb": verb})]
    except RemoteError as error:
        return unknown(name, str(error), f"kubectl auth can-i --list -n {wanted['namespace']}")
    if not refused:
        return ok(name, f"the identity of this kubeconfig or pod: {', '.join(verbs)}")
    rule = f"{{apiGroups: [{wanted['group']}], resources: [{wanted['resource']}], verbs: [{', '.join(refused)}]}}"
    mend = f"bind a Role in namespace {wanted['namespace']} with {rule}: manifests/{environment}/access.yaml has it"
    return missing(name, f"not allowed: {', '.join(refused)}", mend)


def _allowed(looked: Once, attributes: Mapping[str, str]) -> bool:
    spec = client.V1SelfSubjectAccessReviewSpec(resource_attributes=client.V1ResourceAttributes(**attributes))
    review = client.V1SelfSubjectAccessReview(spec=spec)
    create = client.AuthorizationV1Api(looked.api).create_self_subject_access_review
    return looked.call(lambda: bool(create(review, _request_timeout=_TIMEOUT).status.allowed))


def _exists(looked: Once, namespace: str, kind: str, name: str, users: Sequence[str]) -> Check:
    title, found = f"{kind} {name}", f"named by {', '.join(users)}"
    mend = f"kubectl -n {namespace} create {kind.lower()} {name} …   # how is not this repository's business"
    path = f"/api/v1/namespaces/{namespace}/{_PATHS[kind]}/{name}"
    try:
        looked.call(
            lambda: looked.api.call_api(
                path, "GET", header_params={"Accept": _METADATA}, auth_settings=["BearerToken"],
                response_type="object", _request_timeout=_TIMEOUT,
            )[0]["metadata"]["name"]
        )  # fmt: skip
    except NotFoundError:
        return missing(title, f"does not exist in namespace {namespace}; {found}", mend)
    except (DeniedError, RemoteError) as error:
        return unknown(title, f"{found}; {error}", f"kubectl -n {namespace} get {kind.lower()} {name}")
    return ok(title, found)
