"""A service's consumer from its shape, its place and what stands in the tree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from predictive_scaling.consumers import additions, names
from predictive_scaling.consumers.autoscaler import autoscaler
from predictive_scaling.consumers.bounds import Bounds, bounds
from predictive_scaling.consumers.consumer import Consumer, File
from predictive_scaling.consumers.place import Place
from predictive_scaling.consumers.reactive import Reactive, reactive
from predictive_scaling.consumers.scaledobject import scaled_object
from predictive_scaling.consumers.standing import HPA, SCALED_OBJECT, Standing
from predictive_scaling.consumers.tree import Tree
from predictive_scaling.shapes.shape import Shape

KEDA, PLAIN = "keda", "hpa"
KINDS = (KEDA, PLAIN)
OF_KIND = {KEDA: SCALED_OBJECT, PLAIN: HPA}
POD_REQUESTS_SINCE = (1, 34)


def consumer(shape: Shape, kind: str, place: Place, tree: Tree) -> Consumer:
    """The consumer of one service, as an addition to what scales it in the tree, or anew."""
    found, target = bounds(shape), names.target(shape)
    for why in (target, found):
        if isinstance(why, str):
            return _none(shape, place, why)
    assert isinstance(found, Bounds) and not isinstance(target, str)
    made = _made(shape, kind, place, found, target, tree)
    if isinstance(made, str):
        return _none(shape, place, made)
    files, told = made
    if tree.counts(shape):
        files.append(_replicas(shape, tree))
        told.append(REPLICAS)
    if not shape.kind:
        told.append(
            "its kind is not known and taken for Deployment; say services: {…: {kind: …}} if it is none"
        )
    return Consumer(shape.service, place.namespace, tuple(files), (*found.told, *told))


def _none(shape: Shape, place: Place, why: str) -> Consumer:
    return Consumer(shape.service, place.namespace, (), (why,))


_Made = tuple[list[File], list[str]]


def _made(
    shape: Shape, kind: str, place: Place, within: Bounds, target: dict[str, str], tree: Tree
) -> _Made | str:
    """Added to what stands, or made anew; or why neither."""
    scalers = tree.scalers_of(shape)
    if len(scalers) > 1:
        both = " and ".join(f"{each.kind} {each.name}" for each in scalers)
        return f"{both} scale it: Kubernetes then scales by neither (AmbiguousSelector); delete one of them"
    if scalers and scalers[0].kind == OF_KIND[kind]:
        add = additions.to_scaled_object if kind == KEDA else additions.to_autoscaler
        added = add(shape, place, within, scalers[0], tree.target(scalers[0].kind, scalers[0].name))
        return added if isinstance(added, str) else ([added[0]], added[1])
    return _anew(shape, kind, place, within, target, tree)


def _anew(
    shape: Shape, kind: str, place: Place, within: Bounds, target: dict[str, str], tree: Tree
) -> _Made | str:
    scalers = tree.scalers_of(shape)
    stands = scalers[0].kind if scalers else (shape.scaler.kind if shape.scaler else None)
    if stands == OF_KIND[kind]:
        return f"a {stands} stands already; give --over RENDERED.yaml, so that what else it does stays"
    if stands == SCALED_OBJECT:
        return "a ScaledObject scales it, and an HPA beside that would stop both (AmbiguousSelector); use --kind keda"
    cpu = _reactive(shape, place, scalers, of_pods=kind == PLAIN and place.kubernetes >= POD_REQUESTS_SINCE)
    if isinstance(cpu, str):
        return cpu
    told = [cpu.told] if cpu.told else []
    if kind == PLAIN:
        return [autoscaler(shape, place, target, within, cpu)], told
    adopted = shape.scaler.name if shape.scaler else None
    files = [scaled_object(shape, place, target, within, cpu, adopted)]
    if adopted:
        told.append(_ADOPTED % adopted)
        files += [_deleted(shape, adopted, tree)] if scalers else []
        told += _lost(scalers)
    return files, told


def _reactive(shape: Shape, place: Place, scalers: list[Standing], *, of_pods: bool) -> Reactive | str:
    """The trigger, of the container that the HPA in the tree looks at, if it looks at one."""
    own = [each.cpu_container for each in scalers if each.cpu_container]
    if own:
        shape, place = replace(shape, main=own[0]), replace(place, by_container=True)
    return reactive(shape, place, of_pods=of_pods)


_ADOPTED = (
    "HPA %s stands: KEDA takes it over, and it must leave the tree. Two beside one another would scale nothing "
    "(AmbiguousSelector)"
)
REPLICAS = (
    "spec.replicas stands in the tree, and every apply would set the count back to it: a patch takes it out. The first "
    "apply without it may set 1 for a moment, see «Migrating Deployments and StatefulSets to horizontal autoscaling» "
    "in Kubernetes' documentation"
)


def _lost(scalers: Iterable[Standing]) -> list[str]:
    others = sorted({other for each in scalers for other in each.others()})
    return (
        [f"the HPA scales by {', '.join(others)} too: add triggers for that to the ScaledObject"]
        if others
        else []
    )


def _deleted(shape: Shape, hpa: str, tree: Tree) -> File:
    content = {
        "$patch": "delete",
        "apiVersion": "autoscaling/v2",
        "kind": HPA,
        "metadata": {"name": hpa},
    }
    about = ("KEDA has an HPA of its own; this takes the one of the tree out of it.",)
    return File(f"{shape.service}-hpa.patch.yaml", content, about, tree.target(HPA, hpa))


def _replicas(shape: Shape, tree: Tree) -> File:
    """null, not `op: remove`, which fails where there is nothing to remove."""
    kind = shape.kind or "Deployment"
    content = {
        "apiVersion": names.API_VERSIONS[kind],
        "kind": kind,
        "metadata": {"name": shape.service},
        "spec": {"replicas": None},
    }
    about = ("The number of replicas is the autoscaler's; in the tree it would be set back by every apply.",)
    return File(f"{shape.service}-replicas.patch.yaml", content, about, tree.target(kind, shape.service))
