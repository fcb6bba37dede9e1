"""`run`: start a run, of a pipeline as it is, of a schedule, or once more; and follow it."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from kfp_gitops.base.errors import ExitCode
from kfp_gitops.commands import again, console
from kfp_gitops.commands.run import given, looking
from kfp_gitops.commands.run.here import Here
from kfp_gitops.reconcile import locking


def run(here: Here) -> int:
    """Start what is asked for; what is wrong with it is told before anything is sent."""
    from kfp_gitops.operate import runs

    arguments = here.arguments
    if arguments.rerun:
        return _follow(here, _again(here))
    if arguments.schedule:
        return _follow(here, _fired(here))
    values = checked(here)
    locked = here.folder.locked[arguments.pipeline]
    its = here.adopts(arguments.pipeline)
    request = runs.Request(
        here.owner,
        arguments.pipeline,
        locked.version,
        locked.digest,
        values,
        console.user(),
        its.pipeline if its else "",
    )
    return _follow(here, runs.start(here.api, request))


def checked(here: Here) -> dict[str, Any]:
    """The parameters that are given.

    Raises:
        UsageError: each that is wrong.
    """
    from kfp_gitops.operate import runs

    arguments = here.arguments
    manifest, host = here.manifest(arguments.pipeline), here.host
    values = runs.parameters(manifest, arguments.param)
    runs.refuse_unsound(manifest, here.folder.inner(arguments.pipeline), values, host)
    return values


def _again(here: Here) -> str:
    from kfp_gitops.operate import runs
    from kfp_gitops.operate.operations import rerun
    from kfp_gitops.operate.runlook import ours

    arguments = here.arguments
    its = ours.whole(here.api, here.owner, here.called)
    pipeline = its.of(here.api.run(arguments.rerun)) if its.by_hand else ""
    into = runs.experiment(here.api, here.owner, pipeline) if pipeline else ""
    return rerun.rerun(
        here.api, arguments.rerun, its.experiments, lambda values: runs.refuse_unsound(None, {}, values),
        arguments.param, console.user(), into,
    )  # fmt: skip


def _fired(here: Here) -> str:
    """A schedule's run, now and once: under the lock of this machine, and by its name on KFP."""
    from kfp_gitops.operate import runs
    from kfp_gitops.operate.operations import backfill, fire
    from kfp_gitops.reconcile.records import schedule_name

    arguments, api, pipeline = here.arguments, here.api, here.arguments.pipeline
    manifest = here.manifest(pipeline)
    schedule = again.chosen_schedule(arguments, manifest.schedules)
    values = given.of_schedule(here, manifest, schedule)
    tick = backfill.tick_parameter(manifest, arguments.tick_parameter)
    pipeline_id = here.pipeline_id(pipeline)
    asked = fire.Firing(
        schedule_name(pipeline, schedule.name),
        pipeline_id,
        here.version_id(pipeline, pipeline_id),
        runs.experiment(api, here.owner, pipeline),
        values,
        None if any(text.startswith(f"{tick}=") for text in arguments.param) else tick,
        runs.started(by=console.user()),
    )
    with locking.hold(None, _key(here, arguments, asked.schedule), 60, console.note) as held:
        api.before_write = held.check
        found = fire.fire(api, asked)
    if found.before:
        console.note(f"{asked.schedule} was fired within this minute already: this is that run")
    return found.run_id


def _key(here: Here, arguments: Namespace, schedule: str) -> tuple[str, ...]:
    return here.api.host, here.api.namespace or "", arguments.env, "fire", schedule


def _follow(here: Here, run_id: str) -> int:
    from kfp_gitops.operate import following

    console.result(here.api.run_link(run_id))
    if not here.arguments.wait:
        return ExitCode.OK
    # Of --timeout what its start has left.
    left = None if here.arguments.timeout is None else max(0.0, here.api.budget.seconds)
    return looking.ended(here, following.follow(here.watch, run_id, console.note, left))
