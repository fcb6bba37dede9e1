"""What a proposal is laid over: workloads, what scales them, and what bounds them, each with where it stands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

HPA, SCALED_OBJECT, VPA = "HorizontalPodAutoscaler", "ScaledObject", "VerticalPodAutoscaler"


@dataclass(frozen=True)
class Amount:
    """A value that stands: what it is (bytes, cores or a count), as it is written, and where."""

    value: Fraction
    text: str
    place: str


@dataclass(frozen=True)
class Resources:
    """Requests and limits of memory (bytes), and the request of CPU (cores)."""

    memory: Amount | None = None
    limit: Amount | None = None
    cpu: Amount | None = None


@dataclass(frozen=True)
class Box:
    """A container of each pod; a native sidecar is an init container with `restartPolicy: Always`."""

    name: str
    resources: Resources
    place: str
    sidecar: bool = False
    written: tuple[str, ...] = ()  # of resources and requests, what is there

    @property
    def asked(self) -> Amount | None:
        """The memory that is requested for it: Kubernetes takes the limit where no request is written."""
        return self.resources.memory or self.resources.limit


@dataclass(frozen=True)
class Autoscaler:
    """An HPA or a ScaledObject, and the workload that it scales; `least` and `most` as they stand."""

    kind: str
    api: str
    name: str
    namespace: str
    workload: tuple[str, str]
    place: str
    least: Amount | None = None
    most: Amount | None = None

    @property
    def key(self) -> str:
        """The key of its least replicas."""
        return "minReplicaCount" if self.kind == SCALED_OBJECT else "minReplicas"

    @property
    def unsaid(self) -> int:
        """The least replicas where none are said: 0 in KEDA, 1 in Kubernetes."""
        return 0 if self.kind == SCALED_OBJECT else 1


@dataclass(frozen=True)
class Policy:
    """What a VPA may do with a container: its place in the list, bounds of memory, and what it may change."""

    container: str
    index: int
    least: Amount | None
    most: Amount | None
    has_least: bool  # minAllowed is written, of whatever
    off: bool
    requests_only: bool
    memory: bool


@dataclass(frozen=True)
class VerticalAutoscaler:
    """A VPA, and the workload whose requests it sets; `mode` is its updateMode, empty where none is said."""

    api: str
    name: str
    namespace: str
    workload: tuple[str, str]
    mode: str
    policies: tuple[Policy, ...]
    place: str
    written: bool  # spec.resourcePolicy.containerPolicies is there
    has_policy: bool  # spec.resourcePolicy is there
    alone: bool = False  # it acts on a workload of one replica, too


@dataclass(frozen=True)
class Workload:
    """What runs a service's pods. `main` is what its pods' own annotation calls the default container."""

    kind: str
    api: str
    name: str
    namespace: str
    place: str
    boxes: tuple[Box, ...] = ()
    pod: Resources = Resources()
    replicas: Amount | None = None
    surge: str = ""
    recreate: bool = False
    main: str = ""
    node_selector: tuple[tuple[str, str], ...] = ()
    priority: str = ""  # the name of its pods' PriorityClass
    across: bool = False  # its pods' affinity is to, or against, pods of other namespaces
    scalers: tuple[Autoscaler, ...] = ()
    vpas: tuple[VerticalAutoscaler, ...] = ()

    @property
    def key(self) -> tuple[str, str, str]:
        """Namespace, kind and name."""
        return self.namespace, self.kind, self.name

    def box(self, name: str) -> Box | None:
        """The container of this name."""
        return next((each for each in self.boxes if each.name == name), None)

    def with_box(self, box: Box) -> Workload:
        """The same with a container replaced."""
        return replace(self, boxes=tuple(box if each.name == box.name else each for each in self.boxes))

    @property
    def single(self) -> bool:
        """Whether it may have one replica only."""
        least = [each.least.value if each.least else each.unsaid for each in self.scalers]
        replicas = self.replicas.value if self.replicas else 1
        return min(least or [replicas]) <= 1


@dataclass(frozen=True)
class Range:
    """One `limits` item of a LimitRange: memory in bytes."""

    name: str
    namespace: str
    type: str
    most: Amount | None = None
    limit: Amount | None = None  # given to a container that has none
    request: Amount | None = None


@dataclass(frozen=True)
class Scope:
    """One of a ResourceQuota's `scopes`, or an expression of its scopeSelector."""

    name: str
    operator: str = "Exists"
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Quota:
    """A ResourceQuota: what it allows at most, by resource, to the pods that all its scopes are of."""

    name: str
    namespace: str
    hard: tuple[tuple[str, Amount], ...]
    scopes: tuple[Scope, ...] = ()


@dataclass(frozen=True)
class Node:
    """A node that takes pods: its allocatable memory in bytes, and its labels."""

    name: str
    memory: Amount
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Ground:
    """Everything a proposal must know of what it is laid over."""

    workloads: tuple[Workload, ...] = ()
    ranges: tuple[Range, ...] = ()
    quotas: tuple[Quota, ...] = ()
    nodes: tuple[Node, ...] = ()
    vpas: tuple[VerticalAutoscaler, ...] = ()

    def joined(self, other: Ground) -> Ground:
        """With what bounds it from another source."""
        return replace(
            self,
            ranges=self.ranges + other.ranges,
            quotas=self.quotas + other.quotas,
            nodes=self.nodes + other.nodes,
        )
