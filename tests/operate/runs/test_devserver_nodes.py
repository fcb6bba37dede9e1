"""The development server makes the nodes that Argo made: for each recorded run, told as our executor would tell it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import recordings
from kfp_gitops.devserver.argonodes import Span, Workflow, node_id
from kfp_gitops.devserver.taskdetails import Task, folded
from kfp_gitops.kfpserver.runtree.match import match
from kfp_gitops.kfpserver.runtree.nodes import Node, tree
from recordings import NAMES, Recording

_TIME = "2026-11-28T17:00:00Z"


def _root(run: Recording) -> Node:
    named = [record for record in run.records if record.name]
    root = tree(named)
    assert root is not None
    match(root, named)
    return root


def _with_tries(name: str) -> bool:
    """Whether Argo's configuration was KFP's own, which gives every node a first try."""
    return bool(_root(recordings.read(name)).tries)


# Its runs are either still to begin or told here as ended.
_LIKE = [
    name for name in NAMES if recordings.read(name).spec and name != "hello-running" and _with_tries(name)
]


class _Told:
    """The events that our executor would have written."""

    def __init__(self, run: Recording) -> None:
        self.ir = run.ir
        self.events: list[dict[str, Any]] = []

    def dag(self, body: Node, path: str, component: Mapping[str, Any]) -> None:
        hooks = {name: node.last for name, node in body.inside.items() if name.endswith(".onExit")}
        specs = component["dag"]["tasks"]
        for key in sorted(specs, key=lambda key: _rank(specs, key)):
            places = [body, *hooks.values()]
            place = next((p for p in places if key in p.inside or f"{key}-driver" in p.inside), None)
            if place is not None:
                self.task(place, key, key, path, specs[key])

    def task(self, body: Node, key: str, name: str, path: str, spec: Mapping[str, Any]) -> None:
        node, driver = body.inside.get(key), body.inside.get(f"{key}-driver")
        component = self.ir["components"][spec["componentRef"]["name"]]
        own = f"{path}/{name}" if path else name
        kind = self._kind(key, spec, component)
        common = {
            "task_id": own,
            "parent_task_id": path or None,
            "name": spec["taskInfo"]["name"],
            "kind": kind,
        }
        common["name"] = name
        state = node.state if node else ""
        if driver is not None and driver.state == "FAILED":
            self._tell(common, "FAILED", error="no inputs")
            return
        if not state:
            self._tell(common, "SKIPPED", error="not run: x did not succeed")
            return
        assert node is not None
        if state == "SKIPPED":
            self._tell(common, "SKIPPED")
            return
        cached = "executor" in node.last.inside and node.last.inside["executor"].state == "SKIPPED"
        for _ in _attempts(node) if not cached else ():
            self._tell(common, "RUNNING")
        if kind == "loop":
            self._items(node.last, own, name, spec)
        elif "dag" in component:
            self.dag(node.last, own, component)
        self._tell(common, state, cached=cached)

    def _items(self, loop: Node, path: str, name: str, spec: Mapping[str, Any]) -> None:
        for display, node in sorted(loop.inside.items()):
            if found := re.fullmatch(r"iteration-iterations\((\d+):\d+\)", display):
                index = found[1]
                common = {
                    "task_id": f"{path}/{index}",
                    "parent_task_id": path,
                    "name": name,
                    "kind": "iteration",
                }
                self._tell(common, "RUNNING")
                component = self.ir["components"][spec["componentRef"]["name"]]
                self.dag(node.last.inside["iteration-item"].last, f"{path}/{index}", component)
                self._tell(common, node.state)

    def _kind(self, key: str, spec: Mapping[str, Any], component: Mapping[str, Any]) -> str:
        if "parameterIterator" in spec and key != "iteration-item":
            return "loop"
        if "dag" in component:
            return "condition" if spec.get("triggerPolicy", {}).get("condition") else "dag"
        executor = self.ir["deploymentSpec"]["executors"][component["executorLabel"]]
        return "importer" if "importer" in executor else "task"

    def _tell(self, common: Mapping[str, Any], state: str, error: str = "", cached: bool = False) -> None:
        told = {"event": "task", "time": _TIME, "state": state, "error": error, "cached": cached}
        self.events.append({**told, **common})


def _rank(specs: Mapping[str, Any], key: str) -> int:
    sources = [*specs[key].get("inputs", {}).values()]
    producers = [
        found["producerTask"]
        for group in sources
        for source in group.values()
        for kind in ("taskOutputParameter", "taskOutputArtifact")
        if (found := source.get(kind))
    ]
    before = {*specs[key].get("dependentTasks", []), *producers}
    return 1 + max((_rank(specs, name) for name in before), default=0)


def _attempts(node: Node) -> range:
    executor = node.last.inside.get("executor")
    return range(max(1, len(executor.tries) if executor else 1))


def _made(run: Recording, root: Node) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    told = _Told(run)
    body = root.last.inside.get("root")
    if body is not None:
        told.dag(body.last, "", run.ir["root"])
    tasks: list[Task] = folded(told.events)
    for node in Workflow(root.name, run.ir, tasks).make(Span(run.state, _TIME, _TIME)):
        yield node.display, node.state, tuple(sorted(node_id(root.name, child) for child in node.children))


@pytest.mark.parametrize("name", _LIKE)
def test_names_states_and_edges_are_those_of_argo(name: str) -> None:
    run = recordings.read(name)
    recorded = Counter(
        (record.name, record.state, tuple(sorted(record.children))) for record in run.records if record.name
    )
    made = Counter(_made(run, _root(run)))
    assert made - recorded == Counter()
    assert recorded - made == Counter()


def test_there_are_enough_of_them() -> None:
    assert len(_LIKE) > 25
