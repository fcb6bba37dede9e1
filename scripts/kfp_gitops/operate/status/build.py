"""Status: desired + actual + the newest runs → how it stands. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from kfp_gitops.base.columns import counted
from kfp_gitops.kfpserver.kfpapi.actual import Actual
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.language.manifest import Schedule
from kfp_gitops.operate.status import backfills, expected, missed, promises, triggers
from kfp_gitops.operate.status.lines import Pauses, line, no_pause
from kfp_gitops.operate.status.model import (
    BackfillStatus,
    LastRun,
    PipelineStatus,
    Promise,
    ScheduleStatus,
    Status,
    TriggerStatus,
)
from kfp_gitops.operate.status.triggers import Standings
from kfp_gitops.reconcile import durations, timing, unclear
from kfp_gitops.reconcile.change import Action, Change
from kfp_gitops.reconcile.plan import Plan
from kfp_gitops.reconcile.records import Desired, DesiredPipeline

_FINAL = frozenset({"SUCCEEDED", "FAILED", "SKIPPED", "CANCELED"})
_NEVER, _FOR_EVER = (moment.replace(tzinfo=UTC) for moment in (datetime.min, datetime.max))


def build(desired: Desired, actual: Actual, plan: Plan, runs: Mapping[str, Sequence[RunState]]) -> Status:
    """Everything about an environment; `runs` are the newest ones of each pipeline's experiment, newest first."""
    look = Look.of(desired, actual, plan)
    return look.whole([look.at(pipeline, runs.get(pipeline.name, ())) for pipeline in desired.pipelines])


@dataclass(frozen=True)
class Look:
    """What a status is made of, but for runs: of 10,000 pipelines they are a million, so each is looked at alone."""

    desired: Desired
    actual: Actual
    plan: Plan
    changes: Mapping[str, Sequence[Change]]
    """Pipeline → what is in conflict, and what an apply would change."""
    pauses: Pauses = no_pause
    """When schedules were off by our own doing."""
    standings: Standings | None = None
    """What the newest pass kept of triggers; None: nobody could read it."""

    @classmethod
    def of(
        cls,
        desired: Desired,
        actual: Actual,
        plan: Plan,
        pauses: Pauses = no_pause,
        standings: Standings | None = None,
    ) -> Look:
        """Its changes by pipeline."""
        changes: dict[str, list[Change]] = {}
        for change in (*plan.conflicts, *plan.differences):
            changes.setdefault(change.pipeline, []).append(change)
        return cls(desired, actual, plan, changes, pauses, standings)

    def at(
        self,
        pipeline: DesiredPipeline,
        runs: Sequence[RunState],
        of_backfills: Sequence[BackfillStatus] = (),
    ) -> PipelineStatus:
        """One pipeline; `runs` are the newest ones of its experiment, newest first."""
        changes = self.changes.get(pipeline.name, ())
        found = _pipeline(self, pipeline, changes, runs)
        why = (*found.unhealthy, *backfills.unhealthy(of_backfills))
        return replace(found, backfills=of_backfills, unhealthy=why)

    def whole(self, pipelines: Sequence[PipelineStatus]) -> Status:
        """All of them, and what is of no pipeline of the manifests."""
        desired, actual, plan = self.desired, self.actual, self.plan
        known = {pipeline.name for pipeline in desired.pipelines}
        others = tuple(_line(change) for change in plan.differences if change.pipeline not in known)
        conflicts = tuple(_line(change) for change in plan.conflicts if change.pipeline not in known)
        unsettled = () if desired.selected else unclear.told(desired.owner, actual.experiments)
        in_order = tuple(sorted(expected.with_next(desired, actual, pipelines), key=lambda found: found.name))
        rest = (*others, *conflicts, *unsettled)
        return Status(desired.owner.environment, desired.host, actual.now, in_order, rest)


def _line(change: Change) -> str:
    return f"{change.action} {change.kind} {change.name}: {change.reason}"


