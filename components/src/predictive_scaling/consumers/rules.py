"""Recording rules that say which floors are read, so that one which is not there is an alert."""

from __future__ import annotations

from collections.abc import Sequence

from predictive_scaling.consumers.consumer import Consumer, File, Object
from predictive_scaling.consumers.place import Place

INFO = "predictive_scaling:consumer:info"
RULES, PROMETHEUS_RULE = "rules.yaml", "prometheus-rule.yaml"


def groups(consumers: Sequence[Consumer], place: Place) -> Object:
    """A rule for each consumer."""
    labelled = [
        {
            "record": INFO,
            "expr": "vector(1)",
            "labels": {
                "environment": place.environment,
                "namespace": each.namespace,
                "service": each.service,
            },
        }
        for each in consumers
    ]
    name = f"predictive-scaling-consumers-{place.environment}-{place.namespace}"
    return {"groups": [{"name": name, "rules": labelled}]}


def rules_file(consumers: Sequence[Consumer], place: Place) -> File:
    """For Prometheus' own `rule_files`."""
    about = (
        "Recording rules for Prometheus: whose floor is read. The alert PredictiveScalingFloorMissing compares them "
        "with the floors that there are.",
    )
    return File(RULES, groups(consumers, place), about)


def prometheus_rule(consumers: Sequence[Consumer], place: Place, release: str) -> File:
    """The same for the Prometheus operator, which picks it by the label `release`."""
    content = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {
            "name": "predictive-scaling-consumers",
            "namespace": place.namespace,
            "labels": {"release": release},
        },
        "spec": groups(consumers, place),
    }
    about = (
        "Whose floor is read. The alert PredictiveScalingFloorMissing compares it with the floors that there are.",
    )
    return File(PROMETHEUS_RULE, content, about)
