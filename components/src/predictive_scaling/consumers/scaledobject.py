"""A ScaledObject of KEDA; each field as KEDA 2.21 reads it (apis/keda/v1alpha1, pkg/scalers/prometheus_scaler.go)."""

from __future__ import annotations

from collections.abc import Mapping

from predictive_scaling.consumers import floor, names, orders
from predictive_scaling.consumers.bounds import Bounds
from predictive_scaling.consumers.consumer import File, Object
from predictive_scaling.consumers.place import Place
from predictive_scaling.consumers.reactive import Reactive
from predictive_scaling.shapes.shape import Shape

FAILURES = 3
NAME = "predictive_scaling_floor"
"""Of our trigger: KEDA wants names that are unique, and a formula wants one that is a word."""
TRANSFER = "scaledobject.keda.sh/transfer-hpa-ownership"


def trigger(shape: Shape, place: Place) -> Object:
    """The floor's. AverageValue by 1 makes the value a count; nothing, NaN and infinity read as 0."""
    matchers = floor.selector(place.environment, place.namespace, shape.service)
    own = {"authenticationRef": {"name": place.authentication}} if place.authentication else {}
    return {
        "type": "prometheus",
        "name": NAME,
        "metricType": "AverageValue",
        "metadata": {
            "serverAddress": place.prometheus,
            "threshold": "1",
            "ignoreNullValues": "true",
            **({"authModes": "bearer"} if own else {}),
            "query": orders.query(matchers, place),
        },
        **own,
    }


def fallback(least: int) -> Object:
    """When Prometheus does not answer four times in a row the floor is the minimum; cpu decides above it."""
    return {"failureThreshold": FAILURES, "replicas": least}


def scaled_object(
    shape: Shape, place: Place, target: Mapping[str, str], within: Bounds, cpu: Reactive, adopted: str | None
) -> File:
    """The whole object; `adopted` names an HPA that KEDA is to take over."""
    name = adopted or names.hpa_name(shape.service)
    config: Object = {"name": name} if name else {}
    config |= {"behavior": {"scaleUp": orders.scale_up(within.most, place)}}
    metadata: Object = {"name": shape.service, "namespace": place.namespace}
    if adopted:
        metadata |= {"annotations": {TRANSFER: "true"}}
    content = {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": metadata,
        "spec": {
            "scaleTargetRef": dict(target),
            "minReplicaCount": within.least,
            "maxReplicaCount": within.most,
            "fallback": fallback(within.least),
            "advanced": {"horizontalPodAutoscalerConfig": config},
            "triggers": [cpu.trigger, trigger(shape, place)],
        },
    }
    return File(f"{shape.service}.yaml", content, about(within.most, place))


def about(most: int, place: Place) -> tuple[str, ...]:
    """What a reader should know of the fields."""
    return (
        "The floor of a forecast beside the reactive trigger: KEDA's HPA takes the higher of the two.",
        "query: the highest floor of now and of the end of the lead, while the recommendation holds. Once expired, "
        "or the Pushgateway has lost it, there is nothing, which KEDA reads as 0: cpu decides alone, up and down.",
        *orders.exactness(most, place, "Kubernetes 1.35 and KEDA 2.18"),
        orders.POLICIES_TOLD,
        "fallback: when Prometheus does not answer, the floor is the minimum and cpu decides above it. Without it the "
        "count could go up and never down.",
        ONE_ADAPTER,
    )


ONE_ADAPTER = (
    "KEDA and prometheus-adapter both serve external.metrics.k8s.io: a cluster can have one of them."
)
