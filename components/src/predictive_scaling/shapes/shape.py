"""The shape of a service: its workload's kind, containers and autoscaler, as far as they are known.

What is not known is None, never a default: who needs it says so, and which source would give it.
"""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Rollout")


@dataclass(frozen=True)
class Amounts:
    """CPU in cores and memory in bytes; None where none is set or known."""

    cpu: float | None = None
    memory: float | None = None


@dataclass(frozen=True)
class Use:
    """What a container was seen to use: its highest hours, and what held it back.

    `highest` are maxima of one pod's container within the window that was asked for; `throttled` is the share of CFS
    periods in which it was throttled, 0–1, in the worst hour; `oom_kills` counts restarts whose last end was OOMKilled,
    and `oom_limit` is the highest memory limit under which that happened, bytes.
    """

    highest: Amounts = Amounts()
    throttled: float | None = None
    oom_kills: int = 0
    oom_limit: float | None = None


@dataclass(frozen=True)
class Container:
    """A container of each pod; a native sidecar is an init container with `restartPolicy: Always`."""

    name: str
    requests: Amounts = Amounts()
    limits: Amounts = Amounts()
    sidecar: bool = False
    use: Use | None = None


@dataclass(frozen=True)
class Scaler:
    """What scales the service beside us: a HorizontalPodAutoscaler or KEDA's ScaledObject."""

    kind: str
    name: str
    min: int | None = None
    max: int | None = None
    utilisation: float | None = None  # target of its cpu trigger, a share of the request; may be above 1


@dataclass(frozen=True)
class Shape:
    """A service's shape; namespace and kind are empty where they are not known.

    `main` names the container that the forecasts of memory are of; None: the only one, or the one that uses most.
    `pod` are requests of the whole pod (pod-level resources). `cores` is what a person said that a replica serves.
    """

    service: str
    namespace: str = ""
    kind: str = ""
    replicas: int | None = None
    containers: tuple[Container, ...] = ()
    pod: Amounts = Amounts()
    scaler: Scaler | None = None
    main: str | None = None
    cores: float | None = None
    max: int | None = None

    @property
    def replica_cores(self) -> float | None:
        """Cores that one replica serves: what was said, else the pod's request, else the sum of its containers'.

        None when a container says nothing: a sum that lacks one would promise too many replicas.
        """
        if self.cores is not None:
            return self.cores
        if self.pod.cpu is not None:
            return self.pod.cpu
        requests = [each.requests.cpu for each in self.containers]
        known = [each for each in requests if each is not None]
        return sum(known) if known and len(known) == len(requests) else None

    @property
    def max_replicas(self) -> int | None:
        """The most replicas there may be: what was said, else the autoscaler's maximum."""
        return self.max if self.max is not None else (self.scaler.max if self.scaler else None)

    @property
    def main_container(self) -> Container | None:
        """The container that forecasts of memory are of."""
        named = [each for each in self.containers if each.name == self.main]
        if named or self.main is not None:
            return named[0] if named else None
        if len(self.containers) <= 1:
            return self.containers[0] if self.containers else None
        return max(self.containers, key=_weight)


def _weight(container: Container) -> tuple[float, float]:
    """How much of a pod a container is: what it used, else what it asks for; sidecars come last among equals."""
    used = container.use.highest.memory if container.use else None
    return (used or container.requests.memory or 0.0, 0.0 if container.sidecar else 1.0)
