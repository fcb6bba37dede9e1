"""The tree of a run: of a server's records, or of what a run on this machine told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kfp_gitops.kfpserver.runtree import discover, steps
from kfp_gitops.kfpserver.runtree.argo import Argo
from kfp_gitops.kfpserver.runtree.events import Events, Told
from kfp_gitops.kfpserver.runtree.fold import PENDING, Place, Seen, View, fold
from kfp_gitops.kfpserver.runtree.match import match
from kfp_gitops.kfpserver.runtree.nodes import Node, tree
from kfp_gitops.kfpserver.runtree.records import ACTIVE, Record
from kfp_gitops.kfpserver.runtree.steps import Step

Names = Callable[[tuple[Step, ...]], tuple[Step, ...]]
"""Gives steps the ids, and the order, of the manifest that they were compiled from."""


def of_records(
    spec: Mapping[str, Any] | None,
    parameters: Mapping[str, Any],
    records: Sequence[Record],
    state: str,
    names: Names = lambda found: found,
) -> tuple[View, ...]:
    """A run on a server: the IR that it runs if that is known, the run's parameters, its task details, its state."""
    named = [record for record in records if record.name]  # others are notes for the cache, not nodes
    workflow = tree(named)
    if workflow is not None:
        match(workflow, named)
    place = _root(workflow, state)
    found = (
        names(steps.steps(spec, parameters)) if spec else discover.steps([place.body] if place.body else [])
    )
    return fold(found, [place], Argo(state not in ACTIVE))


def _root(workflow: Node | None, state: str) -> Place[Node]:
    """The node that holds the pipeline's own tasks."""
    over = state not in ACTIVE
    node = workflow.last.inside.get("root") if workflow else None
    if node is not None and node.state:
        return Place(node.last, over or node.state not in ACTIVE)
    gone = Seen("SKIPPED", why="not run: the run ended first") if over else PENDING
    return Place(None, gone=gone)


def of_events(
    spec: Mapping[str, Any], parameters: Mapping[str, Any], told: Mapping[str, Told], state: str,
    names: Names = lambda found: found,
) -> tuple[View, ...]:  # fmt: skip
    """A run on this machine: the IR, the run's parameters, the last event of each task, the run's state."""
    return fold(names(steps.steps(spec, parameters)), [Place("", state not in ACTIVE)], Events(told))
