"""How the namespace's series come into Prometheus: the shape of the scrape, and what is scraped twice or not at all.

Shapes by the labels that each leaves (seen on a cluster with kube-prometheus-stack 75, the chart prometheus 27,
Prometheus' own documentation/examples/prometheus-kubernetes.yml, and kube-prometheus' manifests).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from predictive_scaling.doctor.asking import EXPORTED, Place, Row, true
from predictive_scaling.doctor.finding import Finding, counted, fine, listed, note, problem

STACK, CHART, EXAMPLE, MANIFESTS = (
    "kube-prometheus-stack",
    "chart prometheus",
    "Prometheus' example",
    "kube-prometheus",
)
MEMORY, OWNER = "container_memory_working_set_bytes", "kube_pod_owner"
CLUSTERS = ("cluster", "cluster_name", "k8s_cluster_name", "cluster_id")
REPLICAS = ("prometheus_replica", "replica", "receive_replica")
_SOURCES = ("job", "metrics_path", "endpoint", "service", "instance")


def scrape_findings(place: Place) -> list[Finding]:
    """The shape, and every finding about how cAdvisor's and kube-state-metrics' rows come in."""
    cadvisor = place.ask(f"count by ({_by('namespace', 'container', 'pod')}) {place.rows(MEMORY)}")
    owners = place.ask(
        f"count by ({_by('namespace', 'pod', 'owner_kind', 'owner_name')}) {place.rows(OWNER)}"
    )
    return [
        _shape(cadvisor, owners),
        *_containers(place.namespace, cadvisor),
        *_owners(place.namespace, owners),
        *_honoured(cadvisor, owners),
        *_twice(cadvisor, owners),
        *_several(cadvisor, owners),
    ]


def _by(*names: str) -> str:
    """All labels that these checks look at: a whole cluster's labels would be many times the answer."""
    kept = [*names, *(EXPORTED + name for name in (*names, "service"))]
    return ", ".join(dict.fromkeys([*kept, *_SOURCES, *CLUSTERS, *REPLICAS]))


def shape_of(cadvisor: Sequence[Row], owners: Sequence[Row]) -> str:
    """Name of the scrape's shape; empty when it is none of the known ones."""
    jobs = {row.labels.get("job", "") for row in cadvisor}
    states = {(row.labels.get("job", ""), row.labels.get("endpoint", "")) for row in owners}
    names = {job for job, _ in states}
    if "kubernetes-nodes-cadvisor" in jobs or (not jobs and "kubernetes-service-endpoints" in names):
        return CHART
    if "kubernetes-cadvisor" in jobs:
        return EXAMPLE
    if "kubelet" in jobs or ("kube-state-metrics" in names and not jobs):
        kept = any(endpoint in ("http", "metrics") for job, endpoint in states if job == "kube-state-metrics")
        return STACK if kept or not owners else MANIFESTS
    return ""


def _shape(cadvisor: Sequence[Row], owners: Sequence[Row]) -> Finding:
    name = shape_of(cadvisor, owners)
    if name:
        return fine("scrape", f"scraped as by {name}")
    jobs = sorted({row.labels.get("job", "") for row in [*cadvisor, *owners]} - {""})
    if not jobs:
        return note("scrape", "nothing of the namespace is scraped, or what is has no label job")
    return note(
        "scrape", f"scraped in a way of its own, by the jobs {listed(jobs)}: the findings below count"
    )


def _named(row: Row) -> bool:
    return true(row.labels, "container") not in ("", "POD")


def _containers(namespace: str, cadvisor: Sequence[Row]) -> Iterator[Finding]:
    if not cadvisor:
        yield problem(
            "containers",
            f"no {MEMORY} of namespace {namespace}",
            "is the namespace spelt so? Scrape each kubelet's /metrics/cadvisor (a ServiceMonitor of the kubelet, or "
            "the job kubernetes-nodes-cadvisor), and keep container_* in metric_relabel_configs",
        )
    elif not any(map(_named, cadvisor)):
        yield problem(
            "containers",
            f"{len(cadvisor)} rows of {MEMORY}, none of a container",
            "the kubelet's cAdvisor does not find the container runtime (its socket is not where it looks), or a "
            "relabelling drops the label container: look at the node's /metrics/cadvisor",
        )
    else:
        pods = {true(row.labels, "pod") for row in cadvisor if _named(row)}
        yield fine("containers", f"container rows of {counted(len(pods), 'pod')}")


