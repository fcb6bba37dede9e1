"""Leases of a Kubernetes cluster; apart from `lease` so that its client is imported only where there is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kfp_gitops.base import stopping
from kfp_gitops.base.cluster import call, client, connect
from kfp_gitops.base.errors import NotFoundError
from kfp_gitops.reconcile.locking.lease import Record
from kfp_gitops.reconcile.locking.memory import Memory

_TIMEOUT = (5.0, 10.0)
_HURRIED = (0.5, 0.5)
_MEMORY = "kfp-gitops/applied"
_BEGUN = "kfp-gitops/begun-plan"
_KEPT = "kfp-gitops/server"
_WORDS = {Memory.APPLIED: "true", Memory.REBUILDING: "rebuilding"}


class Leases:
    """The Leases of one namespace: get, create, update, and nothing else."""

    def __init__(self, namespace: str, api_client: Any = None) -> None:
        stopping.listen()
        self._api = client.CoordinationV1Api(api_client or connect())
        self._namespace = namespace

    def get(self, name: str) -> Record | None:
        """What the Lease says; None when there is none."""
        try:
            return _called(
                lambda: self._api.read_namespaced_lease(name, self._namespace, _request_timeout=_timeout())
            )
        except NotFoundError:
            return None

    def create(self, name: str, record: Record) -> Record:
        """Make the Lease; AlreadyExistsError when somebody was first."""
        body = _lease(name, record)
        create = self._api.create_namespaced_lease
        return _called(lambda: create(self._namespace, body, _request_timeout=_timeout()))

    def update(self, name: str, record: Record) -> Record:
        """Write it if nobody has since `record.version`; AlreadyExistsError otherwise."""
        body = _lease(name, record)
        replace = self._api.replace_namespaced_lease
        return _called(lambda: replace(name, self._namespace, body, _request_timeout=_timeout()))


def _called(send: Callable[[], Any]) -> Record:
    return call(lambda: _record(send()), sum(_timeout()))


def _timeout() -> tuple[float, float]:
    """Seconds to connect and to read; a process that shall end has less."""
    return _HURRIED if stopping.asked() else _TIMEOUT


def _lease(name: str, record: Record) -> Any:
    spec = client.V1LeaseSpec(
        holder_identity=record.holder,
        lease_duration_seconds=record.duration,
        acquire_time=record.acquired,
        renew_time=record.renewed,
        lease_transitions=record.transitions,
    )
    noted = {_MEMORY: _WORDS[record.memory]} if record.memory else {}
    noted |= {_BEGUN: record.begun} if record.begun else {}
    noted |= {_KEPT: record.kept} if record.kept else {}
    metadata = client.V1ObjectMeta(
        name=name,
        resource_version=record.version or None,
        annotations=noted or None,
    )
    return client.V1Lease(api_version="coordination.k8s.io/v1", kind="Lease", metadata=metadata, spec=spec)


def _record(found: Any) -> Record:
    spec = found.spec or client.V1LeaseSpec()
    annotations = found.metadata.annotations or {}
    noted = annotations.get(_MEMORY)
    return Record(
        holder=spec.holder_identity or "",
        duration=spec.lease_duration_seconds or 0,
        renewed=spec.renew_time,
        transitions=spec.lease_transitions or 0,
        acquired=spec.acquire_time,
        version=found.metadata.resource_version,
        memory=next((memory for memory, word in _WORDS.items() if word == noted), Memory.NEVER),
        begun=annotations.get(_BEGUN, ""),
        kept=annotations.get(_KEPT, ""),
    )
