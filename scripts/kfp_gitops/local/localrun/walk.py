"""The walk of the DAG, with the meaning that KFP gives it.

Every task waits for those it depends on, then runs, is skipped, or is not run because one of them failed. Groups
(nested pipelines, conditions, loops, exit handlers) are DAGs in the IR and are walked the same way. All in one
thread: only processes run in parallel, in the slots of `leaf`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

from kfp_gitops.local.localrun import cel, cel_eval, scope
from kfp_gitops.local.localrun.cache import Asked, asked
from kfp_gitops.local.localrun.events import Event, Kind
from kfp_gitops.local.localrun.gather import collected, group_result
from kfp_gitops.local.localrun.leaf import Work, Workers
from kfp_gitops.local.localrun.node import Node
from kfp_gitops.local.localrun.placeholders import RunIdentity
from kfp_gitops.local.localrun.scope import Inputs, Result, Scope
from kfp_gitops.local.localrun.spec import Component, Dag, Executor, Pipeline, Task
from kfp_gitops.local.localrun.values import Artifact, InputError, Json


@dataclass(frozen=True)
class Walk:
    """One run of a pipeline."""

    pipeline: Pipeline
    identity: RunIdentity
    workers: Workers
    emit: Callable[[Event], None]

    async def dag(self, dag: Dag, inputs: Inputs, at: Node | None) -> Result:
        """Run all tasks of a DAG; it fails when any of them fails, even one whose failure another ignores."""
        running: dict[str, asyncio.Task[Result]] = {}
        order = TopologicalSorter(
            {task.name: task.dependencies for task in dag.tasks.values()}
        ).static_order()
        async with asyncio.TaskGroup() as group:
            for name in order:
                running[name] = group.create_task(self._task(dag.tasks[name], inputs, at, dict(running)))
        return group_result(dag, {name: task.result() for name, task in running.items()})

    async def _task(
        self, task: Task, inputs: Inputs, at: Node | None, running: Mapping[str, asyncio.Task[Result]]
    ) -> Result:
        upstream = {name: await running[name] for name in task.dependencies}
        node = self._node(task, at)
        stops = sorted(name for name, result in upstream.items() if result.stops)
        if stops and not task.always:
            error = f"not run: {', '.join(stops)} did not succeed"
            self.emit(node.event("SKIPPED", error))
            return Result("NOT_RUN", error=error)
        seen = Scope(inputs, upstream, self._known(task, node), self.identity.resource_name)
        return await self._resolved(node, self._triggered(task, node, seen))

    async def _resolved(self, node: Node, work: Awaitable[Result]) -> Result:
        """A task that cannot be given its inputs fails before it starts, as the backend's driver does."""
        try:
            return await work
        except (InputError, cel.CelError) as error:
            self.emit(node.event("FAILED", str(error)))
            return Result("FAILED", error=str(error))

    async def _triggered(self, task: Task, node: Node, seen: Scope) -> Result:
        component = self.pipeline.component(task)
        if task.loop:
            over = scope.artifact_items(task, seen) if task.loop.over_artifacts else scope.items(task, seen)
            return await self._told(node, self._loop(task, component, node, seen, over))
        inputs = scope.resolve(task, component, seen)
        if task.condition and not cel_eval.holds(cel.parse(task.condition), inputs.parameters):
            self.emit(node.event("SKIPPED"))
            return Result("SKIPPED")
        return await self._component(task, component, node, inputs, seen)

    async def _component(
        self, task: Task, component: Component, node: Node, inputs: Inputs, seen: Scope
    ) -> Result:
        if component.dag:
            return await self._told(node, self.dag(component.dag, inputs, node))
        executor = self.pipeline.executor(component)
        return await self.workers.result(
            Work(
                node,
                component,
                executor,
                task.retry,
                inputs,
                self._known(task, node),
                self._asked(task, component, executor, inputs, seen),
            )
        )

    def _asked(
        self, task: Task, component: Component, executor: Executor, inputs: Inputs, seen: Scope
    ) -> Asked | None:
        """What the cache is asked for a task; None when it is not."""
        if not task.caches or self.workers.run.cache is None or executor.importer:
            return None
        parameters, claims = scope.driven(task, component, seen), scope.claims(executor.claims, seen)
        if any(isinstance(value, str) and self.identity.workspace in value for value in parameters.values()):
            claims.append(f"{self.identity.resource_name}-kfp-workspace")  # one for each run, as on KFP
        return asked(component, executor, parameters, inputs.artifacts, claims)

    async def _loop(
        self, task: Task, component: Component, node: Node, seen: Scope, over: Sequence[Json | Artifact]
    ) -> Result:
        assert task.loop
        limit = asyncio.Semaphore(task.loop.parallelism or max(1, len(over)))
        async with asyncio.TaskGroup() as group:
            running = [
                group.create_task(
                    self._iteration(task, component, _iteration_node(node, i, component), one, limit)
                )
                for i, one in enumerate(_scopes(task, seen, over))
            ]
        return collected(component, [each.result() for each in running])

    async def _iteration(
        self, task: Task, component: Component, node: Node, seen: Scope, limit: asyncio.Semaphore
    ) -> Result:
        async def work() -> Result:
            return await self._component(task, component, node, scope.resolve(task, component, seen), seen)

        async with limit:
            return await self._resolved(node, work())

    async def _told(self, node: Node, work: Awaitable[Result]) -> Result:
        """Tell when a group begins and how it ends."""
        self.emit(node.event("RUNNING"))
        try:
            result = await work
        except asyncio.CancelledError:
            self.emit(node.event("CANCELED"))
            raise
        failed = result.state == "FAILED"
        self.emit(node.event("FAILED" if failed else "SUCCEEDED", result.error, result.outputs))
        return result

    def _node(self, task: Task, at: Node | None) -> Node:
        path = f"{at.id}/{task.name}" if at else task.name
        return Node(path, at.id if at else None, task.name, task.display_name, self._kind(task))

    def _kind(self, task: Task) -> Kind:
        component = self.pipeline.component(task)
        if task.loop:
            return "loop"
        if component.dag:
            return "condition" if task.condition else "dag"
        return "importer" if self.pipeline.executor(component).importer else "task"

    def _known(self, task: Task, node: Node) -> Mapping[str, str]:
        return self.identity.placeholders(task.name, node.uuid(self.identity.run_id))


def _scopes(task: Task, seen: Scope, over: Sequence[Json | Artifact]) -> list[Scope]:
    """What each iteration sees: the same, and its item."""
    assert task.loop
    return [
        Scope(seen.inputs.with_item(task.loop.item, item), seen.upstream, seen.known, seen.resource_name)
        for item in over
    ]


def _iteration_node(loop: Node, index: int, component: Component) -> Node:
    kind: Kind = "iteration" if component.dag else "task"
    return Node(f"{loop.id}/{index}", loop.id, loop.name, f"{loop.display_name} #{index}", kind)
