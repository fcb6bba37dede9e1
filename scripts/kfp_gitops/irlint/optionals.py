"""Optional parameters without a default, where KFP 2.17 fails a run that does not give them (see `check.optionals`)."""

from __future__ import annotations

from collections.abc import Iterator

from kfp_gitops.irlint.finding import Finding
from kfp_gitops.irlint.view import Component, Ir, Node, bound, component_name

_TODO = "give it a default"


def findings(ir: Ir) -> Iterator[Finding]:
    """Every task that is handed such a parameter and must have it."""
    for parent in ir.all():
        missing = {
            name for name in parent.declared("inputs", "parameters") if _may_be_missing(ir, parent, name)
        }
        for key, task in parent.tasks.items() if missing else ():
            for name, source in bound(task, "parameters").items():
                given = source.get("componentInputParameter")
                if given in missing and _must_have(ir, task, name):
                    at = (*parent.at, "dag", "tasks", key, "inputs", "parameters", name)
                    what = f"task {key!r} is handed the optional parameter {given!r}: a run that does not give it fails"
                    yield Finding(0, at, what, _TODO)


def _may_be_missing(ir: Ir, component: Component, name: str) -> bool:
    declared = component.declared("inputs", "parameters")[name]
    if not declared.get("isOptional") or "defaultValue" in declared:
        return False
    users = [
        task
        for other in ir.all()
        for task in other.tasks.values()
        if component_name(task) == component.name and component.name != "root"
    ]
    return component.name == "root" or any(name not in bound(task, "parameters") for task in users)


def _must_have(ir: Ir, task: Node, name: str) -> bool:
    """An input that is not optional; and one that a DAG inside hands on, for it gets nothing to hand on then."""
    runs = ir.component(task)
    if runs is None:
        return False
    declared = runs.declared("inputs", "parameters").get(name)
    if declared is None or not declared.get("isOptional"):
        return True
    return any(
        source.get("componentInputParameter") == name
        for inner in runs.tasks.values()
        for source in bound(inner, "parameters").values()
    )
