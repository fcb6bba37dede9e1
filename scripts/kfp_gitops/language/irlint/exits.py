"""Tasks that run although the one before them failed, and to whose end KFP attaches them.

backend/src/v2/compiler/argocompiler/dag.go (2.17.0) takes such a task out of its DAG and makes it the exit hook of each
task that it depends on (`taskToExitTemplate`, one for each). Only containers and DAGs get their hook: a loop
(`iteratorTask`), an importer and a claim (`dummyImages`) do not, nor does another such task.
"""

from __future__ import annotations

from collections.abc import Iterator

from kfp_gitops.language.irlint.finding import Finding
from kfp_gitops.language.irlint.view import Component, Ir, Node, iterator, one_of, waits_for
from kfp_gitops.language.wellknown import STUB_IMAGES

_STRATEGY = "ALL_UPSTREAM_TASKS_COMPLETED"


def findings(ir: Ir) -> Iterator[Finding]:
    """Those that would never run, and tasks that wait for one of them."""
    for parent in ir.all():
        exits = sorted(key for key, task in parent.tasks.items() if _runs_anyway(task))
        attached = {before: key for key in exits for before in waits_for(parent.tasks[key])}
        for key in exits:
            yield from _never(ir, parent, key, attached)
        yield from _waiting(parent, set(exits)) if exits else ()


def _never(ir: Ir, parent: Component, key: str, attached: Node) -> Iterator[Finding]:
    """`attached`: of each task the last one, by name, that KFP attaches to it."""
    hosts = [before for before in waits_for(parent.tasks[key]) if _has_hook(ir, parent, before)]
    lost = [before for before in hosts if attached[before] != key]
    at = (*parent.at, "dag", "tasks", key)
    if not hosts:
        what = (
            f"task {key!r} ignores failures and never runs: KFP starts it at the end of a container or group"
        )
        what = f"{what} (no loop), and it depends on none"
        yield Finding(0, at, what, one_of(_hosts(ir, parent)), "exit-forgotten")
    elif lost:
        what = (
            f"KFP starts one task at the end of {lost[0]!r} whatever happened, which is {attached[lost[0]]!r}"
        )
        todo = "let each come after a task of its own"
        yield Finding(0, at, f"{what}: it forgets {key!r}", todo, "exit-forgotten")


def _waiting(parent: Component, exits: set[str]) -> Iterator[Finding]:
    """Argo refuses the workflow: what an exit hook runs is no task of the DAG."""
    for key, task in parent.tasks.items():
        for before in sorted(exits & set(waits_for(task))) if key not in exits else ():
            what = f"task {key!r} waits for {before!r}, which ignores failures: KFP makes that an exit hook, for which"
            at = (*parent.at, "dag", "tasks", key)
            yield Finding(0, at, f"{what} nothing can wait", f"let it wait for what {before!r} waits for")


def _runs_anyway(task: Node) -> bool:
    return bool(task.get("triggerPolicy", {}).get("strategy") == _STRATEGY)


def _hosts(ir: Ir, parent: Component) -> list[str]:
    return [key for key in parent.tasks if _has_hook(ir, parent, key)]


def _has_hook(ir: Ir, parent: Component, key: str) -> bool:
    task = parent.tasks.get(key, {})
    component = ir.component(task)
    if component is None or iterator(task) or _runs_anyway(task):
        return False
    container = ir.executors.get(component.node.get("executorLabel", ""), {}).get("container", {})
    image: str = container.get("image", "")
    return bool("dag" in component.node or (image and image not in STUB_IMAGES))
