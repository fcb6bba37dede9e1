"""The services of the namespace: who has no usage, and whose name is there twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from predictive_scaling.doctor.asking import EXPORTED, Place, true
from predictive_scaling.doctor.finding import Finding, counted, fine, listed, note, problem

KINDS = "StatefulSet|DaemonSet|ReplicationController"
Service = tuple[str, str]
"""Kind and name."""


def service_findings(place: Place) -> Iterator[Finding]:
    """Of running pods and their owners in this namespace, and of names in others."""
    owned = _owned(place)
    if not owned:
        return
    with_rows = {
        true(row.labels, "pod")
        for row in place.ask(
            f"count by (pod, {EXPORTED}pod) "
            + place.rows("container_memory_working_set_bytes", container="~..*")
        )
    }
    silent = sorted(name for (_, name), pods in owned.items() if not pods & with_rows)
    if silent:
        yield problem(
            "usage",
            f"{len(silent)} of {len(owned)} services have pods and no usage: {listed(silent)}",
            "do their containers crash as they start? If not: are their nodes' kubelets scraped "
            '(up{job=~".*kubelet.*|.*cadvisor.*"} == 0), and their container rows kept?',
        )
    else:
        yield fine("usage", f"{counted(len(owned), 'service')} with usage, none without")
    yield from _kinds(owned)
    yield from _elsewhere(place, {name for _, name in owned})


def _owned(place: Place) -> dict[Service, set[str]]:
    """Running pods by service: through a ReplicaSet's owner, as the recording rules do it."""
    parents = _parents(place)
    running = {
        true(row.labels, "pod")
        for row in place.ask(f"{place.rows('kube_pod_status_phase', phase='Running')} == 1")
    }
    found: defaultdict[Service, set[str]] = defaultdict(set)
    for row in place.ask(place.rows("kube_pod_owner")):
        kind, name = row.labels.get("owner_kind", ""), row.labels.get("owner_name", "")
        service = parents.get(name) if kind == "ReplicaSet" else (kind, name)
        pod = true(row.labels, "pod")
        if service and service[0] in {"Deployment", "Rollout", *KINDS.split("|")} and pod in running:
            found[service].add(pod)
    return dict(found)


def _parents(place: Place) -> dict[str, Service]:
    rows = place.ask(place.rows("kube_replicaset_owner"))
    return {
        true(row.labels, "replicaset"): (row.labels.get("owner_kind", ""), row.labels.get("owner_name", ""))
        for row in rows
        if row.labels.get("owner_kind") not in (None, "", "<none>")
    }


def _kinds(owned: Mapping[Service, set[str]]) -> Iterator[Finding]:
    kinds: defaultdict[str, list[str]] = defaultdict(list)
    for kind, name in sorted(owned):
        kinds[name].append(kind)
    twice = [f"{name} ({' and '.join(found)})" for name, found in kinds.items() if len(found) > 1]
    if twice:
        yield problem(
            "names",
            f"one name in two kinds: {listed(twice)}",
            "both are left out of a run: rename one, or choose by `services: {NAME: {kind: Deployment}}`",
        )


def _elsewhere(place: Place, names: set[str]) -> Iterator[Finding]:
    by = f"namespace, {EXPORTED}namespace, owner_name"
    asked = (
        place.selector("kube_replicaset_owner", owner_kind="~Deployment|Rollout"),
        place.selector("kube_pod_owner", owner_kind=f"~{KINDS}"),
    )
    rows = [row for each in asked for row in place.ask(f"count by ({by}) ({each})")]
    others: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        namespace = true(row.labels, "namespace")
        if row.labels.get("owner_name") in names and namespace != place.namespace:
            others[row.labels["owner_name"]].add(namespace)
    if others:
        told = [f"{name} ({listed(sorted(found))})" for name, found in sorted(others.items())]
        yield note(
            "namespaces",
            f"stand in other namespaces too: {listed(told)}",
            "every query must name its namespace, and each namespace wants a registry prefix and a run of its own",
        )
