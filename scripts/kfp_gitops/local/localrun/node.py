"""A task of a run as the outside sees it: its identity, its files, its events."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from kfp_gitops.local.localrun.events import Kind, State, TaskEvent
from kfp_gitops.local.localrun.values import NOTHING, Outputs, plain


@dataclass(frozen=True)
class Node:
    """One task, group or iteration of a run; `id` is its unique path, such as `for-loop-1/0/train`.

    `fingerprint` is what a cache knows it by.
    """

    id: str
    parent: str | None
    name: str
    display_name: str
    kind: Kind
    fingerprint: str = ""

    def event(self, state: State, error: str = "", outputs: Outputs = NOTHING) -> TaskEvent:
        """The event that this node is now in a state."""
        return TaskEvent(
            task_id=self.id,
            parent_task_id=self.parent,
            name=self.name,
            display_name=self.display_name,
            kind=self.kind,
            state=state,
            error=error,
            parameters={key: plain(value) for key, value in outputs.parameters.items()},
            artifacts=outputs.artifacts,
            fingerprint=self.fingerprint,
        )

    def attempt(self, event: TaskEvent, number: int) -> TaskEvent:
        """The same event, of a task that has a log and may be tried several times."""
        return replace(event, attempt=number, log=self.log.as_posix())

    @property
    def log(self) -> Path:
        """Where the task's output goes, relative to the run's folder."""
        return Path("logs", f"{self.path}.log")

    @property
    def path(self) -> Path:
        """The id as a relative path that is safe on a file system."""
        return Path(*(_safe(part) for part in self.id.split("/")))

    def uuid(self, run_id: str) -> str:
        """An id of the task that is unique over runs, and the same whenever it is asked for."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"kfp:run:{run_id}:{self.id}"))


def _safe(part: str) -> str:
    """The part itself, as kfp's own task names are; else a changed one, told apart by a digest."""
    clean = re.sub(r"[^A-Za-z0-9_.-]", "_", part)
    if clean == part and part.strip("."):
        return part
    return f"{clean.strip('.')}-{sha256(part.encode()).hexdigest()[:8]}"
