"""Volume claims that the pipeline makes and removes: what comes after what, and what the cache makes of it.

KFP's driver does both steps (backend/src/v2/driver/k8s.go, createPVC, deletePVC, 2.17). A create that the cache
answers makes no claim; its key is the arguments, to which only a random name adds something new. A delete asks
Kubernetes at once, and Kubernetes keeps a claim that a pod still uses and lets no new pod have it.
"""

from __future__ import annotations

from collections.abc import Iterator

from kfp_gitops.base.errors import Problem
from kfp_gitops.checking.check.context import Context
from kfp_gitops.language.manifest import (
    Constant,
    Guarded,
    ItemRef,
    MountedSource,
    Node,
    OutputRef,
    ParameterRef,
    RunRef,
    Task,
    Value,
    bodies,
    walk,
)
from kfp_gitops.language.manifest.order import waits_for

# Facts of a run that no other run shares.
_UNIQUE = ("id", "resource-name", "task-id", "create-time")


def problems(context: Context) -> Iterator[Problem]:
    """Creates that the cache would swallow, deletes that nothing makes wait for the users of the claim."""
    tasks = [node for node in walk(context.manifest.body) if isinstance(node, Task)]
    for task in tasks:
        if task.kind == "createPvc":
            yield from _cached(context, task)
        elif task.kind == "deletePvc":
            yield from _races(context, task, tasks)


def _cached(context: Context, task: Task) -> Iterator[Problem]:
    name = task.arguments.get("name")
    if name is None or task.settings.cache is False or not _fixed(name):
        return
    what = "the name is the same in each run, so from the second one on KFP's cache answers, and no claim is made"
    todo = "add `cache: false`, or leave `name` out and refer to {task: …, output: name}"
    yield context.document.problem((*task.arguments_at, "name"), what, todo, fault="claim-cached")


def _fixed(name: Value) -> bool:
    if isinstance(name, RunRef):
        return name.fact not in _UNIQUE
    return isinstance(name, Constant | ParameterRef | ItemRef)


def _races(context: Context, task: Task, tasks: list[Task]) -> Iterator[Problem]:
    name = task.arguments.get("name")
    names = _same(name, tasks)
    before = _before(context, task)
    for user in tasks:
        how = _uses(user, names)
        if how and user.id != task.id and user.id not in before:
            what = f"nothing makes it wait for {user.id!r}, which {how}"
            todo = f"add `after: [{user.id}]`, or put it after everything that uses the claim"
            if task.id in _ancestors(context, user):
                what, todo = f"{user.id!r}, which {how}, comes after it", "remove the claim after that"
                yield context.document.problem(task.at, what, todo, key=True)
            else:
                yield context.document.problem(task.at, what, todo, key=True, fault="claim-raced")
    for loop in context.scopes.loops(task.id):
        if name is not None and _made_outside(context, name, loop):
            what = f"each iteration of {loop!r} removes the claim, which is not made in that loop"
            yield context.document.problem(task.at, what, "remove it after the loop", key=True)


def _made_outside(context: Context, name: Value, loop: str) -> bool:
    if isinstance(name, OutputRef):
        return name.task in context.scopes.around and loop not in context.scopes.loops(name.task)
    return not isinstance(name, ItemRef)


def _same(name: Value | None, tasks: list[Task]) -> list[Value]:
    """The values that all mean one claim: its name, and the output of the task that makes it by that name."""
    if name is None:
        return []
    makers = [task for task in tasks if task.kind == "createPvc"]
    found: list[Value] = [name]
    for maker in makers:
        made, output = maker.arguments.get("name"), OutputRef(maker.id, "name")
        if name == output and made is not None:
            found.append(made)
        elif made == name:
            found.append(output)
    return found


def _uses(task: Task, names: list[Value]) -> str:
    mounted = [one.name for one in task.pod.volumes if isinstance(one, MountedSource) and one.kind == "pvc"]
    if any(name in names for name in mounted):
        return "mounts the claim"
    if task.kind == "createPvc" and task.arguments.get("name") in names:
        return "makes the claim"
    given = task.kind == "pipeline" and any(value in names for value in task.arguments.values())
    return "is given the claim" if given else ""


def _before(context: Context, task: Task) -> frozenset[str]:
    """The ids of all tasks that have ended when a task begins."""
    guard = _guard(context, task)
    if guard:
        inside = frozenset(node.id for body in bodies(guard) for node in walk(body))
        return inside | _ancestors(context, guard)
    return _ancestors(context, task)


def _guard(context: Context, task: Task) -> Guarded | None:
    nodes = context.scopes.nodes.values()
    return next((one for one in nodes if isinstance(one, Guarded) and one.exit_task.id == task.id), None)


def _ancestors(context: Context, node: Node) -> frozenset[str]:
    """Every task that a node waits for: by `after`, by what it is given, and by the groups that it is in."""
    found: set[str] = set()
    todo = [node.id]
    own = {inner.id for inner in walk([node])}
    while todo:
        for name in _awaited(context, todo.pop()):
            if name not in found and name not in own:
                found.add(name)
                todo.append(name)
    return frozenset(found)


def _awaited(context: Context, name: str) -> Iterator[str]:
    """What a node waits for itself, and with the groups around it; of a group also everything in it."""
    node = context.scopes.nodes[name]
    for waiting in (node, *(group.node for group in context.scopes.around.get(name, ()))):
        inside = {inner.id for inner in walk([waiting])}
        for other in waits_for(
            waiting
        ):  # KFP starts no task of a group before all that the group waits for is there
            home = context.scopes.nodes.get(other)
            if home is not None and other not in inside:
                yield from _whole(context, waiting, home)


def _whole(context: Context, waiting: Node, home: Node) -> Iterator[str]:
    """A task that is waited for, and all that is in the groups around it that are not around who waits."""
    yield from (inner.id for inner in walk([home]))
    for group in context.scopes.apart(home.id, waiting.id):
        yield from (inner.id for inner in walk([group.node]))
