"""How a task runs: what KFP and Kubernetes are asked for besides its arguments.

Each text that a manifest may also take from a parameter is a `Value` here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from kfp_gitops.base.yamltext import Path
from kfp_gitops.language.manifest.value import Constant, Value


@dataclass(frozen=True)
class Retry:
    """How often and after which waits (KFP duration texts) a failed task is tried again."""

    count: int
    backoff: str | None
    factor: float | None
    max_backoff: str | None


@dataclass(frozen=True)
class Settings:
    """What every task has, an importer and a nested pipeline too."""

    display_name: str
    after: tuple[str, ...] = ()
    ignore_upstream_failure: bool = False
    retry: Retry | None = None
    cache: bool | None = None
    cache_key: str | None = None


@dataclass(frozen=True)
class Resources:
    """Kubernetes quantities, or None where the cluster decides; `accelerator_limit` is a count."""

    cpu_request: Value | None = None
    cpu_limit: Value | None = None
    memory_request: Value | None = None
    memory_limit: Value | None = None
    accelerator_type: Value | None = None
    accelerator_limit: Value | None = None


@dataclass(frozen=True)
class EnvFrom:
    """An environment variable from a key of a secret or config map (`kind`)."""

    kind: str
    name: Value
    key: str
    optional: bool


@dataclass(frozen=True)
class EnvField:
    """An environment variable from a field of the pod, such as `metadata.name`."""

    path: str


@dataclass(frozen=True)
class MountedSource:
    """A secret, a config map or a persistent volume claim (`kind`) at a path in the container."""

    kind: str
    mount_path: str
    name: Value
    optional: bool = False
    sub_path: str = ""


@dataclass(frozen=True)
class EmptyDir:
    """A folder that lives as long as the pod."""

    mount_path: str
    name: str
    medium: str | None
    size_limit: str | None


@dataclass(frozen=True)
class EphemeralVolume:
    """A volume that is made for the pod and goes with it."""

    mount_path: str
    name: str
    access_modes: tuple[str, ...]
    size: str
    storage_class: str | None
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


Volume = MountedSource | EmptyDir | EphemeralVolume


@dataclass(frozen=True)
class Toleration:
    """A taint that the pod puts up with, in the words of Kubernetes."""

    key: str | None
    operator: str | None
    value: str | None
    effect: str | None
    seconds: int | None


@dataclass(frozen=True)
class LabelMatch:
    """One expression over the labels (or fields) of a node."""

    key: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class AffinityTerm:
    """What a node must have, or with a weight (1 to 100) rather should have."""

    expressions: tuple[LabelMatch, ...]
    fields: tuple[LabelMatch, ...]
    weight: int | None


@dataclass(frozen=True)
class Placement:
    """On which nodes the pod may run; a `Value` instead of the parts is a reference to all of it."""

    tolerations: tuple[Toleration | Value, ...] = ()
    node_selector: Mapping[str, str] | Value = field(default_factory=dict)
    affinity: tuple[AffinityTerm, ...] | Value = ()
    selector_json: Value | None = None
    affinity_json: Value | None = None


_ANYWHERE = Placement()


@dataclass(frozen=True)
class SecurityContext:
    """As whom the container runs."""

    user: int | None
    group: int | None
    non_root: bool | None


@dataclass(frozen=True)
class Pod:
    """What the container of a component's task is given; empty where the manifest says nothing."""

    resources: Resources = Resources()
    env: Mapping[str, str | EnvFrom | EnvField] = field(default_factory=dict)
    volumes: tuple[Volume, ...] = ()
    placement: Placement = Placement()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    pull_policy: str | None = None
    pull_secrets: tuple[Value, ...] = ()
    security: SecurityContext | None = None
    timeout_seconds: int | None = None

    @property
    def needs_kubernetes(self) -> bool:
        """Whether it asks for more than KFP itself knows: then the IR has a second document."""
        plain = {name: source for name, source in self.env.items() if isinstance(source, str)}
        return self != Pod(resources=self.resources, env=plain)


def pod_values(pod: Pod) -> Iterator[tuple[Path, Value, tuple[str, ...]]]:
    """Every value of a pod that may be a reference: its path in the task, itself, and the types it may have."""
    yield from _resource_values(pod.resources)
    for name, source in pod.env.items():
        if isinstance(source, EnvFrom):
            yield ("env", name, source.kind), source.name, ("str",)
    for volume in pod.volumes:
        if isinstance(volume, MountedSource):
            yield ("volumes", volume.mount_path, volume.kind), volume.name, ("str",)
    for index, secret in enumerate(pod.pull_secrets):
        yield ("image", "pullSecrets", index), secret, ("str",)
    yield from _placement_values(pod.placement)


def _resource_values(resources: Resources) -> Iterator[tuple[Path, Value, tuple[str, ...]]]:
    for kind, key, value in (
        ("cpu", "request", resources.cpu_request),
        ("cpu", "limit", resources.cpu_limit),
        ("memory", "request", resources.memory_request),
        ("memory", "limit", resources.memory_limit),
        ("accelerator", "type", resources.accelerator_type),
        ("accelerator", "limit", resources.accelerator_limit),
    ):
        if value is not None:
            yield ("resources", kind, key), value, ("str", "int") if kind == "accelerator" else ("str",)


def _placement_values(placement: Placement) -> Iterator[tuple[Path, Value, tuple[str, ...]]]:
    if placement == _ANYWHERE:
        return
    for index, toleration in enumerate(placement.tolerations):
        if not isinstance(toleration, Toleration):
            yield ("placement", "tolerations", index), toleration, ("dict", "list")
    if not isinstance(placement.node_selector, Mapping | Constant):
        yield ("placement", "nodeSelector"), placement.node_selector, ("dict",)
    if not isinstance(placement.affinity, tuple | Constant):
        yield ("placement", "nodeAffinity"), placement.affinity, ("dict",)
    for key, value in (
        ("nodeSelectorJson", placement.selector_json),
        ("nodeAffinityJson", placement.affinity_json),
    ):
        if value is not None:
            yield ("placement", key), value, ("dict",)
