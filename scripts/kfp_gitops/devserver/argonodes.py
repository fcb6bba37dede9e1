"""The nodes that Argo Workflows would make of a run: what KFP tells as the details of a run.

Names, ids and edges as KFP's compiler (backend/src/v2/compiler/argocompiler) and Argo's controller make them, seen in
47 runs of KFP 2.17.0. Its own workflow-controller-configmap gives every template a retryStrategy, so that each node
that runs has a first try `(0)` beside it. A step that is not reached is Omitted, which KFP tells as no state at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from kfp_gitops.devserver.taskdetails import Task

_EXECUTOR, _IMPORTER = "system-container-impl", "system-importer"
_DRIVER, _DAG_DRIVER = "system-container-driver", "system-dag-driver"
_EXIT = "ALL_UPSTREAM_TASKS_COMPLETED"
_WITHOUT_EXECUTOR = ("argostub/createpvc", "argostub/deletepvc")  # what kfp-kubernetes names as images


@dataclass
class Node:
    """A node; times are RFC 3339, `state` is empty for one that was omitted."""

    name: str
    display: str
    state: str
    started: str
    ended: str
    pod: str = ""
    """The template of its pod, if it has one."""
    children: list[str] = field(default_factory=list)
    log: str = ""
    """Where its executor wrote, below the run's folder; drivers write nothing here."""
    attempt: int = 1


@dataclass(frozen=True)
class Span:
    """State and times that several nodes of one task share."""

    state: str
    started: str
    ended: str

    def so(self, state: str) -> Span:
        """The same times in another state."""
        return Span(state, self.started, self.ended)


def pod_name(workflow: str, node: Node) -> str:
    """The name of its pod (argo-workflows, util/podname.go: version 2)."""
    return f"{workflow}-{node.pod}-{node_id(workflow, node.name).rpartition('-')[2]}"


def node_id(workflow: str, name: str) -> str:
    """Argo's id of a node: the workflow's name, and FNV-1a (32 bits) of the node's."""
    if name == workflow:
        return workflow
    found = 2166136261
    for byte in name.encode():
        found = (found ^ byte) * 16777619 % 2**32
    return f"{workflow}-{found}"


