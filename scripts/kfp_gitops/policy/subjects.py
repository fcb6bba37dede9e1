"""What checks are about: every object of manifests/<env>/ that can be selected, with its place in its file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as Folder
from typing import Any

from kfp_gitops import files
from kfp_gitops.manifest import Loop, Manifest, Task, reader, walk
from kfp_gitops.yamltext import Document, Path, parse_all


@dataclass(frozen=True)
class Subject:
    """One object: what a waiver calls it, its value as a check's schema sees it, and where it stands."""

    kind: str
    environment: str
    name: str
    value: Any
    document: Document
    at: Path


def subjects(root: Folder, environment: str) -> Iterator[Subject]:
    """Everything of one rendered environment.

    Raises:
        InputError: a file that is no YAML or no manifest; render it again.
    """
    folder = f"manifests/{environment}"
    for name in files.list_files(root, folder) if (root / folder).is_dir() else []:
        path = f"{folder}/{name}"
        text = files.read_text(root, path)
        for document in parse_all(text, path):
            yield from _everywhere(environment, name, document)
        if name.startswith("pipelines/") and name.endswith("/pipeline.yaml"):
            manifest = reader.read(text, path)
            for find in _OF_A_MANIFEST:
                yield from find(environment, manifest)


def _everywhere(environment: str, name: str, document: Document) -> Iterator[Subject]:
    """Containers, wherever a file has them: in component specs, in compiled pipelines, in Kubernetes objects."""
    place = f"{environment}/{name.removesuffix('.yaml')}"
    for at, container in _containers(document.value, ()):
        if isinstance(container.get("image"), str):
            yield Subject("image", environment, place, container["image"], document, (*at, "image"))
        for index, variable in enumerate(_env_list(container.get("env"))):
            yield Subject(
                "variable",
                environment,
                f"{place}/{variable['name']}",
                variable,
                document,
                (*at, "env", index),
            )


def _env_list(env: Any) -> list[Mapping[str, Any]]:
    """Component YAML v1 writes a map; compiled specs and Kubernetes a list of name and value."""
    if isinstance(env, Mapping):
        return [{"name": key, "value": value} for key, value in env.items()]
    return [item for item in env or [] if isinstance(item, Mapping) and "name" in item]


def _containers(value: Any, at: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Maps that stand under `container`, and the items of `containers`."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "container" and isinstance(inner, Mapping):
                yield (*at, key), inner
            elif key == "containers" and isinstance(inner, list):
                yield from (
                    ((*at, key, i), item) for i, item in enumerate(inner) if isinstance(item, Mapping)
                )
            yield from _containers(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _containers(inner, (*at, index))


def _pipelines(environment: str, manifest: Manifest) -> Iterator[Subject]:
    document = manifest.document
    value = {**document.value["metadata"], "tasks": len(_tasks_of(manifest))}
    yield Subject("pipeline", environment, f"{environment}/{manifest.name}", value, document, ("metadata",))


def _tasks_of(manifest: Manifest) -> list[Task]:
    return [node for node in walk(manifest.body) if isinstance(node, Task)]


def _tasks(environment: str, manifest: Manifest) -> Iterator[Subject]:
    for task in _tasks_of(manifest):
        name = f"{environment}/{manifest.name}/{task.id}"
        yield Subject(
            "task", environment, name, _below(manifest.document, task.at), manifest.document, task.at
        )
        for key, text in task.pod.env.items():
            if not isinstance(text, str):
                continue  # from a secret, a config map or the pod: there is no value to look at
            value, at = {"name": key, "value": text}, (*task.at, "env", key)
            yield Subject("variable", environment, f"{name}/{key}", value, manifest.document, at)


def _loops(environment: str, manifest: Manifest) -> Iterator[Subject]:
    for node in walk(manifest.body):
        if isinstance(node, Loop):
            name, value = f"{environment}/{manifest.name}/{node.id}", {"parallelism": node.parallelism}
            yield Subject("loop", environment, name, value, manifest.document, node.at)


def _parameters(environment: str, manifest: Manifest) -> Iterator[Subject]:
    for parameter in manifest.parameters:
        default = parameter.default.value if parameter.default else None
        name, value = (
            f"{environment}/{manifest.name}/{parameter.name}",
            {"name": parameter.name, "value": default},
        )
        yield Subject("parameter", environment, name, value, manifest.document, parameter.at)


def _schedules(environment: str, manifest: Manifest) -> Iterator[Subject]:
    for schedule in manifest.schedules:
        value = {
            "enabled": schedule.enabled,
            "cron": schedule.cron,
            "maxConcurrency": schedule.max_concurrency,
        }
        name = f"{environment}/{manifest.name}/{schedule.name}"
        yield Subject("schedule", environment, name, value, manifest.document, schedule.at)


def _below(document: Document, at: Path) -> Any:
    value = document.value
    for part in at:
        value = value[part]
    return value


_OF_A_MANIFEST: tuple[Callable[[str, Manifest], Iterator[Subject]], ...] = (
    _pipelines,
    _tasks,
    _loops,
    _parameters,
    _schedules,
)
