"""Groups: comparisons, loops and exit handlers."""

from __future__ import annotations

from collections.abc import Iterator

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Path
from kfp_gitops.checking.check import values
from kfp_gitops.checking.check.context import PYTHON, Context, a, fits, named, shown
from kfp_gitops.language.manifest import (
    CollectRef,
    Comparison,
    Condition,
    Constant,
    Guarded,
    ItemRef,
    Loop,
    OneOfRef,
    RunRef,
    Value,
    pod_values,
    references,
)
from kfp_gitops.language.manifest.value import tasks as tasks_of
from kfp_gitops.sources.components import Port

_ORDER = ("lt", "le", "gt", "ge")


def condition_problems(context: Context, node: Condition) -> Iterator[Problem]:
    """What is wrong with the comparisons of an if / elif, and with what it gives."""
    for branch in node.branches:
        if branch.when:
            yield from _comparison(context, branch.when, node)
    for output in node.outputs:
        yield from values.problems(context, output.value, output.at, node.id)


def _comparison(context: Context, when: Comparison, node: Condition) -> Iterator[Problem]:
    sides = [(when.left, (*when.at, 0)), (when.right, (*when.at, 1))]
    found = [p for side, at in sides for p in values.problems(context, side, at, node.id)]
    found += [problem for side, at in sides for problem in _operand(context, side, at)]
    if all(isinstance(side, Constant) for side, _ in sides):
        todo = "compare a parameter or an output"
        found.append(context.document.problem(when.at, "both operands are constants", todo))
    yield from found
    if not found:
        yield from _comparable(context, when)


def _operand(context: Context, side: Value, at: Path) -> Iterator[Problem]:
    """The SDK writes an operand into an expression, a text without escaping it."""
    kind = context.kind(side)
    if isinstance(side, Constant):
        if isinstance(side.value, str):
            if set(side.value) & set("'\"\\\n\r"):
                todo = "use a number, true, false, or a text without quotes and backslashes (KFP does not escape them)"
                yield context.document.problem(at, f"{shown(side.value)} cannot be compared", todo)
        elif not isinstance(side.value, bool | int | float):
            yield context.document.problem(
                at, f"{shown(side.value)} cannot be compared", "use a number, a text, true or false"
            )
    elif isinstance(side, OneOfRef):
        # The branches then lack the output that the expression reads (kfp.compiler.pipeline_spec_builder).
        yield context.document.problem(
            at, "KFP cannot compare this", "hand {oneOf: …} to a task, and compare its output"
        )
    elif isinstance(side, RunRef | CollectRef) or list(references(side)) != [side]:
        todo = "compare a parameter, an output or an item"
        yield context.document.problem(at, "KFP cannot compare this", todo)
    elif kind and kind.type not in ("str", "int", "float", "bool"):
        todo = "compare a number, a text, true or false"
        yield context.document.problem(at, f"{named(kind)} cannot be compared", todo)


def _comparable(context: Context, when: Comparison) -> Iterator[Problem]:
    """The SDK casts texts to expressions and compares alphabetically when the types differ (`3` < `'12'`)."""
    left, right = context.kind(when.left), context.kind(when.right)
    if left is None or right is None:
        if isinstance(when.left, ItemRef) or isinstance(when.right, ItemRef):
            yield from _with_unknown(context, when)
    elif left.type != right.type and {left.type, right.type} != {"int", "float"}:
        todo = "compare values of the same type; quote a number that stands for a text"
        what = f"{_said(when.left, left)} is compared with {_said(when.right, right)}"
        yield context.document.problem(when.at, what, todo)
    elif when.operator in _ORDER and left.type == "bool":
        yield context.document.problem(when.at, "true and false have no order", "use eq or ne")


def _said(value: Value, kind: Port) -> str:
    return shown(value.value) if isinstance(value, Constant) else named(kind)


def _with_unknown(context: Context, when: Comparison) -> Iterator[Problem]:
    """Items whose type the manifest does not tell: KFP hands them over and compares them as texts."""
    constants = [side for side in (when.left, when.right) if isinstance(side, Constant)]
    known = [kind for side in (when.left, when.right) if (kind := context.kind(side))]
    if when.operator in _ORDER:
        what = "items of this list are compared as texts, so 10 comes before 9"
        todo = "say in the loop what they are (`itemType`, `fieldType`), or use eq or ne"
    elif any(isinstance(side.value, float) for side in constants):
        what = "items of this list are compared as texts, and a float has more than one"
        todo = "say in the loop what they are (`itemType`, `fieldType`), or compare it in a task"
    elif not constants and known and known[0].type != "str":
        what, todo = (
            f"an item that KFP takes for a text is compared with {named(known[0])}",
            "compare it in a task",
        )
    else:
        return
    yield context.document.problem(when.at, what, todo)


