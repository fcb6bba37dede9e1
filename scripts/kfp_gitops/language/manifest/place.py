"""Where in the manifest a task of its compiled IR comes from: what is found in IR is told with the manifest's line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any

from kfp_gitops.base.yamltext import Path
from kfp_gitops.language.manifest import importers
from kfp_gitops.language.manifest.importers import ROOT, Components, runs
from kfp_gitops.language.manifest.model import Guarded, Loop, Manifest, Node, Task, walk


class Places:
    """A task is known by its display name, mostly its id; a group (condition, loop, …) is where the tasks in it are.

    An importer has no display name of its own (`importers`).
    """

    def __init__(self, manifest: Manifest, spec: Mapping[str, Any]) -> None:
        self._known = {shown: node.at for node in walk(manifest.body) for shown in _shown_as(node)}
        self._importers = {(one.component, one.key): one.node.at for one in importers.found(manifest, spec)}
        self._ir = Components(spec)
        self._uses: dict[str, tuple[str, str]] = {}
        for parent in (ROOT, *spec.get("components", {})):
            for name, task in self._ir.tasks(parent).items():
                self._uses.setdefault(runs(task), (parent, name))

    def of_path(self, at: Sequence[str | int]) -> Path:
        """The manifest's path for a path of the IR's first document; () when no task is near."""
        match tuple(at):
            case ("root", "dag"):
                return ("spec", "tasks")
            case ("root", "inputDefinitions", "parameters"):
                return ("spec", "parameters")
            case ("root", "dag", "tasks", str(task), *_):
                return self._of(ROOT, task)
            case ("components", str(component), "dag", "tasks", str(task), *_):
                return self._of(component, task)
            case ("components", str(component), *_):
                return self._of(*self._uses.get(component, (ROOT, "")))
            case ("deploymentSpec", "executors", str(label), *_):
                return self._of(*self._uses.get(self._ir.with_executor(label), (ROOT, "")))
            case ("root", "inputDefinitions", "parameters", str(name), *_):
                return ("spec", "parameters", name)
        return ()

    def in_ir(self, path: str) -> Path:
        """The path in the IR's first document for a task by the names that lead to it."""
        component, found = ROOT, Path()
        for name in path.split("/"):
            start: Path = ("components", component) if component else ("root",)
            found = (*start, "dag", "tasks", name)
            component = runs(self._ir.tasks(component).get(name, {}))
        return found

    def of_task(self, path: str) -> Path:
        """The manifest's path for a task by the names that lead to it, as in `for-loop-1/train`."""
        component, found = ROOT, Path()
        for name in path.split("/"):
            found = self._of(component, name) or found
            component = runs(self._ir.tasks(component).get(name, {}))
        return found

    def _of(self, component: str, name: str) -> Path:
        task = self._ir.tasks(component).get(name, {})
        found = self._itself(component, name) or _around(list(self._inside(runs(task), set())))
        passed: set[str] = set()
        while not found and component in self._uses and component not in passed:
            passed.add(component)  # inside a compiled pipeline: the task that runs it
            component, name = self._uses[component]
            found = self._itself(component, name) or ()
        return found

    def _itself(self, component: str, name: str) -> Path | None:
        task = self._ir.tasks(component).get(name, {})
        if self._ir.imports(task):
            return self._importers.get((component, name))
        return self._known.get(_shown(name, task))

    def _inside(self, component: str, seen: set[str]) -> Iterator[Path]:
        for name, task in self._ir.tasks(component).items() if component not in seen else ():
            at = self._itself(component, name)
            if at:
                yield at
            else:
                yield from self._inside(runs(task), seen | {component})


def _shown_as(node: Node) -> Iterator[str]:
    """The display names under which a node stands in the IR."""
    if isinstance(node, Task):
        yield node.settings.display_name
    elif isinstance(node, Loop | Guarded):
        yield node.display_name


def _shown(name: str, task: Mapping[str, Any]) -> str:
    return str(task.get("taskInfo", {}).get("name", name))


def _around(inside: list[Path]) -> Path:
    """The group around tasks: what their paths share, or for one alone what it stands in."""
    if not inside:
        return ()
    same = takewhile(lambda parts: len(set(parts)) == 1, zip(*inside, strict=False))
    shared: Path = inside[0][:-1] if len(inside) == 1 else tuple(parts[0] for parts in same)
    return shared[:-1] if shared[-1:] == ("tasks",) else shared
