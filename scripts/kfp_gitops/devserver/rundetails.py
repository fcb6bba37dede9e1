"""`run_details` of a run: Argo's nodes as the API shows them (api_converter.go `toApiPipelineTaskDetail`)."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from kfp_gitops.devserver import taskdetails
from kfp_gitops.devserver.argonodes import Node, Span, Workflow, node_id, pod_name
from kfp_gitops.devserver.clock import rfc3339
from kfp_gitops.devserver.http import message
from kfp_gitops.devserver.records import Run
from kfp_gitops.devserver.taskdetails import Task

_NEVER = "0001-01-01T00:00:00Z"
"""As Go writes the time of what has not ended."""


def show(run: Run, run_dir: Path, behind: bool) -> list[dict[str, Any]]:
    """The details of a run. `behind`: as they were just before its end, for KFP stores the run's row first.

    The order is that of random ids.
    """
    told = list(taskdetails.events(run_dir))
    tasks = taskdetails.folded(_before_the_end(told) if behind else told)
    if run.state == "PENDING" or not told:
        return []
    name, ir = workflow(run), _ir(run)
    created = rfc3339(run.created) or ""
    nodes = {node.name: node for node in _left_over(run, told, created)}
    nodes |= {node.name: node for node in _nodes(run, tasks, _whole(run, created, behind))}
    shown = [_shown(run.id, name, node, created) for node in nodes.values()]
    return sorted([*shown, *_cache_notes(run.id, ir, tasks)], key=lambda one: str(one["task_id"]))


def _left_over(run: Run, told: list[dict[str, Any]], created: str) -> Iterator[Node]:
    """The nodes of attempts before a retry: a row stays until another node of its name is told.

    As task_store.go `CreateOrUpdateTasks` has it: of three tries that failed two are told for ever, where the first one
    of the retried run succeeds.
    """
    for place, event in enumerate(told):
        if event.get("event") == "retry":
            yield from _nodes(run, taskdetails.folded(told[:place]), Span("FAILED", created, ""))


def _before_the_end(told: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """All events but those from the end of the last task on."""
    ends = [
        index
        for index, event in enumerate(told)
        if event.get("kind") in ("task", "importer") and event.get("state") != "RUNNING"
    ]
    return islice(told, ends[-1] if ends else len(told))


def pods(run: Run, run_dir: Path) -> dict[str, Node]:
    """The pods of a run by their names."""
    tasks = taskdetails.folded(taskdetails.events(run_dir))
    if run.state == "PENDING" or not tasks:
        return {}
    nodes = _nodes(run, tasks, _whole(run, rfc3339(run.created) or "", behind=False))
    tried = {node.name.rpartition("(")[0] for node in nodes if node.name.endswith(")")}
    return {pod_name(workflow(run), node): node for node in nodes if node.pod and node.name not in tried}


def _nodes(run: Run, tasks: list[Task], whole: Span) -> list[Node]:
    platforms = (run.spec.get("platform_spec") or {}).get("platforms") or {}
    executors = ((platforms.get("kubernetes") or {}).get("deploymentSpec") or {}).get("executors") or {}
    return Workflow(workflow(run), _ir(run), tasks, executors).make(whole)


def workflow(run: Run) -> str:
    """The name that Kubernetes would have made of the pipeline's."""
    letters = "bcdfghjklmnpqrstvwxz2456789"
    suffix = "".join(letters[byte % len(letters)] for byte in hashlib.sha256(run.id.encode()).digest()[:5])
    name = str((_ir(run).get("pipelineInfo") or {}).get("name", "run")).rpartition("/")[2]
    return f"{name}-{suffix}"


def _ir(run: Run) -> Mapping[str, Any]:
    spec = run.spec.get("pipeline_spec", run.spec)
    return spec if isinstance(spec, dict) else {}


def _whole(run: Run, created: str, behind: bool) -> Span:
    if behind or not run.finished:
        return Span("RUNNING", created, "")
    return Span("SUCCEEDED" if run.state == "SUCCEEDED" else "FAILED", created, rfc3339(run.finished) or "")


def _shown(run_id: str, workflow: str, node: Node, created: str) -> dict[str, Any]:
    active = node.state in ("PENDING", "RUNNING")
    return message(
        run_id=run_id,
        task_id=_id(run_id, node.name),
        display_name=node.display,
        create_time=created,
        start_time=_second(node.started),
        end_time=_NEVER if active else _second(node.ended or node.started),
        state=node.state,
        state_history=list(_history(node)),
        child_tasks=[{"pod_name": node_id(workflow, child)} for child in node.children],
    )


def _history(node: Node) -> Iterator[dict[str, Any]]:
    began = "PENDING" if node.pod else "RUNNING"
    if node.state not in ("", "SKIPPED"):
        yield {"state": began, "update_time": _second(node.started)}
    if node.state not in ("", began):
        yield {"state": node.state, "update_time": _second(node.ended or node.started)}
    if not node.state:
        yield {"update_time": _second(node.started)}


def _second(time: str) -> str:
    """KFP tells whole seconds."""
    return time[:19] + "Z" if time else _NEVER


def _id(run_id: str, name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{run_id}/{name}"))


def _cache_notes(run_id: str, ir: Mapping[str, Any], tasks: list[Task]) -> Iterator[dict[str, Any]]:
    """What the launcher notes for the cache of a task that ran: a record without name, state or children."""
    enabled = {
        name
        for component in [ir.get("root") or {}, *(ir.get("components") or {}).values()]
        for name, spec in ((component.get("dag") or {}).get("tasks") or {}).items()
        if (spec.get("cachingOptions") or {}).get("enableCache")
    }
    for number, task in enumerate(tasks, start=1):
        if task.kind == "task" and task.state == "SUCCEEDED" and task.key in enabled and not task.cached:
            started, ended = _second(task.started), _second(task.ended)
            yield message(
                run_id=run_id, task_id=_id(run_id, f"cache of {task.id}"), create_time=started,
                start_time=started, end_time=ended, execution_id=str(number),
            )  # fmt: skip
