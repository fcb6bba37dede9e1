"""Read a pipeline manifest: YAML → schema → the types of `model`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kfp_gitops import schema
from kfp_gitops.errors import raise_if_any
from kfp_gitops.manifest.model import (
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
    Resources,
    Retry,
    RunRef,
    Schedule,
    Task,
    Trigger,
    Value,
)
from kfp_gitops.yamltext import Path, parse


def read(text: str, path: str) -> Manifest:
    """Parse and schema-check a manifest.

    Raises:
        InputError: with every problem that the schema finds.
    """
    document = parse(text, path)
    raise_if_any(schema.problems(schema.named("pipeline-manifest"), document))
    value = document.value
    spec = value["spec"]
    return Manifest(
        name=value["metadata"]["name"],
        description=value["metadata"]["description"],
        owner=value["metadata"]["owner"],
        parameters=_parameters(spec),
        body=_nodes(spec.get("tasks", {}), ("spec", "tasks")),
        schedules=tuple(
            _schedule(item, ("schedules", i)) for i, item in enumerate(value.get("schedules", []))
        ),
        document=document,
        ir=spec.get("ir"),
        triggers=tuple(_trigger(item, ("triggers", i)) for i, item in enumerate(value.get("triggers", []))),
    )


def value_of(data: Any) -> Value:
    """A constant, a reference, or a list or map that holds references."""
    if isinstance(data, list):
        items = tuple(value_of(item) for item in data)
        return _constant_if_all(items, data) or ListValue(items)
    if isinstance(data, dict):
        return _reference(data) or _map(data)
    return Constant(data)


def _constant_if_all(items: Sequence[Value], data: Any) -> Constant | None:
    if not all(isinstance(item, Constant) for item in items):
        return None
    values = [item.value for item in items if isinstance(item, Constant)]
    return Constant(dict(zip(data, values, strict=True)) if isinstance(data, dict) else values)


def _map(data: dict[str, Any]) -> Value:
    items = {key: value_of(item) for key, item in data.items()}
    return _constant_if_all(tuple(items.values()), data) or MapValue(items)


def _reference(data: dict[str, Any]) -> Value | None:
    match data:
        case {"param": name}:
            return ParameterRef(name)
        case {"task": task, "output": output}:
            return OutputRef(task, output)
        case {"item": loop, **rest}:
            return ItemRef(loop, rest.get("field"))
        case {"collect": {"task": task, "output": output}}:
            return CollectRef(task, output)
        case {"run": fact}:
            return RunRef(fact)
        case {"literal": value}:
            return Constant(value)
    return None


def _nodes(tasks: Mapping[str, Any], at: Path) -> tuple[Node, ...]:
    return tuple(_node(name, data, (*at, name)) for name, data in tasks.items())


def _node(name: str, data: Mapping[str, Any], at: Path) -> Node:
    if "importer" in data:
        return _importer(name, data, at)
    if "if" in data:
        return Condition(name, at, tuple(_branches(data, at)))
    if "loop" in data:
        loop = data["loop"]
        return Loop(
            name, at, value_of(loop["items"]), loop.get("parallelism"), _nodes(data["tasks"], (*at, "tasks"))
        )
    if "finally" in data:
        ((exit_id, exit_data),) = data["finally"].items()
        exit_task = _task(exit_id, exit_data, (*at, "finally", exit_id))
        return Guarded(name, at, exit_task, _nodes(data["tasks"], (*at, "tasks")))
    return _task(name, data, at)


def _branches(data: Mapping[str, Any], at: Path) -> Iterator[Branch]:
    yield _branch(data, at)
    for index, branch in enumerate(data.get("elif", [])):
        yield _branch(branch, (*at, "elif", index))
    if "else" in data:
        yield Branch(None, _nodes(data["else"]["tasks"], (*at, "else", "tasks")), (*at, "else"))


def _branch(data: Mapping[str, Any], at: Path) -> Branch:
    ((operator, (left, right)),) = data["if"].items()
    when = Comparison(operator, value_of(left), value_of(right), (*at, "if", operator))
    return Branch(when, _nodes(data["tasks"], (*at, "tasks")), at)


def _importer(name: str, data: Mapping[str, Any], at: Path) -> Importer:
    spec = data["importer"]
    return Importer(
        name,
        at,
        value_of(spec["uri"]),
        spec["type"],
        spec.get("reimport", False),
        tuple(data.get("after", [])),
    )


def _task(name: str, data: Mapping[str, Any], at: Path) -> Task:
    return Task(
        id=name,
        at=at,
        component=data["component"],
        arguments={key: value_of(item) for key, item in data.get("arguments", {}).items()},
        after=tuple(data.get("after", [])),
        ignore_upstream_failure=data.get("ignoreUpstreamFailure", False),
        retry=_retry(data["retry"]) if "retry" in data else None,
        cache=data.get("cache"),
        resources=_resources(data.get("resources", {})),
        env=data.get("env", {}),
    )


def _retry(data: Mapping[str, Any]) -> Retry:
    return Retry(data["count"], data.get("backoff"), data.get("factor"), data.get("maxBackoff"))


def _resources(data: Mapping[str, Any]) -> Resources:
    cpu, memory = data.get("cpu", {}), data.get("memory", {})
    return Resources(cpu.get("request"), cpu.get("limit"), memory.get("request"), memory.get("limit"))


def _parameters(spec: Mapping[str, Any]) -> tuple[Parameter, ...]:
    """The parameters; those of a compiled pipeline are declared in its own file (`brought.completed`)."""
    if "ir" in spec:
        return ()
    return tuple(_parameter(name, item) for name, item in spec.get("parameters", {}).items())


def _parameter(name: str, data: Mapping[str, Any]) -> Parameter:
    default = Constant(data["default"]) if "default" in data else None
    return Parameter(name, data["type"], default, ("spec", "parameters", name))


def _schedule(data: Mapping[str, Any], at: Path) -> Schedule:
    return Schedule(
        name=data["name"],
        cron=data.get("cron"),
        interval_seconds=data.get("intervalSeconds"),
        enabled=data["enabled"],
        parameters=data.get("parameters", {}),
        start=data.get("start"),
        end=data.get("end"),
        max_concurrency=data["maxConcurrency"],
        catchup=data["catchup"],
        at=at,
        on_replace=data.get("onReplace", "orphan"),
        on_missed=data.get("onMissed", "report"),
    )


def _trigger(data: Mapping[str, Any], at: Path) -> Trigger:
    return Trigger(data["name"], data.get("parameters", {}), at)