class Workflow:
    """Makes the nodes of one run, outer before inner."""

    def __init__(
        self,
        name: str,
        ir: Mapping[str, Any],
        tasks: Sequence[Task],
        platform: Mapping[str, Any] | None = None,
    ) -> None:
        """`platform`: executors' labels → what kfp-kubernetes says of them."""
        self.nodes: dict[str, Node] = {}
        self._name, self._ir, self._platform = name, ir, platform or {}
        self._inside: dict[str, list[Task]] = {}
        for task in tasks:
            self._inside.setdefault(task.parent, []).append(task)

    def make(self, whole: Span) -> list[Node]:
        """All nodes."""
        start = self._tried("", self._name, whole)
        driver = self._tried(
            start, "root-driver", Span("SUCCEEDED", whole.started, whole.started), _DAG_DRIVER
        )
        self._link(start, f"{start}.root-driver")
        root = self._tried(start, "root", whole)
        self._link(driver, f"{start}.root")
        self._dag(root, "", self._ir.get("root") or {})
        return list(self.nodes.values())

    def _put(self, around: str, display: str, span: Span, pod: str = "") -> str:
        name = f"{around}.{display}" if around else display
        self.nodes[name] = Node(name, display, span.state, span.started, span.ended, pod)
        return name

    def _tried(
        self, around: str, display: str, span: Span, pod: str = "", tries: Sequence[Span] = (), log: str = ""
    ) -> str:
        """A node with its tries; the name of the last one, which holds or is followed by what comes next."""
        last = name = self._put(around, display, span)
        for index, one in enumerate(tries or [span]):
            last = f"{name}({index})"
            self.nodes[last] = Node(
                last, f"{display}({index})", one.state, one.started, one.ended, pod, [], log, index + 1
            )
            self._link(name, last)
        return last

    def _link(self, before: str, after: str) -> None:
        if after not in self.nodes[before].children:
            self.nodes[before].children.append(after)

    def _dag(self, body: str, parent: str, component: Mapping[str, Any]) -> None:
        specs = (component.get("dag") or {}).get("tasks") or {}
        starts: list[tuple[str, list[str]]] = []
        ends: dict[str, str] = {}
        hooked: list[tuple[Task, Mapping[str, Any]]] = []
        for task in self._inside.get(parent, []):
            spec = specs.get(task.key) or {}
            if (spec.get("triggerPolicy") or {}).get("strategy") == _EXIT:
                hooked.append((task, spec))
            else:
                first, ends[task.key] = self._task(body, task.key, task, spec)
                starts.append((first, _waits_for(spec)))
        for task, spec in hooked:
            self._hook(body, task, spec, ends)
        for first, before in starts:
            for name in [ends[name] for name in before if name in ends] or [body]:
                self._link(name, first)

    def _hook(self, body: str, task: Task, spec: Mapping[str, Any], ends: dict[str, str]) -> None:
        """A task that runs at the end of another. Argo goes on from the last child of what it tried: the hook."""
        before = next((name for name in _waits_for(spec) if name in ends), None)
        if before is not None:
            hook = self._tried(body, f"{before}.onExit", _span(task))
            ends[before] = f"{body}.{before}.onExit"
            self._link(f"{body}.{before}", ends[before])
            self._link(hook, self._task(hook, task.key, task, spec)[0])

    def _task(self, body: str, key: str, task: Task, spec: Mapping[str, Any]) -> tuple[str, str]:
        """The names of a task's first node, and of the one that is followed by the next task."""
        span = _span(task)
        component = self._component(spec)
        if task.kind == "loop":
            return self._loop(body, key, task, spec)
        if task.kind == "importer" or self._stub(component):
            template = _IMPORTER if task.kind == "importer" else _DRIVER
            last = (
                self._tried(body, key, span, template, log=task.log)
                if span.state
                else self._put(body, key, span)
            )
            return f"{body}.{key}", last
        return self._driven(body, key, task, spec)

    def _driven(self, body: str, key: str, task: Task, spec: Mapping[str, Any]) -> tuple[str, str]:
        """A driver, and behind it a group or a container."""
        span, component = _span(task), self._component(spec)
        template = _DAG_DRIVER if "dag" in component else _DRIVER
        first = f"{body}.{key}-driver"
        began = any(entry["state"] == "RUNNING" for entry in task.history)
        if not span.state:
            driver = self._put(body, f"{key}-driver", span)
        else:
            failed = span.state == "FAILED" and not began
            outcome = span if failed else Span("SUCCEEDED", span.started, span.started)
            driver = self._tried(body, f"{key}-driver", outcome, template)
            span = span.so("") if failed else span
        if span.state in ("", "SKIPPED"):
            last = self._put(body, key, span)
        else:
            last = self._tried(body, key, span)
            self._fill(last, task, spec, component)
        self._link(driver, f"{body}.{key}")
        return first, last

    def _fill(self, body: str, task: Task, spec: Mapping[str, Any], component: Mapping[str, Any]) -> None:
        if task.cached:  # the driver has published what an earlier run gave
            self._put(body, "executor", _span(task).so("SKIPPED"))
            self._link(body, f"{body}.executor")
        elif task.kind == "task":
            template = self._executor(spec, component)
            self._tried(body, "executor", _span(task), template, list(_tries(task)), task.log)
            self._link(body, f"{body}.executor")
        else:
            self._dag(body, task.id, component)

    def _loop(self, body: str, key: str, task: Task, spec: Mapping[str, Any]) -> tuple[str, str]:
        span = _span(task)
        first = f"{body}.{key}"
        if not span.state:
            return first, self._put(body, key, span)
        last = self._tried(body, key, span)
        items = self._inside.get(task.id, [])
        failed = span.state == "FAILED" and not any(entry["state"] == "RUNNING" for entry in task.history)
        outcome = span if failed else Span("SUCCEEDED", span.started, span.started)
        driver = self._tried(last, "iteration-driver", outcome, _DAG_DRIVER)
        self._link(last, f"{last}.iteration-driver")
        nothing = not failed and not items and span.state == "SUCCEEDED"
        if failed or span.state == "SKIPPED":
            whole = span.so("" if failed else "SKIPPED")
        else:
            whole = span.so("SKIPPED" if nothing else span.state)
        group = self._put(last, "iteration-iterations", whole)
        self._link(driver, group)
        for item in items:
            self._item(last, group, item, spec)
        return first, last

    def _item(self, loop: str, group: str, item: Task, spec: Mapping[str, Any]) -> None:
        index = item.id.rpartition("/")[2]
        display = f"iteration-iterations({index}:{index})"
        body = self._tried(loop, display, _span(item))
        self._link(group, f"{loop}.{display}")
        self._link(body, self._driven(body, "iteration-item", item, spec)[0])

    def _executor(self, spec: Mapping[str, Any], component: Mapping[str, Any]) -> str:
        """container.go `addContainerExecutorTemplate`: a template for each number of annotations and labels."""
        found = f"retry-{_EXECUTOR}" if spec.get("retryPolicy") else _EXECUTOR
        metadata = (self._platform.get(str(component.get("executorLabel"))) or {}).get("podMetadata")
        if metadata is None:
            return found
        numbers = (len(metadata.get(name) or ()) for name in ("annotations", "labels"))
        return f"metadata-{'-'.join(map(str, numbers))}-{found}"

    def _component(self, spec: Mapping[str, Any]) -> Mapping[str, Any]:
        name = (spec.get("componentRef") or {}).get("name", "")
        return (self._ir.get("components") or {}).get(name) or {}

    def _stub(self, component: Mapping[str, Any]) -> bool:
        executors = (self._ir.get("deploymentSpec") or {}).get("executors") or {}
        container = (executors.get(component.get("executorLabel")) or {}).get("container") or {}
        return container.get("image") in _WITHOUT_EXECUTOR


def _waits_for(spec: Mapping[str, Any]) -> list[str]:
    inputs = spec.get("inputs") or {}
    sources = [*(inputs.get("parameters") or {}).values(), *(inputs.get("artifacts") or {}).values()]
    producers = [
        (source.get("taskOutputParameter") or source.get("taskOutputArtifact") or {}).get("producerTask")
        for source in sources
    ]
    return list(dict.fromkeys([*(spec.get("dependentTasks") or ()), *(name for name in producers if name)]))


def _span(task: Task) -> Span:
    """Argo knows no canceled node: what it stops has failed."""
    if task.state == "SKIPPED" and task.error.startswith("not run"):
        return Span("", task.created, task.ended)
    return Span(
        "FAILED" if task.state == "CANCELED" else task.state, task.started or task.created, task.ended
    )


def _tries(task: Task) -> Iterator[Span]:
    """Each attempt: it began with a RUNNING, and all but the last have failed."""
    span = _span(task)
    begun = [entry["update_time"] for entry in task.history if entry["state"] == "RUNNING"] or [span.started]
    for began, ended in pairwise(begun):
        yield Span("FAILED", began, ended)
    yield Span(span.state, begun[-1], span.ended)
