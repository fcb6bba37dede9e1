"""Shapes of a namespace's services from kube-state-metrics and cAdvisor, as Prometheus has them.

Pods belong to what owns their ReplicaSet, so that a Rollout's are its own and a bare ReplicaSet's nobody else's. What
containers there are, with which requests, is the newest pod's: in a rollout the older ones are on their way out, and a
service that is scaled to nothing has those of its last pod. Pod-level resources are in no series of kube-state-metrics
(2.19); a rendered manifest has them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from predictive_scaling.base.errors import InputError
from predictive_scaling.shapes import questions
from predictive_scaling.shapes.rows import (
    AmountsOf,
    Ask,
    Placed,
    Question,
    Reading,
    Row,
    Source,
    Workload,
    amounts,
)
from predictive_scaling.shapes.shape import KINDS, Amounts, Container, Scaler, Shape, Use

__all__ = ["Ask", "Reading", "shapes"]

_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
KEDA_HPA = "keda-hpa-"
_KEDA_LABEL = "label_scaledobject_keda_sh_name"
_HPA = "kube_horizontalpodautoscaler"
_RESOURCES = ', resource=~"cpu|memory"'
# Kind → the metric of its wanted replicas, and the label that names it; a Rollout has none.
_REPLICAS = {
    "Deployment": ("kube_deployment_spec_replicas", "deployment"),
    "StatefulSet": ("kube_statefulset_replicas", "statefulset"),
    "DaemonSet": ("kube_daemonset_status_desired_number_scheduled", "daemonset"),
    "ReplicaSet": ("kube_replicaset_spec_replicas", "replicaset"),
    "ReplicationController": ("kube_replicationcontroller_spec_replicas", "replicationcontroller"),
}


def shapes(ask: Ask, namespace: str, window_days: int = 14) -> list[Shape]:
    """Shapes of all workloads of a namespace, by name and kind; two kinds of one name are two shapes.

    What containers were seen to use is of the last `window_days`. Raises InputError for what is no namespace, and what
    `ask` raises.
    """
    if not _NAMESPACE.fullmatch(namespace):
        raise InputError(f"{namespace!r} is no namespace's name: it must be a DNS-1123 label")
    source = Source(ask, namespace, window_days)
    owners, scalers = _owners(source), _scalers(source)
    seen = _Seen(source, _members(owners), _running(source), _now(source), _uses(source, owners), scalers)
    counts = _replicas(source)
    told = {kind for kind, _ in counts}
    known = {each for each in counts if each[0] != "ReplicaSet" or each in seen.members}
    # Workloads of a kind that no series counts are there as long as a pod of theirs runs, or something scales them.
    more = {each for each in seen.members if each[0] not in told and (seen.alive(each) or each in scalers)}
    order = sorted(known | more, key=lambda each: (each[1], each[0]))
    return [seen.shape(each, counts.get(each)) for each in order]


@dataclass(frozen=True)
class _Pods:
    """Pods that are or were: containers by pod, native sidecars, amounts, age."""

    containers: Mapping[str, set[str]]
    sidecars: set[Placed]
    requests: AmountsOf
    limits: AmountsOf
    created: Mapping[str, float]

    def of_newest(self, names: Iterable[str]) -> list[Container]:
        """Containers of the newest of some pods; none when nothing is known of any."""
        known = [pod for pod in names if self.containers.get(pod)]
        if not known:
            return []
        pod = max(known, key=lambda each: (self.created.get(each, 0.0), each))
        return [self._container(pod, name) for name in sorted(self.containers[pod])]

    def _container(self, pod: str, name: str) -> Container:
        at = pod, name
        requests, limits = (Amounts(**of.get(at, {})) for of in (self.requests, self.limits))
        return Container(name, requests, limits, sidecar=at in self.sidecars)


@dataclass(frozen=True)
class _Seen:
    """A namespace by its workloads."""

    source: Source
    members: Mapping[Workload, list[str]]
    running: set[str]
    here: _Pods
    uses: Mapping[tuple[Workload, str], Use]
    scalers: Mapping[Workload, Scaler]

    def alive(self, workload: Workload) -> list[str]:
        """Its pods that run."""
        return [pod for pod in self.members.get(workload, []) if pod in self.running]

    def shape(self, workload: Workload, replicas: int | None) -> Shape:
        """The shape of one; without a wanted number, as many replicas as run."""
        kind, name = workload
        pods, alive = self.members.get(workload, []), self.alive(workload)
        found = self.here.of_newest(alive) or self.here.of_newest(pods) or self._last(pods)
        return Shape(
            service=name,
            namespace=self.source.namespace,
            kind=kind,
            replicas=len(alive) if replicas is None else replicas,
            containers=tuple(_used(each, self.uses.get((workload, each.name))) for each in found),
            scaler=self.scalers.get(workload),
        )

    def _last(self, names: list[str]) -> list[Container]:
        """Containers of the last pod that there was within the window."""
        for day in range(self.source.window_days) if names else ():
            found = _of_day(self.source, day).of_newest(names)
            if found:
                return found
        return []


def _owners(source: Source) -> dict[str, Workload]:
    """Pod → its workload, of all pods of the window."""
    sets = {row.labels.get("replicaset", ""): row.owner for row in source.past("kube_replicaset_owner")}
    found: dict[str, Workload] = {}
    for row in source.past("kube_pod_owner"):
        kind, name = row.owner
        if kind == "ReplicaSet":
            owner = sets.get(name)
            # A ReplicaSet that nobody owns is a workload of its own; of one that is not told nothing is known.
            kind, name = ("", "") if owner is None else (owner if owner[0] else (kind, name))
        if kind in KINDS and name:
            found[row.pod] = kind, name
    return found


def _members(owners: Mapping[str, Workload]) -> dict[Workload, list[str]]:
    found: dict[Workload, list[str]] = defaultdict(list)
    for pod, workload in owners.items():
        found[workload].append(pod)
    return dict(found)


def _running(source: Source) -> set[str]:
    return {row.pod for row in source.now("kube_pod_status_phase", ', phase="Running"') if row.value > 0}


def _replicas(source: Source) -> dict[Workload, int]:
    """Wanted replicas of what there is now."""
    return {
        (kind, row.labels[label]): round(row.value)
        for kind, (metric, label) in _REPLICAS.items()
        for row in source.now(metric)
        if row.labels.get(label)
    }


def _now(source: Source) -> _Pods:
    return _pods(source.now)


def _of_day(source: Source, day: int) -> _Pods:
    return _pods(lambda metric, more="": source.rows(questions.of_day(metric, source.namespace, day, more)))


def _pods(rows: Callable[..., list[Row]]) -> _Pods:
    containers: dict[str, set[str]] = defaultdict(set)
    sidecars = {row.placed for row in rows("kube_pod_init_container_info", ', restart_policy="Always"')}
    for pod, name in {row.placed for row in rows("kube_pod_container_info")} | sidecars:
        containers[pod].add(name)

    def of(what: str) -> AmountsOf:
        own = rows(f"kube_pod_container_resource_{what}", _RESOURCES)
        init = rows(f"kube_pod_init_container_resource_{what}", _RESOURCES) if sidecars else []
        return amounts([*own, *(row for row in init if row.placed in sidecars)])

    created = {row.pod: row.value for row in rows("kube_pod_created")}
    return _Pods(containers, sidecars, of("requests"), of("limits"), created)


def _uses(source: Source, owners: Mapping[str, Workload]) -> dict[tuple[Workload, str], Use]:
    """What each workload's containers used and what held them back, over all pods of the window."""

    def over(question: Question, add: Callable[[float, float], float]) -> dict[tuple[Workload, str], float]:
        found: dict[tuple[Workload, str], float] = {}
        for (pod, name), value in source.days(question):
            if pod in owners:
                key = owners[pod], name
                found[key] = add(value, found.get(key, 0.0))
        return found

    cpu, memory, throttled, limits = (
        over(each, max)
        for each in (questions.cpu, questions.memory, questions.throttled, questions.oom_limits)
    )
    kills = over(questions.oom_kills, lambda one, other: one + other)
    return {
        key: Use(
            Amounts(cpu.get(key), memory.get(key)),
            throttled.get(key),
            round(kills.get(key, 0.0)),
            limits.get(key),
        )
        for key in cpu.keys() | memory.keys() | throttled.keys() | kills.keys()
    }


