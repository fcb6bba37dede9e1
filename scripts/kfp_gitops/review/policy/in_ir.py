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
        if "retryPolicy" in task:
            count = {"count": task["retryPolicy"].get("maxRetryCount", 0)}
            yield Subject("retry", environment, name, count, spec, (*at, "retryPolicy"), _FIX)
        container = _container(spec.value, task)
        if container is not None and str(container.get("image")) not in STUB_IMAGES:
            yield Subject("task", environment, name, _as_manifest(task, container), spec, at, _FIX)
    yield from values_in_ir(environment, place, spec, _FIX)


def values_in_ir(environment: str, place: str, spec: Document, fix: str = "") -> Iterator[Subject]:
    """The constants that its tasks are given, and the defaults of it and its components, as parameters."""
    for at, owner, key, value in (*_constants(spec.value), *_defaults(spec.value)):
        subject = {"name": key, "value": value}
        yield Subject("parameter", environment, f"{place}/{owner}/{key}", subject, spec, at, fix)


def in_component(environment: str, place: str, spec: Document) -> Iterator[Subject]:
    """The values that a component spec has of its own: a compiled one's, or the defaults of Component YAML v1."""
    found = spec.value
    if isinstance(found, Mapping) and "root" in found:
        yield from values_in_ir(environment, place, spec)
        return
    for index, port in enumerate((found.get("inputs") if isinstance(found, Mapping) else None) or []):
        if "default" in port:
            value = {"name": port["name"], "value": port["default"]}
            at = ("inputs", index, "default")
            yield Subject("parameter", environment, f"{place}/{port['name']}", value, spec, at)


def _constants(spec: Mapping[str, Any]) -> Iterator[tuple[Path, str, str, Any]]:
    for at, task in _tasks(spec):
        for key, given in task.get("inputs", {}).get("parameters", {}).items():
            if "constant" in given.get("runtimeValue", {}):
                where = (*at, "inputs", "parameters", key, "runtimeValue", "constant")
                yield where, str(at[-1]), key, given["runtimeValue"]["constant"]


def _defaults(spec: Mapping[str, Any]) -> Iterator[tuple[Path, str, str, Any]]:
    for at, component in _graphs(spec):
        for key, found in component.get("inputDefinitions", {}).get("parameters", {}).items():
            if "defaultValue" in found:
                yield (
                    (*at, "inputDefinitions", "parameters", key, "defaultValue"),
                    str(at[-1]),
                    key,
                    found["defaultValue"],
                )


def _tasks(spec: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for at, component in _graphs(spec):
        for name, task in component.get("dag", {}).get("tasks", {}).items():
            yield (*at, "dag", "tasks", name), task


def _graphs(spec: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    yield ("root",), spec["root"]
    for name, one in spec.get("components", {}).items():
        yield ("components", name), one


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
