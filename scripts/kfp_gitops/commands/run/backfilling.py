"""`run --backfill`: what should have run. Of some days, or exactly what `status` names."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from kfp_gitops.base import columns
from kfp_gitops.base.errors import ExitCode, GitOpsError, LockLostError, TemporaryError
from kfp_gitops.commands import again, console
from kfp_gitops.commands.run import asking, given
from kfp_gitops.commands.run.here import Here
from kfp_gitops.reconcile import locking

if TYPE_CHECKING:
    from kfp_gitops.language.manifest import Schedule
    from kfp_gitops.operate.operations.backfill import Backfill
    from kfp_gitops.operate.operations.making_up import Job
    from kfp_gitops.operate.operations.outstanding import Outstanding

_SHOWN = 20


def run(here: Here) -> int:
    """Make up for it, and follow it; exit 4 when a run did not succeed. Interrupted, it goes on where it was."""
    arguments = here.arguments
    found, failed = _named(here) if arguments.missed or arguments.held else ([_of_days(here)], [])
    asked = [one for one in found if one.ticks]
    for why in columns.first_of(failed, _SHOWN, "… {more} more, for the same or another reason"):
        console.note(why)
    if arguments.dry_run:
        asking.show(asked)
        return ExitCode.REMOTE_FAILED if failed else ExitCode.OK
    asking.confirm(here, asked)
    code = asking.carried_out(here, asked, partial(_hold, here), sum(one.skipped for one in found))
    return ExitCode.REMOTE_FAILED if failed else code


def _of_days(here: Here) -> asking.Asked:
    """The firings of some days that have no run; with --redo-failed those whose newest run failed."""
    from kfp_gitops.operate.operations import backfill as work
    from kfp_gitops.operate.operations import ran
    from kfp_gitops.operate.status.missed import GRACE

    arguments, pipeline = here.arguments, here.arguments.pipeline
    schedule = again.chosen_schedule(arguments, here.manifest(pipeline).schedules)
    within = work.parse_range(arguments.backfill)
    work.ticks(schedule, within, within.end)  # checked before KFP is asked, whose time counts afterwards
    made = _work(here, pipeline, schedule)
    wanted = work.ticks(schedule, within, here.api.now() - GRACE)
    known = ran.ran(here.api, made, within)
    if arguments.redo_failed:
        chosen, skipped = {tick: "failed" for tick in wanted if known.has_failed(tick)}, 0
    else:
        left_out = () if arguments.include_fired else known.fired
        chosen = {tick: "" for tick in wanted if tick not in left_out}
        skipped = len(wanted) - len(chosen)
    new = [tick for tick in chosen if arguments.redo_failed or tick not in known.attempts]
    usual = ran.usual_time(here.api.runs(made.experiment_id, asking.NEWEST)) if new else None
    anew = arguments.redo_failed or arguments.include_fired
    meanwhile = _none if anew else partial(ran.fired_of, here.api, made)
    job = known.job(made, chosen, redo=arguments.redo_failed, meanwhile=meanwhile)
    return asking.Asked(job, chosen, new, usual, skipped)


def _none(_ticks: Sequence[datetime]) -> Collection[datetime]:
    """What has run is to run once more."""
    return ()


def _named(here: Here) -> tuple[list[asking.Asked], list[str]]:
    """What a status names, of all pipelines or of one; and of which nothing can be run, and why."""
    from kfp_gitops.operate.operations import outstanding, pause
    from kfp_gitops.reconcile import desired
    from kfp_gitops.sources.selection import Selection

    arguments = here.arguments
    only = Selection(globs=(arguments.pipeline,)) if arguments.pipeline else Selection()
    place = arguments.root / "manifests" / arguments.env
    wanted = desired.reviewed(place, arguments.env, arguments.host, only)
    notes = pause.notes(here.api)
    paused = pause.under(wanted, pause.read(notes, wanted.owner), here.api.now())
    found = outstanding.outstanding(here.api, paused, paused.pipelines, notes)
    chosen = [one for one in found if arguments.schedule in (None, one.schedule.name)]
    asked, failed = list[asking.Asked](), list[str]()
    for one in chosen:
        try:
            asked += [_asked(here, one, ticks)] if (ticks := _ticks(here, one)) else []
        except (LockLostError, TemporaryError):
            raise
        except GitOpsError as error:  # as when its version is not registered yet: that stops no other
            failed.append(f"{one.name}: {error}")
    return asked, failed


def _ticks(here: Here, found: Outstanding) -> dict[datetime, str]:
    missed = {one.at: str(one.cause) for one in found.account.missed} if here.arguments.missed else {}
    return missed | (dict.fromkeys(found.account.held, "pause") if here.arguments.held else {})


def _asked(here: Here, found: Outstanding, ticks: dict[datetime, str]) -> asking.Asked:
    from kfp_gitops.operate.operations import ran

    made = _work(here, found.pipeline.name, found.schedule)
    known = ran.Ran({}, ran.attempts(here.api, made))
    owed = found.account.owed if found.account.owed in ticks else None
    meanwhile = partial(ran.run_of, here.api, made)
    job, usual = known.job(made, ticks, redo=True, meanwhile=meanwhile), ran.usual_time(found.runs)
    return asking.Asked(job, ticks, sorted(ticks), usual, owed=owed)


def _work(here: Here, pipeline: str, schedule: Schedule) -> Backfill:
    """What its runs are made of; what is wrong with their parameters is told before anything is sent."""
    from kfp_gitops.operate.operations import backfill as work
    from kfp_gitops.reconcile.records import schedule_name

    manifest = here.manifest(pipeline)
    tick = work.tick_parameter(manifest, here.arguments.tick_parameter)
    values = given.of_schedule(here, manifest, schedule)
    pipeline_id = here.pipeline_id(pipeline)
    return work.Backfill(
        schedule=schedule_name(pipeline, schedule.name),
        pipeline_id=pipeline_id,
        version_id=here.version_id(pipeline, pipeline_id),
        experiment_id=_experiment(here, pipeline),
        parameters=values,
        tick_parameter=tick,
        parallel=here.arguments.parallel,
        by_hand=here.by_hand(pipeline, schedule.name, pipeline_id),
    )


def _experiment(here: Here, pipeline: str) -> str:
    """Its id; a dry run makes none."""
    from kfp_gitops.operate import runs
    from kfp_gitops.reconcile.records import experiment_name

    if here.arguments.dry_run:
        return here.api.experiment_id(experiment_name(pipeline, here.environment))
    return runs.experiment(here.api, here.owner, pipeline)


def _hold(here: Here, job: Job) -> AbstractContextManager[object]:
    """Keep other processes of this user from backfills of the same schedule."""
    key = (here.api.host, here.api.namespace or "", here.arguments.env, "backfill", job.work.schedule)
    return locking.hold(None, key, 0, console.note)
