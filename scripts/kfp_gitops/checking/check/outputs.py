"""References to outputs of tasks: whether they exist, and `oneOf` of several."""

from __future__ import annotations

from collections.abc import Iterator

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Path
from kfp_gitops.checking.check.context import Context, named
from kfp_gitops.language.manifest import Condition, Importer, OutputRef, Task


def unknown_output(context: Context, task: str, output: str, at: Path) -> Iterator[Problem]:
    """A task, or an output of one, that does not exist."""
    node = context.scopes.nodes.get(task)
    if isinstance(node, Condition):
        yield _not_given(context, node, output, at)
        return
    if not isinstance(node, Task | Importer):
        todo = f"choose one of: {', '.join(task_ids(context))}"
        yield context.document.problem(at, f"unknown task {task!r}", todo)
        return
    outputs = context.outputs(task)
    if outputs is not None and output not in outputs:
        todo = f"choose one of: {', '.join(outputs) or 'none'}"
        yield context.document.problem(at, f"task {task!r} has no output {output!r}", todo)


def _not_given(context: Context, node: Condition, output: str, at: Path) -> Problem:
    known = [one.name for one in node.outputs]
    if output in known:  # as a setting of a container, where the SDK takes none (manifest.choices)
        what, todo = (
            "an output of a condition cannot stand here",
            "hand it to a task, and take that one's output",
        )
        return context.document.problem(at, what, todo)
    todo = (
        f"choose one of: {', '.join(known)}"
        if known
        else f"add `outputs: {{{output}: {{oneOf: […]}}}}` to it"
    )
    return context.document.problem(at, f"the condition {node.id!r} gives no {output!r}", todo)


def taken_problems(
    context: Context, condition: str, output: str, at: Path, user: str | None
) -> Iterator[Problem]:
    """Where an output of a condition cannot be taken; what is wrong with itself is told at the condition."""
    apart = context.scopes.apart(condition, user)
    around = context.scopes.around[user] if user is not None else ()
    if any(group.node.id == condition for group in around):
        what, todo = (
            f"this is inside the condition {condition!r} itself",
            "take the output of the task in its branch",
        )
    elif apart:
        what, todo = (
            f"the condition {condition!r} is in a group that this is not in",
            "move this into the same group",
        )
    else:
        return
    yield context.document.problem(at, f"{output!r} cannot be taken here: {what}", todo)


def task_ids(context: Context) -> list[str]:
    """The ids of everything that is a task, sorted."""
    return sorted(name for name, node in context.scopes.nodes.items() if isinstance(node, Task | Importer))


def problems(
    context: Context, options: tuple[OutputRef, ...], at: Path, user: str | None
) -> Iterator[Problem]:
    """KFP takes one output of a task directly in each branch, an else among them (kfp.dsl.OneOf)."""
    found = [problem for o in options for problem in unknown_output(context, o.task, o.output, at)]
    yield from found
    if found:
        return
    around = [context.scopes.apart(option.task, user) for option in options]
    if not all(groups and isinstance(groups[0].node, Condition) for groups in around):
        what, todo = "oneOf takes outputs of the branches of an `if`", "name a task of each branch"
        yield context.document.problem(at, what, todo)
        return
    if any(len(groups) > 1 for groups in around):
        what = "oneOf takes an output of a task that is not directly in a branch"
        yield context.document.problem(
            at, what, "name a task directly in the branch, not in a group inside it"
        )
        return
    yield from _branches(context, options, [groups[0].branch for groups in around], at, user)
    yield from _same_kind(context, options, at)


def _branches(
    context: Context, options: tuple[OutputRef, ...], branches: list[int], at: Path, user: str | None
) -> Iterator[Problem]:
    conditions = {context.scopes.apart(option.task, user)[0].node.id for option in options}
    condition = context.scopes.apart(options[0].task, user)[0].node
    assert isinstance(condition, Condition)
    if len(conditions) > 1:
        what, todo = f"oneOf mixes the branches of {', '.join(sorted(conditions))}", "take those of one `if`"
    elif condition.branches[-1].when is not None:
        what, todo = (
            f"{condition.id!r} has no `else`, so maybe no branch is taken",
            "add an `else` with a task",
        )
    elif sorted(branches) != list(range(len(condition.branches))):
        what = (
            f"oneOf names {len(set(branches))} of the {len(condition.branches)} branches of {condition.id!r}"
        )
        todo = "name exactly one output for each branch"
    else:
        return
    yield context.document.problem(at, what, todo)


def _same_kind(context: Context, options: tuple[OutputRef, ...], at: Path) -> Iterator[Problem]:
    kinds = [kind for option in options if (kind := context.kind(option)) is not None]
    for option, kind in zip(options, kinds, strict=False):
        if (kind.type, kind.artifact, kind.many) != (kinds[0].type, kinds[0].artifact, kinds[0].many):
            what = f"{option.task!r} gives {named(kind)}, {options[0].task!r} {named(kinds[0])}"
            yield context.document.problem(at, what, "oneOf takes outputs of the same type")
