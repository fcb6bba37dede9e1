"""`run --backfill`: what should have run. Of some days, or exactly what `status` names."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kfp_gitops.base.errors import ExitCode, UsageError
from kfp_gitops.commands import again, console
from kfp_gitops.commands.run import asking
from kfp_gitops.commands.run.here import Here
from kfp_gitops.reconcile import locking

if TYPE_CHECKING:
    from kfp_gitops.language.manifest import Manifest, Schedule
    from kfp_gitops.operate.operations.backfill import Backfill
    from kfp_gitops.operate.operations.making_up import Job
    from kfp_gitops.operate.operations.outstanding import Outstanding


def run(arguments: Namespace) -> int:
    """Make up for it, and follow it; exit 4 when a run did not succeed. Interrupted, it goes on where it was."""
    _checked(arguments)
    here = _Here(arguments, arguments.env)
    found = here.named() if arguments.missed or arguments.held else [here.of_days()]
    asked = [one for one in found if one.ticks]
    if arguments.dry_run:
        asking.show(asked)
        return ExitCode.OK
    asking.confirm(arguments, asked)
    return asking.carried_out(arguments, here.api, asked, here.hold, sum(one.skipped for one in found))


def _checked(arguments: Namespace) -> None:
    problems = [*_problems(arguments)]
    if problems:
        raise UsageError("\n".join(f"run.py: {problem}" for problem in problems))


def _problems(arguments: Namespace) -> Iterator[str]:
    named = arguments.missed or arguments.held
    if named and arguments.backfill != again.NAMED:
        yield "--missed and --held take the place of days, as in `run.py --env dev --backfill --missed`"
    if arguments.backfill == again.NAMED and not named:
        yield (
            "say which firings: --backfill 2026-01-01..2026-01-31, --backfill --missed (what status names) or "
            "--backfill --held (what pauses held back)"
        )
    if not named and not arguments.pipeline:
        yield "--backfill of days needs --pipeline P, as in `run.py --env dev --pipeline P --backfill FROM..TO`"
    if arguments.schedule and not arguments.pipeline:
        yield "--schedule is one of a pipeline's: give --pipeline P, too"
    if arguments.param and not arguments.pipeline:
        yield "--param is of one pipeline: give --pipeline P, too"
    if named and (arguments.redo_failed or arguments.include_fired):
        yield "--missed runs once more what failed, and no other firing: leave out --redo-failed and --include-fired"
    if arguments.parallel < 1:
        yield "--parallel is at least 1"


class _Here(Here):
    """An environment and its KFP, as far as a backfill needs them."""

    def of_days(self) -> asking.Asked:
        """The firings of some days that have no run; with --redo-failed those whose newest run failed."""
        from kfp_gitops.operate.operations import backfill as work
        from kfp_gitops.operate.operations import ran

        arguments, pipeline = self.arguments, self.arguments.pipeline
        schedule = again.chosen_schedule(arguments, self.manifest(pipeline).schedules)
        within = work.parse_range(arguments.backfill)
        wanted = work.ticks(schedule, within, self.api.now())
        made = self._work(pipeline, schedule)
        known = ran.ran(self.api, made, within)
        if arguments.redo_failed:
            chosen, skipped = {tick: "failed" for tick in wanted if known.has_failed(tick)}, 0
        else:
            left_out = () if arguments.include_fired else known.fired
            chosen = {tick: "" for tick in wanted if tick not in left_out}
            skipped = len(wanted) - len(chosen)
        new = [tick for tick in chosen if arguments.redo_failed or tick not in known.attempts]
        usual = ran.usual_time(self.api.runs(made.experiment_id, asking.NEWEST)) if new else None
        job = known.job(made, chosen, redo=arguments.redo_failed)
        return asking.Asked(job, chosen, len(new), usual, skipped)

    def named(self) -> list[asking.Asked]:
        """What a status names, of all pipelines or of one."""
        from kfp_gitops.operate.operations import outstanding, pause
        from kfp_gitops.reconcile import desired
        from kfp_gitops.sources.selection import Selection

        arguments = self.arguments
        only = Selection(globs=(arguments.pipeline,)) if arguments.pipeline else Selection()
        place = arguments.root / "manifests" / arguments.env
        wanted = desired.reviewed(place, arguments.env, arguments.host, only)
        notes = pause.notes(self.api)
        paused = pause.under(wanted, pause.read(notes, wanted.owner), self.api.now())
        found = outstanding.outstanding(self.api, paused, paused.pipelines, notes)
        return [self._asked(one) for one in found if arguments.schedule in (None, one.schedule.name)]

    def _asked(self, found: Outstanding) -> asking.Asked:
        from kfp_gitops.operate.operations import ran

        made = self._work(found.pipeline.name, found.schedule)
        ticks = {one.at: str(one.cause) for one in found.account.missed} if self.arguments.missed else {}
        ticks |= dict.fromkeys(found.account.held, "pause") if self.arguments.held else {}
        known = ran.Ran({}, ran.attempts(self.api, made) if ticks else {})
        return asking.Asked(known.job(made, ticks, redo=True), ticks, len(ticks), ran.usual_time(found.runs))

    def _work(self, pipeline: str, schedule: Schedule) -> Backfill:
        """What its runs are made of; what is wrong with their parameters is told before anything is sent."""
        from kfp_gitops.operate.operations import backfill as work
        from kfp_gitops.reconcile.records import schedule_name

        manifest = self.manifest(pipeline)
        tick = work.tick_parameter(manifest, self.arguments.tick_parameter)
        if tick is None:
            console.note(f"{pipeline} has no parameter for the firing's instant: its runs are all alike")
        values = self._values(manifest, schedule)
        locked, pipeline_id = self.folder.locked[pipeline], self.api.pipeline_id(pipeline)
        return work.Backfill(
            schedule=schedule_name(pipeline, schedule.name),
            pipeline_id=pipeline_id,
            version_id=self.api.version_id(pipeline_id, locked.version, locked.digest),
            experiment_id=self._experiment(pipeline),
            parameters=values,
            tick_parameter=tick,
            parallel=self.arguments.parallel,
        )

    def _experiment(self, pipeline: str) -> str:
        """Its id; a dry run makes none."""
        from kfp_gitops.operate import runs
        from kfp_gitops.reconcile.records import experiment_name

        if self.arguments.dry_run:
            return self.api.experiment_id(experiment_name(pipeline, self.environment))
        return runs.experiment(self.api, self.owner, pipeline)

    def _values(self, manifest: Manifest, schedule: Schedule) -> dict[str, Any]:
        from kfp_gitops.operate import runs

        given = schedule.parameters
        asked = tuple(replace(p, optional=True) if p.name in given else p for p in manifest.parameters)
        values = {**given, **runs.parameters(replace(manifest, parameters=asked), self.arguments.param)}
        runs.refuse_unsound(manifest, self.folder.inner(manifest.name), values, self.api.host)
        return values

    def hold(self, job: Job) -> AbstractContextManager[object]:
        """Keep other processes of this user from backfills of the same schedule."""
        key = (self.api.host, self.api.namespace or "", self.arguments.env, "backfill", job.work.schedule)
        return locking.hold(None, key, 0, console.note)
