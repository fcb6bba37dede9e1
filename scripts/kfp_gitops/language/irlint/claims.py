"""Volume claims by a fixed name that KFP's cache would not make again (driver/k8s.go, createPVC, 2.17)."""

from __future__ import annotations

from collections.abc import Iterator

from kfp_gitops.language.irlint.finding import Finding
from kfp_gitops.language.irlint.view import Ir, Node, bound

_CREATE = "argostub/createpvc"
# Facts of a run that no other run shares; the driver replaces them where they are the whole text.
_UNIQUE = ("uuid}}", "resource_name}}", "create_time_utc}}")


def findings(ir: Ir) -> Iterator[Finding]:
    """Tasks that make a claim whose name is a constant or a parameter, with the cache on."""
    for parent in ir.all():
        for name, task in parent.tasks.items():
            component = ir.component(task)
            label = str(component.node.get("executorLabel", "")) if component else ""
            image = ir.executors.get(label, {}).get("container", {}).get("image")
            if image == _CREATE and task.get("cachingOptions", {}).get("enableCache") and _fixed(task):
                at = (*parent.at, "dag", "tasks", name, "inputs", "parameters", "pvc_name")
                what = f"task {name!r} makes a claim of the same name in each run: after the first, the cache answers"
                todo = "turn its cache off, or leave the name to KFP"
                yield Finding(0, at, what, todo, "claim-cached")


def _fixed(task: Node) -> bool:
    source = bound(task, "parameters").get("pvc_name", {})
    text = str(source.get("runtimeValue", {}).get("constant", ""))
    if "runtimeValue" in source:
        return bool(text) and not text.endswith(_UNIQUE)
    return "componentInputParameter" in source
