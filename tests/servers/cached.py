"""Runs of IR on a development server that caches, and which of their tasks were executed, as the API tells it."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from kfp_gitops.devserver import DevServer
from kfp_gitops.kfpserver.runtree import Record, View, of_records

SYMBOLIC = (sys.executable, str(Path(__file__).with_name("symbolic.py")))
"""The executor whose tasks compute nothing."""


@dataclass
class Ran:
    """A run that has ended: how, and each of its tasks by its place, such as `loop/train`."""

    state: str
    details: Sequence[Mapping[str, Any]]
    views: Mapping[str, View] = field(default_factory=dict)

    @property
    def executed(self) -> set[str]:
        """The tasks that ran, in whole or in part."""
        return {at for at, view in self._leaves() if view.done > view.cached}

    @property
    def cached(self) -> set[str]:
        """The tasks that were answered from the cache, in whole or in part."""
        return {at for at, view in self._leaves() if view.cached}

    def _leaves(self) -> Iterator[tuple[str, View]]:
        return ((at, view) for at, view in self.views.items() if not view.inside)


class CachedRuns:
    """One server, and runs on it."""

    def __init__(self, server: DevServer) -> None:
        self.server = server
        self.experiment = self.ask("GET", "experiments")["experiments"][0]["experiment_id"]
        self.last = ""

    def run(self, documents: Sequence[Mapping[str, Any]], **parameters: Any) -> Ran:
        """Run IR that no pipeline has, to its end."""
        spec = {"pipeline_spec": documents[0], **({"platform_spec": documents[1]} if documents[1:] else {})}
        body = {
            "display_name": "r", "experiment_id": self.experiment, "pipeline_spec": spec,
            "runtime_config": {"parameters": parameters},
        }  # fmt: skip
        self.last = self.ask("POST", "runs", body)["run_id"]
        self.server.wait_idle(120)
        return self.told(self.last, documents, parameters)

    def told(self, run: str, documents: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any]) -> Ran:
        """What the API tells of a run; the first to ask after the end is told of the tasks as before it."""
        self.ask("GET", f"runs/{run}")
        found = self.ask("GET", f"runs/{run}")
        details = found["run_details"]["task_details"]
        views = of_records(
            documents[0], parameters, tuple(map(_record, details)), found["state"], lambda ids: ids
        )
        return Ran(found["state"], details, dict(_walk(views, "")))

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        url = f"{self.server.url}/apis/v2beta1/{path}"
        request = urllib.request.Request(url, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)


def _walk(views: Sequence[View], around: str) -> Iterator[tuple[str, View]]:
    for view in views:
        yield f"{around}{view.id}", view
        yield from _walk(view.inside, f"{around}{view.id}/")


def _record(detail: Mapping[str, Any]) -> Record:
    children = tuple(child["pod_name"] for child in detail.get("child_tasks", []))
    times = (_time(detail["start_time"]), _time(detail["end_time"]))
    return Record(detail.get("display_name", ""), detail.get("state", ""), *times, children)


def _time(text: str) -> datetime | None:
    return None if text.startswith("0001") else datetime.fromisoformat(text)
