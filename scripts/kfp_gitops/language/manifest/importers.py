"""Which node of the manifest an importer in its compiled IR comes from.

KFP's driver looks an importer's artifact up by the importer's display name (backend/src/v2/component/
importer_launcher.go stores `taskInfo.name` as the producer's name; seen on KFP 2.17.0), so in IR that name is the key
that the SDK gave it, `importer-2`, and says nothing of the manifest. But the SDK counts in the order in which the
tasks of one pipeline are made, groups included, and an inner pipeline by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kfp_gitops.language.manifest.model import Guarded, Importer, Manifest, Node, Task, bodies, walk
from kfp_gitops.language.manifest.order import ordered

ROOT = ""
_NO_MANIFESTS: Mapping[str, Manifest] = {}


@dataclass(frozen=True)
class Found:
    """An importer of the IR: the component whose DAG it is in (`ROOT`: the root), its key there, its path of keys."""

    component: str
    key: str
    path: str
    node: Importer


class Components:
    """The components of an IR's first document, the root among them."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._spec = spec
        self._nodes = {ROOT: spec.get("root", {}), **spec.get("components", {})}

    def tasks(self, component: str) -> Mapping[str, Mapping[str, Any]]:
        """The tasks of a component's DAG, by their keys; none when it has an executor."""
        found: Mapping[str, Mapping[str, Any]] = (
            self._nodes.get(component, {}).get("dag", {}).get("tasks", {})
        )
        return found

    def with_executor(self, label: str) -> str:
        """The component that has an executor; empty when none has."""
        found = (name for name, node in self._nodes.items() if node.get("executorLabel") == label)
        return next(found, "")

    def imports(self, task: Mapping[str, Any]) -> bool:
        """Whether a task is an importer."""
        label = self._nodes.get(runs(task), {}).get("executorLabel", "")
        return "importer" in self._spec.get("deploymentSpec", {}).get("executors", {}).get(label, {})


def runs(task: Mapping[str, Any]) -> str:
    """The component that a task of the IR runs."""
    return str(task.get("componentRef", {}).get("name", "nothing"))


def found(
    manifest: Manifest, spec: Mapping[str, Any], inner: Mapping[str, Manifest] = _NO_MANIFESTS
) -> list[Found]:
    """The importers of a pipeline, and of the inner pipelines that are given; none where they cannot be told apart."""
    if not any(isinstance(node, Importer) for one in (manifest, *inner.values()) for node in walk(one.body)):
        return []  # above all: nothing is walked of an IR that no manifest describes
    return list(_found(manifest, Components(spec), inner, ROOT, ""))


def _found(
    manifest: Manifest, components: Components, inner: Mapping[str, Manifest], component: str, at: str
) -> Iterator[Found]:
    made = list(_made(manifest.body))
    pipelines = {
        node.settings.display_name: node.name
        for node in made
        if isinstance(node, Task) and node.kind == "pipeline"
    }
    keys: list[tuple[str, str, str]] = []
    for parent, name, path in _tasks(components, component, at, pipelines):
        task = components.tasks(parent)[name]
        if components.imports(task):
            keys.append((parent, name, path))
        elif (called := pipelines.get(_shown(name, task))) in inner and called is not None:
            yield from _found(inner[called], components, inner, runs(task), f"{path}/")
    nodes = [node for node in made if isinstance(node, Importer)]
    if len(keys) == len(nodes):
        for (parent, name, path), node in zip(sorted(keys, key=_count), nodes, strict=True):
            yield Found(parent, name, path, node)


def _tasks(
    components: Components, component: str, at: str, pipelines: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    """(component, key, path) of each task of one pipeline: its groups are gone into, its inner pipelines are not."""
    for name, task in components.tasks(component).items():
        path = f"{at}{name}"
        yield component, name, path
        if _shown(name, task) not in pipelines:
            yield from _tasks(components, runs(task), f"{path}/", pipelines)


def _made(nodes: Sequence[Node]) -> Iterator[Node]:
    """Every node in the order in which the compiler makes them."""
    for node in ordered(nodes):
        if isinstance(node, Guarded):
            yield node.exit_task
        yield node
        for body in bodies(node):
            yield from _made(body)


def _count(found_at: tuple[str, str, str]) -> int:
    """Where `importer-3` stands among those that were made; the first of them has no number."""
    number = found_at[1].rpartition("-")[2]
    return int(number) if number.isdecimal() else 1


def _shown(name: str, task: Mapping[str, Any]) -> str:
    return str(task.get("taskInfo", {}).get("name", name))
