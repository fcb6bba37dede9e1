"""What runs and what each task receives, construct by construct, of manifests compiled as they are for KFP.

Each row of semantics_values.py and semantics_groups.py is worked out by hand from KFP's semantics (DSL documentation;
driver/resolve.go and argocompiler/dag.go for types and dependencies). A task that is not named in a row did not start.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import semantics_components
import semantics_groups
import semantics_values
import yaml
from kfp_gitops.compiling import ir
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.devserver import argonodes, taskdetails
from kfp_gitops.kfpserver.runtree import Record, View, of_events, of_records
from kfp_gitops.kfpserver.runtree.events import last
from kfp_gitops.local.localrun import TaskEvent, execute
from kfp_gitops.local.localrun.events import as_json
from kfp_gitops.rendering.rendered import RenderedPipeline
from localrun_kit import context
from semantics_values import Case

pytestmark = pytest.mark.usefixtures("quick_tasks")

_TIME = "2026-01-01T00:00:00Z"
_HEAD = {"apiVersion": "kfp-gitops/v1", "kind": "PipelineManifest"}


@pytest.fixture(scope="module")
def specs() -> dict[str, str]:
    return semantics_components.specs()


def _manifest(name: str, spec: str) -> str:
    metadata = {"name": name, "description": "d", "owner": "o"}
    return yaml.safe_dump({**_HEAD, "metadata": metadata, "spec": yaml.safe_load(spec)}, sort_keys=False)


@pytest.mark.parametrize(
    "case", [*semantics_values.CASES, *semantics_groups.CASES], ids=lambda case: case.name
)
def test_what_ran_and_what_each_task_received(case: Case, specs: dict[str, str], tmp_path: Path) -> None:
    inner = {name: _manifest(name, spec) for name, spec in case.inner.items()}
    rendered = RenderedPipeline("case", "sha256:0", _manifest("case", case.spec), specs, inner=inner)
    documents = ir.documents(compile_pipeline(rendered, "m").text)
    parameters = dict(case.parameters)
    if parameters.get("uri") == "FILE":
        (tmp_path / "file").write_text("on disk")
        parameters["uri"] = str(tmp_path / "file")
    events: list[TaskEvent] = []

    def take(event: Any) -> None:
        if isinstance(event, TaskEvent):
            events.append(event)

    outcome = execute(documents, parameters, context(tmp_path), take)
    logs = {
        _label(event, events): tmp_path / "run" / event.log
        for event in events
        if event.kind == "task" and event.state == "RUNNING"
    }
    assert {name: _received(path.read_text()) for name, path in logs.items()} == case.received
    assert outcome.state == case.state
    assert outcome.parameters == case.outputs
    assert _here(documents[0], events) == _on_a_server(documents[0], events, case.state)


def _label(event: TaskEvent, events: Sequence[TaskEvent]) -> str:
    """A task's display name, after those of the iterations around it."""
    by_id = {one.task_id: one for one in events}
    parts, around = [event.display_name], by_id.get(event.parent_task_id or "")
    while around is not None:
        parts += [around.display_name] if around.kind == "iteration" else []
        around = by_id.get(around.parent_task_id or "")
    return " / ".join(reversed(parts))


def _here(spec: Mapping[str, Any], events: Sequence[TaskEvent]) -> list[Any]:
    """How `run.py --local` shows the run."""
    told = last(as_json(event, _TIME) for event in events)
    return _plain(of_events(spec, {}, told, "SUCCEEDED"))


def _on_a_server(spec: Mapping[str, Any], events: Sequence[TaskEvent], state: str) -> list[Any]:
    """How a run of the development server is shown, whose details are Argo's nodes."""
    tasks = taskdetails.folded(as_json(event, _TIME) for event in events)
    nodes = argonodes.Workflow("case-abcde", spec, tasks).make(argonodes.Span(state, _TIME, _TIME))
    moment = datetime.fromisoformat(_TIME)
    ids = {node.name: argonodes.node_id("case-abcde", node.name) for node in nodes}
    records = [
        Record(node.display, node.state, moment, moment, tuple(ids[child] for child in node.children))
        for node in nodes
    ]
    return _plain(of_records(spec, {}, records, state))


def _plain(views: Sequence[View]) -> list[Any]:
    return [(view.id, view.state, view.done, view.total, view.retries, _plain(view.inside)) for view in views]


def _received(log: str) -> Any:
    (line,) = [line for line in log.splitlines() if line.startswith("RECEIVED ")]
    return json.loads(line.removeprefix("RECEIVED "))


def test_what_waits_for_a_skipped_condition_does_not_run_and_nothing_fails(
    specs: dict[str, str], tmp_path: Path
) -> None:
    """No DSL writes such a dependency, but IR may hold it: `depends: condition-1.Succeeded` in Argo."""
    spec = """
parameters: {go: {type: bool, default: false}}
tasks:
  maybe: {if: {eq: [{param: go}, true]}, tasks: {inside: {component: say}}}
  after: {component: say}
  anyway: {component: say, arguments: {text: x}}
"""
    rendered = RenderedPipeline("case", "sha256:0", _manifest("case", spec), specs)
    documents = ir.documents(compile_pipeline(rendered, "m").text)
    tasks = documents[0]["root"]["dag"]["tasks"]
    tasks["say-2"]["dependentTasks"] = ["condition-1"]
    tasks["say-3"] |= {
        "dependentTasks": ["say-2"],
        "triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"},
    }
    last: dict[str, str] = {}

    def take(event: Any) -> None:
        if isinstance(event, TaskEvent):
            last[event.task_id] = event.state

    assert execute(documents, {}, context(tmp_path), take).state == "SUCCEEDED"
    assert last == {"condition-1": "SKIPPED", "say-2": "SKIPPED", "say-3": "SUCCEEDED"}
