"""Shapes from a real Prometheus that holds the series of a namespace, however they were scraped."""

import json
from dataclasses import dataclass

import pytest
import requests
from predictive_scaling.base.errors import InputError
from predictive_scaling.shapes.cluster import shapes
from predictive_scaling.shapes.shape import Amounts, Container, Scaler, Shape, Use
from servers.prometheus import PrometheusServer, backfill

NOW = 1_767_225_600  # 2026-01-01T00:00:00Z
HOUR, STEP = 3600, 60
MEBI = 2**20
RESOURCES = {"cpu": "core", "memory": "byte"}
SELF = {"namespace": "monitoring", "pod": "kube-state-metrics-0", "container": "kube-state-metrics"}
# kube-state-metrics with honor_labels (kube-prometheus-stack, the chart, kube-prometheus), and as Prometheus' example
# scrapes it: by two jobs without honor_labels, of which one gives its targets no label of pod.
WAYS = {
    "honoured": [{"job": "kube-state-metrics"}],
    "not honoured": [{"job": "pods", **SELF}],
    "twice, not honoured": [
        {"job": "pods", **SELF},
        {"job": "endpoints", "namespace": "monitoring", "service": "ksm"},
    ],
}


@dataclass(frozen=True)
class Pod:
    """A pod from `start` to `end`, in hours before now, that uses the same all the time."""

    name: str
    owner: tuple[str, str]
    requests: dict[str, dict[str, float]]
    start: float = 30.0
    end: float = 0.0
    memory: float = 100.0 * MEBI
    cpu: float = 0.2


PODS = [
    Pod(
        "web-1-a",
        ("ReplicaSet", "web-1"),
        {"app": {"cpu": 0.1, "memory": 64 * MEBI}},
        end=2,
        memory=900 * MEBI,
    ),
    Pod(
        "web-2-a",
        ("ReplicaSet", "web-2"),
        {"app": {"cpu": 0.5, "memory": 256 * MEBI}, "log": {}},
        start=3,
        cpu=0.4,
    ),
    Pod(
        "web-1-z", ("ReplicaSet", "web-1"), {"app": {"cpu": 0.1}, "old": {}}, start=20
    ),  # the rollout is not over
    Pod("db-0", ("StatefulSet", "db"), {"db": {"cpu": 1.0}}),
    Pod("night-1-a", ("ReplicaSet", "night-1"), {"app": {"cpu": 0.3}}, end=12),
    Pod("canary-1-a", ("ReplicaSet", "canary-1"), {"app": {"cpu": 0.2}}),
    Pod("bare-a", ("ReplicaSet", "bare"), {"app": {}}),
    Pod("left-1-a", ("ReplicaSet", "left-1"), {"app": {}}, end=12),
    Pod("job-a", ("Job", "job"), {"app": {}}),
]
SETS = {name: ("Deployment", name[:-2]) for name in ("web-1", "web-2", "night-1", "left-1")} | {
    "canary-1": ("Rollout", "canary"),
    "bare": ("", ""),
}


