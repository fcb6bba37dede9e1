"""The steps of a manifest: its tasks with what they are given, as in its IR, without compiling it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kfp_gitops.base.yamltext import Document
from kfp_gitops.language.manifest import (
    Condition,
    Guarded,
    Importer,
    Loop,
    Manifest,
    Node,
    Parameter,
    Scopes,
    Task,
    hidden,
    ordered,
    reader,
    walk,
)
from kfp_gitops.review.caching import callee, from_ir, pods
from kfp_gitops.review.caching.callee import FINAL_STATUS, Callee
from kfp_gitops.review.caching.names import Names
from kfp_gitops.review.caching.placed import (
    CREATE,
    DELETE,
    Count,
    Frame,
    Place,
    claim,
    imported,
    made,
    stepped,
)
from kfp_gitops.review.caching.resolved import Scope
from kfp_gitops.review.caching.side import Side
from kfp_gitops.review.caching.steps import Server, Step
from kfp_gitops.review.caching.values import Derived, Known, Moving, Value, as_type, known, list_of

_STUBS = {"createPvc": CREATE, "deletePvc": DELETE}


def steps(side: Side, given: Mapping[str, Any], server: Server) -> list[Step]:
    """The steps of a run with these parameters; those before others that they give to.

    Raises:
        KeyError, TypeError, AttributeError, ValueError: the manifest is none, or an inner one.
        CycleError: tasks that wait for each other.
    """
    found = _Reader(side, server)
    manifest = found.manifest(side.manifest)
    found.pipeline(manifest, {name: known(value) for name, value in given.items()}, {}, Place(()))
    return found.steps


@dataclass
class _Reader:
    side: Side
    server: Server
    count: Count = field(default_factory=Count)
    steps: list[Step] = field(default_factory=list)
    callees: dict[str, Callee | None] = field(default_factory=dict)

    def manifest(self, data: Mapping[str, Any]) -> Manifest:
        """Typed; without positions, for nothing is told of it. Rendering asks the schema, not every diff again."""
        spec = {**data, "schedules": [], "triggers": []}  # what starts it is not what it does
        return reader.unchecked(Document("pipeline.yaml", spec, {}, {}))

    def pipeline(
        self,
        manifest: Manifest,
        given: Mapping[str, Value],
        artifacts: Mapping[str, Value],
        place: Place,
    ) -> Mapping[str, Value]:
        """Read the tasks of a pipeline; its outputs."""
        defaults = {one.name: _default(one) for one in manifest.parameters}
        names = Names(hidden(manifest, Scopes.of(manifest)))
        scope = Scope({**defaults, **given}, artifacts, names)
        self.body(manifest.body, scope, place)
        found = ((output.name, scope.value(output.value)) for output in manifest.outputs)
        return {name: value for name, value in found if value is not None}

    def body(self, nodes: Sequence[Node], scope: Scope, place: Place) -> None:
        """In the order of the compiler, which names tasks by it."""
        for node in ordered(nodes):
            self.count.task()
            match node:
                case Task():
                    self.task(node, scope, place)
                case Importer():
                    scope.names.task(node.id, "importer")
                    scope.outputs[node.id] = {"artifact": self.importer(node, scope)}
                case Condition():
                    scope.names.group(node)
                    for index, branch in enumerate(node.branches):
                        if index:
                            scope.names.branch(index)
                        self.body(branch.body, scope, place)
                case Guarded():
                    self.guarded(node, scope, place)
                case Loop():
                    self.loop(node, scope, place)

    def guarded(self, node: Guarded, scope: Scope, place: Place) -> None:
        self.name(node.exit_task, scope)
        scope.names.group(node)
        self.body(node.body, scope, place)
        self.task(node.exit_task, scope, place)

    def loop(self, node: Loop, scope: Scope, place: Place) -> None:
        scope.names.group(node)
        items = scope.value(node.items) or Derived("items", ())
        with self.count.loop(items) as turns:
            found = [self.turn(node, one, scope, place) for one in turns]
            # Without items nothing runs; but what is inside has its names, and outputs that are collected.
            before = len(self.steps)
            shape = found[0] if found else self.turn(node, Derived("item", (items,)), scope, place)
            del self.steps[before:]
        whole = isinstance(items, Known) and len(turns) == len(_list(items))
        for name, outputs in shape.items():
            made_by = [one[name] for one in found]
            scope.collected[name] = dict(_collected(made_by, outputs, items, whole))

    def turn(self, node: Loop, item: Value, scope: Scope, place: Place) -> dict[str, Mapping[str, Value]]:
        """One item of a loop: the outputs of each task inside. It is the same text each time, and named once."""
        inside = [inner.id for inner in walk(node.body)]
        for name in inside:
            scope.collected.pop(name, None)
        scope.names.groups = scope.groups.setdefault(node.id, scope.names.groups)
        scope.items[node.id] = item
        self.body(node.body, scope, place)
        return {
            name: {**scope.outputs[name], **scope.collected.get(name, {})}
            for name in inside
            if name in scope.outputs
        }

    def name(self, node: Task, scope: Scope) -> str:
        """The SDK's name of a task."""
        if node.id in scope.names.tasks:
            return scope.names.tasks[node.id]
        if node.kind == "component":
            found = self.callee(node.name)
            spec = self.side.specs.get(node.name) or {}
            name = found.name if found else str(spec.get("pipelineInfo", {}).get("name", node.name))
        else:
            name = {"createPvc": "createpvc", "deletePvc": "deletepvc"}.get(node.kind) or self.inner_name(
                node
            )
        return scope.names.task(node.id, name)

    def inner_name(self, node: Task) -> str:
        inner = self.side.inner.get(f"{node.name}.yaml") or {}
        compiled = next(iter(self.side.irs.get(f"{node.name}.yaml", ())), None) or {}
        found = inner.get("metadata") or compiled.get("pipelineInfo") or {}
        return str(found.get("name", node.name))

    def callee(self, name: str) -> Callee | None:
        if name not in self.callees:
            self.callees[name] = callee.read(self.side.specs.get(name) or {})
        return self.callees[name]

    def task(self, node: Task, scope: Scope, place: Place) -> None:
        name, here = self.name(node, scope), place.inside(node.id)
        arguments = {key: scope.value(value, name) for key, value in node.arguments.items()}
        given = {key: value for key, value in arguments.items() if value is not None}
        file = f"{node.name}.yaml"
        if node.kind == "pipeline" and file not in self.side.inner and file in self.side.irs:
            self.graph(node, self.side.irs[file], given, scope, here)
            return
        if node.kind == "pipeline":
            inner = self.manifest(self.side.inner[file])
            artifacts = {one.name: given.pop(one.name) for one in inner.artifacts if one.name in given}
            scope.outputs[node.id] = self.pipeline(inner, given, artifacts, here)
            return
        found = self.callee(node.name) if node.kind == "component" else _stub(node.kind)
        if found is None:
            self.graph(node, [self.side.specs.get(node.name) or {}], given, scope, here)
            return
        step = self.step(node, found, given, scope, here)
        self.steps.append(step)
        scope.outputs[node.id] = claim(step) if node.kind in _STUBS else made(step, found)

    def graph(
        self,
        node: Task,
        documents: Sequence[Mapping[str, Any]],
        given: Mapping[str, Value],
        scope: Scope,
        here: Place,
    ) -> None:
        """A component that is a graph itself, or a compiled pipeline that a task runs."""
        inputs = (documents[0].get("root") or {}).get("inputDefinitions") or {}
        artifacts = {key: value for key, value in given.items() if key in (inputs.get("artifacts") or {})}
        parameters = {key: value for key, value in given.items() if key not in artifacts}
        found, outputs = from_ir.graph(documents, parameters, artifacts, here, self.server, self.count)
        self.steps += found
        scope.outputs[node.id] = outputs

    def step(self, node: Task, found: Callee, given: Mapping[str, Value], scope: Scope, here: Place) -> Step:
        """A task that runs a container."""
        parameters: dict[str, Value] = {}
        declared = found.parameters
        for name, one in declared.items():
            if name in given:
                parameters[name] = as_type(given[name], str(one.get("parameterType", "")))
            elif "defaultValue" in one and name in found.in_command:
                parameters[name] = known(one["defaultValue"])
            elif one.get("parameterType") == FINAL_STATUS:
                parameters[name] = Moving("final status")
        for written in node.arguments.values():
            parameters.update(scope.channels(written))
        parameters.update(pods.resources(node.pod, scope))
        stub = node.kind in _STUBS
        names = {reader.PVC_INPUTS[name]: value for name, value in given.items()} if stub else {}
        return stepped(
            found,
            here,
            Frame(
                {**parameters, **names},
                {name: value for name, value in given.items() if name not in declared and not stub},
            ),
            claims=list(pods.claims(node.pod, scope)),
            cache=node.settings.cache is not False,
            key=node.settings.cache_key or "",
            unseen=dict(pods.unseen(node.pod)),
            server=self.server,
        )

    def importer(self, node: Importer, scope: Scope) -> Value:
        about = scope.template(node.metadata) if node.metadata else None
        inputs = [value for _, value in scope.channels_of(node.metadata)] if node.metadata else []
        return imported(
            scope.value(node.uri) or Derived("unknown", ()),
            Derived("metadata", (known([about, node.type]), *inputs)),
            reimport=node.reimport,
            workspace=node.to_workspace,
        )


def _default(parameter: Parameter) -> Value:
    """Without one, who starts a run says it: the same before and after the change, as far as anybody knows."""
    if parameter.final_status:
        return Moving("final status")
    if parameter.required:
        return Derived(f"parameter {parameter.name}", ())
    return known(parameter.default.value if parameter.default else None)


def _stub(kind: str) -> Callee:
    """A step that KFP does itself (kfp.kubernetes)."""
    outputs = {"parameters": {"name": {"parameterType": "STRING"}}} if kind == "createPvc" else {}
    return callee.of_executor(kind.lower(), {"outputDefinitions": outputs}, {"image": _STUBS[kind]})


def _list(items: Known) -> Sequence[Any]:
    return items.value if isinstance(items.value, list) else ()


def _collected(
    outputs: Sequence[Mapping[str, Value]], first: Mapping[str, Value], items: Value, whole: bool
) -> Iterator[tuple[str, Value]]:
    for output in first:
        values = [one[output] for one in outputs if output in one]
        yield output, list_of(values) if whole else Derived("each", (items, *values))
