"""The tree that consumers are laid over, as it was rendered: what scales a service, and what a patch must name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from predictive_scaling.base.errors import InputError
from predictive_scaling.consumers.standing import Standing, standing
from predictive_scaling.shapes.manifests import manifest_shapes
from predictive_scaling.shapes.shape import Shape

_AGAIN = "reads a floor already; render the tree without what this command wrote, and without copies of it"


@dataclass(frozen=True)
class Tree:
    """Autoscalers and workloads of all its namespaces; `namespace` is the one that consumers are made for."""

    namespace: str
    scalers: Sequence[Standing] = ()
    workloads: Sequence[Shape] = ()

    def scalers_of(self, shape: Shape) -> list[Standing]:
        """Those that scale this service."""
        target = (shape.kind or "Deployment", shape.service)
        return [each for each in self.scalers if each.target[1:] == target and self._here(each.target[0])]

    def counts(self, shape: Shape) -> bool:
        """Whether it writes the service's number of replicas."""
        return any(
            each.replicas is not None
            for each in self.workloads
            if (each.kind, each.service) == (shape.kind, shape.service) and self._here(each.namespace)
        )

    def target(self, kind: str, name: str) -> dict[str, str]:
        """A patch's target, with the namespace only where two have the name: a tree may set it after patches."""
        places = {each.target[0] for each in self.scalers if (each.kind, each.name) == (kind, name)}
        places |= {each.namespace for each in self.workloads if (each.kind, each.service) == (kind, name)}
        return {"kind": kind, "name": name} | ({"namespace": self.namespace} if len(places) > 1 else {})

    def _here(self, namespace: str) -> bool:
        return namespace in ("", self.namespace)


def rendered(text: str, path: str, namespace: str) -> Tree:
    """The tree of rendered documents. Raises InputError where they cannot be read, or where a floor is read already:
    what our own patches took out of such a tree cannot be seen in it, and would come back."""
    found = Tree(namespace, standing(text, path), manifest_shapes(text, path))
    again = [each for each in found.scalers if each.reads_floor and each.target[0] in ("", namespace)]
    if again:
        raise InputError("\n".join(f"{each.node.place}: {each.kind} {each.name} {_AGAIN}" for each in again))
    return found
