"""What a task is given: its inputs, resolved as KFP's driver resolves them (backend/src/v2/driver/resolve.go)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from kfp_gitops.local.localrun import placeholders, selector
from kfp_gitops.local.localrun.spec import (
    Binding,
    Component,
    Constant,
    FinalStatus,
    ParameterInput,
    PipelineInput,
    Source,
    Task,
    TaskOutput,
)
from kfp_gitops.local.localrun.values import (
    NOTHING,
    Artifact,
    InputError,
    Json,
    Outputs,
    as_text,
    kind,
    mismatch,
    plain,
)

T = TypeVar("T")


@dataclass(frozen=True)
class Inputs:
    """The inputs of a task or of a group of tasks. None is an optional parameter that nobody gave."""

    parameters: Mapping[str, Json]
    artifacts: Mapping[str, tuple[Artifact, ...]]

    def with_item(self, name: str, item: Json | Artifact) -> Inputs:
        """The same, and the item of one iteration."""
        if isinstance(item, Artifact):
            return Inputs(self.parameters, {**self.artifacts, name: (item,)})
        return Inputs({**self.parameters, name: item}, self.artifacts)


@dataclass(frozen=True)
class Result:
    """How a task ended. NOT_RUN is a task after a failed one; the outside sees it as SKIPPED."""

    state: str
    outputs: Outputs = NOTHING
    error: str = ""

    @property
    def stops(self) -> bool:
        """Whether tasks that need this one to succeed do not run.

        A skipped condition stops them, too, without failing the run: the backend compiles a dependency to
        `task.Succeeded` (backend/src/v2/compiler/argocompiler/dag.go, `depends`).
        """
        return self.state != "SUCCEEDED"


@dataclass(frozen=True)
class Scope:
    """What a task of a DAG can see: the inputs of the DAG, the tasks before it, and the run's placeholders."""

    inputs: Inputs
    upstream: Mapping[str, Result]
    known: Mapping[str, str]
    resource_name: str


def resolve(task: Task, component: Component, scope: Scope) -> Inputs:
    """The inputs of a task, typed as its component declares them.

    Raises:
        InputError: a value is missing, null where it may not be, or of the wrong type.
    """
    found = dict(_parameters(task, component, scope))
    texts = placeholders.of_inputs({name: as_text(value) for name, value in found.items()})
    constants = {name: b.source for name, b in task.parameters.items() if isinstance(b.source, Constant)}
    found |= {name: _constant(source, {**scope.known, **texts}) for name, source in constants.items()}
    typed = {name: _typed(name, value, component.parameters.get(name)) for name, value in found.items()}
    return Inputs(dict(_defaults(component, typed)) | typed, dict(_artifacts(task, component, scope)))


def driven(task: Task, component: Component, scope: Scope) -> dict[str, Json]:
    """The parameters of a task as KFP's driver knows them, which is what its cache goes by.

    A default of the component is the launcher's, and so is a placeholder inside a longer text, a list or a map.

    Raises:
        InputError: as `resolve` does.
    """
    found = dict(_parameters(task, component, scope))
    for name, binding in task.parameters.items():
        if isinstance(binding.source, Constant):
            found[name] = placeholders.by_the_driver(binding.source.value, scope.known)
    return {name: _typed(name, value, component.parameters.get(name)) for name, value in found.items()}


def claims(sources: Sequence[Source], scope: Scope) -> list[str]:
    """The names of volumes, as far as they are known."""
    known = [source.value if isinstance(source, Constant) else _sourced(source, scope) for source in sources]
    return [as_text(name) for name in known]


def items(task: Task, scope: Scope) -> list[Json]:
    """What a task is repeated over: a list, or the text of one (`getItems` of the backend)."""
    assert task.loop
    if task.loop.raw:
        found: Json = selector.select(task.loop.raw, "parseJson(string_value)")
    else:
        found = _value(task.parameters[task.loop.input], scope)
    if isinstance(found, str):
        found = selector.select(found, "parseJson(string_value)")
    if not isinstance(found, list):
        raise InputError(f"cannot loop over a {kind(found)}")
    return found


def artifact_items(task: Task, scope: Scope) -> tuple[Artifact, ...]:
    """The artifacts that a task is repeated over."""
    assert task.loop
    return _artifact(task.artifacts[task.loop.input], scope)


