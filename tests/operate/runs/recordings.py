"""Runs that a real KFP 2.17.0 with Argo Workflows executed, as its API told them: tests/data/runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from kfp_gitops.kfpserver.runtree import Names, Record, View, of_records

FOLDER = Path(__file__).resolve().parents[2] / "data/runs"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))


@dataclass(frozen=True)
class Recording:
    """One of them."""

    spec: Mapping[str, Any] | None
    state: str
    parameters: Mapping[str, Any]
    details: tuple[Mapping[str, Any], ...]

    @property
    def records(self) -> tuple[Record, ...]:
        return tuple(map(record, self.details))

    @property
    def ir(self) -> Mapping[str, Any]:
        return (self.spec or {}).get("pipeline_spec", self.spec or {})

    def views(self, names: Names = lambda found: found) -> tuple[View, ...]:
        return of_records(self.spec, self.parameters, self.records, self.state, names)

    def tasks(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """(key, task) of the IR, as often as it is used; those of a group after it."""
        yield from self._tasks(self.ir.get("root", {}))

    def _tasks(self, component: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for key, task in component.get("dag", {}).get("tasks", {}).items():
            yield key, task
            yield from self._tasks(self.ir["components"][task["componentRef"]["name"]])


def read(name: str) -> Recording:
    found = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    run = found["run"]
    parameters = run.get("runtime_config", {}).get("parameters", {})
    return Recording(found["pipeline_spec"], run["state"], parameters, tuple(found["task_details"]))


def record(detail: Mapping[str, Any]) -> Record:
    children = tuple(child["pod_name"] for child in detail.get("child_tasks", []))
    return Record(
        detail.get("display_name", ""),
        detail.get("state", ""),
        _time(detail["start_time"]),
        _time(detail["end_time"]),
        children,
    )


def _time(text: str) -> datetime | None:
    return None if text.startswith("0001") else datetime.fromisoformat(text)


def walk(views: tuple[View, ...]) -> Iterator[View]:
    for view in views:
        yield view
        yield from walk(view.inside)
