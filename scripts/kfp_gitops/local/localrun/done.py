"""What of a run has ended well: begun again in the same folder, a run does not do it, nor tell it, a second time."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from kfp_gitops.local.localrun import cache
from kfp_gitops.local.localrun.events import Event, TaskEvent
from kfp_gitops.local.localrun.values import Outputs


class Done:
    """A file with a line of JSON for each task and group of tasks that succeeded: its id, and what it gave.

    Only what is in the file when it is opened counts as done before.
    """

    def __init__(self, path: Path) -> None:
        self._before = _read(path)
        self._path = path

    def outputs(self, task_id: str) -> Outputs | None:
        """What a task gave that was done before; None of one that is to be done."""
        return self._before.get(task_id)

    def telling(self, emit: Callable[[Event], None]) -> Callable[[Event], None]:
        """Pass on the events of what was not done before, and keep what succeeds."""

        def tell(event: Event) -> None:
            if isinstance(event, TaskEvent) and event.task_id in self._before:
                return
            if isinstance(event, TaskEvent) and event.state == "SUCCEEDED":
                self._keep(event)
            emit(event)

        return tell

    def _keep(self, event: TaskEvent) -> None:
        outputs = cache.to_json(Outputs(event.parameters or {}, event.artifacts or {}))
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"task_id": event.task_id, "outputs": outputs}) + "\n")


def _read(path: Path) -> dict[str, Outputs]:
    """A line that nobody could finish is of a task that is done again."""
    found: dict[str, Outputs] = {}
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        try:
            one = json.loads(line)
            found[one["task_id"]] = cache.of_json(one["outputs"])
        except (ValueError, LookupError, TypeError, AttributeError):
            continue
    return found
