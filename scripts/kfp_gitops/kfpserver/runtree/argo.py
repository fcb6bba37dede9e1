"""What Argo's nodes say of a step: how KFP's compiler makes nodes of tasks (backend/src/v2/compiler/argocompiler).

In a DAG's node: `<task>-driver` finds the inputs, decides whether the task runs and whether a result is there already;
`<task>` is the task, for a container a DAG whose `executor` is the pod, skipped when the result came from the cache. A
loop's `<task>` holds `iteration-driver` and, for each item, `iteration-iterations(0:0)` with `iteration-item-driver`
and `iteration-item`. An importer is one pod, and so are the tasks of kfp-kubernetes. A task that always runs is the
exit hook of those before it: `<one before>.onExit` holds its driver and it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from kfp_gitops.kfpserver.runtree import pods
from kfp_gitops.kfpserver.runtree.fold import PENDING, SKIPPED, Found, Place, Seen, unmet
from kfp_gitops.kfpserver.runtree.nodes import Node
from kfp_gitops.kfpserver.runtree.pods import DAG_DRIVER, DRIVER
from kfp_gitops.kfpserver.runtree.records import ACTIVE
from kfp_gitops.kfpserver.runtree.steps import Step

_ITERATION = re.compile(r"iteration-iterations\((\d+):.*\)")
_GONE: Place[Node] = Place(None, gone=SKIPPED)


@dataclass(frozen=True)
class Argo:
    """Looks among Argo's nodes; a body is the node that holds a DAG's tasks. `ended`: the run as a whole has."""

    ended: bool

    def look(self, step: Step, body: Node) -> Found[Node] | None:
        """What the nodes of a DAG say of a step."""
        if step.at_end:
            return self._at_end(step, body)
        if step.kind == "loop":
            return self._loop(step, body)
        return self._task(step, step.key, body)

    def _at_end(self, step: Step, body: Node) -> Found[Node] | None:
        """Of several tasks before it each has the hook, so it may run more than once: the worst counts."""
        hooks = [body.inside[f"{name}.onExit"] for name in step.after if f"{name}.onExit" in body.inside]
        found = [one for hook in hooks if (one := self._task(step, step.key, hook.last))]
        failed = [one for one in found if one.seen.state == "FAILED"]
        return next(iter([*failed, *found]), None)

    def _task(self, step: Step, key: str, body: Node) -> Found[Node] | None:
        """A task of its own, or one item of a loop."""
        driver, node = body.inside.get(f"{key}-driver"), body.inside.get(key)
        if node is None or not node.state:
            return _before(step, driver, node)
        seen = _seen(node, step.template)
        if seen.state == "SKIPPED":
            seen = unmet(step)
        if not step.inside:
            return Found(seen)
        skipped = seen.state == "SKIPPED"
        return Found(seen, (_GONE if skipped else Place(node.last, self._over(seen)),))

    def _over(self, seen: Seen) -> bool:
        return self.ended or seen.state not in ACTIVE

    def _loop(self, step: Step, body: Node) -> Found[Node] | None:
        """Driver and iterations are inside the loop's own node."""
        node = body.inside.get(step.key)
        if node is None:
            return None
        group = node.last.inside.get("iteration-iterations")
        if step.condition and group is not None and group.state == "SKIPPED":
            return Found(unmet(step), (_GONE,), ())
        seen = _looping(node)
        found = list(self._iterations(step, node.last, self._over(seen)))
        if not self._over(seen):
            found += [_waiting(step)] * max(0, (step.items or (not found)) - len(found))
        elif not found and seen.state != "SUCCEEDED":
            return Found(seen, (_GONE,), ())
        known = step.items is not None or group is not None
        return Found(
            seen,
            tuple(place for one in found for place in one.inside),
            tuple(one.seen for one in found if known),
        )

    def _iterations(self, step: Step, loop: Node, over: bool) -> Iterator[Found[Node]]:
        """Each item of the loop in order: its task in the iteration's node, whose state it has once it has one."""
        numbered = {
            int(index[1]): node for name, node in loop.inside.items() if (index := _ITERATION.fullmatch(name))
        }
        for _, node in sorted(numbered.items()):
            whole = _seen(node)
            found = self._task(step, "iteration-item", node.last) or _waiting(step)
            state = whole.state if whole.state not in ("", "PENDING") else found.seen.state
            gone = Place[Node](None, gone=SKIPPED if over or self._over(whole) else PENDING)
            yield Found(replace(found.seen, state=state, why=""), found.inside or (gone,) * bool(step.inside))


def _before(step: Step, driver: Node | None, node: Node | None) -> Found[Node] | None:
    """Nothing runs yet, or the driver is as far as it came."""
    if driver is None:
        return None if node is None else Found(Seen(""))
    state = driver.state
    if state == "SUCCEEDED":
        return None
    template = DAG_DRIVER if step.inside else DRIVER
    seen = replace(_seen(driver), state=state, cached=False, pods=pods.of([driver], template, driver=True))
    if state == "FAILED":
        seen = replace(seen, why="its driver failed, so it got no inputs and did not start")
    gone = PENDING if state in ACTIVE else SKIPPED
    return Found(seen, (Place(None, gone=gone),) if step.inside else ())


def _seen(node: Node, template: str = "") -> Seen:
    """`template`: of its pods, where it has any of its own."""
    record = node.record
    if record is None:
        return PENDING
    executors = [one.inside["executor"] for one in (node.tries or [node]) if "executor" in one.inside]
    cached = bool(executors) and executors[-1].state == "SKIPPED"
    tries = sum(max(1, len(one.tries)) for one in executors) or max(1, len(node.tries))
    of_its_own = executors or ([] if node.last.inside else [node])
    made = pods.of(of_its_own, template) if template and not cached else ()
    return Seen(record.state, record.started, record.ended, tries - 1, cached, pods=made)


def _looping(node: Node) -> Seen:
    driver = node.last.inside.get("iteration-driver")
    if driver is None or driver.state != "FAILED":
        return _seen(node)
    made = pods.of([driver], DAG_DRIVER, driver=True)
    return replace(_seen(node), why="its driver failed, so it got no items", pods=made)


def _waiting(step: Step) -> Found[Node]:
    return Found(PENDING, (Place(None),) if step.inside else ())
