"""Tasks and importers: what they run, their arguments, and how they run."""

from __future__ import annotations

from collections.abc import Iterator

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Path
from kfp_gitops.checking.check import outputs, pods, values
from kfp_gitops.checking.check.context import Context, a, differ, fits, instead, named, shown
from kfp_gitops.language.manifest import (
    Constant,
    Guarded,
    Importer,
    ItemRef,
    ListValue,
    Loop,
    MapValue,
    Task,
    Value,
    references,
    walk,
)
from kfp_gitops.language.manifest.value import tasks as tasks_of
from kfp_gitops.sources.components import Interface, Port


def problems(context: Context, task: Task) -> Iterator[Problem]:
    """What is wrong with one task."""
    interface = context.interface(task)
    if interface is None:
        yield _unknown(context, task)
        return
    yield from _after(context, task)
    yield from _missing(context, task, interface)
    for name, value in task.arguments.items():
        yield from _argument(context, task, interface, name, value)
    yield from _final_status(context, task, interface)
    yield from _ignoring_failure(context, task, interface)
    yield from pods.problems(context, task)


def warnings(context: Context) -> Iterator[Problem]:
    """What a task receives otherwise than it is written."""
    for node in walk(context.manifest.body):
        for name, value in node.arguments.items() if isinstance(node, Task) else ():
            kinds = {found.type for found in map(context.kind, _inside(value)) if found}
            for kind in sorted(kind for kind in kinds if kind not in ("str", None)):
                what = f"{a(kind)} that a list or map refers to arrives as a text: KFP replaces placeholders in JSON"
                at = (*node.at, "arguments", name)
                yield context.document.problem(at, what, "give it as an argument of its own")


def _inside(value: Value) -> Iterator[Value]:
    """The references in a list or map, however deep."""
    if isinstance(value, ListValue | MapValue):
        yield from references(value)


def importer_problems(context: Context, node: Importer) -> Iterator[Problem]:
    """What is wrong with one importer."""
    at = (*node.at, "importer", "uri")
    found = [*values.problems(context, node.uri, at, node.id)]
    yield from found
    kind = context.kind(node.uri)
    if not found and kind and kind.type != "str":
        yield context.document.problem(at, f"{a(named(kind))} is no URI", "write a text or {param: …}")
    if not isinstance(node.uri, Constant) and not pods.is_one_reference(node.uri):
        # The SDK leaves its own mark of the reference in the executor (kfp.dsl.importer_node).
        what = "KFP's importer takes no text that is put together from parts, nor a field of an item"
        yield context.document.problem(at, what, "give the whole URI as one parameter or output")
    if not found:
        yield from _uri_from_beside(context, node, at)
    yield from values.problems(context, node.metadata, (*node.at, "importer", "metadata"), node.id)
    yield from _after(context, node)


def _uri_from_beside(context: Context, node: Importer, at: Path) -> Iterator[Problem]:
    """The launcher looks among the inputs of the group around it, where an output from outside of that stands."""
    around = context.scopes.around[node.id]
    for name in tasks_of(node.uri):
        beside = context.scopes.around[name][: len(around)]
        if [(g.node.id, g.branch) for g in beside] == [(g.node.id, g.branch) for g in around]:
            what = f"KFP's importer does not look up an output of {name!r} beside it, and fails"
            todo = (
                "put it and its readers into a pipeline of their own, which is given the URI as a parameter"
            )
            yield context.document.problem(at, what, todo)


def _unknown(context: Context, task: Task) -> Problem:
    known = ", ".join(sorted(context.components if task.kind == "component" else context.pipelines))
    if task.kind == "pipeline":
        todo = f"add {task.name}.pipeline.yaml.j2, or {task.name}.yaml that is compiled, beside this template"
        todo += f", or choose one of: {known}" if known else ""
        return context.document.problem((*task.at, "pipeline"), f"unknown pipeline {task.name!r}", todo)
    return context.document.problem(
        (*task.at, "component"),
        f"component {task.name!r} does not stand literally in the template",
        f"write its name without Jinja, or choose one of: {known or 'none'}",
    )


