"""A HorizontalPodAutoscaler that reads the floor as an external metric, and prometheus-adapter's rule for it."""

from __future__ import annotations

from collections.abc import Mapping

from predictive_scaling.consumers import orders
from predictive_scaling.consumers.bounds import Bounds
from predictive_scaling.consumers.consumer import File, Object
from predictive_scaling.consumers.place import Place
from predictive_scaling.consumers.reactive import Reactive
from predictive_scaling.consumers.rules import INFO
from predictive_scaling.shapes.shape import Shape

METRIC = "predictive_scaling_floor"
VALUES = "prometheus-adapter-values.yaml"


def metric(shape: Shape, place: Place) -> Object:
    """The floor's."""
    labels = {"environment": place.environment, "namespace": place.namespace, "service": shape.service}
    return {
        "type": "External",
        "external": {
            "metric": {"name": METRIC, "selector": {"matchLabels": labels}},
            "target": {"type": "AverageValue", "averageValue": "1"},
        },
    }


def autoscaler(shape: Shape, place: Place, target: Mapping[str, str], within: Bounds, cpu: Reactive) -> File:
    """The whole object."""
    content = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": shape.service, "namespace": place.namespace},
        "spec": {
            "scaleTargetRef": dict(target),
            "minReplicas": within.least,
            "maxReplicas": within.most,
            "behavior": {"scaleUp": orders.scale_up(within.most, place)},
            "metrics": [dict(cpu.metric), metric(shape, place)],
        },
    }
    return File(f"{shape.service}.yaml", content, about(within.most, place))


def about(most: int, place: Place) -> tuple[str, ...]:
    """What a reader should know of the fields."""
    return (
        f"The floor of a forecast beside the reactive metric: the HPA takes the higher of the two; {VALUES} is the "
        "adapter's side.",
        *orders.exactness(most, place, "Kubernetes 1.35"),
        orders.POLICIES_TOLD,
        "While Prometheus or the adapter does not answer, an HPA goes up by cpu and never down; KEDA has a fallback.",
        "KEDA and prometheus-adapter both serve external.metrics.k8s.io: a cluster can have one of them.",
    )


def adapter_values(place: Place) -> File:
    """Values for the Helm chart prometheus-community/prometheus-adapter.

    The adapter knows a metric only while the series of `seriesQuery` is there, and an HPA whose metric is unknown never
    goes down: so it is one that is always there, from the consumers' own rules. `or vector(0)` is for the value itself.
    """
    rule = {
        "seriesQuery": INFO,
        "name": {"as": METRIC},
        "resources": {"namespaced": False},
        "metricsQuery": f"{orders.query('<<.LabelMatchers>>', place)}\nor vector(0)\n",
    }
    about = (
        f"Values for the Helm chart prometheus-community/prometheus-adapter: the external metric {METRIC}.",
        f"{INFO} comes from the rules beside this: load them, or the adapter does not know the metric.",
        "A floor that has expired or was lost reads as 0, so that the HPA goes down by cpu; an alert tells of it.",
    )
    return File(VALUES, {"rules": {"external": [rule]}}, about)