def _scalers(source: Source) -> dict[Workload, Scaler]:
    """Autoscaler by what it scales; where two scale one workload, the one that allows fewest."""

    def of(what: str, more: str = "") -> dict[str, float]:
        return {
            row.labels.get("horizontalpodautoscaler", ""): row.value
            for row in source.now(f"{_HPA}_{what}", more)
        }

    least, most = of("spec_min_replicas"), of("spec_max_replicas")
    shares = of("spec_target_metric", ', metric_name="cpu", metric_target_type="utilization"')
    keda = {
        row.labels.get("horizontalpodautoscaler", ""): row.labels.get(_KEDA_LABEL, "")
        for row in source.now(f"{_HPA}_labels")
    }
    found: dict[Workload, Scaler] = {}
    for row in source.now(f"{_HPA}_info"):
        hpa, kind, name = (
            row.labels.get(each, "")
            for each in ("horizontalpodautoscaler", "scaletargetref_kind", "scaletargetref_name")
        )
        kinds = _scaler_name(hpa, keda.get(hpa, ""))
        one = Scaler(*kinds, _whole(least.get(hpa)), _whole(most.get(hpa)), _share(shares.get(hpa)))
        found[kind, name] = min(one, found.get((kind, name), one), key=lambda each: each.max or 0)
    return found


def _scaler_name(hpa: str, labelled: str) -> tuple[str, str]:
    """Kind and name: KEDA labels its HorizontalPodAutoscaler with the ScaledObject, and mostly names it after that.

    The label is a series only where kube-state-metrics is told to (`--metric-labels-allowlist`).
    """
    if labelled or hpa.startswith(KEDA_HPA):
        return "ScaledObject", labelled or hpa.removeprefix(KEDA_HPA)
    return "HorizontalPodAutoscaler", hpa


def _share(percent: float | None) -> float | None:
    return None if percent is None else percent / 100


def _used(container: Container, use: Use | None) -> Container:
    return Container(container.name, container.requests, container.limits, container.sidecar, use)


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
