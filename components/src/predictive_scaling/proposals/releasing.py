"""Proposals of a run: files of a task, and `proposals/<run>/` of the registry for what opens a pull request.

Nobody has rendered manifests there; what a proposal is laid over is what the run saw of the cluster. Where it saw
nothing nothing is proposed, for a patch that does not know the base can lower it; `told.txt` says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from predictive_scaling.base.documents import Document
from predictive_scaling.proposals.floors import floors, namespace
from predictive_scaling.proposals.ground import Amount, Autoscaler, Box, Ground, Resources, Workload
from predictive_scaling.proposals.proposal import Over, Proposal, proposal
from predictive_scaling.proposals.tree import Files
from predictive_scaling.recommend.run_archive import run_name
from predictive_scaling.shapes.shape import Container, Shape
from predictive_scaling.store.registry import Registry

TOLD = "told.txt"
_SEEN = "the cluster, as the run saw it"
_APIS = {"HorizontalPodAutoscaler": "autoscaling/v2", "ScaledObject": "keda.sh/v1alpha1"}
_OWN_APIS = {"ReplicationController": "v1", "Rollout": "argoproj.io/v1alpha1"}


def run_files(document: Document, shapes: Iterable[Shape] = ()) -> dict[str, str]:
    """The proposal of a run, and what is to be told of it."""
    found = _proposal(document, list(shapes))
    told = [*found.lines, *found.left_out] or ["nothing to raise"]
    return {**found.files, TOLD: "\n".join(told) + "\n"}


def _proposal(document: Document, shapes: list[Shape]) -> Proposal:
    """A shape without a kind or containers says nothing of what stands; each service of such a one is told so."""
    known = [each for each in shapes if each.kind and each.containers]
    ground = Ground(tuple(map(workload, known)))
    seen = {each.service for each in known}
    unknown = (
        "what it is laid over is not known here: python -m predictive_scaling propose --over RENDERED.yaml"
    )
    refused = {each.service: unknown for each in floors(document) if each.service not in seen}
    return proposal(document, {}, Over(ground, namespace=namespace(document), refused=refused))


def workload(shape: Shape) -> Workload:
    """A service as a run saw it."""
    own = (shape.kind, shape.service)
    scaler = shape.scaler
    scalers = (
        Autoscaler(
            scaler.kind, _APIS.get(scaler.kind, ""), scaler.name, shape.namespace, own, _SEEN,
            _count(scaler.min), _count(scaler.max),
        ),
    ) if scaler else ()  # fmt: skip
    return Workload(
        shape.kind,
        _OWN_APIS.get(shape.kind, "apps/v1"),
        shape.service,
        shape.namespace,
        _SEEN,
        tuple(map(_box, shape.containers)),
        Resources(_bytes(shape.pod.memory)),
        _count(shape.replicas),
        main=shape.main_container.name if shape.main_container else "",
        scalers=scalers,
    )


def _box(container: Container) -> Box:
    requests, limits = container.requests, container.limits
    cpu = Amount(Fraction(requests.cpu), f"{requests.cpu:g}", _SEEN) if requests.cpu is not None else None
    asks = requests.cpu is not None or requests.memory is not None
    written: tuple[str, ...] = ("resources", "requests") if asks else ()
    if not asks and (limits.cpu is not None or limits.memory is not None):
        written = ("resources",)
    resources = Resources(_bytes(requests.memory), _bytes(limits.memory), cpu)
    return Box(container.name, resources, _SEEN, container.sidecar, written)


def _bytes(value: float | None) -> Amount | None:
    return None if value is None else Amount(Fraction(int(value)), f"{int(value)}", _SEEN)


def _count(value: int | None) -> Amount | None:
    return None if value is None else Amount(Fraction(value), str(value), _SEEN)


def propose(registry: Registry, document: Document, files: Files) -> str:
    """Put a run's proposal into the registry under `proposals/<run>/`; gives that folder. Raises RegistryError."""
    folder = f"proposals/{run_name(document)}"
    for path, text in files.items():
        registry.put(f"{folder}/{path}", text.encode())
    return folder
