"""A DSL pipeline from a manifest: calls the SDK for each node, in dependency order."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kfp_gitops.compiler.sdk import components, dsl
from kfp_gitops.manifest import (
    Branch,
    CollectRef,
    Comparison,
    Condition,
    Constant,
    Guarded,
    Importer,
    ItemRef,
    ListValue,
    Loop,
    Manifest,
    MapValue,
    Node,
    OutputRef,
    Parameter,
    ParameterRef,
    RunRef,
    Task,
    Type,
    Value,
)
from kfp_gitops.manifest.order import ordered

_TYPES: Mapping[Type, type] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "list": list,
    "dict": dict,
}
_RUN_FACTS: Mapping[str, str] = {
    "id": dsl.PIPELINE_JOB_ID_PLACEHOLDER,
    "name": dsl.PIPELINE_JOB_NAME_PLACEHOLDER,
    "resource-name": dsl.PIPELINE_JOB_RESOURCE_NAME_PLACEHOLDER,
    "create-time": dsl.PIPELINE_JOB_CREATE_TIME_UTC_PLACEHOLDER,
    "schedule-time": dsl.PIPELINE_JOB_SCHEDULE_TIME_UTC_PLACEHOLDER,
}
_ARTIFACTS = {
    kind.__name__: kind
    for kind in (dsl.Artifact, dsl.Dataset, dsl.Model, dsl.Metrics, dsl.HTML, dsl.Markdown)
}


def _signature(parameter: Parameter) -> inspect.Parameter:
    default = inspect.Parameter.empty
    if parameter.default is not None:
        default = _cast(parameter.default.value, parameter.type)
    return inspect.Parameter(
        parameter.name,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        annotation=_TYPES[parameter.type],
        default=default,
    )


def _cast(value: Any, wanted: Type | None) -> Any:
    """A whole number is a fine float for people, but an error for the SDK."""
    return float(value) if wanted == "float" and isinstance(value, int) else value


class Builder:
    """Calls the DSL for each node, in dependency order."""

    def __init__(self, manifest: Manifest, specs: Mapping[str, str]) -> None:
        self.manifest = manifest
        self.specs = specs
        self.components: dict[str, Any] = {}
        self.channels: Mapping[str, Any] = {}
        self.tasks: dict[str, Any] = {}
        self.items: dict[str, Any] = {}
        self.current: Node | None = None

    def pipeline(self) -> Any:
        """The manifest as a DSL pipeline; the SDK runs `build` at once."""
        manifest = self.manifest
        names = [parameter.name for parameter in manifest.parameters]

        def body(
            *channels: Any, **named: Any
        ) -> None:  # the SDK calls it positionally, with one channel a parameter
            self.build({**dict(zip(names, channels, strict=False)), **named})

        body.__name__ = manifest.name.replace("-", "_")
        body.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # how inspect lets a function say so
            [_signature(parameter) for parameter in manifest.parameters]
        )
        return dsl.pipeline(name=manifest.name, description=manifest.description)(body)

    def build(self, channels: Mapping[str, Any]) -> None:
        self.channels = channels
        self._body(self.manifest.body)

    def _body(self, nodes: Sequence[Node]) -> None:
        for node in ordered(nodes):
            self.current = node
            match node:
                case Task():
                    self._task(node)
                case Importer():
                    self._importer(node)
                case Condition():
                    self._condition(node)
                case Loop():
                    self._loop(node)
                case Guarded():
                    self._guarded(node)

    def _component(self, name: str) -> Any:
        if name not in self.components:
            self.components[name] = components.load_component_from_text(self.specs[name])
        return self.components[name]

    def _task(self, node: Task) -> Any:
        component = self._component(node.component)
        types = {name: item.type for name, item in (component.component_spec.inputs or {}).items()}
        arguments = {
            name: _for_input(self._value(value), types.get(name)) for name, value in node.arguments.items()
        }
        task = self.tasks[node.id] = component(**arguments)
        task.set_display_name(node.id)
        self._settings(task, node)
        return task

    def _settings(self, task: Any, node: Task) -> None:
        if node.retry:
            task.set_retry(**_retry(node))
        if node.cache is not None:
            task.set_caching_options(node.cache)
        for set_resource, value in _resources(task, node):
            set_resource(value)
        for name, value in node.env.items():
            task.set_env_variable(name, value)
        self._after(task, node)
        if node.ignore_upstream_failure:
            task.ignore_upstream_failure()

    def _after(self, task: Any, node: Task | Importer) -> None:
        if node.after:
            task.after(*(self.tasks[name] for name in node.after))

    def _importer(self, node: Importer) -> None:
        task = dsl.importer(
            artifact_uri=self._value(node.uri), artifact_class=_ARTIFACTS[node.type], reimport=node.reimport
        )
        task.set_display_name(node.id)
        self.tasks[node.id] = task
        self._after(task, node)

    def _condition(self, node: Condition) -> None:
        for index, branch in enumerate(node.branches):
            with self._branch(branch, index):
                self._body(branch.body)

    def _branch(self, branch: Branch, index: int) -> Any:
        if branch.when is None:
            return dsl.Else()
        comparison = self._comparison(branch.when)
        return dsl.Elif(comparison) if index else dsl.If(comparison)

    def _comparison(self, when: Comparison) -> Any:
        left, right = self._value(when.left), self._value(when.right)
        if isinstance(when.left, Constant):  # the DSL overloads the operators of channels, so one stands left
            left, right = right, left
            return _compare(_MIRRORED[when.operator], left, right)
        return _compare(when.operator, left, right)

    def _loop(self, node: Loop) -> None:
        with dsl.ParallelFor(self._value(node.items), name=node.id, parallelism=node.parallelism) as item:
            self.items[node.id] = item
            self._body(node.body)

    def _guarded(self, node: Guarded) -> None:
        self.current = node.exit_task
        with dsl.ExitHandler(self._task(node.exit_task), name=node.id):
            self._body(node.body)

    def _value(self, value: Value) -> Any:
        match value:
            case Constant(constant):
                return constant
            case ParameterRef(name):
                return self.channels[name]
            case OutputRef(task, output):
                return self.tasks[task].outputs[output]
            case CollectRef(task, output):
                return dsl.Collected(self.tasks[task].outputs[output])
            case ItemRef(loop, None):
                return self.items[loop]
            case ItemRef(loop, field):
                return getattr(self.items[loop], str(field))
            case RunRef(fact):
                return _RUN_FACTS[fact]
            case ListValue(items):
                return [self._value(item) for item in items]
            case MapValue(items):
                return {key: self._value(item) for key, item in items.items()}


_MIRRORED = {"eq": "eq", "ne": "ne", "lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}


def _compare(operator: str, left: Any, right: Any) -> Any:
    return getattr(left, f"__{operator}__")(right)


def _for_input(value: Any, input_type: str | None) -> Any:
    return float(value) if input_type == "Float" and type(value) is int else value


def _retry(node: Task) -> dict[str, Any]:
    retry = node.retry
    assert retry is not None
    given = {
        "num_retries": retry.count,
        "backoff_duration": retry.backoff,
        "backoff_factor": retry.factor,
        "backoff_max_duration": retry.max_backoff,
    }
    return {name: value for name, value in given.items() if value is not None}


def _resources(task: Any, node: Task) -> Iterator[tuple[Any, str]]:
    wanted = node.resources
    for set_resource, value in (
        (task.set_cpu_request, wanted.cpu_request),
        (task.set_cpu_limit, wanted.cpu_limit),
        (task.set_memory_request, wanted.memory_request),
        (task.set_memory_limit, wanted.memory_limit),
    ):
        if value is not None:
            yield set_resource, value
