"""Importers whose artifact nobody would find, and those that would not find their URI.

KFP's driver looks for the artifact by the importer's display name: backend/src/v2/component/importer_launcher.go
stores `taskInfo.name` as the producer's name, and backend/src/v2/driver/resolve.go looks the producer up by its task's
key. Seen on KFP 2.17.0. An importer's URI, if no constant, the launcher looks up among the inputs of the DAG around it:
of what the task is given it reads `componentInputParameter` alone (ImportSpecToMLMDArtifact, 2.17.0).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kfp_gitops.language.irlint.finding import Finding
from kfp_gitops.language.irlint.view import Component, Ir, Node, bound, certain


def findings(ir: Ir) -> Iterator[Finding]:
    """Importer tasks with another display name than their key, and with a URI from elsewhere."""
    always = certain(ir)
    for parent in ir.all():
        for key, task in parent.tasks.items():
            yield from _uri(ir, parent, key, task)
            shown = task.get("taskInfo", {}).get("name", "")
            if shown != key and _imports(ir, ir.component(task)):
                at = (*parent.at, "dag", "tasks", key)
                what = (
                    f"importer {key!r} has the display name {shown!r}, by which KFP looks for its artifact: "
                    "every task that takes it would fail"
                )
                todo = f"leave out its set_display_name, so that taskInfo.name is {key}"
                fault = "" if parent.name in always and _is_taken(parent, key) else "importer-name"
                yield Finding(0, (*at, "taskInfo", "name") if shown else at, what, todo, fault)


def _uri(ir: Ir, parent: Component, key: str, task: Node) -> Iterator[Finding]:
    component = ir.component(task)
    label = component.node.get("executorLabel", "") if component else ""
    uri = ir.executors.get(label, {}).get("importer", {}).get("artifactUri")
    # Of another form the SDK tells.
    name: Any = uri.get("runtimeParameter") if isinstance(uri, Mapping) else None
    source = bound(task, "parameters").get(name, {}) if name else {}
    if source and "componentInputParameter" not in source:
        at = (*parent.at, "dag", "tasks", key, "inputs", "parameters", name)
        given = "an output of a task" if "taskOutputParameter" in source else "a constant"
        what = f"importer {key!r} takes its URI from {given} beside it, which KFP does not look up: it fails"
        yield Finding(
            0, at, what, "put the importer into a group or pipeline of its own, which is given the URI"
        )


def _is_taken(parent: Component, key: str) -> bool:
    given = parent.node.get("dag", {}).get("outputs", {}).get("artifacts", {}).values()
    handed_out = [one for output in given for one in output.get("artifactSelectors", ())]
    return any(one.get("producerSubtask") == key for one in handed_out) or any(
        source.get("taskOutputArtifact", {}).get("producerTask") == key
        for task in parent.tasks.values()
        for source in bound(task, "artifacts").values()
    )


def _imports(ir: Ir, component: Component | None) -> bool:
    label = component.node.get("executorLabel", "") if component else ""
    return "importer" in ir.executors.get(label, {})
