"""What is known of a task's inputs before anything runs: constants, and parameters of the run that reach it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kfp_gitops.local.localrun.places import Place
from kfp_gitops.local.localrun.spec import Binding, Constant, Pipeline, PipelineInput, Task
from kfp_gitops.local.localrun.values import Json


def inputs(pipeline: Pipeline, given: Mapping[str, Json], place: Place) -> Mapping[str, Json]:
    """The parameters of a task that surely runs with these values; none when a condition is around it."""
    values, component = given, pipeline.root
    for name in place.path.split("/"):
        task = component.dag.tasks[name] if component.dag else None
        if task is None or task.condition:
            return {}
        values = dict(_known(task, values))
        component = pipeline.components.get(task.component, component)
    return values


def _known(task: Task, values: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    for name, binding in task.parameters.items():
        match binding:
            case Binding(Constant(value), ""):
                yield name, value
            case Binding(PipelineInput(outer), "") if outer in values:
                yield name, values[outer]


def given_by(pipeline: Pipeline, place: Place, name: str) -> str:
    """The parameter of the pipeline that reaches an input of a task as it is; "": none does, as of a constant."""
    outer, component = dict[str, str](), pipeline.root
    for number, one in enumerate(place.path.split("/")):
        task = component.dag.tasks[one] if component.dag else None
        if task is None:
            return ""
        inputs = {
            inner: binding.source.name
            for inner, binding in task.parameters.items()
            if isinstance(binding.source, PipelineInput) and not binding.selector
        }
        outer = {inner: outer.get(by, "") if number else by for inner, by in inputs.items()}
        component = pipeline.components.get(task.component, component)
    return outer.get(name, "")
