"""What is told while a run goes on: one record per change of state, and how it is written as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from kfp_gitops.local.localrun.values import Artifact, Json

State: TypeAlias = Literal["RUNNING", "SUCCEEDED", "FAILED", "SKIPPED", "CANCELED"]
Kind: TypeAlias = Literal["task", "importer", "dag", "loop", "iteration", "condition"]


@dataclass(frozen=True)
class RunEvent:
    """The run as a whole began or ended."""

    state: State
    error: str = ""


@dataclass(frozen=True)
class WarningEvent:
    """Something that is not as on a cluster, but does not change what the tasks compute."""

    message: str


@dataclass(frozen=True)
class TaskEvent:
    """A task or a group of tasks changed its state.

    `task_id` is the unique path, such as `for-loop-1/0/train`. A retry is told as RUNNING with the next `attempt`,
    and `error` then says how the last attempt failed. `log` is relative to the run's folder. A task that is `cached`
    has not run: it gives what it gave before. `fingerprint` is what a cache, if there is one, knows it by.
    """

    task_id: str
    parent_task_id: str | None
    name: str
    display_name: str
    kind: Kind
    state: State
    attempt: int = 1
    error: str = ""
    log: str = ""
    parameters: Mapping[str, Json] | None = None
    artifacts: Mapping[str, tuple[Artifact, ...]] | None = None
    cached: bool = False
    fingerprint: str = ""


Event: TypeAlias = RunEvent | WarningEvent | TaskEvent


def now() -> str:
    """The time as RFC 3339 in UTC, with microseconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def as_json(event: Event, time: str) -> dict[str, Json]:
    """The line of `events.jsonl` for an event; fields that say nothing are left out."""
    match event:
        case RunEvent(state, error):
            return _filled({"time": time, "event": "run", "state": state, "error": error})
        case WarningEvent(message):
            return {"time": time, "event": "warning", "message": message}
        case TaskEvent():
            return _task(event, time)


def _task(event: TaskEvent, time: str) -> dict[str, Json]:
    record: dict[str, Json] = {
        "time": time,
        "event": "task",
        "task_id": event.task_id,
        "parent_task_id": event.parent_task_id,
        "name": event.name,
        "display_name": event.display_name,
        "kind": event.kind,
        "state": event.state,
        "attempt": event.attempt,
    }
    more: dict[str, Json] = {"error": event.error, "log": event.log}
    more |= {"cached": event.cached, "fingerprint": event.fingerprint}
    return record | _filled(more) | _outputs(event)


def _outputs(event: TaskEvent) -> dict[str, Json]:
    if not event.parameters and not event.artifacts:
        return {}
    artifacts: dict[str, Json] = {k: [_artifact(a) for a in v] for k, v in (event.artifacts or {}).items()}
    return {"outputs": {"parameters": dict(event.parameters or {}), "artifacts": artifacts}}


def _artifact(artifact: Artifact) -> Json:
    return {"uri": artifact.uri, "type": artifact.schema_title, "metadata": dict(artifact.metadata)}


def _filled(record: dict[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in record.items() if value}
