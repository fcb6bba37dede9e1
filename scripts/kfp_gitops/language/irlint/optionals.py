"""Optional inputs without a default, where KFP 2.17 fails a run that does not give them (see `check.optionals`)."""

from __future__ import annotations

from collections.abc import Iterator

from kfp_gitops.language.irlint import commandline
from kfp_gitops.language.irlint.finding import Finding
from kfp_gitops.language.irlint.view import Component, Ir, Node, bound, component_name

_TODO = "give it a default"


def findings(ir: Ir) -> Iterator[Finding]:
    """Every task that is handed such a parameter and must have it, or such an artifact."""
    for parent in ir.all():
        yield from _artifacts(ir, parent)
        yield from _on_command_lines(ir, parent)
        missing = {
            name
            for name in parent.declared("inputs", "parameters")
            if _may_be_missing(ir, parent, "parameters", name)
        }
        for key, task in parent.tasks.items() if missing else ():
            for name, source in bound(task, "parameters").items():
                given = source.get("componentInputParameter")
                if given in missing and _must_have(ir, task, name):
                    at = (*parent.at, "dag", "tasks", key, "inputs", "parameters", name)
                    what = f"task {key!r} is handed the optional parameter {given!r}: a run that does not give it fails"
                    yield Finding(0, at, what, _TODO, "optional-parameter")


def _artifacts(ir: Ir, parent: Component) -> Iterator[Finding]:
    """driver/resolve.go, resolveInputArtifact: «parent DAG does not have input artifact», whoever takes it."""
    for key, task in parent.tasks.items():
        for name, source in bound(task, "artifacts").items():
            given = source.get("componentInputArtifact")
            if given in parent.declared("inputs", "artifacts") and _may_be_missing(
                ir, parent, "artifacts", given
            ):
                at = (*parent.at, "dag", "tasks", key, "inputs", "artifacts", name)
                what = f"task {key!r} is handed the optional artifact {given!r}: it fails where that is not given"
                todo = "give it wherever the pipeline runs, or do not use it there"
                yield Finding(0, at, what, todo, "optional-artifact")


def _on_command_lines(ir: Ir, parent: Component) -> Iterator[Finding]:
    """driver/util.go: «not found in executor input»; where there is a default, `compiler.filled` hands it over."""
    for key, task in parent.tasks.items():
        for name, declared in commandline.left_out(ir, task):
            if "defaultValue" not in declared and declared.get("isOptional"):
                at = (*parent.at, "dag", "tasks", key)
                what = f"task {key!r} leaves out {name!r}, which stands in its command line: KFP 2.17 fails there"
                yield Finding(0, at, what, "give it, or ask for it with IfPresent")


def _may_be_missing(ir: Ir, component: Component, what: str, name: str) -> bool:
    declared = component.declared("inputs", what)[name]
    if not declared.get("isOptional") or "defaultValue" in declared:
        return False
    users = [
        task
        for other in ir.all()
        for task in other.tasks.values()
        if component_name(task) == component.name and component.name != "root"
    ]
    return component.name == "root" or any(name not in bound(task, what) for task in users)


def _must_have(ir: Ir, task: Node, name: str) -> bool:
    """An input that is not optional; and one that a DAG inside hands on, for it gets nothing to hand on then."""
    runs = ir.component(task)
    if runs is None:
        return False
    declared = runs.declared("inputs", "parameters").get(name)
    if declared is None or not declared.get("isOptional") or name in commandline.of(ir, runs):
        return True
    return any(
        source.get("componentInputParameter") == name
        for inner in runs.tasks.values()
        for source in bound(inner, "parameters").values()
    )
