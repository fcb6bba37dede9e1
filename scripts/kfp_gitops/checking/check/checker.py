"""A manifest as a whole: names, defaults, outputs, cycles, schedules, and every node."""

from __future__ import annotations

import keyword
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Path
from kfp_gitops.checking.check import (
    braces,
    cachekeys,
    claims,
    cluster,
    collected,
    exits,
    groups,
    macros,
    optionals,
    quotes,
    retries,
    schedules,
    sizes,
    tasks,
    texts,
    triggers,
    uses,
    values,
    workspace,
)
from kfp_gitops.checking.check.context import Context, a, fits, instead, shown
from kfp_gitops.language.manifest import (
    CollectRef,
    Condition,
    Guarded,
    Importer,
    Loop,
    Manifest,
    Node,
    OneOfRef,
    OutputRef,
    Parameter,
    RunRef,
    Schedule,
    Task,
    Trigger,
    Type,
    bodies,
    order,
    references,
    walk,
)
from kfp_gitops.language.manifest.order import CycleError, ordered
from kfp_gitops.sources.components import Interface, Port


def findings(
    manifest: Manifest,
    components: Mapping[str, Interface],
    pipelines: Mapping[str, Interface],
    *,
    nested: bool = False,
) -> tuple[list[Problem], list[Problem]]:
    """What `problems` and `warnings` find."""
    context = Context(manifest, components, pipelines, nested)
    return sorted(set(_run(context))), _warnings(context)


def problems(
    manifest: Manifest,
    components: Mapping[str, Interface],
    pipelines: Mapping[str, Interface] | None = None,
    *,
    nested: bool = False,
) -> list[Problem]:
    """Everything wrong with a manifest, given what it may use; in order of position."""
    context = Context(manifest, components, pipelines or {}, nested)
    return sorted(set(_run(context)))


def warnings(
    manifest: Manifest, components: Mapping[str, Interface], pipelines: Mapping[str, Interface] | None = None
) -> list[Problem]:
    """What a manifest says that works here and is known to fail elsewhere; in order of position."""
    return _warnings(Context(manifest, components, pipelines or {}))


def _warnings(context: Context) -> list[Problem]:
    found = [
        *groups.warnings(context),
        *tasks.warnings(context),
        *schedules.warnings(context.manifest),
        *macros.warnings(context.manifest),
    ]
    return sorted(
        {
            *found,
            *exits.warnings(context),
            *quotes.warnings(context),
            *collected.warnings(context),
            *retries.warnings(context),
            *cachekeys.warnings(context),
        }
    )


def _run(context: Context) -> Iterator[Problem]:
    yield from _duplicates(context)
    yield from _inputs(context)
    for node in walk(context.manifest.body):
        yield from _node(context, node)
    yield from _cycles(context, context.manifest.body)
    yield from _outputs(context)
    yield from _workspace(context)
    yield from braces.problems(context.manifest)
    yield from sizes.problems(context.manifest)
    yield from schedules.problems(context.manifest)
    for check in (
        claims,
        collected,
        exits,
        quotes,
        retries,
        texts,
        uses,
        cluster,
        optionals,
        workspace,
        triggers,
    ):
        yield from check.problems(context)
    for start in context.manifest.starts:
        yield from _start(context, start)


def _node(context: Context, node: Node) -> Iterator[Problem]:
    match node:
        case Task():
            yield from tasks.problems(context, node)
        case Importer():
            yield from tasks.importer_problems(context, node)
        case Condition():
            yield from groups.condition_problems(context, node)
        case Loop():
            yield from groups.loop_problems(context, node)
        case Guarded():
            yield from groups.guarded_problems(context, node)


def _duplicates(context: Context) -> Iterator[Problem]:
    used = Counter(node.id for node in walk(context.manifest.body))
    for node in walk(context.manifest.body):
        if used[node.id] > 1:
            todo = "task ids are unique in the whole pipeline"
            yield context.document.problem(node.at, f"task id {node.id!r} is used twice", todo, key=True)
    names = Counter(start.name for start in context.manifest.starts)
    for start in context.manifest.starts:
        if names[start.name] > 1:
            what = f"{_kind_of(start)} {start.name!r} is there twice"
            yield context.document.problem((*start.at, "name"), what, "give each its own name")


def _inputs(context: Context) -> Iterator[Problem]:
    parameters = {parameter.name for parameter in context.manifest.parameters}
    for parameter in context.manifest.parameters:
        yield from _word_of_python(context, "parameter", parameter.name, parameter.at)
        yield from _filled_in(context, parameter)
        yield from _default(context, parameter)
    for artifact in context.manifest.artifacts:
        yield from _word_of_python(context, "artifact", artifact.name, artifact.at)
        if artifact.name in parameters:
            what = f"{artifact.name!r} is a parameter, too"
            yield context.document.problem(artifact.at, what, "choose another name", key=True)


