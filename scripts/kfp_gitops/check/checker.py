"""What a manifest may not say although its schema allows it: names, references, types, scopes, cycles."""

from __future__ import annotations

import keyword
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kfp_gitops.check import schedules
from kfp_gitops.components import Component, Port
from kfp_gitops.errors import Problem
from kfp_gitops.manifest import (
    CollectRef,
    Comparison,
    Condition,
    Constant,
    Guarded,
    Importer,
    ItemRef,
    Loop,
    Manifest,
    Node,
    OutputRef,
    ParameterRef,
    Schedule,
    Task,
    Trigger,
    Type,
    Value,
    bodies,
    references,
    walk,
)
from kfp_gitops.manifest.order import CycleError, ordered
from kfp_gitops.yamltext import Document, Path

_PYTHON: Mapping[Type, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "list": (list,),
    "dict": (dict,),
}


@dataclass(frozen=True)
class _Scope:
    """What a node can see: the chain of groups around it, by position in the document, and its loops."""

    groups: tuple[Path, ...] = ()
    loops: tuple[str, ...] = ()

    def inside(self, body: Path, loop: str | None = None) -> _Scope:
        return _Scope((*self.groups, body), (*self.loops, loop) if loop else self.loops)


def problems(manifest: Manifest, components: Mapping[str, Component]) -> list[Problem]:
    """Everything wrong with a manifest, given the components it may use; in order of position."""
    checker = _Checker(manifest, components)
    return sorted(set(checker.run()))


