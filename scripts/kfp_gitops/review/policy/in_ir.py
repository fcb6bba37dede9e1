"""Tasks and loops of a compiled pipeline, as a manifest would have them (pipeline_spec.proto)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kfp_gitops.base.yamltext import Document, Path
from kfp_gitops.language.wellknown import STUB_IMAGES
from kfp_gitops.review.policy.subject import Subject

# A check's own advice is for the manifest, and there is nothing to write in what comes compiled.
_FIX = "set it in the pipeline's source and compile it anew, or waive it"


def in_ir(environment: str, place: str, spec: Document) -> Iterator[Subject]:
    """The tasks that run a container, and every loop; `place` is what waivers call the pipeline."""
    for at, task in _tasks(spec.value):
        name = f"{place}/{at[-1]}"
        if iterator := task.get("parameterIterator") or task.get("artifactIterator"):
            bound = task.get("iteratorPolicy", {}).get("parallelismLimit")
            yield Subject(
                "loop", environment, name, {"parallelism": bound, "items": iterator}, spec, at, _FIX
            )
        container = _container(spec.value, task)
        if container is not None and str(container.get("image")) not in STUB_IMAGES:
            yield Subject("task", environment, name, _as_manifest(task, container), spec, at, _FIX)


def _tasks(spec: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    dags: list[tuple[Path, Any]] = [(("root",), spec["root"])]
    dags += [(("components", name), one) for name, one in spec.get("components", {}).items()]
    for at, component in dags:
        for name, task in component.get("dag", {}).get("tasks", {}).items():
            yield (*at, "dag", "tasks", name), task


def _container(spec: Mapping[str, Any], task: Mapping[str, Any]) -> Mapping[str, Any] | None:
    component = spec.get("components", {}).get(task.get("componentRef", {}).get("name"), {})
    executors = spec.get("deploymentSpec", {}).get("executors", {})
    found: Mapping[str, Any] | None = executors.get(component.get("executorLabel"), {}).get("container")
    return found


def _as_manifest(task: Mapping[str, Any], container: Mapping[str, Any]) -> dict[str, Any]:
    resources = container.get("resources", {})
    value: dict[str, Any] = {
        "resources": {
            kind: {
                bound.lower(): found
                for bound in ("Request", "Limit")
                # 2.17 writes `resourceCpuLimit: '1'`, and beside it the older `cpuLimit: 1.0`.
                if (found := resources.get(f"resource{kind.title()}{bound}", resources.get(f"{kind}{bound}")))
            }
            for kind in ("cpu", "memory")
        }
    }
    if "retryPolicy" in task:
        value["retry"] = {"count": task["retryPolicy"].get("maxRetryCount", 0)}
    return value
