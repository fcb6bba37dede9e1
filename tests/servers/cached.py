"""Runs of IR on a development server that caches, and which of their tasks were executed, as the API tells it."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from uuid import uuid4

import kfp
import yaml
from kfp_gitops.devserver import DevServer
from kfp_gitops.kfpserver.runtree import Names, Record, View, of_records

SYMBOLIC = Path(__file__).with_name("symbolic.py")
"""The executor whose tasks compute nothing."""


def _as_in_ir(steps: Any) -> Any:
    return steps


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
        self.client = kfp.Client(host=server.url, namespace="kubeflow")
        self.pipelines: dict[str, str] = {}
        self.last = ""

    def run(self, documents: Sequence[Mapping[str, Any]], **parameters: Any) -> Ran:
        """Run IR that no pipeline has, to its end."""
        spec = {"pipeline_spec": documents[0], **({"platform_spec": documents[1]} if documents[1:] else {})}
        body = {
            "display_name": str(uuid4()), "experiment_id": self.experiment, "pipeline_spec": spec,
            "runtime_config": {"parameters": parameters},
        }  # fmt: skip
        return self._started(body, documents, parameters)

    def registered(self, documents: Sequence[Mapping[str, Any]], pipeline: str, names: Names) -> Ran:
        """Register IR as a new version of a pipeline, which is made if need be, and run that."""
        version = self._upload(documents, pipeline)
        reference = {
            "pipeline_id": version["pipeline_id"],
            "pipeline_version_id": version["pipeline_version_id"],
        }
        body = {
            "display_name": str(uuid4()),
            "experiment_id": self.experiment,
            "pipeline_version_reference": reference,
        }
        return self._started(body, documents, {}, names)

    def _upload(self, documents: Sequence[Mapping[str, Any]], pipeline: str) -> Any:
        uploads = self.client.pipeline_uploads
        with NamedTemporaryFile("w", suffix=".yaml") as file:
            yaml.safe_dump_all(documents, file)
            file.flush()
            if pipeline not in self.pipelines:
                self.pipelines[pipeline] = uploads.upload_pipeline(file.name, name=pipeline).pipeline_id
            found = uploads.upload_pipeline_version(
                file.name, pipelineid=self.pipelines[pipeline], name=str(uuid4())
            )
        return found.to_dict()

    def _started(
        self,
        body: Any,
        documents: Sequence[Mapping[str, Any]],
        parameters: Mapping[str, Any],
        names: Names = _as_in_ir,
    ) -> Ran:
        self.last = self.ask("POST", "runs", body)["run_id"]
        self.server.wait_idle(120)
        return self._told(self.last, documents, parameters, names)

    def _told(
        self, run: str, documents: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any], names: Names
    ) -> Ran:
        """What the API tells of a run; the first to ask after the end is told of the tasks as before it."""
        self.ask("GET", f"runs/{run}")
        found = self.ask("GET", f"runs/{run}")
        details = found["run_details"]["task_details"]
        views = of_records(documents[0], parameters, tuple(map(_record, details)), found["state"], names)
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
