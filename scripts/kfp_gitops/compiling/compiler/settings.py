"""How a task runs, said to the SDK."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kfp_gitops.compiling.compiler.sdk import Channels
from kfp_gitops.language.manifest import Constant, Pod, Resources, Retry, Settings, Value


def apply(task: Any, settings: Settings) -> None:
    """Name, caching, retries and failure of a task; not what it comes after, for that needs other tasks."""
    task.set_display_name(settings.display_name)
    apply_unnamed(task, settings)


def apply_unnamed(task: Any, settings: Settings) -> None:
    """The same, for an importer: KFP's driver looks for its artifact by its display name, so that must be its key."""
    # Always said: the SDK's default is that of an environment variable, KFP_DISABLE_EXECUTION_CACHING_BY_DEFAULT.
    task.set_caching_options(settings.cache is not False, settings.cache_key)
    if settings.retry:
        task.set_retry(**_retry(settings.retry))
    if settings.ignore_upstream_failure:
        _ignore_upstream_failure(task)


def _ignore_upstream_failure(task: Any) -> None:
    """The SDK looks every input up, and an optional one that was not given is a KeyError: so it is there meanwhile."""
    missing = [name for name in task.component_spec.inputs or {} if name not in task.inputs]
    task.inputs.update(dict.fromkeys(missing))
    task.ignore_upstream_failure()
    for name in missing:
        del task.inputs[name]


def _retry(retry: Retry) -> dict[str, Any]:
    given = {
        "num_retries": retry.count,
        "backoff_duration": retry.backoff,
        "backoff_factor": retry.factor,
        "backoff_max_duration": retry.max_backoff,
    }
    return {name: value for name, value in given.items() if value is not None}


def apply_pod(task: Any, pod: Pod, channels: Channels) -> None:
    """What the container gets; the extension for Kubernetes is imported only when it is needed."""
    for set_resource, value in _resources(task, pod.resources):
        set_resource(found := channels(value))
        if not isinstance(value, Constant):
            # The SDK forgets that the task takes it, so groups around the task would not hand it on.
            task.register_pipeline_channels([found])
    for name, source in pod.env.items():
        if isinstance(source, str):
            task.set_env_variable(name, source)
    if pod.needs_kubernetes:
        from kfp_gitops.compiling.compiler import kubernetes

        kubernetes.apply(task, pod, channels)


def _resources(task: Any, wanted: Resources) -> Iterator[tuple[Any, Value]]:
    for set_resource, value in (
        (task.set_cpu_request, wanted.cpu_request),
        (task.set_cpu_limit, wanted.cpu_limit),
        (task.set_memory_request, wanted.memory_request),
        (task.set_memory_limit, wanted.memory_limit),
        (task.set_accelerator_type, wanted.accelerator_type),
        (task.set_accelerator_limit, wanted.accelerator_limit),
    ):
        if value is not None:
            yield set_resource, value
