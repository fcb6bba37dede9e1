"""Metrics that kfp before 2.10 handed out of every group and pipeline, up to the whole, as outputs that nobody wrote.

`kfp.compiler.pipeline_spec_builder.populate_metrics_in_dag_outputs` (2.0 to 2.9): the output `metrics` of the task
`train` becomes `train-metrics` of each group around it and of its pipeline.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Node = Mapping[str, Any]
ROOT = ""
_TITLES = ("system.Metrics", "system.ClassificationMetrics")
_GROUP = re.compile(r"(?:condition-branches|condition|for-loop|exit-handler)-\d+")


class Surfaced(NamedTuple):
    """One such output: from which task of the DAG and which output of that it comes, and its declaration."""

    task: str
    output: str
    declaration: Node


def expected(spec: Node) -> dict[str, dict[str, Surfaced]]:
    """Component (`ROOT`: the whole) → name of such an output → where it comes from."""
    found: dict[str, dict[str, Surfaced]] = {}
    _of(spec, ROOT, found)
    return {component: outputs for component, outputs in found.items() if outputs}


def added(spec: dict[str, Any]) -> None:
    """Add them to the first document of an IR."""
    for component, outputs in expected(spec).items():
        node = spec["root"] if component == ROOT else spec["components"][component]
        for name, one in outputs.items():
            declared = node.setdefault("outputDefinitions", {}).setdefault("artifacts", {})
            declared[name] = dict(one.declaration)
            given = node["dag"].setdefault("outputs", {}).setdefault("artifacts", {})
            selector = {"outputArtifactKey": one.output, "producerSubtask": one.task}
            given[name] = {"artifactSelectors": [selector]}


def _of(spec: Node, component: str, found: dict[str, dict[str, Surfaced]]) -> dict[str, Surfaced]:
    if component not in found:
        node = spec.get("root", {}) if component == ROOT else spec.get("components", {}).get(component, {})
        found[component] = {}
        found[component] |= _of_tasks(spec, node.get("dag", {}).get("tasks", {}), found)
    return found[component]


def _of_tasks(
    spec: Node, tasks: Mapping[str, Node], found: dict[str, dict[str, Surfaced]]
) -> Iterator[tuple[str, Surfaced]]:
    for key, task in tasks.items():
        called = task.get("componentRef", {}).get("name", ROOT)
        inside = _of(spec, called, found) if called else {}
        if _GROUP.fullmatch(key) and "cachingOptions" not in task:
            yield from ((name, one._replace(task=key, output=name)) for name, one in inside.items())
            continue
        component = spec.get("components", {}).get(called, {})
        declared = component.get("outputDefinitions", {}).get("artifacts", {})
        outputs = {**declared, **{name: one.declaration for name, one in inside.items()}}
        for name, one in outputs.items():
            if one.get("artifactType", {}).get("schemaTitle") in _TITLES:
                yield f"{key}-{name}", Surfaced(key, name, one)
