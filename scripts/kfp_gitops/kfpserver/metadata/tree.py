"""The records of a run's store as a tree, and what each task in it gave. Pure.

How KFP keeps it (2.17.0): each task, group and iteration is an execution of the run's context, with `task_name` (its
key in the IR), `display_name`, `parent_dag_id`, in a loop `iteration_count`, of an iteration `iteration_index`, and
`outputs`, its parameters (backend/src/v2/metadata/client.go). An iteration has the loop's own name and stands inside
it. What a cache answered has the same as what ran, and the very same artifacts (driver/cache.go). Of a group is kept
only which of its tasks give its outputs. A task that KFP's retry of a run tries anew is another execution: the newest
counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from kfp_gitops.kfpserver.metadata.given import NOTHING, given
from kfp_gitops.kfpserver.metadata.results import Artifact, Execution, RunResults, TaskResults

DONE = frozenset({"COMPLETE", "CACHED"})


def of(executions: Sequence[Execution]) -> RunResults:
    """The results in the records of one run's context."""
    return RunResults(tuple(_Tree(executions).tasks()))


class _Tree:
    """The executions of a run by what stands around them."""

    def __init__(self, executions: Sequence[Execution]) -> None:
        self._by_id = {one.id: one for one in _shallow(executions)}
        self._inside: dict[int, list[Execution]] = {}
        for one in sorted(self._by_id.values(), key=lambda one: one.id):
            parent = one.number("parent_dag_id")
            if parent is not None and parent in self._by_id:
                self._inside.setdefault(parent, []).append(one)
        self._places: dict[tuple[str, ...], set[tuple[int, ...]]] = {}
        """Path of a loop → its iterations."""
        # What each gave, by its id: a group is asked for each output of the group around it, and asks as often.
        self._parameters_of: dict[int, dict[str, Any]] = {}
        self._artifacts_of: dict[int, dict[str, tuple[Artifact, ...]]] = {}

    def tasks(self) -> Iterator[TaskResults]:
        """All of them, groups before what is inside of them."""
        roots = [one for one in self._by_id.values() if one.number("parent_dag_id") is None]
        found = [task for root in roots for task in self._body(root, (), (), ())]
        numbers = {
            path: {place: at for at, place in enumerate(sorted(places))}
            for path, places in self._places.items()
        }
        yield from (replace(task, number=_number(task, numbers)) for task in found)

    def _body(
        self, dag: Execution, path: tuple[str, ...], names: tuple[str, ...], iteration: tuple[int, ...]
    ) -> Iterator[TaskResults]:
        """What stands in a DAG; those of an iteration have the path of its loop."""
        loop = dag.number("iteration_count") is not None
        for one in _newest(self._inside.get(dag.id, [])):
            index = one.number("iteration_index")
            if loop and index is not None:
                here = (*iteration, index)
                self._places.setdefault(path, set()).add(here)
                if "total_dag_tasks" in one.properties:
                    yield from self._body(one, path, names, here)
                else:
                    yield self._task(one, path, names, here)
                continue
            own = one.text("task_name") or one.text("display_name")
            below = ((*path, own), (*names, one.text("display_name") or own))
            yield self._task(one, *below, iteration)
            yield from self._body(one, *below, iteration)

    def _task(
        self, one: Execution, path: tuple[str, ...], names: tuple[str, ...], iteration: tuple[int, ...]
    ) -> TaskResults:
        group = "total_dag_tasks" in one.properties
        parameters, artifacts = self._parameters(one), self._artifacts(one)
        return TaskResults(path, names, iteration, one.state, parameters, artifacts, group)

    def _parameters(self, one: Execution) -> dict[str, Any]:
        if one.id not in self._parameters_of:
            self._parameters_of[one.id] = self._told_parameters(one)
        return self._parameters_of[one.id]

    def _told_parameters(self, one: Execution) -> dict[str, Any]:
        found = one.properties.get("outputs")
        if isinstance(found, Mapping):
            return dict(found)
        specs = one.properties.get("parameter_producer_task")
        told = {name: _json(text) for name, text in specs.items()} if isinstance(specs, Mapping) else {}
        return self._of_group(one, told, self._parameters)

    def _artifacts(self, one: Execution) -> dict[str, tuple[Artifact, ...]]:
        if one.id not in self._artifacts_of:
            self._artifacts_of[one.id] = self._told_artifacts(one)
        return self._artifacts_of[one.id]

    def _told_artifacts(self, one: Execution) -> dict[str, tuple[Artifact, ...]]:
        if one.artifacts:
            return dict(one.artifacts)
        found = self._of_group(one, _json(one.text("artifact_producer_task")) or {}, self._artifacts)
        return {name: tuple(_flat(value)) for name, value in found.items()}

    def _of_group(self, dag: Execution, specs: Any, of_task: Any) -> dict[str, Any]:
        if not isinstance(specs, Mapping) or not specs:
            return {}
        inside = _newest(self._inside.get(dag.id, []))
        if dag.number("iteration_count") is not None:  # a list of what each iteration gave, in their order
            each = [
                of_task(one) for one in sorted(inside, key=lambda one: one.number("iteration_index") or 0)
            ]
            return {name: [one[name] for one in each if name in one] for name in specs}
        tasks = {one.text("task_name"): one for one in inside}
        return given(
            specs, lambda key, name: of_task(tasks[key]).get(name, NOTHING) if key in tasks else NOTHING
        )


def _number(
    task: TaskResults, numbers: Mapping[tuple[str, ...], Mapping[tuple[int, ...], int]]
) -> int | None:
    """The one among all iterations of the innermost loop around it, where there are several."""
    if not task.iteration:
        return None
    around = (task.path[:length] for length in range(len(task.path), -1, -1))
    places = next((numbers[path] for path in around if path in numbers), {})
    return places.get(task.iteration) if len(places) > 1 else None


_DEEPEST = 64
"""Groups and iterations inside each other; a store that somebody else wrote to may have any."""


def _shallow(executions: Sequence[Execution]) -> Iterator[Execution]:
    """Those that stand in a run, no deeper than pipelines do."""
    parents = {one.id: one.number("parent_dag_id") for one in executions}
    for one in executions:
        around: int | None = one.id
        for _ in range(_DEEPEST):
            around = parents.get(around) if around is not None else None
        if around is None:
            yield one


def _newest(executions: Sequence[Execution]) -> list[Execution]:
    """One for each task and iteration: the newest that gave something, else the newest."""
    found: dict[tuple[str, int | None], Execution] = {}
    for one in executions:
        key = (one.text("task_name") or one.text("display_name"), one.number("iteration_index"))
        before = found.get(key)
        if before is None or one.state in DONE or before.state not in DONE:
            found[key] = one
    return list(found.values())


def _json(text: Any) -> Any:
    try:
        return json.loads(text) if isinstance(text, str) and text else None
    except (ValueError, RecursionError):
        return None


def _flat(found: Any) -> Iterator[Artifact]:
    if isinstance(found, Artifact):
        yield found
    elif isinstance(found, list | tuple):
        for one in found:
            yield from _flat(one)
