"""A status, and what else is known of its environment → what the page tells of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from kfp_gitops.kfpserver.kfpapi.actual import Actual
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.language.manifest import Schedule as Wanted
from kfp_gitops.operate.status import backfills, expected, health
from kfp_gitops.operate.status.health import Finding, Kind, Say
from kfp_gitops.operate.status.model import (
    BackfillStatus,
    PipelineStatus,
    Promise,
    ScheduleStatus,
    Status,
    TriggerStatus,
)
from kfp_gitops.operate.statuspage import records, week
from kfp_gitops.operate.statuspage.records import Environment, Seen, Unseen
from kfp_gitops.reconcile import timing
from kfp_gitops.reconcile.records import Desired, DesiredPipeline

NEWEST = 10
"""Runs of a pipeline that are told."""
_QUIET = frozenset({Kind.PAUSED, Kind.WAITING, Kind.BACKFILL})
"""What somebody has decided, or what passes by itself."""


Courses = Mapping[str, Sequence[datetime]]
"""A trigger, by its pipeline's name with its own → about when it starts that."""


@dataclass(frozen=True)
class Known:
    """What was seen of an environment, and by whom it was asked for."""

    desired: Desired
    actual: Actual
    status: Status
    runs: Mapping[str, Sequence[RunState]]
    """The newest ones of each pipeline, the newest first."""
    say: Say
    period: int = 0
    ui: str = ""


def seen(known: Known) -> Environment:
    """An environment that was looked at."""
    status, begins = known.status, week.begins(known.status.at)
    wanted = {pipeline.name: pipeline for pipeline in known.desired.pipelines}
    courses = _courses(known, begins)
    found = Seen(
        host=status.host,
        ui=known.ui.rstrip("/"),
        at=status.at,
        week=begins,
        period=known.period,
        disabled=known.desired.disabled,
        pipelines=tuple(_pipeline(known, wanted[one.name], one, begins, courses) for one in status.pipelines),
        findings=tuple(map(_finding, health.findings(replace(status, pipelines=()), known.say))),
    )
    return Environment(status.environment, found)


def unseen(name: str, why: str, now: datetime, before: Environment | None = None) -> Environment:
    """An environment that could not be looked at; what was known of it `before` stays, and since when it is so."""
    since = before.unseen.since if before and before.unseen else now
    return Environment(name, before.seen if before else None, Unseen(since, why))


def _pipeline(
    known: Known, wanted: DesiredPipeline, status: PipelineStatus, begins: datetime, courses: Courses
) -> records.Pipeline:
    found = health.of_pipeline(status, known.status.at, known.say)
    schedules = zip(status.schedules, wanted.schedules, strict=True)
    return records.Pipeline(
        name=status.name,
        team=status.team,
        owner=wanted.responsible,
        version=status.version,
        registered=status.registered,
        release=status.release,
        commit=status.commit,
        needs=bool(status.unhealthy) or any(one.kind not in _QUIET for one in found),
        paused_until=status.paused_until,
        schedules=tuple(_schedule(known, one, manifest, begins) for one, manifest in schedules),
        runs=tuple(_run(run) for run in known.runs.get(status.name, ())[:NEWEST]),
        drift=tuple(status.drift),
        promise=_promise(status.promise) if status.promise else None,
        findings=tuple(map(_finding, found)),
        triggers=tuple(_trigger(one, begins, courses) for one in status.triggers),
        backfills=tuple(_backfill(one, known.status.at) for one in status.backfills),
    )


def _courses(known: Known, begins: datetime) -> Courses:
    """When triggers are to be expected to start what in the week that is drawn."""
    found = known.status.pipelines
    if not any(one.triggers for one in found):
        return {}
    every = expected.courses(known.desired, known.actual, found, begins)
    return {f"{one.edge.pipeline}-{one.edge.trigger.name}": one.starts or () for one in every}


def _backfill(found: BackfillStatus, now: datetime) -> records.Backfill:
    return records.Backfill(
        name=found.name,
        reason=found.reason,
        told=backfills.words(found, now),
        total=found.total,
        done=found.done,
        failed=found.failed,
        running=found.running,
        finished=found.finished,
        ends=found.ends,
    )


def _trigger(found: TriggerStatus, begins: datetime, courses: Courses) -> records.Trigger:
    waiting, missed, held = (
        tuple(records.Due(one.cause, one.moment, one.why) for one in its)
        for its in (found.waiting, found.missed, found.held)
    )
    return records.Trigger(
        name=found.name,
        waits_for=found.waits_for,
        enabled=found.enabled,
        next=found.next_start,
        looked=found.looked,
        stopped=found.stopped,
        waiting=waiting,
        missed=missed,
        held=held,
        made_up=found.made_up,
        last=found.last.id if found.last else "",
        cause=found.last.cause if found.last else "",
        at=found.last.at if found.last else None,
        week=week.told(courses.get(found.name, ()), begins),
    )


def _promise(found: Promise) -> records.Promise:
    fresh, duration, age, slowest = (
        None if span is None else max(round(span.total_seconds()), 0)
        for span in (found.fresh, found.duration, found.age, found.slowest)
    )
    return records.Promise(fresh, duration, age, slowest, tuple(found.broken))


def _finding(found: Finding) -> records.Finding:
    return records.Finding(str(found.kind), found.name, found.cause, found.command)


def _run(run: RunState) -> records.Run:
    return records.Run(run.id, run.state, run.created)


def _schedule(known: Known, status: ScheduleStatus, manifest: Wanted, begins: datetime) -> records.Schedule:
    return records.Schedule(
        name=status.name,
        trigger=status.trigger,
        enabled=status.enabled,
        next=status.next_firing,
        missed=tuple(records.Missed(one.at, str(one.cause)) for one in status.missed),
        held=tuple(status.held),
        made_up=status.made_up,
        week=week.fires(_timing(known, status.name, manifest), begins),
    )


def _timing(known: Known, name: str, manifest: Wanted) -> timing.Timing:
    """As the live one fires, else as the manifest says."""
    same = [s for s in known.actual.schedules_by_name.get(name, ()) if s.owner == known.desired.owner]
    found = next((s for s in same if s.enabled), same[0] if same else None)
    return timing.live(found) if found else timing.wanted(manifest, known.status.at)
