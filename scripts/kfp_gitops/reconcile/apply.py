"""Apply: carry out a plan, change by change; every step may be repeated after a crash."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kfp_gitops import ownership
from kfp_gitops.errors import RemoteError
from kfp_gitops.kfpapi.actual import Actual
from kfp_gitops.kfpapi.client import KfpApi
from kfp_gitops.manifest import Schedule
from kfp_gitops.reconcile.desired import Desired, DesiredPipeline, experiment_name, schedule_digest
from kfp_gitops.reconcile.plan import Action, Change, Kind, Plan

Done = Callable[[Change, str], None]


def observe(api: KfpApi, desired: Desired) -> Actual:
    """Read the part of KFP that a plan needs: lists by the page, and one request for each pipeline's versions."""
    pipelines = api.pipelines({p.name for p in desired.pipelines})
    experiments = api.experiments(
        {experiment_name(p.name, desired.owner.environment) for p in desired.pipelines}
    )
    return Actual(pipelines, experiments, tuple(api.schedules()))


def apply(api: KfpApi, desired: Desired, plan: Plan, done: Done) -> list[str]:
    """Carry out a plan; `done(change, result)` is told of each. Returns what failed.

    One pipeline's failure ends the work on that pipeline only.
    """
    failed: dict[str, str] = {}
    for change in plan.to_do:
        if change.pipeline in failed:
            done(change, "skipped: an earlier step of this pipeline failed")
            continue
        try:
            _carry_out(api, desired, change)
            done(change, "done")
        except RemoteError as error:
            failed[change.pipeline] = (
                f"{change.pipeline}: {change.action} {change.kind} {change.name}: {error}"
            )
            done(change, f"failed: {error}")
    return list(failed.values())


def _carry_out(api: KfpApi, desired: Desired, change: Change) -> None:
    by_name = {pipeline.name: pipeline for pipeline in desired.pipelines}
    match change.kind, change.action:
        case Kind.SCHEDULE, Action.DISABLE:
            for item in change.superseded:
                api.disable_schedule(item.id)
        case Kind.SCHEDULE, Action.DELETE:
            _retire(api, change)
        case Kind.SCHEDULE, _:
            _put_schedule(api, desired, by_name[change.pipeline], change)
        case _:
            _create(api, desired, by_name[change.pipeline], change.kind)


def _create(api: KfpApi, desired: Desired, pipeline: DesiredPipeline, kind: Kind) -> None:
    match kind:
        case Kind.PIPELINE:
            api.create_pipeline(pipeline.name, ownership.describe(desired.owner, pipeline.description))
        case Kind.VERSION:
            facts = {"release": pipeline.release, "digest": pipeline.digest}
            description = ownership.describe(desired.owner, **facts)
            api.upload_version(api.pipeline_id(pipeline.name), pipeline.version, pipeline.ir, description)
        case Kind.EXPERIMENT:
            name = experiment_name(pipeline.name, desired.owner.environment)
            api.create_experiment(name, ownership.describe(desired.owner, f"Runs of {pipeline.name}."))


def _put_schedule(api: KfpApi, desired: Desired, pipeline: DesiredPipeline, change: Change) -> None:
    """create disabled → disable old → enable new → delete old: at no moment are two of them enabled."""
    schedule = change.schedule
    assert schedule is not None
    successor = _create_schedule(api, desired, pipeline, schedule, change.name)
    for item in change.superseded:
        api.disable_schedule(item.id)
    if schedule.enabled:
        api.enable_schedule(successor)
    _retire(api, change)


def _create_schedule(
    api: KfpApi, desired: Desired, pipeline: DesiredPipeline, schedule: Schedule, name: str
) -> str:
    pipeline_id = api.pipeline_id(pipeline.name)
    description = ownership.describe(desired.owner, spec=schedule_digest(pipeline, schedule))
    return api.create_schedule(
        name=name,
        description=description,
        pipeline_id=pipeline_id,
        version_id=api.version_id(pipeline_id, pipeline.version),
        experiment_id=api.experiment_id(experiment_name(pipeline.name, desired.owner.environment)),
        schedule=schedule,
    )


def _retire(api: KfpApi, change: Change) -> None:
    for item in change.superseded:
        api.disable_schedule(item.id)
        api.delete_schedule(item.id)


def unfinished(plan: Plan) -> Iterator[str]:
    """What a plan cannot do by itself, in words."""
    for change in plan.conflicts:
        yield f"{change.kind} {change.name}: {change.reason}; nothing of this pipeline is touched"
