"""What a task asks of its pod, and what of that is in KFP's key. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kfp_gitops.language.manifest import Constant, EnvFrom, MountedSource, Pod
from kfp_gitops.review.caching.resolved import Scope
from kfp_gitops.review.caching.values import Derived, Value, known


def claims(pod: Pod, scope: Scope) -> Iterator[Value]:
    """The names of the claims that it mounts, which are in the key."""
    for volume in pod.volumes:
        if isinstance(volume, MountedSource) and volume.kind == "pvc":
            yield scope.value(volume.name) or Derived("unknown", ())


_RESOURCES = (
    "cpu_request",
    "cpu_limit",
    "memory_request",
    "memory_limit",
    "accelerator_type",
    "accelerator_limit",
)


def resources(pod: Pod, scope: Scope) -> Iterator[tuple[str, Value]]:
    """Bounds that are references are inputs of the task, and so in the key."""
    for name in _RESOURCES:
        value = getattr(pod.resources, name)
        if value is not None and not isinstance(value, Constant):
            yield name.replace("accelerator_limit", "accelerator_count"), known(scope.template(value))
            yield from scope.channels_of(value)


def unseen(pod: Pod) -> Iterator[tuple[str, Any]]:
    """What bears on a result and is in no key."""
    for name, source in pod.env.items():
        if isinstance(source, str):
            yield f"env {name}", source
        else:
            kind = {"secret": "secret", "configMap": "config map"}.get(getattr(source, "kind", ""), "field")
            yield f"{kind} of {name}" if isinstance(source, EnvFrom) else f"field of {name}", source
    for volume in pod.volumes:
        if isinstance(volume, MountedSource) and volume.kind == "pvc":
            yield f"mount of {volume.mount_path}", volume.sub_path
        elif isinstance(volume, MountedSource):
            yield f"{'secret' if volume.kind == 'secret' else 'config map'} at {volume.mount_path}", volume
