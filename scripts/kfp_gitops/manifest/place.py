"""Where in the manifest a task of its compiled IR comes from: what is found in IR is told with the manifest's line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any

from kfp_gitops.manifest.model import Guarded, Importer, Loop, Manifest, Node, Task, walk
from kfp_gitops.yamltext import Path

_ROOT = ""


class Places:
    """A task is known by its display name, mostly its id; a group (condition, loop, …) is where the tasks in it are."""

    def __init__(self, manifest: Manifest, spec: Mapping[str, Any]) -> None:
        self._known = {shown: node.at for node in walk(manifest.body) for shown in _shown_as(node)}
        components = {_ROOT: spec.get("root", {}), **spec.get("components", {})}
        self._tasks: Mapping[str, Mapping[str, Any]] = {
            name: component.get("dag", {}).get("tasks", {}) for name, component in components.items()
        }
        self._uses: dict[str, tuple[str, str]] = {}
        for parent, tasks in self._tasks.items():
            for name, task in tasks.items():
                self._uses.setdefault(_runs(task), (parent, name))

    def of_path(self, at: Sequence[str | int]) -> Path:
        """The manifest's path for a path of the IR's first document; () when no task is near."""
        match tuple(at):
            case ("root", "dag"):
                return ("spec", "tasks")
            case ("root", "inputDefinitions", "parameters"):
                return ("spec", "parameters")
            case ("root", "dag", "tasks", str(task), *_):
                return self._of(_ROOT, task)
            case ("components", str(component), "dag", "tasks", str(task), *_):
                return self._of(component, task)
            case ("components", str(component), *_):
                return self._of(*self._uses.get(component, (_ROOT, "")))
        return ()

    def in_ir(self, path: str) -> Path:
        """The path in the IR's first document for a task by the names that lead to it."""
        component, found = _ROOT, Path()
        for name in path.split("/"):
            start: Path = ("components", component) if component else ("root",)
            found = (*start, "dag", "tasks", name)
            component = _runs(self._tasks.get(component, {}).get(name, {}))
        return found

    def of_task(self, path: str) -> Path:
        """The manifest's path for a task by the names that lead to it, as in `for-loop-1/train`."""
        component, found = _ROOT, Path()
        for name in path.split("/"):
            found = self._of(component, name) or found
            component = _runs(self._tasks.get(component, {}).get(name, {}))
        return found

    def _of(self, component: str, name: str) -> Path:
        task = self._tasks.get(component, {}).get(name, {})
        return self._known.get(_shown(name, task)) or _around(list(self._inside(_runs(task), set())))

    def _inside(self, component: str, seen: set[str]) -> Iterator[Path]:
        for name, task in self._tasks.get(component, {}).items() if component not in seen else ():
            at = self._known.get(_shown(name, task))
            if at:
                yield at
            else:
                yield from self._inside(_runs(task), seen | {component})


def _shown_as(node: Node) -> Iterator[str]:
    """The display names under which a node stands in the IR."""
    if isinstance(node, Task | Importer):
        yield node.settings.display_name
    elif isinstance(node, Loop | Guarded):
        yield node.display_name


def _shown(name: str, task: Mapping[str, Any]) -> str:
    return str(task.get("taskInfo", {}).get("name", name))


def _runs(task: Mapping[str, Any]) -> str:
    return str(task.get("componentRef", {}).get("name", "nothing"))


def _around(inside: list[Path]) -> Path:
    """The group around tasks: what their paths share, or for one alone what it stands in."""
    if not inside:
        return ()
    same = takewhile(lambda parts: len(set(parts)) == 1, zip(*inside, strict=False))
    shared: Path = inside[0][:-1] if len(inside) == 1 else tuple(parts[0] for parts in same)
    return shared[:-1] if shared[-1:] == ("tasks",) else shared