def _owners(namespace: str, owners: Sequence[Row]) -> Iterator[Finding]:
    if not owners:
        yield problem(
            "owners",
            f"no {OWNER} of namespace {namespace}",
            "scrape kube-state-metrics, with pods and replicasets among its resources: without it no pod belongs to "
            "a service",
        )


def _honoured(cadvisor: Sequence[Row], owners: Sequence[Row]) -> Iterator[Finding]:
    for what, rows in (("kube-state-metrics", owners), ("cAdvisor", cadvisor)):
        renamed = sorted({name for row in rows for name in row.labels if name.startswith(EXPORTED)})
        if renamed:
            jobs = sorted({row.labels.get("job", "") for row in rows if set(renamed) & set(row.labels)})
            yield problem(
                "honor_labels",
                f"{what} is scraped without honor_labels by {listed(jobs)}: its labels are called {listed(renamed)}",
                "set honor_labels: true (honorLabels in a ServiceMonitor) in that job; the shipped recording rules "
                "read both, but alerts and autoscalers' queries of others do not",
            )


def _twice(cadvisor: Sequence[Row], owners: Sequence[Row]) -> Iterator[Finding]:
    sources = _sources(owners, ("pod",))
    many = sorted({source for each in sources.values() if len(each) > 1 for source in each})
    if many:
        pods = sum(len(each) > 1 for each in sources.values())
        yield problem(
            "twice",
            f"kube-state-metrics is scraped twice: {pods} pods have their owner from {listed(many)}",
            "keep one of the jobs (drop its pods or its Service from the other by a relabel rule); two replicas of "
            "kube-state-metrics need --shard/--total-shards",
        )
    yield from _resource(cadvisor)


def _sources(rows: Sequence[Row], identity: Sequence[str]) -> dict[tuple[str, ...], set[str]]:
    """Where each thing comes from, by its identity: job, path and instance in words; HA replicas are told apart."""
    found: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    for row in rows:
        key = (*(true(row.labels, name) for name in identity), *_cluster(row.labels), *_replica(row.labels))
        parts = [row.labels.get(name, "") for name in ("job", "metrics_path", "instance")]
        found[key].add(" ".join(part for part in parts if part))
    return found


def _resource(cadvisor: Sequence[Row]) -> Iterator[Finding]:
    paths: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    for row in filter(_named, cadvisor):
        key = (
            true(row.labels, "pod"),
            true(row.labels, "container"),
            *_cluster(row.labels),
            *_replica(row.labels),
        )
        paths[key].add(f"{row.labels.get('job', '?')} {row.labels.get('metrics_path', '')}".strip())
    many = sorted({path for each in paths.values() if len(each) > 1 for path in each})
    if any(path.endswith("/metrics/resource") for path in many):
        yield problem(
            "resource",
            f"/metrics/resource is scraped beside /metrics/cadvisor: the same names twice, from {listed(many)}",
            "drop container_cpu_usage_seconds_total and container_memory_working_set_bytes of /metrics/resource; the "
            "shipped recording rules count them once, sums of others do not",
        )
    elif many:
        yield problem(
            "resource",
            f"the kubelet is scraped twice: the same containers from {listed(many)}",
            "keep one of the jobs; the shipped recording rules count them once, sums of others do not",
        )


def _cluster(labels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(labels.get(name, "") for name in CLUSTERS)


def _replica(labels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(labels.get(name, "") for name in REPLICAS)


def _several(cadvisor: Sequence[Row], owners: Sequence[Row]) -> Iterator[Finding]:
    rows = [*cadvisor, *owners]
    for label in CLUSTERS:
        names = sorted({row.labels[label] for row in rows if row.labels.get(label)})
        if len(names) > 1:
            yield problem(
                "clusters",
                f"this namespace stands in {len(names)} clusters, by the label {label}: {listed(names)}",
                f"their usage would be added up: ask for one, with --matcher {label}={names[0]} here and "
                f'{{{label}="{names[0]}"}} in the queries of fetch',
            )
    for label in REPLICAS:
        names = sorted({row.labels[label] for row in rows if row.labels.get(label)})
        if len(names) > 1:
            yield problem(
                "replicas",
                f"every series is there {len(names)} times, by the label {label}: {listed(names)}",
                f"deduplicate by {label} (Thanos: --query.replica-label={label}; Mimir: HA tracker)",
            )
