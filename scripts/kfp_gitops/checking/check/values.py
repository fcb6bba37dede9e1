"""Values: constants that KFP would change or lose, and references into nothing or out of their scope."""

from __future__ import annotations

from collections.abc import Iterator

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Path
from kfp_gitops.checking.check import outputs
from kfp_gitops.checking.check.context import Context, a, shown
from kfp_gitops.language.manifest import (
    MAX_EXACT,
    ArtifactRef,
    CollectRef,
    ConcatValue,
    Condition,
    Constant,
    Guarded,
    ItemRef,
    ListValue,
    Loop,
    MapValue,
    OneOfRef,
    OutputRef,
    ParameterRef,
    Value,
    parts,
    references,
)
from kfp_gitops.language.manifest.items import maps

# How the SDK and KFP mark references inside texts; a constant that has one would be taken for a reference.
_MARKS = ("{{channel:", "{{$")


def problems(context: Context, value: Value, at: Path, user: str | None) -> Iterator[Problem]:
    """What is wrong with a value that a node (None: the pipeline itself) uses, but for its type."""
    yield from _constants(context, value, at)
    for reference in references(value):
        yield from _reference(context, reference, at, user)
    yield from _inside_another(context, value, at)


def constant_problems(context: Context, value: object, at: Path) -> Iterator[Problem]:
    """What KFP cannot keep as it is."""
    if value is None:
        yield context.document.problem(at, "null is no value for KFP", "leave it out, or write '' or 0")
    elif isinstance(value, str):
        if any(mark in value for mark in _MARKS):
            yield _placeholder(context, value, at)
    elif isinstance(value, int) and abs(value) > MAX_EXACT:
        todo = "give it as a text: the IR keeps numbers as doubles"
        yield context.document.problem(at, f"{value} is not exact in KFP", todo)
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _key(context, key, (*at, key))
            yield from constant_problems(context, item, (*at, key))


def _key(context: Context, key: object, at: Path) -> Iterator[Problem]:
    if isinstance(key, str) and any(mark in key for mark in _MARKS):
        yield _placeholder(context, key, at, key=True)


def _placeholder(context: Context, text: str, at: Path, *, key: bool = False) -> Problem:
    todo = "write {run: …} or {param: …}, inside {concat: […]} when it is part of a text"
    if key:
        todo = "give the key another name"
    return context.document.problem(at, f"{shown(text)} holds a placeholder of KFP", todo, key=key)


def _constants(context: Context, value: Value, at: Path) -> Iterator[Problem]:
    if isinstance(value, Constant):
        yield from constant_problems(context, value.value, at)
    if isinstance(value, ConcatValue):
        yield from _concat(context, value, at)
    if isinstance(value, MapValue):
        for key in value.items:
            yield from _key(context, key, (*at, key))
    for part in parts(value):
        yield from _constants(context, part, at)


def _concat(context: Context, value: ConcatValue, at: Path) -> Iterator[Problem]:
    for index, part in enumerate(value.items):
        constant = part.value if isinstance(part, Constant) else ""
        if isinstance(part, ListValue | MapValue) or not isinstance(constant, str | int | float):
            what = "concat puts texts, numbers and references together"
            yield context.document.problem((*at, "concat", index), what, "write one of these")
    yield from _made_by_concat(context, value, at)


def _made_by_concat(context: Context, value: ConcatValue, at: Path) -> Iterator[Problem]:
    """Parts of which none holds a placeholder, put together to one; a reference parts them like a line break."""
    texts = [part.value if isinstance(part, Constant) else "\n" for part in value.items]
    whole = "".join(map(str, texts))
    if any(mark in whole for mark in _MARKS) and not any(
        mark in str(text) for text in texts for mark in _MARKS
    ):
        yield _placeholder(context, whole, at)


def _inside_another(context: Context, value: Value, at: Path) -> Iterator[Problem]:
    """Inside a list, a map or a text the SDK writes references as placeholders, which some have not."""
    for part in (reference for item in parts(value) for reference in references(item)):
        if isinstance(part, ItemRef) and part.field is not None:
            # kfp.compiler.compiler_utils: `…-subvar-…` becomes an input that nothing gives.
            what, todo = "a field of an item stands inside a list, map or text", "give it as an argument"
        elif isinstance(part, CollectRef | OneOfRef):
            what, todo = "collect and oneOf cannot stand inside a list, map or text", "give it as an argument"
        elif (kind := context.kind(part)) and kind.artifact:
            what, todo = "an artifact stands inside a list, map or text", "give it as an argument of its own"
        else:
            continue
        yield context.document.problem(at, what, todo)


