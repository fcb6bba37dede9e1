"""What a run's tasks gave, from the records of its store. Pure.

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
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from kfp_gitops.kfpserver.metadata import logged

DONE = frozenset({"COMPLETE", "CACHED"})
_OWN = frozenset({"display_name", "store_session_info"})
"""What KFP adds to an artifact's metadata (RecordArtifact)."""


@dataclass(frozen=True)
class Artifact:
    """`kind`: its type, such as `system.Metrics`; `metadata`: what its component logged with it."""

    uri: str
    kind: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def metrics(self) -> dict[str, float]:
        """The numbers among it, by name."""
        return logged.numbers({"metadata": self.metadata})


@dataclass(frozen=True)
class Execution:
    """One record of the store."""

    id: int
    state: str
    properties: Mapping[str, Any]
    artifacts: Mapping[str, tuple[Artifact, ...]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """A property that is a text, else ""."""
        found = self.properties.get(name)
        return found if isinstance(found, str) else ""

    def number(self, name: str) -> int | None:
        """A property that is a whole number."""
        found = self.properties.get(name)
        return found if isinstance(found, int) else None


@dataclass(frozen=True)
class TaskResults:
    """One task in one place; `path` are the keys in the IR of the groups around it and its own, `names` what is shown.

    `iteration`: the numbers of the iterations around it, from 0, the outermost first; `number`: the one among all of
    them, None where there is but one. `state`: one of `messages.STATES`.
    """

    path: tuple[str, ...]
    names: tuple[str, ...]
    iteration: tuple[int, ...]
    state: str
    parameters: Mapping[str, Any]
    artifacts: Mapping[str, tuple[Artifact, ...]]
    group: bool = False
    number: int | None = None

    @property
    def label(self) -> str:
        """`train`, `each/train`, and of several iterations `each/train #2`, as comparisons name it."""
        return "/".join(self.names) + ("" if self.number is None else f" #{self.number}")


@dataclass(frozen=True)
class RunResults:
    """All tasks of a run, and what is known of its pipeline's own outputs."""

    tasks: tuple[TaskResults, ...]
    pipeline: Mapping[str, Any] = field(default_factory=dict)

    @property
    def outputs(self) -> dict[tuple[str, str], Any]:
        """(label, output) → the value of a parameter, or the URI of an artifact (of several: the first).

        Those of the pipeline itself have the label "".
        """
        own = {("", name): value for name, value in self.pipeline.items()}
        return own | {(one.label, name): value for one in self.tasks for name, value in _outputs(one).items()}

    @property
    def of_ids(self) -> dict[tuple[str, str], Any]:
        """The same by a task's own name alone, whatever stands around it, as triggers name it; nothing of loops."""
        found = {("", name): value for name, value in self.pipeline.items()}
        for one in sorted(self.tasks, key=lambda one: len(one.path)):
            if not one.iteration:
                values = _outputs(one)
                for own in dict.fromkeys((one.names[-1], one.path[-1])):
                    found = {**{(own, name): value for name, value in values.items()}, **found}
        return found

    @property
    def metrics(self) -> dict[tuple[str, str], dict[str, float]]:
        """(label, artifact) → what was logged with it in numbers, groups' own outputs aside."""
        return {
            (one.label, name): found
            for one in self.tasks
            if not one.group
            for name, artifacts in one.artifacts.items()
            if (found := {key: value for artifact in artifacts for key, value in artifact.metrics.items()})
        }

    def named(self, names: Mapping[tuple[str, ...], tuple[str, ...]]) -> RunResults:
        """The same with other names, by path: those of the manifest that was compiled."""
        renamed = (replace(one, names=names.get(one.path, one.names)) for one in self.tasks)
        return replace(self, tasks=tuple(renamed))

    def of_pipeline(self, spec: Mapping[str, Any]) -> RunResults:
        """The same with the outputs of the pipeline itself, which only its IR says where to find.

        A parameter's value, or an artifact's URI.
        """
        own = (((spec.get("root") or {}).get("dag")) or {}).get("outputs") or {}
        inside = {one.path[0]: one for one in self.tasks if len(one.path) == 1}
        parameters = _given(own.get("parameters") or {}, partial(_one, inside, "parameters"))
        artifacts = _given(own.get("artifacts") or {}, partial(_one, inside, "artifacts"))
        uris = {name: found[0].uri for name, found in artifacts.items() if found}
        return replace(self, pipeline={**uris, **parameters})


def _outputs(task: TaskResults) -> dict[str, Any]:
    uris = {name: found[0].uri for name, found in task.artifacts.items() if found}
    return {**uris, **task.parameters}


def of(executions: Sequence[Execution]) -> RunResults:
    """The results in the records of one run's context."""
    return RunResults(tuple(_Tree(executions).tasks()))


_NOTHING = object()


def _one(inside: Mapping[str, TaskResults], kind: str, key: str, name: str) -> Any:
    task = inside.get(key)
    return getattr(task, kind).get(name, _NOTHING) if task is not None else _NOTHING


def _given(specs: Mapping[str, Any], one: Any) -> dict[str, Any]:
    """The outputs of a DAG: name → the first of the tasks that may give it and did (dsl.OneOf has several)."""
    found = {}
    for name, spec in specs.items():
        values = (one(key, output) for key, output in _selected(spec))
        value = next((value for value in values if value is not _NOTHING), _NOTHING)
        if value is not _NOTHING:
            found[name] = value
    return found


def _selected(spec: Any) -> Iterator[tuple[str, str]]:
    """DagOutputParameterSpec or DagOutputArtifactSpec: task and output; as protojson writes it, or encoding/json."""
    flat = {_small(name): value for name, value in spec.items()} if isinstance(spec, Mapping) else {}
    of_one, several = flat.get("valuefromparameter"), flat.get("valuefromoneof")
    inner = several if isinstance(several, Mapping) else flat
    listed = {_small(name): value for name, value in inner.items()}
    selectors = (
        listed.get("parameterselectors") or listed.get("artifactselectors") or ([of_one] if of_one else [])
    )
    for one in selectors:
        names = {_small(name): value for name, value in one.items()} if isinstance(one, Mapping) else {}
        output = names.get("outputparameterkey") or names.get("outputartifactkey")
        yield str(names.get("producersubtask", "")), str(output)


def _small(name: str) -> str:
    return name.replace("_", "").lower()


class _Tree:
    """The executions of a run by what stands around them."""

    def __init__(self, executions: Sequence[Execution]) -> None:
        self._by_id = {one.id: one for one in _shallow(executions)}
        self._inside: dict[int, list[Execution]] = {}
        for one in sorted(self._by_id.values(), key=lambda one: one.id):
            parent = one.number("parent_dag_id")
            if parent is not None and parent in self._by_id:
                self._inside.setdefault(parent, []).append(one)
        self._places: dict[tuple[str, ...], list[tuple[int, ...]]] = {}
        """Path of a loop → its iterations."""

    def tasks(self) -> Iterator[TaskResults]:
        """All of them, groups before what is inside of them."""
        roots = [one for one in self._by_id.values() if one.number("parent_dag_id") is None]
        found = [task for root in roots for task in self._body(root, (), (), ())]
        yield from (replace(task, number=self._number(task)) for task in found)

    def _body(
        self, dag: Execution, path: tuple[str, ...], names: tuple[str, ...], iteration: tuple[int, ...]
    ) -> Iterator[TaskResults]:
        """What stands in a DAG; those of an iteration have the path of its loop."""
        loop = dag.number("iteration_count") is not None
        for one in _newest(self._inside.get(dag.id, [])):
            index = one.number("iteration_index")
            if loop and index is not None:
                here = (*iteration, index)
                self._places.setdefault(path, []).append(here)
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
        found = one.properties.get("outputs")
        if isinstance(found, Mapping):
            return dict(found)
        specs = one.properties.get("parameter_producer_task")
        told = {name: _json(text) for name, text in specs.items()} if isinstance(specs, Mapping) else {}
        return self._of_group(one, told, self._parameters)

    def _artifacts(self, one: Execution) -> dict[str, tuple[Artifact, ...]]:
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
        return _given(
            specs, lambda key, name: of_task(tasks[key]).get(name, _NOTHING) if key in tasks else _NOTHING
        )

    def _number(self, task: TaskResults) -> int | None:
        """The one among all iterations of the innermost loop around it, where there are several."""
        loops = [path for path in self._places if path == task.path[: len(path)]] if task.iteration else []
        places = sorted(set(self._places[max(loops, key=len)])) if loops else []
        return places.index(task.iteration) if len(places) > 1 and task.iteration in places else None


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


def metadata(properties: Mapping[str, Any]) -> dict[str, Any]:
    """What was logged, from an artifact's properties: KFP keeps a list in `{list: …}`, a map in `{struct: …}`.

    A bool is kept as 0 or 1 (backend/src/v2/metadata/converter.go `StructValueToMLMDValue`).
    """
    return {name: _unwrapped(value) for name, value in properties.items() if name not in _OWN}


def _unwrapped(value: Any) -> Any:
    if isinstance(value, Mapping) and len(value) == 1:
        ((key, inner),) = value.items()
        if (key == "list" and isinstance(inner, list)) or (key == "struct" and isinstance(inner, Mapping)):
            return inner
    return value