def own_series():
    """Name, labels, start and end (hours before now), and value or (value, growth a second) of kube-state-metrics."""
    for pod in PODS:
        at = {"namespace": "shop", "pod": pod.name, "uid": pod.name}
        span = pod.start, pod.end
        owner = {"owner_kind": pod.owner[0], "owner_name": pod.owner[1]}
        yield "kube_pod_owner", {**at, **owner}, span, 1
        yield "kube_pod_created", at, span, NOW - pod.start * HOUR
        for phase in ("Running", "Pending"):
            yield "kube_pod_status_phase", {**at, "phase": phase}, span, float(phase == "Running")
        for container, amounts in pod.requests.items():
            yield "kube_pod_container_info", {**at, "container": container}, span, 1
            for resource, amount in amounts.items():
                of = {**at, "container": container, "resource": resource, "unit": RESOURCES[resource]}
                yield "kube_pod_container_resource_requests", of, span, amount
    web = {"namespace": "shop", "pod": "web-2-a", "uid": "web-2-a"}
    for container, policy in (("proxy", {"restart_policy": "Always"}), ("migrate", {})):
        yield "kube_pod_init_container_info", {**web, "container": container, **policy}, (3, 0), 1
        of = {**web, "container": container, "resource": "cpu", "unit": "core"}
        yield "kube_pod_init_container_resource_requests", of, (3, 0), 0.05
    limited = {**web, "container": "app", "resource": "cpu", "unit": "core"}
    yield "kube_pod_container_resource_limits", limited, (3, 0), 0.6
    for name, (kind, owner) in SETS.items():
        owned = {"owner_kind": kind, "owner_name": owner} if kind else {}
        yield "kube_replicaset_owner", {"namespace": "shop", "replicaset": name, **owned}, (30, 0), 1
    for name, wanted in (("web", 4), ("night", 0)):
        yield "kube_deployment_spec_replicas", {"namespace": "shop", "deployment": name}, (30, 0), wanted
    yield "kube_statefulset_replicas", {"namespace": "shop", "statefulset": "db"}, (30, 0), 1
    yield "kube_deployment_spec_replicas", {"namespace": "twin", "deployment": "web"}, (30, 0), 9
    named = {"namespace": "shop", "horizontalpodautoscaler": "own-name"}
    yield (
        "kube_horizontalpodautoscaler_labels",
        {**named, "label_scaledobject_keda_sh_name": "canary-so"},
        (1, 0),
        1,
    )
    for name, kind, target, most in (
        ("keda-hpa-web", "Deployment", "web", 12),
        ("db", "StatefulSet", "db", 3),
        ("own-name", "Rollout", "canary", 7),
    ):
        at = {"namespace": "shop", "horizontalpodautoscaler": name}
        of = {"scaletargetref_kind": kind, "scaletargetref_name": target}
        yield "kube_horizontalpodautoscaler_info", {**at, **of}, (1, 0), 1
        yield "kube_horizontalpodautoscaler_spec_min_replicas", at, (1, 0), 2
        yield "kube_horizontalpodautoscaler_spec_max_replicas", at, (1, 0), most
        cpu = {"metric_name": "cpu", "metric_target_type": "utilization"}
        yield "kube_horizontalpodautoscaler_spec_target_metric", {**at, **cpu}, (1, 0), 70
    killed = {"namespace": "shop", "pod": "db-0", "uid": "db-0", "container": "db"}
    memory = {**killed, "resource": "memory", "unit": "byte"}
    yield "kube_pod_container_resource_limits", memory, (30, 10), 128 * MEBI
    yield "kube_pod_container_resource_limits", memory, (10 - 1 / 60, 0), 512 * MEBI  # raised since
    yield "kube_pod_container_status_restarts_total", killed, (30, 20), 0
    yield "kube_pod_container_status_restarts_total", killed, (20 - 1 / 60, 0), 2
    reason = {**killed, "reason": "OOMKilled"}
    yield "kube_pod_container_status_last_terminated_reason", reason, (20 - 1 / 60, 0), 1


def advisor_series():
    """The same of cAdvisor, which keeps its labels in every way of scraping."""
    for pod in PODS:
        for container in pod.requests:
            at = {"namespace": "shop", "pod": pod.name, "container": container, "job": "kubelet"}
            share = 1.0 if container in ("app", "db") else 0.1
            span = pod.start, pod.end
            for path in ("/metrics/cadvisor", "/metrics/resource"):
                of = {**at, "metrics_path": path}
                yield "container_memory_working_set_bytes", of, span, pod.memory * share
                yield "container_cpu_usage_seconds_total", of, span, (0, pod.cpu * share)
    web = {"namespace": "shop", "pod": "web-2-a", "container": "app", "job": "kubelet"}
    yield "container_cpu_cfs_periods_total", web, (3, 0), (0, 8.0)
    yield "container_cpu_cfs_throttled_periods_total", web, (3, 0), (0, 6.0)
    yield "container_memory_working_set_bytes", {**web, "container": ""}, (3, 0), 1e12


def seen_by(labels, target):
    """Labels as a scrape stores them: the target's count, and the cluster's of the same name move."""
    moved = {f"exported_{name}" if name in target else name: value for name, value in labels.items()}
    return {**moved, **target}


def openmetrics(way):
    families = {}
    for series, targets in ((own_series(), WAYS[way]), (advisor_series(), [{"instance": "node-1"}])):
        for name, labels, (start, end), value in series:
            for target in targets:
                families.setdefault(name, []).append((seen_by(labels, target), start, end, value))
    lines = []
    for name, found in families.items():
        lines.append(f"# TYPE {name} unknown")
        for labels, start, end, value in found:
            inner = ",".join(f"{key}={json.dumps(text)}" for key, text in sorted(labels.items()))
            first, last = int(NOW - start * HOUR), int(NOW - end * HOUR)
            for at in range(first - first % STEP, last + 1, STEP):
                grown = value[1] * (at - first) if isinstance(value, tuple) else value
                lines.append(f"{name}{{{inner}}} {grown} {at}")
    return "\n".join([*lines, "# EOF\n"])


