"""A component as a whole: its tasks together, its outputs, and whether it contains itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from kfp_gitops.base.yamltext import Path
from kfp_gitops.language import expansion
from kfp_gitops.language.irlint import task as tasks
from kfp_gitops.language.irlint.finding import Finding
from kfp_gitops.language.irlint.task import Place
from kfp_gitops.language.irlint.view import (
    Component,
    Ir,
    Node,
    component_name,
    kind,
    one_of,
    title,
    waits_for,
)


def findings(ir: Ir, component: Component) -> Iterator[Finding]:
    """Everything that is wrong with the DAG of a component; nothing if it has none."""
    for name, task in component.tasks.items():
        yield from tasks.findings(Place(ir, component, name, task, ir.component(task)))
    yield from _circles(component)
    yield from _collisions(component)
    if "executorLabel" not in component.node:
        yield from _empty(component)
        yield from _outputs(ir, component)


def _empty(component: Component) -> Iterator[Finding]:
    """KFP 2.17.0 takes such a pipeline, and answers 500 to each run of it."""
    if not component.tasks:
        what = (
            f"{component.name} has no task" if "dag" in component.node else f"{component.name} runs nothing"
        )
        yield Finding(0, component.at, what, "give it at least one task, or leave it out")


def recursion(ir: Ir) -> Iterator[Finding]:
    """Components that contain themselves: the server would never come to an end."""
    graph = {
        component.name: {component_name(task) for task in component.tasks.values()} & ir.components.keys()
        for component in ir.all()
    }
    circle = _circle(graph)
    if circle:
        what = f"components contain each other: {' → '.join(circle)}"
        yield Finding(0, ("components", circle[0]), what, "break the circle")


def too_much(ir: Ir) -> Iterator[Finding]:
    """More tasks, with those inside others written out, than anything can run."""
    parts = {
        component.name: [component_name(task) for task in component.tasks.values()]
        for component in ir.all()
        if component.tasks
    }
    if parts.get("root") and (what := expansion.too_much(parts, "root")):
        yield Finding(0, ("root",), f"has {what}", "split the pipeline")


def _circles(component: Component) -> Iterator[Finding]:
    graph = {
        name: {each for each in waits_for(task) if each in component.tasks}
        for name, task in component.tasks.items()
    }
    circle = _circle(graph)
    if circle:
        at = (*component.at, "dag", "tasks", circle[0])
        yield Finding(0, at, f"tasks wait for each other: {' → '.join(circle)}", "break the circle")


def _circle(graph: Mapping[str, Iterable[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def _collisions(component: Component) -> Iterator[Finding]:
    """Task names that are one name once KFP has made them fit for Kubernetes."""
    seen: dict[str, str] = {}
    for name in component.tasks:
        fit = re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")
        if fit in seen:
            what = f"tasks {seen[fit]!r} and {name!r} have the same name for Kubernetes: {fit}"
            yield Finding(0, (*component.at, "dag", "tasks", name), what, "rename one of them")
        seen.setdefault(fit, name)


def _outputs(ir: Ir, component: Component) -> Iterator[Finding]:
    given: Node = component.node.get("dag", {}).get("outputs", {})
    for what in ("parameters", "artifacts"):
        declared = component.declared("outputs", what)
        for name, output in given.get(what, {}).items():
            at = (*component.at, "dag", "outputs", what, name)
            if name not in declared:
                text = f"{component.name} gives the output {name!r} without declaring it"
                yield Finding(0, at, text, "declare it in outputDefinitions")
            for source in _selectors(output):
                yield from _selector(ir, component, at, source, declared.get(name, {}))
        for name in declared.keys() - given.get(what, {}).keys():
            at = (*component.at, "outputDefinitions", what, name)
            text = f"{component.name} declares the output {name!r}, but no task gives it"
            yield Finding(0, at, text, "select it in dag.outputs")


def _selectors(output: Node) -> list[Node]:
    if "valueFromParameter" in output:
        return [output["valueFromParameter"]]
    found: list[Node] = output.get("valueFromOneof", {}).get("parameterSelectors") or output.get(
        "artifactSelectors", []
    )
    return found


def _selector(ir: Ir, component: Component, at: Path, source: Node, wanted: Node) -> Iterator[Finding]:
    task = source.get("producerSubtask", "")
    if task not in component.tasks:
        what = f"an output of {component.name} comes from task {task!r}, which does not exist"
        yield Finding(0, at, what, one_of(component.tasks))
        return
    producer = ir.component(component.tasks[task])
    if producer is None:
        return
    kinds = "parameters" if "outputParameterKey" in source else "artifacts"
    key = source.get("outputParameterKey") or source.get("outputArtifactKey", "")
    declared = producer.declared("outputs", kinds)
    if key not in declared:
        what = f"an output of {component.name} is {key!r} of task {task!r}, which does not exist"
        yield Finding(0, at, what, one_of(declared))
    elif not _agree(declared[key], wanted):
        what = f"an output of {component.name} is declared as another kind than {key!r} of task {task!r}"
        yield Finding(0, at, what, "declare both alike")


def _agree(given: Node, wanted: Node) -> bool:
    """Whether kinds fit. In and below a loop a group declares lists of what its tasks give (`dsl.Collected`)."""
    titles = title(given), title(wanted)
    if all(titles):
        return titles[0] == titles[1] or "system.Artifact" in titles
    kinds = kind(given), kind(wanted)
    return not all(kinds) or kinds[0] == kinds[1] or kinds[1] in ("text", "list")