def _missing(context: Context, task: Task, interface: Interface) -> Iterator[Problem]:
    for port in interface.inputs.values():
        if not port.optional and not port.final_status and port.name not in task.arguments:
            what = f"task {task.id!r} lacks the argument {port.name!r}"
            todo = f"{_titled(task, interface)} needs it: {named(port)}"
            fault = "optional-artifact" if port.used else ""
            yield context.document.problem(task.at, what, todo, key=True, fault=fault)


def _titled(task: Task, interface: Interface) -> str:
    return f"{'component' if task.kind == 'component' else task.kind} {interface.name!r}"


def _argument(
    context: Context, task: Task, interface: Interface, name: str, value: Value
) -> Iterator[Problem]:
    at = (*task.arguments_at, name)
    port = interface.inputs.get(name)
    if port is None or port.final_status:
        settable = ", ".join(port.name for port in interface.inputs.values() if not port.final_status)
        what = f"{_titled(task, interface)} takes no argument {name!r}"
        yield context.document.problem(at, what, f"choose one of: {settable or 'none'}", key=True)
        return
    found = list(values.problems(context, value, at, task.id))
    yield from found or _type(context, value, port, at)


def _type(context: Context, value: Value, port: Port, at: Path) -> Iterator[Problem]:
    given = context.kind(value)
    if isinstance(value, Constant) and port.artifact:
        what, todo = "a constant cannot be an artifact", "refer to a task's output or an importer"
    elif isinstance(value, Constant) and port.type and not fits(value.value, port.type):
        what, todo = f"{shown(value.value)} is not {a(port.type)}", instead(value.value, port.type)
    elif isinstance(value, Constant) or given is None:
        return
    elif differ(given, port):
        what, todo = (
            f"{named(given)} is given where {port.name!r} takes {named(port)}",
            "refer to another output",
        )
    else:
        return
    yield context.document.problem(at, what, todo)


def _after(context: Context, node: Task | Importer) -> Iterator[Problem]:
    for index, name in enumerate(node.settings.after):
        at = (*node.at, "after", index)
        other = context.scopes.nodes.get(name)
        if values.is_exit_task(context, name):
            what, todo = f"task {name!r} runs at the very end", "nothing can come after it"
            yield context.document.problem(at, what, todo)
            continue
        if not isinstance(other, Task | Importer | Guarded):
            what = f"{name!r} is a group" if other else f"unknown task {name!r}"
            todo = f"KFP waits for tasks: choose one of: {', '.join(outputs.task_ids(context))}"
            yield context.document.problem(at, what, todo)
            continue
        apart = context.scopes.apart(name, node.id)
        if apart and not isinstance(apart[0].node, Loop):
            what = f"task {name!r} runs in a group that this is not in"
            yield context.document.problem(at, what, "move this into the same group")


def _final_status(context: Context, task: Task, interface: Interface) -> Iterator[Problem]:
    """kfp.compiler.pipeline_spec_builder.build_component_spec_for_task refuses it everywhere else."""
    wanted = [port.name for port in interface.inputs.values() if port.final_status]
    guards = [
        n for n in context.scopes.nodes.values() if isinstance(n, Guarded) and n.exit_task.id == task.id
    ]
    if wanted and not guards and not task.settings.ignore_upstream_failure:
        what = f"{_titled(task, interface)} takes the final status {wanted[0]!r}, but {task.id!r} is no exit task"
        todo = "put it into `finally`, or set `ignoreUpstreamFailure: true`"
        yield context.document.problem(task.at, what, todo, key=True)


def _ignoring_failure(context: Context, task: Task, interface: Interface) -> Iterator[Problem]:
    """A task that runs although the one before it failed cannot count on that one's output."""
    if not task.settings.ignore_upstream_failure:
        return
    for name, value in task.arguments.items():
        port = interface.inputs.get(name)
        if port and not port.optional and _comes_from_a_task(context, value):
            what = f"{name!r} takes an output that is missing when the task before failed"
            todo = "give the component's input a default, or drop `ignoreUpstreamFailure`"
            yield context.document.problem((*task.arguments_at, name), what, todo)


def _comes_from_a_task(context: Context, value: Value) -> bool:
    loops = (context.scopes.nodes.get(ref.loop) for ref in references(value) if isinstance(ref, ItemRef))
    lists = [loop.items for loop in loops if isinstance(loop, Loop)]
    return any(tasks_of(value)) or any(_comes_from_a_task(context, items) for items in lists)
