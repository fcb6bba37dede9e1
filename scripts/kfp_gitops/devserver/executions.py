"""What KFP's drivers and launchers would have written to ML Metadata of a run, from what its executor kept on disk.

As backend/src/v2/driver and backend/src/v2/metadata/client.go (KFP 2.17) write it: an execution for the run, each task,
group and iteration whose driver ran; outputs as custom properties; artifacts by events. Ids are made of the number of
the run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kfp_gitops.devserver import taskdetails
from kfp_gitops.devserver.records import Run
from kfp_gitops.devserver.taskdetails import Task

RUNNING, COMPLETE, FAILED, CACHED, NOT_TRIGGERED = 2, 3, 4, 5, 6
"""Execution.State of metadata_store.proto; a condition that is not met is CANCELED there."""
_STATES = {"SUCCEEDED": COMPLETE, "FAILED": FAILED, "SKIPPED": NOT_TRIGGERED}
_GROUPS = ("dag", "condition", "loop", "iteration")
_RUN, _TASK = 40, 16
"""Bits below the number of a run, and below that of a task in it."""


@dataclass(frozen=True)
class Artifact:
    id: int
    name: str
    """Of the output that it is."""
    uri: str
    type: str
    properties: Mapping[str, Any]


@dataclass(frozen=True)
class Execution:
    """`properties`: texts, integers, and maps (Structs)."""

    id: int
    state: int
    properties: Mapping[str, Any]
    artifacts: tuple[Artifact, ...] = field(default=())


def of(run: Run, number: int, run_dir: Path) -> list[Execution]:
    """In the order of ids; none before the run's own driver has begun."""
    told = list(taskdetails.events(run_dir))
    if not told:
        return []
    tasks, ir = taskdetails.folded(told), run.spec.get("pipeline_spec", run.spec)
    ids = {task.id: (number << _RUN) + (index << _TASK) for index, task in enumerate(tasks, start=2)}
    root = (number << _RUN) + (1 << _TASK)
    # The run's own execution never learns how it ended (client.go `UpdateDAGExecutionsState`: no task count).
    first = Execution(root, RUNNING, {"display_name": "", "task_name": ""})
    inside = _Inside(tasks, ids, root, ir if isinstance(ir, Mapping) else {}, run_dir)
    return [first, *(inside.execution(task) for task in tasks if _driven(task))]


def run_of(id_: int) -> int:
    """The number of the run that an execution or artifact is of."""
    return id_ >> _RUN


def _driven(task: Task) -> bool:
    """What waits for what failed has no driver, and so nothing in the store."""
    return not (task.state == "SKIPPED" and task.error.startswith("not run"))


@dataclass(frozen=True)
class _Inside:
    tasks: Sequence[Task]
    ids: Mapping[str, int]
    root: int
    ir: Mapping[str, Any]
    run_dir: Path

    def execution(self, task: Task) -> Execution:
        group = task.kind in _GROUPS
        state = CACHED if task.cached else _STATES.get(task.state, RUNNING)
        properties: dict[str, Any] = {
            "task_name": task.key,
            "display_name": self._display(task),
            "parent_dag_id": self.ids.get(task.parent, self.root),
            **self._in_loop(task),
            **(self._of_group(task) if group else {}),
        }
        parameters = task.outputs.get("parameters") if not group else None
        if parameters:
            properties["outputs"] = dict(parameters)
        artifacts = () if group else tuple(self._artifacts(task))
        return Execution(self.ids[task.id], state, properties, artifacts)

    def _display(self, task: Task) -> str:
        """An importer's launcher writes none; an iteration has its loop's."""
        loop = next((one for one in self.tasks if one.id == task.parent and one.kind == "loop"), None)
        return "" if task.kind == "importer" else loop.name if loop else task.name

    def _in_loop(self, task: Task) -> dict[str, Any]:
        if task.kind == "loop":
            return {"iteration_count": sum(one.parent == task.id for one in self.tasks)}
        if any(one.id == task.parent and one.kind == "loop" for one in self.tasks):
            return {"iteration_index": int(task.id.rpartition("/")[2])}
        return {}

    def _of_group(self, task: Task) -> dict[str, Any]:
        """Which of its tasks give a group's outputs: protojson for parameters, encoding/json for artifacts."""
        dag = self._component(task).get("dag") or {}
        outputs = dag.get("outputs") or {}
        found: dict[str, Any] = {"total_dag_tasks": len(dag.get("tasks") or {})}
        if parameters := outputs.get("parameters"):
            found["parameter_producer_task"] = {name: json.dumps(one) for name, one in parameters.items()}
        if artifacts := outputs.get("artifacts"):
            found["artifact_producer_task"] = json.dumps(
                {name: _snake(one) for name, one in artifacts.items()}
            )
        return found

    def _component(self, task: Task) -> Mapping[str, Any]:
        """What a group consists of, by the tasks around it."""
        around = next((one for one in self.tasks if one.id == task.parent), None)
        if around is not None and around.kind == "loop":
            return self._component(around)
        outer = self._component(around) if around else self.ir.get("root") or {}
        spec = ((outer.get("dag") or {}).get("tasks") or {}).get(task.key) or {}
        name = (spec.get("componentRef") or {}).get("name", "")
        return (self.ir.get("components") or {}).get(name) or {}

    def _artifacts(self, task: Task) -> Iterator[Artifact]:
        given = task.outputs.get("artifacts") or {}
        listed = [(name, one) for name, many in sorted(given.items()) for one in many]
        # The launcher keeps a log with each task that it ran (driver.go `provisionOutputs`), also of one that failed.
        if task.log and task.kind == "task" and not task.cached and task.state in ("SUCCEEDED", "FAILED"):
            listed.append(("executor-logs", {"uri": str(self.run_dir / task.log), "type": "system.Artifact"}))
        for index, (name, one) in enumerate(listed):
            properties = {"display_name": name, **_kept(one.get("metadata") or {})}
            kind = str(one.get("type") or "system.Artifact")
            yield Artifact(self.ids[task.id] + index, name, str(one.get("uri", "")), kind, properties)


def _snake(found: Any) -> Any:
    """The names of fields as encoding/json writes those of a protobuf message: `producer_subtask`."""
    if isinstance(found, Mapping):
        return {
            "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key): _snake(value)
            for key, value in found.items()
        }
    return [_snake(one) for one in found] if isinstance(found, list) else found


def _kept(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """converter.go `StructValueToMLMDValue`: a bool as 0 or 1, every number a double, a list or map in a Struct.

    The store writes a double with six decimals (ml-metadata 1.17: query_config_executor.cc, `std::to_string`).
    """
    return {name: _value(value) for name, value in metadata.items() if value is not None}


def _value(value: Any) -> Any:
    match value:
        case bool():
            return int(value)
        case int() | float():
            return float(f"{value:f}")
        case list():
            return {"list": value}
        case Mapping():
            return {"struct": value}
    return str(value)