def _pipeline(
    look: Look, pipeline: DesiredPipeline, changes: Sequence[Change], runs: Sequence[RunState]
) -> PipelineStatus:
    desired, actual, pauses = look.desired, look.actual, look.pauses
    found = actual.pipelines.get(pipeline.name)
    version = found.versions.get(pipeline.version) if found and found.owner == desired.owner else None
    version = version if version and version.digest == pipeline.digest else None
    newest = sorted(runs, key=_age, reverse=True)
    schedules = tuple(_schedule(desired, pipeline, s, actual, newest, pauses) for s in pipeline.schedules)
    finished = next((_run(run) for run in newest if run.state in _FINAL), None)
    drift = tuple(map(_line, changes))
    promise = promises.promise(pipeline, found, newest, actual.now)
    its = triggers.of_pipeline(pipeline, look.standings, newest, actual.now)
    return PipelineStatus(
        name=pipeline.name,
        team=pipeline.team,
        version=pipeline.version,
        registered=version is not None,
        release=version.facts.get("release", "") if version else "",
        commit=version.facts.get("commit", "") if version else "",
        paused_until=pipeline.paused_until if pipeline.is_paused(actual.now) else None,
        paused_by=pipeline.paused_by if pipeline.is_paused(actual.now) else None,
        paused_why=pipeline.paused_why if pipeline.is_paused(actual.now) else "",
        schedules=schedules,
        last_run=_run(newest[0]) if newest else None,
        last_finished=finished,
        drift=drift,
        unhealthy=tuple(
            _unhealthy(version is not None, schedules, finished, changes, promise, its, actual.now)
        ),
        promise=promise,
        triggers=its,
        usual=durations.usual(newest),
    )


def _unhealthy(
    registered: bool,
    schedules: Sequence[ScheduleStatus],
    finished: LastRun | None,
    drift: Sequence[Change],
    promise: Promise | None,
    its: Sequence[TriggerStatus],
    now: datetime,
) -> Iterator[str]:
    if not registered:
        yield "its version is not registered"
    differences = [change for change in drift if change.action is not Action.CONFLICT]
    if len(differences) < len(drift):
        yield "something under its names is not ours, or not what was reviewed: nothing of it is touched"
    if differences:
        yield f"{len(differences)} differences from the manifest"
    for schedule in schedules:
        if schedule.missed:
            last = schedule.missed[-1].at
            yield f"{schedule.name} missed {missed.counted(schedule.missed)}, the last {last:%m-%d %H:%M}"
    for trigger in its:
        if trigger.missed:
            number, last = counted(len(trigger.missed), "cause"), trigger.missed[-1].moment
            yield f"{trigger.name} missed {number}, the last of {last:%m-%d %H:%M}"
        if trigger.problem:
            yield f"{trigger.name} cannot tell what is due: {trigger.problem}"
        elif triggers.overdue(trigger, now):
            yield f"{trigger.name}: no pass has looked since {trigger.looked:%m-%d %H:%M}"
    if finished and finished.state == "FAILED":
        yield f"its last run failed: {finished.id}"
    if promise:
        yield from promises.causes(promise)


def _age(run: RunState) -> tuple[datetime, datetime]:
    """KFP tells creation to the second: of two in the same one the later to end is the newer."""
    return run.created or _NEVER, run.ended or _FOR_EVER


def _run(run: RunState) -> LastRun:
    return LastRun(run.id, run.name, run.state, run.created)


def _schedule(
    desired: Desired,
    pipeline: DesiredPipeline,
    schedule: Schedule,
    actual: Actual,
    runs: Sequence[RunState],
    pauses: Pauses,
) -> ScheduleStatus:
    its = line(desired.owner, pipeline, schedule, actual.schedules_by_name, runs, actual.now, pauses)
    found, told = its.present, missed.account(its)
    upcoming = timing.live(found).next_after(actual.now) if found and found.enabled else None
    return ScheduleStatus(
        name=its.name,
        trigger=f"cron {schedule.cron}" if schedule.cron else f"every {schedule.interval_seconds} s",
        enabled=found.enabled if found else None,
        next_firing=upcoming,
        missed=told.missed,
        held=told.held,
        made_up=told.made_up,
        known_since=told.known_since,
    )
