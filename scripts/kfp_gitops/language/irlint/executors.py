"""Executors: that components have one, what their commands read, and the platform document that configures them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from kfp_gitops.base.yamltext import Path
from kfp_gitops.language.irlint.finding import Finding
from kfp_gitops.language.irlint.view import Component, Ir, Node, bound, one_of, placeholders
from kfp_gitops.language.wellknown import PYTHON_EXECUTOR


def findings(ir: Ir) -> Iterator[Finding]:
    """Components without their executor, and commands that read what the component does not declare."""
    for component in ir.all():
        label = component.node.get("executorLabel")
        if label is not None and label not in ir.executors:
            what = f"{component.name} has the executor {label!r}, which does not exist"
            yield Finding(0, (*component.at, "executorLabel"), what, one_of(ir.executors))
        elif label is not None:
            yield from _executor(ir, component, label)


def _executor(ir: Ir, component: Component, label: str) -> Iterator[Finding]:
    container = ir.executors[label].get("container", {})
    if any(PYTHON_EXECUTOR in part for part in container.get("command", ())):
        return  # its source is a text, not a command line with placeholders
    for field in ("command", "args"):
        for index, part in enumerate(container.get(field, ())):
            for side, what, name in placeholders(part):
                declared = component.declared(side, what)
                if name not in declared:
                    at = ("deploymentSpec", "executors", label, "container", field, index)
                    text = (
                        f"the command of {component.name} reads {side[:-1]} {name!r}, which is not declared"
                    )
                    yield Finding(0, at, text, one_of(declared))


def platform(ir: Ir, document: Node) -> Iterator[Finding]:
    """The second document: settings of executors that exist, with values from where their tasks are."""
    users = _users(ir)
    for name, spec in document.get("platforms", {}).items():
        for label, settings in spec.get("deploymentSpec", {}).get("executors", {}).items():
            at: Path = ("platforms", name, "deploymentSpec", "executors", label)
            if label not in ir.executors:
                what = f"there are settings for the executor {label!r}, which does not exist"
                yield Finding(1, at, what, one_of(ir.executors))
            else:
                yield from _settings(ir, users[label], label, at, settings)


def _settings(
    ir: Ir, users: list[tuple[Component, Node]], label: str, at: Path, settings: Node
) -> Iterator[Finding]:
    for path, source in _sources(settings, at):
        for parent, task in users:
            what = _dangling(ir, parent, task, source)
            if what:
                yield Finding(1, path, f"a setting of {label} {what}", "refer to what is there")
                break


def _users(ir: Ir) -> Mapping[str, list[tuple[Component, Node]]]:
    """The tasks that run on an executor, by its label, each with the component that it is in."""
    found: dict[str, list[tuple[Component, Node]]] = defaultdict(list)
    for parent in ir.all():
        for task in parent.tasks.values():
            if component := ir.component(task):
                found[str(component.node.get("executorLabel", ""))].append((parent, task))
    return found


def _sources(value: Any, at: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    if isinstance(value, dict):
        if "componentInputParameter" in value or "taskOutputParameter" in value:
            yield at, value
        for key, item in value.items():
            if key != "taskOutputParameter":
                yield from _sources(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _sources(item, (*at, index))


def _names(source: Node) -> bool:
    """Whether a source is as KFP writes it: no schema says what is in the settings of a platform."""
    name, output = source.get("componentInputParameter"), source.get("taskOutputParameter")
    if name is not None:
        return isinstance(name, str)
    keys = ("producerTask", "outputParameterKey")
    return isinstance(output, dict) and all(isinstance(output.get(key), str) for key in keys)


def _dangling(ir: Ir, parent: Component, task: Node, source: Node) -> str:
    """Settings are resolved where the task is: among the inputs of its DAG and the tasks beside it."""
    if not _names(source):
        return "names neither an input nor an output of a task"
    name = source.get("componentInputParameter")
    if name is not None:
        found = name in parent.declared("inputs", "parameters") or name in bound(task, "parameters")
        return "" if found else f"refers to input {name!r} of {parent.name}, which does not exist"
    output = source["taskOutputParameter"]
    producer = parent.tasks.get(output["producerTask"])
    if producer is None:
        return f"refers to task {output['producerTask']!r}, which is not in the same DAG"
    component, key = ir.component(producer), output["outputParameterKey"]
    if component is None or key in component.declared("outputs", "parameters"):
        return ""
    return f"refers to output {key!r} of {output['producerTask']!r}, which does not exist"
