"""The floor added to an autoscaler that stands in a tree: whatever else it does, it goes on doing.

JSON patches that add; minimum and maximum stay the tree's, so that a later change there counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from predictive_scaling.consumers import autoscaler, orders, scaledobject
from predictive_scaling.consumers.bounds import Bounds
from predictive_scaling.consumers.consumer import File, Object
from predictive_scaling.consumers.place import Place
from predictive_scaling.consumers.standing import Standing
from predictive_scaling.shapes.shape import Shape

_KEDA_BEHAVIOR = ("spec", "advanced", "horizontalPodAutoscalerConfig", "behavior")
_HPA_BEHAVIOR = ("spec", "behavior")
DEFAULT_PERCENT = 80
"""An HPA without metrics scales at this share of the CPU request (Kubernetes, autoscaling/v2 defaults)."""
OWN_POLICIES = "its own behavior.scaleUp.policies stay: a floor is reached in as many steps as they make"


def to_scaled_object(
    shape: Shape, place: Place, within: Bounds, found: Standing, target: Mapping[str, str]
) -> tuple[File, list[str]] | str:
    """A trigger more for a ScaledObject, or why it cannot have one."""
    if found.has("spec", "advanced", "scalingModifiers", "formula"):
        return f"ScaledObject {found.name} has a formula, which leaves other triggers out; write the floor into it"
    told = list(_idle(found))
    operations: list[Object] = [_add(("spec", "triggers", "-"), scaledobject.trigger(shape, place))]
    if found.has("spec", "fallback"):
        told.append("its own fallback stays: without Prometheus the floor is what that says")
    else:
        operations.append(_add(("spec", "fallback"), scaledobject.fallback(found_least(found))))
    operations += _behavior(found, _KEDA_BEHAVIOR, within, place, told)
    return _file(shape, found, target, operations, scaledobject.about(within.most, place)), told


def to_autoscaler(
    shape: Shape, place: Place, within: Bounds, found: Standing, target: Mapping[str, str]
) -> tuple[File, list[str]] | str:
    """A metric more for an HPA, or why it cannot have one; autoscaling/v1 becomes v2, for v1 has no such metrics."""
    if found.version not in ("v1", "v2"):
        return (
            f"HPA {found.name} is of autoscaling/{found.version}, which no cluster serves any more; write v2"
        )
    told: list[str] = []
    ours = autoscaler.metric(shape, place)
    if found.version == "v2" and found.kinds("spec", "metrics"):
        operations = [_add(("spec", "metrics", "-"), ours)]
    else:
        operations = [*_to_v2(found), _add(("spec", "metrics"), [_cpu(shape), ours])]
    operations += _behavior(found, _HPA_BEHAVIOR, within, place, told)
    return _file(shape, found, target, operations, autoscaler.about(within.most, place)), told


def found_least(found: Standing) -> int:
    """The minimum that stands in a ScaledObject."""
    text = found.node.text("spec", "minReplicaCount")
    return int(text) if text.isdigit() else 0


def _idle(found: Standing) -> Iterator[str]:
    if found_least(found) == 0:
        yield "it may scale to 0, and does not while a floor is in force"


def _cpu(shape: Shape) -> Object:
    share = shape.scaler.utilisation if shape.scaler else None
    percent = DEFAULT_PERCENT if share is None else round(100 * share)
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def _to_v2(found: Standing) -> Iterator[Object]:
    if found.version == "v1":
        yield {"op": "replace", "path": "/apiVersion", "value": "autoscaling/v2"}
    if found.has("spec", "targetCPUUtilizationPercentage"):
        yield {"op": "remove", "path": "/spec/targetCPUUtilizationPercentage"}


def _behavior(
    found: Standing, path: tuple[str, ...], within: Bounds, place: Place, told: list[str]
) -> list[Object]:
    """`scaleUp` where there is none; in one that there is the tolerance alone."""
    wanted = orders.scale_up(within.most, place)
    own = (*path, "scaleUp")
    if not found.has(*own):
        return [_nested(found, own, wanted)]
    if found.has(*own, "policies"):
        told.append(OWN_POLICIES)
        wanted.pop("policies")
    return [_add((*own, name), value) for name, value in wanted.items()]


def _nested(found: Standing, path: Sequence[str], value: Any) -> Object:
    """Add below the deepest mapping that there is, for a JSON patch makes no parents."""
    depth = next(at for at in range(len(path) - 1, 0, -1) if found.has(*path[:at]))
    for name in reversed(path[depth + 1 :]):
        value = {name: value}
    return _add(path[: depth + 1], value)


def _add(path: Sequence[str], value: Any) -> Object:
    return {"op": "add", "path": "/" + "/".join(path), "value": value}


def _file(
    shape: Shape,
    found: Standing,
    target: Mapping[str, str],
    operations: Sequence[Object],
    about: Sequence[str],
) -> File:
    head = (
        f"Added to the {found.kind} that stands in the tree; its other triggers, minimum and maximum stay.",
        *about,
    )
    return File(f"{shape.service}.patch.yaml", list(operations), head, target)