def loop_problems(context: Context, loop: Loop) -> Iterator[Problem]:
    """What is wrong with the items of a loop."""
    at = (*loop.at, "loop", "items")
    yield from _types(context, loop)
    found = list(values.problems(context, loop.items, at, loop.id))
    yield from found
    if found:
        return
    if isinstance(loop.items, Constant):
        yield from _constant_items(context, loop.items.value, at)
    elif not _can_be_looped_over(loop.items):
        todo = "give constants, or one reference to a list"
        yield context.document.problem(at, "KFP cannot loop over this", todo)
    elif isinstance(loop.items, ItemRef) and loop.items.field is None and context.kind(loop.items) is None:
        # The SDK takes such an item for a text (kfp.dsl.for_loop.LoopParameterArgument.from_pipeline_channel).
        todo = "make the outer list one of maps, and name the field that holds the inner list"
        yield context.document.problem(at, "KFP cannot loop over this item", todo)
    elif (kind := context.kind(loop.items)) and kind.many:
        # argocompiler/dag.go and driver/resolve.go, 2.17 and later: «artifact iterator not implemented yet».
        todo = "loop over a list of their names or URIs, and let a task (or an importer) read each"
        yield context.document.problem(at, "no KFP can loop over artifacts yet", todo)
    elif kind and kind.type != "list":
        yield context.document.problem(at, f"{named(kind)} is no list", "refer to a list")


def _types(context: Context, loop: Loop) -> Iterator[Problem]:
    """Types of items are said of references alone: those of constants can be seen, and KFP takes these."""
    for word, kind in (("itemType", loop.item_type), ("fieldType", loop.field_type)):
        if kind and isinstance(loop.items, Constant):
            what = f"{word} of items that stand here, whose types KFP sees"
            yield context.document.problem((*loop.at, "loop", word), what, "drop it", key=True)
    if loop.field_type and loop.item_type != "dict":
        what = "fieldType of items that are no maps"
        yield context.document.problem(
            (*loop.at, "loop", "fieldType"), what, "add `itemType: dict`", key=True
        )


def _can_be_looped_over(items: Value) -> bool:
    return not isinstance(items, CollectRef | RunRef) and list(references(items)) == [items]


def _constant_items(context: Context, items: object, at: Path) -> Iterator[Problem]:
    if not isinstance(items, list):
        yield context.document.problem(at, f"{shown(items)} is not {a('list')}", f"write {a('list')}")
        return
    if not items:
        todo = "give at least one item: KFP refuses an empty list"
        yield context.document.problem(at, "the list is empty", todo)
    for index, item in enumerate(items):
        if item == {}:
            yield context.document.problem((*at, index), "an item without fields", "give it some")
        elif type(item) is not type(items[0]):
            todo = f"KFP takes the first one's type for all: write {a(_type_name(items[0]))}"
            yield context.document.problem((*at, index), f"{shown(item)} is of another type", todo)


def _type_name(value: object) -> str:
    return next((name for name in PYTHON if fits(value, name)), "text")


def guarded_problems(context: Context, guarded: Guarded) -> Iterator[Problem]:
    """What is wrong with an exit handler."""
    task = guarded.exit_task
    if context.scopes.around[guarded.id]:
        todo = "put it at the top: KFP allows it only there"
        yield context.document.problem(guarded.at, "`finally` inside a group", todo, key=True)
    given = [*task.arguments.values(), *(value for _, value, _ in pod_values(task.pod))]
    if task.settings.after or any(True for value in given for _ in tasks_of(value)):
        what = f"exit task {task.id!r} depends on another task"
        yield context.document.problem(task.at, what, "it may take parameters only")
    if task.settings.ignore_upstream_failure:
        what = f"exit task {task.id!r} runs after failures anyway"
        yield context.document.problem((*task.at, "ignoreUpstreamFailure"), what, "drop it")


def warnings(context: Context) -> Iterator[Problem]:
    """Shapes that compile, and that a KFP backend is known to get wrong."""
    for node in context.scopes.nodes.values():
        if isinstance(node, Guarded):
            for inner in node.body:
                if isinstance(inner, Loop):
                    what = (
                        "a loop directly under `finally` fails on the KFP backend (kubeflow/pipelines #12390)"
                    )
                    todo = "make the loop a pipeline of its own, or drop `finally`"
                    yield context.document.problem(inner.at, what, todo, key=True)