@dataclass(frozen=True)
class Reading:
    labels: dict[str, str]
    value: float


@pytest.fixture(scope="module", params=sorted(WAYS))
def found(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prometheus")
    backfill(openmetrics(request.param), folder)
    server = PrometheusServer(folder)
    server.start()

    def ask(expression):
        fields = {"query": expression, "time": NOW}
        answer = requests.post(f"{server.url}/api/v1/query", data=fields, timeout=60).json()
        assert answer["status"] == "success", (expression, answer)
        return [Reading(each["metric"], float(each["value"][1])) for each in answer["data"]["result"]]

    yield {(shape.kind, shape.service): shape for shape in shapes(ask, "shop", 2)}
    server.kill()


def test_workloads_are_those_that_own_the_pods_and_no_others(found):
    assert set(found) == {
        ("Deployment", "web"),
        ("StatefulSet", "db"),
        ("Deployment", "night"),
        ("Rollout", "canary"),
        ("ReplicaSet", "bare"),
    }
    assert {shape.namespace for shape in found.values()} == {"shop"}


def test_containers_are_the_newest_pods_with_its_native_sidecars(found):
    web = found["Deployment", "web"]
    assert [(each.name, each.requests, each.limits, each.sidecar) for each in web.containers] == [
        ("app", Amounts(0.5, 256 * MEBI), Amounts(0.6), False),
        ("log", Amounts(), Amounts(), False),
        ("proxy", Amounts(0.05), Amounts(), True),
    ]
    assert (web.replicas, web.replica_cores) == (4, None)  # one container says nothing


def test_what_was_used_is_of_all_pods_of_the_window(found):
    app = found["Deployment", "web"].containers[0].use
    assert app.highest.memory == 900 * MEBI  # of the pod before the rollout
    assert app.highest.cpu == pytest.approx(0.4, rel=0.02)  # once, though it is scraped twice
    assert app.throttled == pytest.approx(0.75, rel=0.02)
    assert app.oom_kills == 0


def test_out_of_memory_kills_are_counted_with_the_limit_of_then(found):
    database = found["StatefulSet", "db"].containers[0]
    assert database.use.oom_kills >= 1
    assert (database.use.oom_limit, database.limits.memory) == (128 * MEBI, 512 * MEBI)


def test_autoscalers_are_known_by_what_they_scale(found):
    assert found["Deployment", "web"].scaler == Scaler("ScaledObject", "web", 2, 12, 0.7)
    assert found["StatefulSet", "db"].scaler == Scaler("HorizontalPodAutoscaler", "db", 2, 3, 0.7)
    assert found["Rollout", "canary"].scaler == Scaler("ScaledObject", "canary-so", 2, 7, 0.7)
    assert found["Deployment", "night"].scaler is None


def test_a_service_that_is_scaled_to_nothing_has_the_containers_of_its_last_pod(found):
    night = found["Deployment", "night"]
    assert (night.replicas, night.replica_cores) == (0, 0.3)


def test_without_a_series_of_replicas_the_running_pods_count(found):
    assert found["Rollout", "canary"].replicas == found["ReplicaSet", "bare"].replicas == 1
    assert found["Rollout", "canary"].replica_cores == 0.2


def test_a_namespace_cannot_end_the_selector():
    with pytest.raises(InputError, match="no namespace's name"):
        shapes(lambda _: [], 'shop"} or up{x="', 1)


def test_where_nothing_is_scraped_there_are_no_shapes():
    assert shapes(lambda _: [], "shop", 1) == []


def test_main_container_is_the_one_that_uses_most_unless_people_name_it():
    small, large = (
        Container("a", Amounts(1.0, 9.0), use=Use(Amounts(1.0, 1.0))),
        Container("b", Amounts(1.0, 5.0)),
    )
    assert Shape("web", containers=(small, large)).main_container == large
    assert Shape("web", containers=(small, large), main="a").main_container == small
    assert Shape("web", containers=(small, large), main="gone").main_container is None