def _parameters(task: Task, component: Component, scope: Scope) -> Iterator[tuple[str, Json]]:
    if task.loop and task.loop.item in scope.inputs.parameters:
        yield task.loop.item, scope.inputs.parameters[task.loop.item]
    for name, binding in task.parameters.items():
        declared = component.parameters.get(name)
        if isinstance(binding.source, Constant) or _left_to_default(binding.source, task, declared, scope):
            continue
        value = _value(binding, scope)
        if value is not None:
            yield name, value
        elif declared is None or not declared.optional:
            raise InputError(f"input {name!r} is null, but not optional")


def _left_to_default(source: Source, task: Task, declared: ParameterInput | None, scope: Scope) -> bool:
    """`.ignore_upstream_failure()`: an input whose producer gave nothing falls back to its default."""
    if not task.always or declared is None or not (declared.optional or declared.has_default):
        return False
    return isinstance(source, TaskOutput) and source.key not in scope.upstream[source.task].outputs.parameters


def _value(binding: Binding, scope: Scope) -> Json:
    value = _sourced(binding.source, scope)
    return selector.select(value, binding.selector) if binding.selector else value


def _sourced(source: Source, scope: Scope) -> Json:
    match source:
        case PipelineInput(name):
            if name not in scope.inputs.parameters:
                raise InputError(f"the enclosing pipeline has no input {name!r}")
            return scope.inputs.parameters[name]
        case TaskOutput(name):
            return plain(_produced(scope.upstream[name].outputs.parameters, source, scope))
        case FinalStatus(name):
            return _final_status(name, scope)
        case _:
            raise InputError(f"cannot resolve {source}")


def _produced(outputs: Mapping[str, T], source: TaskOutput, scope: Scope) -> T:
    if source.key not in outputs:
        state = scope.upstream[source.task].state
        raise InputError(f"task {source.task!r} ({state}) has no output {source.key!r}")
    return outputs[source.key]


def _final_status(name: str, scope: Scope) -> Json:
    """The JSON of `PipelineTaskFinalStatus`."""
    result = scope.upstream[name]
    error: dict[str, Json] = {"code": 1, "message": result.error} if result.error else {}
    return {
        "state": "SKIPPED" if result.state == "NOT_RUN" else result.state,
        "error": error,
        "pipelineJobResourceName": scope.resource_name,
        "pipelineTaskName": name,
    }


def _constant(source: Constant, known: Mapping[str, str]) -> Json:
    """A constant with the placeholders in it replaced, in lists and maps too.

    A reference inside a list or map gives the text of the value, also of a number: KFP's driver hands constants on
    as they are, and its launcher replaces placeholders in the JSON of the inputs (launcher_v2.go, `getPlaceholders`).
    """
    return placeholders.replace_in(source.value, known)


def _typed(name: str, value: Json, declared: ParameterInput | None) -> Json:
    if declared is None:
        return value
    if declared.type == "STRING":
        value = as_text(value)
    if wrong := mismatch(value, declared.type):
        raise InputError(f"input {name!r} {wrong}")
    if declared.literals and value not in declared.literals:
        raise InputError(f"input {name!r} is {as_text(value)}, but may be {as_text(list(declared.literals))}")
    return value


def _defaults(component: Component, given: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    for name, declared in component.parameters.items():
        if name in given:
            continue
        if declared.has_default or declared.optional:
            yield name, declared.default
        elif declared.type != "TASK_CONFIG":
            raise InputError(f"input {name!r} has neither a value nor a default")


def _artifacts(task: Task, component: Component, scope: Scope) -> Iterator[tuple[str, tuple[Artifact, ...]]]:
    if task.loop and task.loop.item in scope.inputs.artifacts:
        yield task.loop.item, scope.inputs.artifacts[task.loop.item]
    for name, source in task.artifacts.items():
        if not (component.artifacts.get(name, False) and _absent(source, task, scope)):
            yield name, _artifact(source, scope)


def _absent(source: Source, task: Task, scope: Scope) -> bool:
    """Whether an optional artifact was not given, or was not produced by a failed task that is ignored."""
    match source:
        case PipelineInput(name):
            return name not in scope.inputs.artifacts
        case TaskOutput(name, key):
            return task.always and key not in scope.upstream[name].outputs.artifacts
        case _:
            return False


def _artifact(source: Source, scope: Scope) -> tuple[Artifact, ...]:
    match source:
        case PipelineInput(name) if name in scope.inputs.artifacts:
            return scope.inputs.artifacts[name]
        case TaskOutput(name):
            return _produced(scope.upstream[name].outputs.artifacts, source, scope)
        case _:
            raise InputError(f"cannot resolve {source}")