class _Checker:
    def __init__(self, manifest: Manifest, components: Mapping[str, Component]) -> None:
        self.manifest = manifest
        self.document: Document = manifest.document
        self.components = components
        self.parameters = {parameter.name: parameter for parameter in manifest.parameters}
        self.nodes = {node.id: node for node in walk(manifest.body)}
        self.scopes: dict[str, _Scope] = {}
        self._place(manifest.body, _Scope())

    def _place(self, nodes: Sequence[Node], scope: _Scope) -> None:
        for node in nodes:
            self.scopes[node.id] = scope
            if isinstance(node, Guarded):
                self.scopes[node.exit_task.id] = scope
            for index, body in enumerate(bodies(node)):
                loop = node.id if isinstance(node, Loop) else None
                self._place(body, scope.inside((*node.at, index), loop))

    def run(self) -> Iterator[Problem]:
        yield from self._duplicates()
        yield from self._defaults()
        for node in walk(self.manifest.body):
            yield from self._node(node)
        yield from self._cycles(self.manifest.body)
        yield from schedules.problems(self.manifest)
        for start in self.manifest.starts:
            yield from self._start(start)

    def _duplicates(self) -> Iterator[Problem]:
        tasks = Counter(node.id for node in walk(self.manifest.body))
        for node in walk(self.manifest.body):
            if tasks[node.id] > 1:
                yield self.document.problem(
                    node.at,
                    f"task id {node.id!r} is used twice",
                    "task ids are unique in the whole pipeline",
                    key=True,
                )
        names = Counter(start.name for start in self.manifest.starts)
        for start in self.manifest.starts:
            if names[start.name] > 1:
                yield self.document.problem(
                    (*start.at, "name"),
                    f"{_kind_of(start)} {start.name!r} is there twice",
                    "give each its own name",
                )

    def _defaults(self) -> Iterator[Problem]:
        for parameter in self.manifest.parameters:
            if keyword.iskeyword(parameter.name):
                yield self.document.problem(
                    parameter.at,
                    f"parameter {parameter.name!r} is a word of Python",
                    "choose another name",
                    key=True,
                )
            if parameter.default is not None and not _fits(parameter.default.value, parameter.type):
                yield self._mismatch((*parameter.at, "default"), parameter.default.value, parameter.type)

    def _mismatch(self, at: Path, value: object, wanted: Type) -> Problem:
        return self.document.problem(at, f"{_shown(value)} is not {_a(wanted)}", f"write {_a(wanted)}")

    def _node(self, node: Node) -> Iterator[Problem]:
        match node:
            case Task():
                yield from self._task(node)
            case Importer():
                yield from self._value(node.uri, (*node.at, "importer", "uri"), node)
                yield from self._after(node)
            case Condition():
                for branch in node.branches:
                    if branch.when:
                        yield from self._comparison(branch.when, node)
            case Loop():
                yield from self._loop(node)
            case Guarded():
                yield from self._guarded(node)

    def _task(self, task: Task) -> Iterator[Problem]:
        component = self.components.get(task.component)
        if component is None:
            known = ", ".join(sorted(self.components)) or "none"
            yield self.document.problem(
                (*task.at, "component"),
                f"component {task.component!r} does not stand literally in the template",
                f"write its name without Jinja, or choose one of: {known}",
            )
            return
        yield from self._after(task)
        yield from self._missing_arguments(task, component)
        for name, value in task.arguments.items():
            at = (*task.at, "arguments", name)
            port = component.inputs.get(name)
            if port is None or port.final_status:
                yield self.document.problem(
                    at,
                    f"component {component.name!r} takes no argument {name!r}",
                    f"choose one of: {', '.join(_settable(component)) or 'none'}",
                    key=True,
                )
            else:
                yield from self._argument(value, port, at, task)

    def _missing_arguments(self, task: Task, component: Component) -> Iterator[Problem]:
        for port in component.inputs.values():
            if not port.optional and not port.final_status and port.name not in task.arguments:
                yield self.document.problem(
                    task.at,
                    f"task {task.id!r} lacks the argument {port.name!r}",
                    f"component {component.name!r} needs it: {_a(_kind(port))}",
                    key=True,
                )

    def _argument(self, value: Value, port: Port, at: Path, task: Task) -> Iterator[Problem]:
        found = list(self._value(value, at, task))
        yield from found
        if found:
            return
        given = self._type_of(value)
        if isinstance(value, Constant) and port.type and not _fits(value.value, port.type):
            yield self._mismatch(at, value.value, port.type)
        elif isinstance(value, Constant) and port.type is None:
            yield self.document.problem(
                at, "a constant cannot be an artifact", "refer to a task's output or an importer"
            )
        elif given is not None and _differ(given, port):
            yield self.document.problem(
                at,
                f"{_a(_kind(given))} is given where {port.name!r} takes {_a(_kind(port))}",
                "refer to another output",
            )

    def _type_of(self, value: Value) -> Port | None:
        """The kind of a reference where it is known before the run; None where it is not."""
        match value:
            case ParameterRef(name):
                return Port(name, self.parameters[name].type)
            case OutputRef(task, output):
                return self._output(task, output)
        return None

    def _output(self, task: str, output: str) -> Port | None:
        node = self.nodes.get(task)
        if isinstance(node, Importer):
            return Port("artifact", None, f"system.{node.type}") if output == "artifact" else None
        if isinstance(node, Task) and node.component in self.components:
            return self.components[node.component].outputs.get(output)
        return None

    def _value(self, value: Value, at: Path, user: Node) -> Iterator[Problem]:
        for reference in references(value):
            match reference:
                case ParameterRef(name) if name not in self.parameters:
                    known = ", ".join(self.parameters) or "none"
                    yield self.document.problem(
                        at, f"unknown parameter {name!r}", f"declare it, or choose one of: {known}"
                    )
                case OutputRef(task, output) | CollectRef(task, output):
                    yield from self._output_problems(reference, task, output, at, user)
                case ItemRef(loop) if loop not in self._loops_around(user):
                    around = ", ".join(self._loops_around(user)) or "none"
                    yield self.document.problem(
                        at, f"no loop {loop!r} is around this", f"loops around it: {around}"
                    )

    def _loops_around(self, user: Node) -> tuple[str, ...]:
        return self.scopes[user.id].loops

    def _output_problems(
        self, reference: Value, task: str, output: str, at: Path, user: Node
    ) -> Iterator[Problem]:
        node = self.nodes.get(task)
        if not isinstance(node, Task | Importer):
            yield self.document.problem(
                at, f"unknown task {task!r}", f"choose one of: {', '.join(self._task_ids())}"
            )
            return
        if self._output(task, output) is None and self._outputs_of(node) is not None:
            known = ", ".join(self._outputs_of(node) or []) or "none"
            yield self.document.problem(
                at, f"task {task!r} has no output {output!r}", f"choose one of: {known}"
            )
            return
        yield from self._scope_problems(reference, node, at, user)

    def _task_ids(self) -> list[str]:
        return sorted(name for name, node in self.nodes.items() if isinstance(node, Task | Importer))

    def _outputs_of(self, node: Task | Importer) -> list[str] | None:
        if isinstance(node, Importer):
            return ["artifact"]
        component = self.components.get(node.component)
        return list(component.outputs) if component else None

    def _scope_problems(self, reference: Value, node: Node, at: Path, user: Node) -> Iterator[Problem]:
        outer, inner = self.scopes[node.id].groups, self.scopes[user.id].groups
        visible = outer == inner[: len(outer)]
        if isinstance(reference, CollectRef):
            if visible:
                yield self.document.problem(
                    at, f"task {node.id!r} is in no loop here", "write {task: …, output: …}"
                )
        elif not visible:
            hint = (
                "use {collect: …} for a loop"
                if self.scopes[node.id].loops
                else "move this into the same branch"
            )
            yield self.document.problem(at, f"task {node.id!r} runs in a group that this is not in", hint)

    def _after(self, node: Task | Importer) -> Iterator[Problem]:
        for index, name in enumerate(node.after):
            at = (*node.at, "after", index)
            if not isinstance(self.nodes.get(name), Task | Importer):
                yield self.document.problem(
                    at, f"unknown task {name!r}", f"choose one of: {', '.join(self._task_ids())}"
                )
            elif self.scopes[name].groups != self.scopes[node.id].groups[: len(self.scopes[name].groups)]:
                yield self.document.problem(
                    at, f"task {name!r} runs in a group that this is not in", "wait for the group"
                )

    def _comparison(self, when: Comparison, node: Condition) -> Iterator[Problem]:
        for index, side in enumerate((when.left, when.right)):
            yield from self._value(side, (*when.at, index), node)
        if isinstance(when.left, Constant) and isinstance(when.right, Constant):
            yield self.document.problem(
                when.at, "both operands are constants", "compare a parameter or an output"
            )
        for index, side in enumerate((when.left, when.right)):
            if isinstance(side, Constant) and not _comparable(side.value):
                yield self.document.problem(
                    (*when.at, index),
                    f"{_shown(side.value)} cannot be compared",
                    "use a number, true, false, or a text without quotes and backslashes (KFP does not escape them)",
                )

    def _loop(self, loop: Loop) -> Iterator[Problem]:
        at = (*loop.at, "loop", "items")
        yield from self._value(loop.items, at, loop)
        if isinstance(loop.items, Constant):
            if not isinstance(loop.items.value, list):
                yield self._mismatch(at, loop.items.value, "list")
            elif not loop.items.value:
                yield self.document.problem(
                    at, "the list is empty", "give at least one item; KFP refuses none"
                )

    def _guarded(self, guarded: Guarded) -> Iterator[Problem]:
        task = guarded.exit_task
        if self.scopes[guarded.id].groups:
            yield self.document.problem(
                guarded.at,
                "`finally` inside a group",
                "put it at the top: KFP allows it only there",
                key=True,
            )
        inputs = [ref for value in task.arguments.values() for ref in references(value)]
        if task.after or any(isinstance(ref, OutputRef | CollectRef) for ref in inputs):
            yield self.document.problem(
                task.at, f"exit task {task.id!r} depends on another task", "it may take parameters only"
            )
        for loop in guarded.body:
            if isinstance(loop, Loop):
                yield self.document.problem(
                    loop.at,
                    "a loop directly under `finally` fails on the KFP backend (kubeflow/pipelines #12390)",
                    "make the loop a pipeline of its own, or drop `finally`",
                    key=True,
                )

    def _cycles(self, siblings: Sequence[Node]) -> Iterator[Problem]:
        try:
            ordered(siblings)
        except CycleError as error:
            yield self.document.problem(
                error.nodes[0].at, f"tasks wait for each other: {error}", "break the circle", key=True
            )
        for node in siblings:
            for body in bodies(node):
                yield from self._cycles(body)

    def _start(self, start: Schedule | Trigger) -> Iterator[Problem]:
        """What starts runs by itself gives every parameter that has no default."""
        for name, value in start.parameters.items():
            at = (*start.at, "parameters", name)
            if name not in self.parameters:
                known = ", ".join(self.parameters) or "none"
                yield self.document.problem(
                    at, f"unknown parameter {name!r}", f"choose one of: {known}", key=True
                )
            elif not _fits(value, self.parameters[name].type):
                yield self._mismatch(at, value, self.parameters[name].type)
        for parameter in self.manifest.parameters:
            if parameter.default is None and parameter.name not in start.parameters:
                yield self.document.problem(
                    start.at,
                    f"{_kind_of(start)} {start.name!r} does not give {parameter.name!r}",
                    "it has no default: give it",
                )


def _kind_of(start: Schedule | Trigger) -> str:
    return "trigger" if isinstance(start, Trigger) else "schedule"


def _fits(value: object, wanted: Type) -> bool:
    if isinstance(value, bool):
        return wanted == "bool"
    return isinstance(value, _PYTHON[wanted])


def _comparable(value: object) -> bool:
    return isinstance(value, bool | int | float) or (
        isinstance(value, str) and not set(value) & set("'\"\\\n")
    )


def _differ(given: Port, wanted: Port) -> bool:
    if given.type or wanted.type:
        return given.type != wanted.type
    return "system.Artifact" not in (given.artifact, wanted.artifact) and given.artifact != wanted.artifact


def _kind(port: Port) -> str:
    return port.type or (port.artifact or "").removeprefix("system.")


def _settable(component: Component) -> list[str]:
    return [port.name for port in component.inputs.values() if not port.final_status]


def _a(kind: str) -> str:
    return f"{'an' if kind[:1] in 'aeiouAEIOU' else 'a'} {kind}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
