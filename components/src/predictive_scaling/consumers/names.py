"""Whom an autoscaler scales, and what it may be called."""

from __future__ import annotations

from predictive_scaling.shapes.shape import Shape

API_VERSIONS = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "ReplicationController": "v1",
    "Rollout": "argoproj.io/v1alpha1",
}
KEDA_PREFIX = "keda-hpa-"
MOST_OF_A_LABEL = 63
"""Names become values of labels: of the ScaledObject's, and of its HPA's (KEDA's webhook, verifyName)."""


def target(shape: Shape) -> dict[str, str] | str:
    """`scaleTargetRef`, or why there is none. A kind that is not known is a Deployment, as KEDA has it too."""
    kind = shape.kind or "Deployment"
    if kind not in API_VERSIONS:
        return f"a {kind} has no number of replicas"
    if len(shape.service) > MOST_OF_A_LABEL:
        return f"its name has more than {MOST_OF_A_LABEL} characters, more than a label's value may"
    return {"apiVersion": API_VERSIONS[kind], "kind": kind, "name": shape.service}


def hpa_name(service: str) -> str | None:
    """A name for KEDA's HPA where the one that KEDA would give is too long."""
    return service if len(KEDA_PREFIX + service) > MOST_OF_A_LABEL else None
