"""The autoscalers that stand in rendered manifests, as far as an addition to them must know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from predictive_scaling.shapes.nodes import Node, documents

HPA, SCALED_OBJECT = "HorizontalPodAutoscaler", "ScaledObject"
_OF_RESOURCES = ("Resource", "ContainerResource")
_GROUPS = {HPA: "autoscaling", SCALED_OBJECT: "keda.sh"}


@dataclass(frozen=True)
class Standing:
    """An autoscaler of a tree and whom it scales, by namespace (empty: not written), kind and name."""

    kind: str
    name: str
    version: str
    target: tuple[str, str, str]
    node: Node

    def has(self, *names: str) -> bool:
        """Whether something stands under these keys."""
        return self.node.at(*names) is not None

    @property
    def reads_floor(self) -> bool:
        """Whether it has a trigger or a metric of ours already."""
        listed = [
            *self._texts("spec", "triggers", of=("metadata", "query")),
            *self._texts("spec", "metrics", of=("external", "metric", "name")),
        ]
        return any("predictive_scaling" in each for each in listed)

    def _texts(self, *names: str, of: tuple[str, ...]) -> list[str]:
        found = self.node.at(*names)
        return [each.text(*of) for each in found.value] if found and isinstance(found.value, list) else []

    @property
    def cpu_container(self) -> str:
        """The container whose cpu an HPA looks at; empty when it looks at pods."""
        return next((container for what, container in self._resources() if what == "cpu"), "")

    def others(self) -> list[str]:
        """What else than cpu an HPA scales by: resources, and types of metrics."""
        resources = [what for what, _ in self._resources() if what != "cpu"]
        kinds = [each for each in self.kinds("spec", "metrics") if each not in _OF_RESOURCES]
        return sorted({*resources, *kinds})

    def _resources(self) -> list[tuple[str, str]]:
        """Resource and container (empty: the pod) of each metric of a resource."""
        found = self.node.at("spec", "metrics")
        listed = found.value if found and isinstance(found.value, list) else []
        metrics = [each.at("resource") or each.at("containerResource") for each in listed]
        return [(each.text("name"), each.text("container")) for each in metrics if each]

    def kinds(self, *names: str) -> list[str]:
        """`type` of each of a list, such as of triggers."""
        return self._texts(*names, of=("type",))


def standing(text: str, path: str) -> list[Standing]:
    """Every autoscaler of these documents; raises InputError where they are no YAML."""
    return [
        _standing(each)
        for document in documents(text, path)
        for each in _objects(document)
        if _GROUPS.get(each.text("kind")) == each.text("apiVersion").partition("/")[0]
    ]


def _objects(node: Node) -> Iterator[Node]:
    items = node.at("items") if node.text("kind") == "List" else None
    if items and isinstance(items.value, list):
        for each in items.value:
            yield from _objects(each)
    else:
        yield node


def _standing(node: Node) -> Standing:
    target = (
        node.text("metadata", "namespace"),
        node.text("spec", "scaleTargetRef", "kind") or "Deployment",
        node.text("spec", "scaleTargetRef", "name"),
    )
    version = node.text("apiVersion").partition("/")[2]
    return Standing(node.text("kind"), node.text("metadata", "name"), version, target, node)
