"""What is wrong in an IR itself: references into nothing, cycles, expressions that kfp does not write.

The server checks none of this at upload, and the SDK compiles some of it: a static list of dicts looped over inside
an `If` refers to an input that does not exist (kubeflow/pipelines#13273), a condition with a quote in its constant is
not an expression any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from kfp_gitops.local.localrun import cel, selector
from kfp_gitops.local.localrun.places import Place
from kfp_gitops.local.localrun.spec import (
    Component,
    Dag,
    FinalStatus,
    Pipeline,
    PipelineInput,
    Source,
    Task,
    TaskOutput,
    Unknown,
)


def problems(pipeline: Pipeline, place: Place) -> Iterator[str]:
    """What is wrong with one task."""
    component = pipeline.components.get(place.task.component)
    if component is None:
        yield f"refers to component {place.task.component!r}, which does not exist"
        return
    if place.endless:
        yield f"component {component.name!r} contains itself"
    yield from _sources(pipeline, place)
    yield from _selectors(place.task)
    yield from _unbound(place.task, component)
    yield from _condition(place.task, component)
    yield from _loop(place.task)


def dag_problems(pipeline: Pipeline, component: Component) -> Iterator[str]:
    """What is wrong with the tasks of a component as a whole."""
    if component.dag is None:
        return
    graph = {task.name: task.dependencies for task in component.dag.tasks.values()}
    missing = sorted({name for names in graph.values() for name in names} - set(graph))
    if missing:
        yield f"{component.name}: depends on tasks that do not exist: {', '.join(missing)}"
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        yield f"{component.name}: tasks depend on each other in a circle: {' → '.join(error.args[1])}"
    yield from _outputs(pipeline, component.dag, component.name)


def _outputs(pipeline: Pipeline, dag: Dag, name: str) -> Iterator[str]:
    for selectors in (*dag.parameters.values(), *dag.artifacts.values()):
        for source in selectors:
            if why := _dangling(pipeline, dag, source):
                yield f"{name}: {why}"


def _sources(pipeline: Pipeline, place: Place) -> Iterator[str]:
    dag = place.parent.dag
    own = {place.task.loop.item} if place.task.loop else set()
    inputs = {*place.parent.parameters, *place.parent.artifacts, *own}
    bound: list[Source] = [
        *(b.source for b in place.task.parameters.values()),
        *place.task.artifacts.values(),
    ]
    for source in bound:
        match source:
            case PipelineInput(name) if name not in inputs:
                yield f"refers to input {name!r} of {place.parent.name}, which does not exist"
            case TaskOutput() | FinalStatus() if dag and (why := _dangling(pipeline, dag, source)):
                yield why
            case Unknown(what):
                yield f"an input comes from {what}, which is not supported"


def _dangling(pipeline: Pipeline, dag: Dag, source: TaskOutput | FinalStatus) -> str:
    task = dag.tasks.get(source.task)
    if task is None:
        return f"refers to task {source.task!r}, which does not exist"
    producer = pipeline.components.get(task.component)
    if producer is None or isinstance(source, FinalStatus):
        return ""
    if source.key in producer.output_parameters | producer.output_artifacts:
        return ""
    return f"refers to output {source.key!r} of {source.task!r}, which does not exist"


def _selectors(task: Task) -> Iterator[str]:
    for name, binding in task.parameters.items():
        if binding.selector and selector.parse(binding.selector) is None:
            yield f"input {name!r}: the expression {binding.selector!r} is not supported"


def _unbound(task: Task, component: Component) -> Iterator[str]:
    own = {task.loop.item} if task.loop else set()
    for name, declared in component.parameters.items():
        given = name in task.parameters or name in own or declared.optional or declared.has_default
        if not given and declared.type != "TASK_CONFIG" and not _only_for_the_loop(name, task):
            yield f"required input {name!r} is not given"
    for name, optional in component.artifacts.items():
        if not optional and name not in task.artifacts and name not in own:
            yield f"required artifact {name!r} is not given"


def _only_for_the_loop(name: str, task: Task) -> bool:
    return task.loop is not None and task.loop.input == name


def _condition(task: Task, component: Component) -> Iterator[str]:
    if not task.condition:
        return
    try:
        unknown = set(cel.names(cel.parse(task.condition))) - set(task.parameters) - set(component.parameters)
    except cel.CelError as error:
        yield f"the condition is not supported: {error}"
        return
    if unknown:
        yield f"the condition reads {', '.join(sorted(unknown))}, which the task is not given"


def _loop(task: Task) -> Iterator[str]:
    loop = task.loop
    if loop is None:
        return
    if task.condition:
        yield "a loop with a condition of its own is not supported"
    if not loop.item:
        yield "a loop without an item input is not supported"
    if loop.raw:
        yield from _raw(loop.raw)
    elif loop.input not in (task.artifacts if loop.over_artifacts else task.parameters):
        yield f"loops over {loop.input or 'nothing'!r}, which the task is not given"


def _raw(raw: str) -> Iterator[str]:
    try:
        if not isinstance(selector.select(raw, "parseJson(string_value)"), list):
            yield "loops over a constant that is not a list"
    except ValueError:
        yield "loops over a constant that is not JSON"
