"""A pipeline inside a compiled file as a compiled file of its own, which a task runs as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kfp_gitops.importing import kinds, numbered
from kfp_gitops.importing.source import Source


def part(source: Source, component: str, name: str) -> list[dict[str, Any]]:
    """The documents of the pipeline that a component is; compiled into the one around it they are this very part.

    The SDK numbers components of one name (`comp-add-2`) when it puts pipelines into one another, so the numbers are
    taken off: two tasks that run the same have the same file then. Where names would be one without their numbers
    they stay, since the SDK gives them out in the order of a hash table.
    """
    root = source.component(component)
    inside = dict.fromkeys(_inside(source, component))
    components = {key: source.component(key) for key in inside}
    labels = [one["executorLabel"] for one in components.values() if "executorLabel" in one]
    names = _plain(list(inside), source.spec.get("components", {}))
    executors = _plain(
        list(dict.fromkeys(labels)), source.spec.get("deploymentSpec", {}).get("executors", {})
    )
    spec = {
        "components": {names[key]: _renamed(one, names, executors) for key, one in components.items()},
        "deploymentSpec": {"executors": {executors[label]: source.executor(label) for label in executors}},
        "pipelineInfo": {"name": name},
        "root": _renamed(root, names, executors),
        "schemaVersion": source.spec["schemaVersion"],
        "sdkVersion": source.spec.get("sdkVersion", ""),
    }
    asked = source.platform.get("deploymentSpec", {}).get("executors", {})
    settings = {executors[label]: asked[label] for label in executors if label in asked}
    return [spec, _platform(settings)] if settings else [spec]


def _platform(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": dict(settings)}}}}


def _inside(source: Source, component: str) -> Iterator[str]:
    """All components that it runs, however deep; those that a pipeline inside it runs, too."""
    seen: set[str] = set()
    waiting = [component]
    while waiting:
        for task in kinds.tasks(source, waiting.pop()).values():
            name = kinds.runs(task)
            if name not in seen:
                seen.add(name)
                waiting.append(name)
                yield name


def _plain(names: list[str], known: Mapping[str, Any]) -> dict[str, str]:
    """Each without the number that tells it from others of its name, if none of these is alike then."""
    plain = {name: numbered.counted(name, known)[0] or name for name in names}
    return plain if len(set(plain.values())) == len(plain) else {name: name for name in names}


def _renamed(
    component: Mapping[str, Any], names: Mapping[str, str], executors: Mapping[str, str]
) -> dict[str, Any]:
    if "executorLabel" in component:
        return {**component, "executorLabel": executors[component["executorLabel"]]}
    dag = component.get("dag", {})
    tasks = {
        key: {**task, "componentRef": {**task["componentRef"], "name": names[kinds.runs(task)]}}
        for key, task in dag.get("tasks", {}).items()
    }
    return {**component, "dag": {**dag, "tasks": tasks}}
