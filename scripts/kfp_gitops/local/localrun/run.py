"""A whole run: from the documents of the IR to its outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kfp_gitops.local.localrun import parameters as run_parameters
from kfp_gitops.local.localrun import parse, refuse
from kfp_gitops.local.localrun.context import Outcome, RunContext
from kfp_gitops.local.localrun.events import Event, RunEvent, State, WarningEvent
from kfp_gitops.local.localrun.leaf import Workers
from kfp_gitops.local.localrun.placeholders import RunIdentity
from kfp_gitops.local.localrun.scope import Inputs
from kfp_gitops.local.localrun.spec import Pipeline
from kfp_gitops.local.localrun.values import plain
from kfp_gitops.local.localrun.walk import Walk


def execute(
    documents: Sequence[Mapping[str, Any]],
    parameters: Mapping[str, Any],
    run: RunContext,
    on_event: Callable[[Event], None],
) -> Outcome:
    """Run a compiled pipeline: `documents` are the pipeline spec and, if there is one, the platform spec.

    Artifacts go to `artifacts/<task id>/<output>` below the run's folder, logs to `logs/<task id>.log`. In the main
    thread SIGINT cancels the run: its processes end, its tasks are told CANCELED, and KeyboardInterrupt is raised.

    Raises:
        Refused: it cannot be run faithfully here; nothing has run, and there was no event.
    """
    pipeline = parse.pipeline(documents)
    refuse.check(pipeline, parameters, run)
    return asyncio.run(_execute(pipeline, parameters, run, on_event))


async def _execute(
    pipeline: Pipeline, given: Mapping[str, Any], run: RunContext, emit: Callable[[Event], None]
) -> Outcome:
    emit = run.done.telling(emit) if run.done else emit
    emit(RunEvent("RUNNING"))
    for warning in refuse.warnings(pipeline, run):
        emit(WarningEvent(warning))
    try:
        outcome = await _walked(pipeline, given, run, emit)
    except asyncio.CancelledError:
        emit(RunEvent("CANCELED"))
        raise
    state: State = "SUCCEEDED" if outcome.state == "SUCCEEDED" else "FAILED"
    emit(RunEvent(state, outcome.error))
    return outcome


async def _walked(
    pipeline: Pipeline, given: Mapping[str, Any], run: RunContext, emit: Callable[[Event], None]
) -> Outcome:
    assert pipeline.root.dag
    workers = Workers(run, asyncio.Semaphore(run.workers), emit)
    inputs = Inputs(run_parameters.complete(pipeline.root, given), {})
    walk = Walk(pipeline, _identity(pipeline, run), workers, emit)
    result = await walk.dag(pipeline.root.dag, inputs, None)
    values = {key: plain(value) for key, value in result.outputs.parameters.items()}
    return Outcome(result.state, result.error, values, result.outputs.artifacts)


def _identity(pipeline: Pipeline, run: RunContext) -> RunIdentity:
    root = run.run_dir.absolute() / "artifacts"
    workspace = run.run_dir.absolute() / "workspace"
    for folder in (root, workspace):
        folder.mkdir(parents=True, exist_ok=True)
    return RunIdentity(
        name=run.run_name,
        resource_name=f"{pipeline.name}-{run.run_id}",
        run_id=run.run_id,
        create_time=run.create_time,
        schedule_time=run.schedule_time,
        root=str(root),
        workspace=str(workspace),
    )
