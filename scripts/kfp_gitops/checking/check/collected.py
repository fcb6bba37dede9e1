"""`collect` over a loop that has no item: KFP then looks for a task that never was, and fails who takes the list.

Seen on KFP 2.17.0: `subTaskName … not in tasks` (backend/src/v2/driver/resolve.go, resolveUpstreamParameters).
"""

from __future__ import annotations

from collections.abc import Iterator

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Path
from kfp_gitops.checking.check import known
from kfp_gitops.checking.check.context import Context
from kfp_gitops.language.manifest import (
    CollectRef,
    Constant,
    Guarded,
    Loop,
    ParameterRef,
    Task,
    Value,
    order,
    references,
    walk,
)

_TODO = "give it at least one item, or put an `if` around the loop and what takes its results"


def problems(context: Context) -> Iterator[Problem]:
    """Lists that are empty, and what is made over their items is collected."""
    for value, at, loop in _lists(context):
        for found, place in known.constants(context, value, at):
            if found == []:
                what = f"the list is empty, and what {loop!r} makes of its items is collected: KFP fails who takes that"
                yield context.document.problem(place, what, _TODO, fault=known.fault(place, "empty-loop"))


def warnings(context: Context) -> Iterator[Problem]:
    """The same of lists that only a run tells."""
    for value, at, loop in _lists(context):
        if known.only_in_a_run(context, value):
            what = f"if this list is ever empty, the run fails: what {loop!r} makes of its items is collected"
            yield context.document.problem(at, what, "make sure that it has an item")


def parameters(context: Context) -> frozenset[str]:
    """The pipeline's own parameters that may not be an empty list."""
    return frozenset(value.name for value, _, _ in _lists(context) if isinstance(value, ParameterRef))


def _lists(context: Context) -> Iterator[tuple[Value, Path, str]]:
    """Each list that may not be empty, where it is given, and the loop (or the pipeline inside) that it is for."""
    loops = {loop.id: loop for loop in _collected(context)}
    for loop in loops.values():
        if not isinstance(loop.items, Constant):  # that is refused in any case
            yield loop.items, (*loop.at, "loop", "items"), loop.id
    for node in walk(context.manifest.body):
        interface = context.interface(node) if isinstance(node, Task) else None
        if isinstance(node, Task) and interface:
            for name, value in node.arguments.items():
                if name in interface.inputs and interface.inputs[name].collected:
                    yield value, (*node.arguments_at, name), node.id


def _collected(context: Context) -> Iterator[Loop]:
    """The loops over whose items something is collected."""
    for user, value in _values(context):
        for reference in references(value):
            if isinstance(reference, CollectRef) and reference.task in context.scopes.around:
                groups = context.scopes.apart(reference.task, user)
                yield from (group.node for group in groups if isinstance(group.node, Loop))


def _values(context: Context) -> Iterator[tuple[str | None, Value]]:
    for node in walk(context.manifest.body):
        for value in order.values(node):
            yield node.id, value
        if isinstance(node, Guarded):
            yield from ((node.id, value) for value in order.values(node.exit_task))
    for output in context.manifest.outputs:
        yield None, output.value
