"""What a run on this machine told: `events.jsonl`, one record for each change of a task (localrun/events.py)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from kfp_gitops.kfpserver.runtree.fold import PENDING, SKIPPED, Found, Place, Seen, unmet
from kfp_gitops.kfpserver.runtree.records import ACTIVE
from kfp_gitops.kfpserver.runtree.steps import Step

_NOT_RUN = "not run: "


@dataclass(frozen=True)
class Told:
    """The last that was told of a task, and when it began."""

    state: str
    started: datetime
    at: datetime
    attempt: int = 1
    error: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    cached: bool = False


def last(events: Iterable[Mapping[str, Any]]) -> dict[str, Told]:
    """The last event of each task, by the path of keys and iterations that leads to it: `for-loop-1/0/train`."""
    found: dict[str, Told] = {}
    for event in events:
        if event.get("event") == "task":
            add(found, event)
    return found


def add(found: dict[str, Told], event: Mapping[str, Any]) -> None:
    """Note one more event."""
    at = datetime.fromisoformat(event["time"])
    before = found.get(event["task_id"])
    found[event["task_id"]] = Told(
        event["state"], before.started if before else at, at, event["attempt"], event.get("error", ""),
        event.get("outputs") or (before.outputs if before else {}), event.get("cached") is True,
    )  # fmt: skip


@dataclass(frozen=True)
class Events:
    """Looks among events; a body is the path that leads to a DAG, with a / at its end."""

    told: Mapping[str, Told]

    def look(self, step: Step, body: str) -> Found[str] | None:
        """What was told of a step."""
        path = f"{body}{step.key}"
        told = self.told.get(path)
        if told is None:
            return None
        seen = _seen(step, told)
        if step.kind == "loop":
            found = list(self._iterations(step, path, seen))
            return Found(
                seen, tuple(p for one in found for p in one.inside), tuple(one.seen for one in found)
            )
        return Found(seen, (_place(seen, path),) if step.inside else ())

    def _iterations(self, step: Step, path: str, loop: Seen) -> Iterator[Found[str]]:
        for index in count():
            told = self.told.get(f"{path}/{index}")
            if told is not None:
                seen = _seen(step, told)
                yield Found(seen, (_place(seen, f"{path}/{index}"),) if step.inside else ())
            elif loop.state in ACTIVE and index < (step.items or not index):
                yield Found(PENDING, (Place(None),) if step.inside else ())
            else:
                return


def _place(seen: Seen, path: str) -> Place[str]:
    if seen.state == "SKIPPED":
        return Place(None, gone=SKIPPED)
    return Place(f"{path}/", seen.state not in ACTIVE)


def _seen(step: Step, told: Told) -> Seen:
    ended = None if told.state in ACTIVE else told.at
    why = "" if step.inside else told.error  # a group's is that of a task in it
    seen = Seen(told.state, told.started, ended, told.attempt - 1, told.cached, why, told.outputs)
    if told.state == "SKIPPED":  # why it was not run says the fold, by the ids of the tasks
        return Seen("") if told.error.startswith(_NOT_RUN) else unmet(step)
    return seen
