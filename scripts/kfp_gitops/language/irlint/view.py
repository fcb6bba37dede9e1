"""What the components of an IR declare, by name; plain maps of the IR, read without a copy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from kfp_gitops.base.yamltext import Path

Node: TypeAlias = Mapping[str, Any]

_NOTHING: Node = {}
# The kinds of values in KFP's API: both number types are a double in it (protobuf Value).
_KINDS = {
    "NUMBER_INTEGER": "number",
    "NUMBER_DOUBLE": "number",
    "STRING": "text",
    "BOOLEAN": "boolean",
    "LIST": "list",
    "STRUCT": "map",
}
_PLACEHOLDER = re.compile(r"\{\{\$\.(inputs|outputs)\.(parameters|artifacts)\['([^'\]]*)'\]")


@dataclass(frozen=True)
class Component:
    """A component (or the root) and where it stands."""

    name: str
    at: Path
    node: Node

    def declared(self, side: str, what: str) -> Node:
        """`inputs` or `outputs`, `parameters` or `artifacts`: name → declaration."""
        definitions: Node = self.node.get(f"{side.removesuffix('s')}Definitions", _NOTHING)
        found: Node = definitions.get(what, _NOTHING)
        return found

    @cached_property
    def tasks(self) -> Node:
        """The tasks of its DAG; none when it has an executor."""
        found: Node = self.node.get("dag", _NOTHING).get("tasks", _NOTHING)
        return found


class Ir:
    """The pipeline spec: its components and executors by name."""

    def __init__(self, spec: Node) -> None:
        self.spec = spec
        self.root = Component("root", ("root",), spec.get("root", _NOTHING))
        self.components = {
            name: Component(name, ("components", name), node)
            for name, node in spec.get("components", _NOTHING).items()
        }
        self.executors: Node = spec.get("deploymentSpec", _NOTHING).get("executors", _NOTHING)

    def all(self) -> Iterator[Component]:
        """The root and every component."""
        yield self.root
        yield from self.components.values()

    def component(self, task: Node) -> Component | None:
        """What a task runs, if it exists."""
        return self.components.get(component_name(task))


def component_name(task: Node) -> str:
    """The component that a task refers to."""
    return str(task.get("componentRef", _NOTHING).get("name", ""))


def iterator(task: Node) -> Node:
    """The iterator of a task, over parameters or artifacts; empty for a task that runs once."""
    found: Node = task.get("parameterIterator") or task.get("artifactIterator") or _NOTHING
    return found


def bound(task: Node, what: str) -> Node:
    """The `parameters` or `artifacts` that a task is given: name → source."""
    found: Node = task.get("inputs", _NOTHING).get(what, _NOTHING)
    return found


def waits_for(task: Node) -> Iterator[str]:
    """The tasks of its DAG that it comes after, and those whose outputs it takes."""
    yield from task.get("dependentTasks", ())
    for what in ("parameters", "artifacts"):
        for source in bound(task, what).values():
            for value in source.values():
                if isinstance(value, dict) and "producerTask" in value:
                    yield value["producerTask"]


def certain(ir: Ir) -> set[str]:
    """The names of the components that every run has something of: no condition stands before their tasks."""
    found: set[str] = set()
    todo = [ir.root]
    while todo:
        one = todo.pop()
        if one.name not in found:
            found.add(one.name)
            tasks = [
                task for task in one.tasks.values() if "condition" not in task.get("triggerPolicy", _NOTHING)
            ]
            todo += [component for task in tasks if (component := ir.component(task))]
    return found


def kind(declaration: Node) -> str:
    """The kind of a declared parameter; empty where the IR does not say (or in the old field `type`)."""
    return _KINDS.get(declaration.get("parameterType", ""), "")


def kind_of(value: object) -> str:
    """The kind of a constant; empty for null."""
    match value:
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "text"
        case list():
            return "list"
        case dict():
            return "map"
    return ""


def title(declaration: Node) -> str:
    """The schema title of a declared artifact; empty where another kind of schema is given."""
    found: str = declaration.get("artifactType", _NOTHING).get("schemaTitle", "")
    return found


def placeholders(text: str) -> Iterator[tuple[str, str, str]]:
    """(`inputs` | `outputs`, `parameters` | `artifacts`, name) of each placeholder in a text."""
    if "{{$." in text:
        for found in _PLACEHOLDER.finditer(text):
            yield found[1], found[2], found[3]


def texts(value: object) -> Iterator[str]:
    """Every text inside a JSON-like value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from texts(item)


def one_of(names: Iterable[str]) -> str:
    """What to do about a wrong name."""
    known = sorted(names)
    shown = ", ".join(known[:12]) + (", …" if len(known) > 12 else "")  # what a line can hold
    return f"choose one of: {shown}" if known else "there is none; declare it"
