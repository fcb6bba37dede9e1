"""Tasks that run whatever happened before them, and to whose end KFP attaches them (`irlint.exits`).

KFP makes such a task the exit hook of each task that it comes after; a loop, an importer and a claim get none, and
what has one already gets no second (argocompiler/dag.go, 2.17.0).
"""

from __future__ import annotations

from collections.abc import Iterator

from kfp_gitops.base.errors import Problem
from kfp_gitops.checking.check.context import Context
from kfp_gitops.language.manifest import Condition, Guarded, Importer, Node, Task, walk
from kfp_gitops.language.manifest.order import values
from kfp_gitops.language.manifest.value import tasks

_AFTER = "let it come after a component's task, or after a group with `finally` or `if`"


def problems(context: Context) -> Iterator[Problem]:
    """Those that would never run, and those that another one takes the place of."""
    taken = {node.id: node.exit_task.id for node in walk(context.manifest.body) if isinstance(node, Guarded)}
    for task in _ignoring(context):
        before = _before(context, task)
        hosts = [node for node in before if _has_hook(node)]
        if not hosts:
            yield context.document.problem(task.at, _never(before), _AFTER, key=True, fault="exit-forgotten")
        for node in hosts:
            other = taken.setdefault(node.id, task.id)
            if other != task.id:
                what = f"KFP starts one task at the end of {node.id!r} whatever happened, and {other!r} is another: one"
                todo = "let each come after a task of its own"
                what = f"{what} of them is forgotten"
                yield context.document.problem(task.at, what, todo, key=True, fault="exit-forgotten")
    yield from _waiting(context)


def warnings(context: Context) -> Iterator[Problem]:
    """Those that do not wait for all that they come after."""
    for task in _ignoring(context):
        before = _before(context, task)
        hosts = [node.id for node in before if _has_hook(node)]
        todo = "put what it comes after into a group with `finally`, and it there"
        if len(hosts) > 1:
            what = f"KFP runs it at the end of each of {', '.join(hosts)}: {len(hosts)} times"
            yield context.document.problem(
                task.at, f"{what}, each without waiting for the others", todo, key=True
            )
        elif hosts and len(before) > 1:
            left = ", ".join(node.id for node in before if node.id not in hosts)
            what = f"KFP runs it at the end of {hosts[0]}, without waiting for {left}"
            yield context.document.problem(task.at, what, todo, key=True)


def _ignoring(context: Context) -> list[Task]:
    nodes = walk(context.manifest.body)
    return [node for node in nodes if isinstance(node, Task) and node.settings.ignore_upstream_failure]


def _before(context: Context, task: Task) -> list[Node]:
    """What it comes after among its siblings, or the group of that; for what is further out, its own group waits."""
    scopes = context.scopes
    found: dict[str, Node] = {}
    depth = len(scopes.around[task.id])
    for name in _own(task):
        if name not in scopes.around or name == task.id:
            continue
        apart = scopes.apart(name, task.id)
        if len(scopes.around[name]) - len(apart) == depth:
            node = apart[0].node if apart else scopes.nodes[name]
            found[node.id] = node
    return list(found.values())


def _has_hook(node: Node) -> bool:
    if isinstance(node, Task):
        return node.kind in ("component", "pipeline") and not node.settings.ignore_upstream_failure
    return isinstance(node, Condition | Guarded)


def _never(before: list[Node]) -> str:
    start = "it never runs: KFP starts a task with `ignoreUpstreamFailure` at the end of what it comes after"
    names = ", ".join(node.id for node in before)
    return f"{start}, which it cannot at that of {names}" if names else f"{start}, and here that is nothing"


def _waiting(context: Context) -> Iterator[Problem]:
    """Argo refuses the workflow: what an exit hook runs is no task of the DAG."""
    ignoring = {task.id for task in _ignoring(context)}
    for node in walk(context.manifest.body) if ignoring else ():
        for name in dict.fromkeys(_own(node)):
            if name in ignoring and name != node.id:
                what = f"it waits for {name!r}, which has `ignoreUpstreamFailure`: nothing can wait for that in KFP"
                todo = f"let it wait for what {name!r} comes after"
                yield context.document.problem(node.at, what, todo, key=True)


def _own(node: Node) -> Iterator[str]:
    """What a node itself refers to or comes after, and not what is inside it."""
    for value in values(node):
        yield from tasks(value)
    if isinstance(node, Task | Importer):
        yield from node.settings.after
