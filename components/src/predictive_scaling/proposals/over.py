"""From rendered manifests, as `kubectl kustomize` prints them, to what a proposal must know of them.

Files of `kubectl get … -o yaml` serve as well: LimitRanges, ResourceQuotas and Nodes are read wherever they stand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from predictive_scaling.base.errors import InputError
from predictive_scaling.proposals.ground import (
    HPA,
    SCALED_OBJECT,
    VPA,
    Amount,
    Autoscaler,
    Box,
    Ground,
    Node,
    Policy,
    Quota,
    Range,
    Resources,
    VerticalAutoscaler,
    Workload,
)
from predictive_scaling.proposals.quantity import parse
from predictive_scaling.proposals.scopes import reaches_across, scopes
from predictive_scaling.proposals.yamltext import Seen, objects
from predictive_scaling.shapes.shape import KINDS

_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
_MOST_SAID = {SCALED_OBJECT: 100}  # maxReplicaCount where none is said (KEDA 2.21)


def ground(files: Iterable[tuple[str, str]]) -> Ground:
    """What stands in these files, given by name and text. Raises InputError with each place that cannot be read."""
    seen = [each for name, text in files for each in objects(name, text)]
    scalers = [_scaler(each) for each in seen if each.said("kind") in {HPA, SCALED_OBJECT}]
    vpas = [_vpa(each) for each in seen if each.said("kind") == VPA]
    return Ground(
        tuple(_joined(_workload(each), scalers, vpas) for each in seen if each.said("kind") in KINDS),
        tuple(each for one in seen if one.said("kind") == "LimitRange" for each in _ranges(one)),
        tuple(_quota(each) for each in seen if each.said("kind") == "ResourceQuota"),
        tuple(node for each in seen if each.said("kind") == "Node" for node in _nodes(each)),
        tuple(vpas),
    )


def amount(seen: Seen | None) -> Amount | None:
    """A value as it stands. Raises InputError where it is no quantity."""
    if seen is None or seen.empty:
        return None
    value = parse(seen.text) if seen.text is not None else None
    if value is None:
        raise InputError(f"{seen.place}: {seen.text!r} is no quantity; write one such as 512Mi, 0.5 or 3")
    return Amount(value, str(seen.text), seen.place)


def resources(seen: Seen | None) -> Resources:
    """The `resources` of a container or a pod."""
    if seen is None:
        return Resources()
    return Resources(
        amount(seen.at("requests", "memory")),
        amount(seen.at("limits", "memory")),
        amount(seen.at("requests", "cpu")) or amount(seen.at("limits", "cpu")),
    )


def _named(seen: Seen) -> tuple[str, str]:
    return seen.said("metadata", "name"), seen.said("metadata", "namespace")


def _workload(seen: Seen) -> Workload:
    name, namespace = _named(seen)
    template = seen.at("spec", "template")
    pod = template.at("spec") if template else None
    strategy = seen.at("spec", "strategy")
    return Workload(
        seen.said("kind"),
        seen.said("apiVersion"),
        name,
        namespace,
        seen.place,
        boxes=tuple(_boxes(pod)) if pod else (),
        pod=resources(pod.at("resources")) if pod else Resources(),
        replicas=amount(seen.at("spec", "replicas")),
        surge=strategy.said("rollingUpdate", "maxSurge") if strategy else "",
        recreate=bool(strategy) and strategy.said("type") == "Recreate" if strategy else False,
        main=template.said("metadata", "annotations", _DEFAULT_CONTAINER) if template else "",
        node_selector=_labels(pod.at("nodeSelector")) if pod else (),
        priority=pod.said("priorityClassName") if pod else "",
        across=reaches_across(pod) if pod else False,
    )


def _labels(seen: Seen | None) -> tuple[tuple[str, str], ...]:
    return tuple((key, value.text or "") for key, value in seen.pairs()) if seen else ()


def _boxes(pod: Seen) -> list[Box]:
    """Containers that run beside one another; init containers end before them, but for native sidecars."""
    listed = [(each, False) for each in pod.listed("containers")]
    listed += [
        (each, True) for each in pod.listed("initContainers") if each.said("restartPolicy") == "Always"
    ]
    return [
        Box(each.said("name"), resources(each.at("resources")), each.place, sidecar, _written(each))
        for each, sidecar in listed
    ]


def _written(container: Seen) -> tuple[str, ...]:
    steps = ("resources", "requests")
    return tuple(
        step for at, step in enumerate(steps) if (found := container.at(*steps[: at + 1])) and found.pairs()
    )


def _joined(workload: Workload, scalers: list[Autoscaler], vpas: list[VerticalAutoscaler]) -> Workload:
    own = workload.namespace, (workload.kind, workload.name)
    return replace(
        workload,
        scalers=tuple(each for each in scalers if (each.namespace, each.workload) == own),
        vpas=tuple(each for each in vpas if (each.namespace, each.workload) == own),
    )


def _scaler(seen: Seen) -> Autoscaler:
    name, namespace = _named(seen)
    kind, spec = seen.said("kind"), seen.at("spec")
    keys = ("minReplicaCount", "maxReplicaCount") if kind == SCALED_OBJECT else ("minReplicas", "maxReplicas")
    least, most = (amount(spec.at(key)) if spec else None for key in keys)
    if most is None and kind in _MOST_SAID:
        most = amount_of(_MOST_SAID[kind], f"{seen.place}, where none is said")
    target = seen.said("spec", "scaleTargetRef", "kind") or "Deployment"
    workload = target, seen.said("spec", "scaleTargetRef", "name")
    return Autoscaler(kind, seen.said("apiVersion"), name, namespace, workload, seen.place, least, most)


def amount_of(value: int, place: str) -> Amount:
    """A whole number as an amount."""
    found = parse(str(value))
    assert found is not None
    return Amount(found, str(value), place)


def _vpa(seen: Seen) -> VerticalAutoscaler:
    name, namespace = _named(seen)
    policies = seen.listed("spec", "resourcePolicy", "containerPolicies")
    return VerticalAutoscaler(
        seen.said("apiVersion"),
        name,
        namespace,
        (seen.said("spec", "targetRef", "kind"), seen.said("spec", "targetRef", "name")),
        seen.said("spec", "updatePolicy", "updateMode"),
        tuple(_policy(at, each) for at, each in enumerate(policies)),
        seen.place,
        bool(policies),
        seen.at("spec", "resourcePolicy") is not None,
        seen.said("spec", "updatePolicy", "minReplicas") == "1",
    )


def _policy(index: int, seen: Seen) -> Policy:
    controlled = [each.text for each in seen.listed("controlledResources")]
    return Policy(
        seen.said("containerName"),
        index,
        amount(seen.at("minAllowed", "memory")),
        amount(seen.at("maxAllowed", "memory")),
        seen.at("minAllowed") is not None,
        seen.said("mode") == "Off",
        seen.said("controlledValues") == "RequestsOnly",
        not controlled or "memory" in controlled,
    )


def _ranges(seen: Seen) -> list[Range]:
    """Defaults as the API server fills them in: the limit from max, the request from the limit."""
    name, namespace = _named(seen)
    found = []
    for each in seen.listed("spec", "limits"):
        most = amount(each.at("max", "memory"))
        limit = amount(each.at("default", "memory")) or most
        request = amount(each.at("defaultRequest", "memory")) or limit
        found.append(Range(name, namespace, each.said("type"), most, limit, request))
    return found


def _quota(seen: Seen) -> Quota:
    name, namespace = _named(seen)
    hard = seen.at("spec", "hard")
    amounts = [(key, amount(value)) for key, value in hard.pairs()] if hard else []
    return Quota(name, namespace, tuple((key, each) for key, each in amounts if each), scopes(seen))


def _nodes(seen: Seen) -> list[Node]:
    memory = amount(seen.at("status", "allocatable", "memory"))
    closed = seen.said("spec", "unschedulable") == "true"
    name, _ = _named(seen)
    return [Node(name, memory, _labels(seen.at("metadata", "labels")))] if memory and not closed else []
