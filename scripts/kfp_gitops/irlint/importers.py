"""Importers whose artifact nobody would find: KFP's driver looks for it by the importer's display name.

backend/src/v2/component/importer_launcher.go stores `taskInfo.name` as the producer's name, and
backend/src/v2/driver/resolve.go looks the producer up by its task's key. Seen on KFP 2.17.0.
"""

from __future__ import annotations

from collections.abc import Iterator

from kfp_gitops.irlint.finding import Finding
from kfp_gitops.irlint.view import Component, Ir


def findings(ir: Ir) -> Iterator[Finding]:
    """Importer tasks with another display name than their key."""
    for parent in ir.all():
        for key, task in parent.tasks.items():
            shown = task.get("taskInfo", {}).get("name", "")
            if shown != key and _imports(ir, ir.component(task)):
                at = (*parent.at, "dag", "tasks", key)
                what = (
                    f"importer {key!r} has the display name {shown!r}, by which KFP looks for its artifact: "
                    "every task that takes it would fail"
                )
                todo = f"leave out its set_display_name, so that taskInfo.name is {key}"
                yield Finding(0, (*at, "taskInfo", "name") if shown else at, what, todo)


def _imports(ir: Ir, component: Component | None) -> bool:
    label = component.node.get("executorLabel", "") if component else ""
    return "importer" in ir.executors.get(label, {})