def _word_of_python(context: Context, kind: str, name: str, at: Path) -> Iterator[Problem]:
    if keyword.iskeyword(name):
        what = f"{kind} {name!r} is a word of Python"
        yield context.document.problem(at, what, "choose another name", key=True)


def _filled_in(context: Context, parameter: Parameter) -> Iterator[Problem]:
    """Of what KFP gives itself nothing is left to say."""
    if not parameter.final_status:
        return
    if parameter.type != "dict":
        what, todo = f"the final status is {a('dict')}, not {a(parameter.type)}", "write dict"
        yield context.document.problem((*parameter.at, "type"), what, todo)
    for key, said in (("default", parameter.default is not None), ("optional", parameter.optional)):
        if said:
            what = "KFP fills the final status in"
            yield context.document.problem((*parameter.at, key), what, "drop this", key=True)


def _default(context: Context, parameter: Parameter) -> Iterator[Problem]:
    for index, literal in enumerate(parameter.literals):
        if not fits(literal, parameter.type):
            yield _mismatch(context, (*parameter.at, "literals", index), literal, parameter.type)
    if parameter.default is None:
        return
    at, value = (*parameter.at, "default"), parameter.default.value
    if value is None:
        todo = "leave it out; `optional: true` makes a parameter that need not be given"
        yield context.document.problem(at, "null is no default", todo)
    elif not fits(value, parameter.type):
        yield _mismatch(context, at, value, parameter.type)
    else:
        yield from values.constant_problems(context, value, at)
    if parameter.optional:
        todo = "drop one of them: what has a default need not be given anyway"
        yield context.document.problem((*parameter.at, "optional"), "optional, with a default", todo)


def _mismatch(context: Context, at: Path, value: object, wanted: Type) -> Problem:
    return context.document.problem(at, f"{shown(value)} is not {a(wanted)}", instead(value, wanted))


def _cycles(context: Context, siblings: Sequence[Node]) -> Iterator[Problem]:
    try:
        ordered(siblings)
    except CycleError as error:
        what = f"tasks wait for each other: {error}"
        yield context.document.problem(error.nodes[0].at, what, "break the circle", key=True)
    for node in siblings:
        for body in bodies(node):
            yield from _cycles(context, body)


def _outputs(context: Context) -> Iterator[Problem]:
    for output in context.manifest.outputs:
        yield from _word_of_python(context, "output", output.name, output.at)
        if not isinstance(output.value, OutputRef | CollectRef | OneOfRef):
            what, todo = (
                "a pipeline gives outputs of its tasks only",
                "refer to an output, {collect: …} or {oneOf: …}",
            )
            yield context.document.problem(output.at, what, todo)
        else:
            yield from values.problems(context, output.value, output.at, None)


def _workspace(context: Context) -> Iterator[Problem]:
    """kfp.dsl.graph_component refuses the workspace's path in a pipeline without a workspace."""
    if context.manifest.config and context.manifest.config.workspace:
        return
    for node in walk(context.manifest.body):
        for value in order.values(node):
            if any(type(found) is RunRef and found == RunRef("workspace") for found in references(value)):
                what, todo = f"{node.id!r} uses the workspace, and there is none", "add `spec.workspace`"
                yield context.document.problem(node.at, what, todo, key=True)


def _start(context: Context, start: Schedule | Trigger) -> Iterator[Problem]:
    """What starts runs by itself gives every parameter that has no default."""
    parameters: dict[str, Port] = {name: port for name, port in context.inputs.items() if port.type}
    for name in start.parameters.keys() - parameters.keys():
        known = ", ".join(parameters) or "none"
        what, at = f"unknown parameter {name!r}", (*start.at, "parameters", name)
        yield context.document.problem(at, what, f"choose one of: {known}", key=True)
    for name, value in start.constants.items():
        at = (*start.at, "parameters", name)
        if name not in parameters:
            continue
        if (wanted := parameters[name].type) and not fits(value, wanted):
            todo = triggers.meant_output(start, value) or instead(value, wanted, triggers.references(start))
            yield context.document.problem(at, f"{shown(value)} is not {a(wanted)}", todo)
        else:
            yield from values.constant_problems(context, value, at)
    for parameter in context.manifest.parameters:
        if parameter.required and parameter.name not in start.parameters:
            what = f"{_kind_of(start)} {start.name!r} does not give {parameter.name!r}"
            yield context.document.problem(start.at, what, "it has no default: give it")


def _kind_of(start: Schedule | Trigger) -> str:
    return "trigger" if isinstance(start, Trigger) else "schedule"
