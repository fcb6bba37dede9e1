"""The tasks of a run, folded from the events that its executor writes to `events.jsonl`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

_FINAL = ("SUCCEEDED", "FAILED", "SKIPPED", "CANCELED")


@dataclass(frozen=True)
class Task:
    """One task as of its last event; times are RFC 3339. `key` is the IR's, `name` is the one to show."""

    id: str
    parent: str = ""
    key: str = ""
    name: str = ""
    kind: str = "task"
    state: str = ""
    attempt: int = 1
    created: str = ""
    started: str = ""
    ended: str = ""
    error: str = ""
    log: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    cached: bool = False
    history: tuple[Mapping[str, Any], ...] = ()


def read(run_dir: Path) -> list[Task]:
    """The tasks in the order they began; a run without events has none."""
    return folded(events(run_dir))


def folded(told: Iterable[Mapping[str, Any]]) -> list[Task]:
    """The tasks as of the last of some events."""
    tasks: dict[str, Task] = {}
    for event in told:
        if event.get("event") == "task" and event.get("task_id"):
            key = str(event["task_id"])
            tasks[key] = _apply(tasks.get(key, Task(key, created=_text(event, "time"))), event)
    return list(tasks.values())


def events(run_dir: Path) -> Iterator[dict[str, Any]]:
    """The lines that are whole; the last one may be in the middle of being written."""
    try:
        text = (run_dir / "events.jsonl").read_text("utf-8", "replace")
    except OSError:
        return
    for line in text.splitlines():
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict):
            yield event


def last_error(run_dir: Path) -> str:
    """What the executor said of the run as a whole, since it was retried if it was."""
    said = ""
    for event in events(run_dir):
        if event.get("event") == "retry":
            said = ""
        elif event.get("event") == "run":
            said = _text(event, "error") or said
    return said


def retried(run_dir: Path) -> None:
    """Tell that what comes is of another attempt at the run; a line that was not finished ends before it."""
    with (run_dir / "events.jsonl").open("a", encoding="utf-8") as file:
        file.write('\n{"event": "retry"}\n')


def _text(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    return value if isinstance(value, str) else ""


def _apply(task: Task, event: Mapping[str, Any]) -> Task:
    """A first attempt begins anew: where a run was retried, Argo has forgotten the node that failed."""
    moment, state = _text(event, "time"), _text(event, "state")
    outputs = event.get("outputs")
    attempt = event.get("attempt")
    if state == "RUNNING" and attempt == 1:
        task = Task(task.id, created=task.created)
    return replace(
        task,
        parent=_text(event, "parent_task_id") or task.parent,
        key=_text(event, "name") or task.key,
        name=_text(event, "display_name") or _text(event, "name") or task.name,
        kind=_text(event, "kind") or task.kind,
        state=state or task.state,
        attempt=attempt if isinstance(attempt, int) else task.attempt,
        started=task.started or (moment if state == "RUNNING" else ""),
        ended=moment if state in _FINAL else "",
        error=_text(event, "error"),
        log=_text(event, "log") or task.log,
        outputs=outputs if isinstance(outputs, dict) else task.outputs,
        cached=event.get("cached") is True,
        history=(*task.history, {"update_time": moment, "state": state}),
    )