def _reference(context: Context, reference: Value, at: Path, user: str | None) -> Iterator[Problem]:
    match reference:
        case ParameterRef(name):
            yield from _own_input(context, name, "parameter", at)
        case ArtifactRef(name):
            yield from _own_input(context, name, "artifact", at)
        case OutputRef(task, output) | CollectRef(task, output):
            found = list(outputs.unknown_output(context, task, output, at))
            yield from found or _out_of_scope(context, reference, at, user)
        case OneOfRef(_, name) if name is not None:
            yield from outputs.taken_problems(context, *name, at, user)
        case OneOfRef(options):
            yield from outputs.problems(context, options, at, user)
        case ItemRef():
            yield from _item(context, reference, at, user)
    yield from _list_of_own_loop(context, reference, at, user)


def _list_of_own_loop(context: Context, reference: Value, at: Path, user: str | None) -> Iterator[Problem]:
    """KFP's driver takes the list of a loop away in each iteration (`irlint.task`), so nothing inside is handed it.

    Into a group inside the loop not even the SDK hands it (compiler_utils.get_inputs_for_all_groups).
    """
    around = context.scopes.around[user] if user is not None else ()
    for group in around:
        if isinstance(group.node, Loop) and group.node.items == reference:
            fault, where = ("list-in-loop", "") if group is around[-1] else ("", "a group inside ")
            what = f"the list of {group.node.id!r} is used in {where}that loop, where KFP takes it away"
            todo = "give it to a task before the loop that passes it on"
            yield context.document.problem(at, what, todo, fault=fault)


def _own_input(context: Context, name: str, kind: str, at: Path) -> Iterator[Problem]:
    names = [
        item.name
        for item in (context.manifest.parameters if kind == "parameter" else context.manifest.artifacts)
    ]
    if name not in names:
        known = ", ".join(names) or "none"
        yield context.document.problem(
            at, f"unknown {kind} {name!r}", f"declare it, or choose one of: {known}"
        )


def is_exit_task(context: Context, task: str) -> bool:
    """Whether a task is the one of a `finally`."""
    return any(isinstance(n, Guarded) and n.exit_task.id == task for n in context.scopes.nodes.values())


def _out_of_scope(context: Context, reference: Value, at: Path, user: str | None) -> Iterator[Problem]:
    assert isinstance(reference, OutputRef | CollectRef)
    apart = context.scopes.apart(reference.task, user)
    if is_exit_task(context, reference.task):
        what, todo = f"task {reference.task!r} runs at the very end", "nothing can take its outputs"
    elif isinstance(reference, CollectRef):
        if apart and isinstance(apart[0].node, Loop):
            yield from _collected_into_group(context, reference, at, user, len(apart))
            return
        if any(isinstance(group.node, Loop) for group in apart):
            what = f"the loop around {reference.task!r} is in a group that this is not in"
            todo = "move this into the same group"
        else:
            what, todo = f"task {reference.task!r} is in no loop here", "write {task: …, output: …}"
    elif apart:
        what, todo = f"task {reference.task!r} runs in a group that this is not in", _way_out(apart[0].node)
    else:
        return
    yield context.document.problem(at, what, todo)


def _collected_into_group(
    context: Context, reference: CollectRef, at: Path, user: str | None, apart: int
) -> Iterator[Problem]:
    """The SDK declares every list that it hands into a group as a parameter (build_component_spec_for_group)."""
    kind = context.kind(reference)
    depth = len(context.scopes.around[reference.task]) - apart
    if kind and kind.artifact and user is not None and len(context.scopes.around[user]) > depth:
        what = "a list of artifacts cannot be handed into a group"
        yield context.document.problem(at, what, "collect it in a task beside the loop")


def _way_out(group: Condition | Loop | Guarded) -> str:
    if isinstance(group, Loop):
        return "use {collect: …} for a loop"
    if isinstance(group, Condition):
        return "move this into the same branch, or use {oneOf: […]} with an output of each branch"
    return "move this into the same group"


def _item(context: Context, item: ItemRef, at: Path, user: str | None) -> Iterator[Problem]:
    around = context.scopes.loops(user) if user is not None else ()
    if item.loop not in around:
        todo = f"loops around it: {', '.join(around) or 'none'}"
        yield context.document.problem(at, f"no loop {item.loop!r} is around this", todo)
        return
    loop = context.scopes.nodes[item.loop]
    if item.field is None or not isinstance(loop, Loop):
        return
    if isinstance(loop.items, Constant):
        missing = [i for i, found in enumerate(maps(loop)) if item.field not in found]
        if missing or not maps(loop):
            where = f"item {missing[0] + 1}" if missing else "an item"
            yield context.document.problem(
                at, f"{where} of {item.loop!r} has no field {item.field!r}", "add it, or correct the name"
            )
    elif (kind := context.kind(loop.items)) and kind.many:
        yield context.document.problem(at, "an artifact has no fields", "leave `field` out")
    elif loop.item_type not in (None, "dict"):
        what = f"an item of {item.loop!r} is {a(str(loop.item_type))}, which has no fields"
        yield context.document.problem(at, what, "leave `field` out, or correct `itemType` of the loop")
