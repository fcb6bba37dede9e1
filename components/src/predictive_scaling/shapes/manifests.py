"""Shapes from rendered manifests, as `kubectl kustomize` prints them: workloads, and what scales them.

What the API server would default is defaulted here: a request that is not set is its limit, an autoscaler's minimum is
1 (KEDA: 0) and KEDA's maximum 100. Documents of other kinds are passed by.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from predictive_scaling.base.errors import InputError
from predictive_scaling.shapes.bounds import MAX_BYTES, MAX_CONTAINERS, MAX_CORES, MAX_REPLICAS
from predictive_scaling.shapes.nodes import Node, documents
from predictive_scaling.shapes.quantity import quantity
from predictive_scaling.shapes.shape import Amounts, Container, Scaler, Shape

KEDA_MOST = 100
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
# Kind → the API groups that it may be of.
_WORKLOADS = {
    "Deployment": ("apps", "extensions"),
    "StatefulSet": ("apps",),
    "DaemonSet": ("apps", "extensions"),
    "ReplicaSet": ("apps", "extensions"),
    "ReplicationController": ("",),
    "Rollout": ("argoproj.io",),
}
_SCALERS = {"HorizontalPodAutoscaler": "autoscaling", "ScaledObject": "keda.sh"}
_MOST = {"cpu": MAX_CORES, "memory": MAX_BYTES}
_Target = tuple[str, str, str]
"""Namespace, kind, name."""


def manifest_shapes(text: str, path: str) -> list[Shape]:
    """Shapes of all workloads of rendered documents, in their order; the namespace is empty where none is written.

    Raises InputError with place and remedy of everything in them that cannot be understood.
    """
    read = _Reader()
    objects = [each for document in documents(text, path) for each in read.objects(document)]
    workloads = [each for each in objects if read.group(each) in _WORKLOADS.get(each.text("kind"), ())]
    shapes = read.distinct((each, read.workload(each)) for each in workloads)
    scalers = read.scalers(each for each in objects if read.group(each) == _SCALERS.get(each.text("kind")))
    found = [_scaled(each, scalers) for each in _referred(shapes, workloads)]
    if read.wrong:
        raise InputError("\n".join(read.wrong[:50]))
    return found


def read_manifests(path: str | Path) -> list[Shape]:
    """Shapes of a file of rendered documents; raises InputError, and OSError when it cannot be read."""
    try:
        return manifest_shapes(Path(path).read_text("utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8; give what `kubectl kustomize` prints") from error


def of_namespace(shapes: Iterable[Shape], namespace: str) -> None:
    """Raises InputError where all workloads that are rendered are in other namespaces: else nothing shows it."""
    found = {shape.namespace for shape in shapes}
    if namespace and found and not found & {"", namespace}:
        raise InputError(
            f"--over has no workload of namespace {namespace}; its workloads are in {', '.join(sorted(found))}: "
            "render the tree of this namespace, or give another --namespace"
        )


def _target(shape: Shape) -> _Target:
    return shape.namespace, shape.kind, shape.service


def _scaled(shape: Shape, scalers: Mapping[_Target, Scaler]) -> Shape:
    return replace(shape, scaler=scalers.get(_target(shape)))


def _referred(shapes: list[Shape], nodes: list[Node]) -> list[Shape]:
    """A Rollout may take its pods from a Deployment (`workloadRef`), which then has none of its own."""
    by_target = {_target(shape): shape for shape in shapes}
    taken: dict[_Target, Shape] = {}
    for node in nodes:
        ref = node.at("spec", "workloadRef")
        if ref is None or node.text("kind") != "Rollout":
            continue
        namespace, name = node.text("metadata", "namespace"), node.text("metadata", "name")
        own, of = (namespace, "Rollout", name), (namespace, ref.text("kind"), ref.text("name"))
        if own in by_target and of in by_target:
            source = by_target[of]
            taken[own] = replace(by_target[own], containers=source.containers, pod=source.pod)
            by_target.pop(of)
    return [taken.get(target, shape) for target, shape in by_target.items()]


class _Reader:
    """Reads objects; what is wrong is noted with its place, and reads as not known."""

    def __init__(self) -> None:
        self.wrong: list[str] = []

    def objects(self, document: Node) -> Iterator[Node]:
        """The document, or what it lists."""
        if not isinstance(document.value, dict):
            self._note(document, "no Kubernetes object; give what `kubectl kustomize` prints")
        elif document.text("kind") == "List" and document.text("apiVersion") == "v1":
            yield from (each for item in self._listed(document, "items") for each in self.objects(item))
        else:
            yield document

    @staticmethod
    def group(node: Node) -> str:
        """API group; empty for the core's."""
        group, slash, _ = node.text("apiVersion").partition("/")
        return group if slash else ""

    def distinct(self, found: Iterable[tuple[Node, Shape | None]]) -> list[Shape]:
        """Shapes, each once."""
        first: dict[_Target, tuple[Node, Shape]] = {}
        for node, shape in found:
            if shape is None:
                continue
            if _target(shape) in first:
                before = first[_target(shape)][0].place
                self._note(node, f"{shape.kind} {shape.service} stands at {before} already; keep one of them")
            else:
                first[_target(shape)] = node, shape
        return [shape for _, shape in first.values()]

    def workload(self, node: Node) -> Shape | None:
        """Its shape; None when it has no name."""
        name = self._name(node)
        if name is None:
            return None
        pod = node.at("spec", "template", "spec")
        return Shape(
            service=name,
            namespace=self._namespace(node),
            kind=node.text("kind"),
            replicas=self._whole(node, 0, "spec", "replicas"),
            containers=tuple(self._containers(pod)) if pod else (),
            pod=self._requests(pod) if pod else Amounts(),
        )

    def scalers(self, nodes: Iterable[Node]) -> dict[_Target, Scaler]:
        """Autoscalers by what they scale; where two scale one workload, the one that allows fewest."""
        found: dict[_Target, Scaler] = {}
        for node in nodes:
            name, ref = self._name(node), node.at("spec", "scaleTargetRef")
            if name is None:
                continue
            if ref is None or not ref.text("name"):
                self._note(node, "no spec.scaleTargetRef with a name; say what it scales")
                continue
            one = (
                self._hpa(node, name)
                if node.text("kind") == "HorizontalPodAutoscaler"
                else self._keda(node, name)
            )
            target = self._namespace(node), ref.text("kind") or "Deployment", ref.text("name")
            found[target] = min(one, found.get(target, one), key=lambda each: each.max or MAX_REPLICAS)
        return found

    def _hpa(self, node: Node, name: str) -> Scaler:
        least, most = self._whole(node, 0, "spec", "minReplicas"), self._whole(node, 1, "spec", "maxReplicas")
        if most is None and node.at("spec", "maxReplicas") is None:
            self._note(node, "no spec.maxReplicas; a HorizontalPodAutoscaler must have it")
        old = self._whole(node, 1, "spec", "targetCPUUtilizationPercentage")
        percents = [old, *(self._percent(each) for each in self._listed(node, "spec", "metrics"))]
        return Scaler("HorizontalPodAutoscaler", name, 1 if least is None else least, most, _share(percents))

    def _percent(self, metric: Node) -> int | None:
        of = metric.at("resource") or metric.at("containerResource")
        if of is None or of.text("name") != "cpu":
            return None
        return self._whole(of, 1, "target", "averageUtilization") or self._whole(
            of, 1, "targetAverageUtilization"
        )

    def _keda(self, node: Node, name: str) -> Scaler:
        least, most = (
            self._whole(node, 0, "spec", "minReplicaCount"),
            self._whole(node, 1, "spec", "maxReplicaCount"),
        )
        cpu = [each for each in self._listed(node, "spec", "triggers") if each.text("type") == "cpu"]
        kinds = [
            each
            for each in cpu
            if (each.text("metricType") or each.text("metadata", "type")) in ("", "Utilization")
        ]
        percents = [self._whole(each, 1, "metadata", "value") for each in kinds]
        return Scaler("ScaledObject", name, least or 0, KEDA_MOST if most is None else most, _share(percents))

    def _containers(self, pod: Node) -> Iterator[Container]:
        for node in self._listed(pod, "containers"):
            yield from self._container(node, sidecar=False)
        for node in self._listed(pod, "initContainers"):
            if node.text("restartPolicy") == "Always":
                yield from self._container(node, sidecar=True)

    def _container(self, node: Node, *, sidecar: bool) -> Iterator[Container]:
        name = node.text("name")
        if not _LABEL.fullmatch(name):
            self._note(node, "a container without a name as Kubernetes has it; give it one")
            return
        yield Container(name, self._requests(node), self._amounts(node, "limits"), sidecar)

    def _requests(self, node: Node) -> Amounts:
        """A request that is not set is its limit."""
        own, limits = self._amounts(node, "requests"), self._amounts(node, "limits")
        return Amounts(
            limits.cpu if own.cpu is None else own.cpu, limits.memory if own.memory is None else own.memory
        )

    def _amounts(self, node: Node, what: str) -> Amounts:
        return Amounts(
            *(self._quantity(node.at("resources", what, name), name) for name in ("cpu", "memory"))
        )

    def _quantity(self, node: Node | None, name: str) -> float | None:
        if node is None:
            return None
        try:
            found = quantity(node.value if isinstance(node.value, str) else "")
        except InputError as error:
            self._note(node, str(error))
            return None
        if found > _MOST[name]:
            self._note(node, f"{name} of more than {_MOST[name]:g}; no node has that")
            return None
        return found

    def _name(self, node: Node) -> str | None:
        name = node.text("metadata", "name")
        if _NAME.fullmatch(name):
            return name
        self._note(node, f"{node.text('kind')} without metadata.name as Kubernetes has it; give it one")
        return None

    def _namespace(self, node: Node) -> str:
        found = node.at("metadata", "namespace")
        if found is None:
            return ""
        if isinstance(found.value, str) and _LABEL.fullmatch(found.value):
            return found.value
        self._note(found, "this is no namespace's name; write a DNS-1123 label")
        return ""

    def _listed(self, node: Node, *names: str) -> list[Node]:
        found = node.at(*names)
        if found is None:
            return []
        if isinstance(found.value, list) and len(found.value) <= (
            MAX_CONTAINERS if names[-1] != "items" else 10**6
        ):
            return found.value
        self._note(found, f"{names[-1]} must be a list of at most {MAX_CONTAINERS}")
        return []

    def _whole(self, node: Node, least: int, *names: str) -> int | None:
        found = node.at(*names)
        if found is None:
            return None
        text = found.value if isinstance(found.value, str) else ""
        if text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= MAX_REPLICAS:
            return int(text)
        self._note(found, f"{names[-1]} must be a whole number from {least} to {MAX_REPLICAS}")
        return None

    def _note(self, node: Node, what: str) -> None:
        self.wrong.append(f"{node.place}: {what}")


def _share(percents: Iterable[int | None]) -> float | None:
    known = [each for each in percents if each is not None]
    return known[0] / 100 if known else None
