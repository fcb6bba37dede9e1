"""What a task of the IR is in a manifest: the IR itself knows components with an executor, and DAGs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from kfp_gitops.importing import claims
from kfp_gitops.importing.source import Source

Kind = Literal[
    "component", "importer", "createPvc", "deletePvc", "condition", "branches", "loop", "guarded", "pipeline"
]
GROUPS: frozenset[Kind] = frozenset(("condition", "branches", "loop", "guarded"))
_STUBS: Mapping[str, Kind] = {"argostub/createpvc": "createPvc", "argostub/deletepvc": "deletePvc"}
_BRANCHES = re.compile(r"condition-branches-\d+")
_GUARDED = re.compile(r"exit-handler-\d+")
ALWAYS = "ALL_UPSTREAM_TASKS_COMPLETED"


def runs(task: Mapping[str, Any]) -> str:
    """The component that a task runs."""
    return str(task.get("componentRef", {}).get("name", ""))


def kind(source: Source, key: str, task: Mapping[str, Any]) -> Kind:
    """Which kind of node a task is."""
    component = source.component(runs(task))
    if "dag" not in component:
        executor = source.executor(component.get("executorLabel", ""))
        stub = _STUBS.get(executor.get("container", {}).get("image", ""))
        if stub and claims.is_own(component, executor):
            return stub
        return "importer" if "importer" in executor else "component"
    if "parameterIterator" in task:
        return "loop"
    if "condition" in task.get("triggerPolicy", {}):
        return "condition"
    if "cachingOptions" in task:  # which the SDK gives to pipelines, and to no group
        return "pipeline"
    if _BRANCHES.fullmatch(key):
        return "branches"
    return "guarded" if _GUARDED.fullmatch(key) else "pipeline"


def tasks(source: Source, component: str) -> Mapping[str, Mapping[str, Any]]:
    """The tasks of a DAG by key; of the pipeline itself when it has no name."""
    owner = source.component(component) if component else source.spec["root"]
    found: Mapping[str, Mapping[str, Any]] = owner.get("dag", {}).get("tasks", {})
    return found


def within(source: Source, component: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(component, key, task) of every task of one pipeline: groups are gone into, pipelines inside are not."""
    for key, task in tasks(source, component).items():
        yield component, key, task
        if kind(source, key, task) in GROUPS:
            yield from within(source, runs(task))


def exits(source: Source, component: str) -> dict[str, str]:
    """Group → the task that always runs after it, of each exit handler of a DAG."""
    found: dict[str, str] = {}
    siblings = tasks(source, component)
    for key, task in siblings.items():
        if kind(source, key, task) == "guarded":
            last = [
                name
                for name, one in siblings.items()
                if one.get("triggerPolicy", {}).get("strategy") == ALWAYS
                and one.get("dependentTasks") == [key]
            ]
            found |= {key: last[0]} if len(last) == 1 else {}
    return found


def called(source: Source, key: str, task: Mapping[str, Any]) -> list[str]:
    """The components that the SDK names when it makes a task: its own, and all those inside a pipeline."""
    own = kind(source, key, task)
    if own in GROUPS:
        return []
    return [runs(task), *(_inside(source, runs(task)) if own == "pipeline" else ())]


def _inside(source: Source, component: str) -> Iterator[str]:
    for task in tasks(source, component).values():
        yield runs(task)
        yield from _inside(source, runs(task))
