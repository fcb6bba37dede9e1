"""What of a status needs somebody, the most urgent first, and which command comes next. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from kfp_gitops.base import columns
from kfp_gitops.kfpserver.kfpapi.actual import ACTIVE
from kfp_gitops.operate.faults.firings import TIME_ZONE
from kfp_gitops.operate.status import backfills, by_hand
from kfp_gitops.operate.status.missed import counted, firings
from kfp_gitops.operate.status.model import (
    BackfillStatus,
    ByHand,
    Cause,
    PipelineStatus,
    ScheduleStatus,
    Status,
    TriggerStatus,
)
from kfp_gitops.operate.status.promises import DURATION, causes
from kfp_gitops.operate.status.triggers import overdue
from kfp_gitops.reconcile.change import Action

Say = Callable[[str], str]
"""`run.py --status ID` → what a person types here: the interpreter, the environment, the address."""
_STUCK, _HELD = timedelta(days=1), timedelta(hours=1)
"""So long a run may run, and so long it may wait for its start, before somebody should look."""
_CONFLICT = f"{Action.CONFLICT} "


class Kind(StrEnum):
    """Of what somebody should know, in the order in which it is told."""

    SERVER = "server"
    FAILED = "failed"
    MISSED = "missed"
    LATE = "late"
    TRIGGER = "trigger"
    STUCK = "stuck"
    DIFFERENT = "different"
    PAUSED = "paused"
    HELD = "held"
    CONFLICT = "conflict"
    WAITING = "waiting"
    BACKFILL = "backfill"
    OTHER = "other"


ABOUT = {
    Kind.SERVER: "of the server, or of the environment as a whole: mend this first",
    Kind.FAILED: "the newest run that ended failed, or firings of a backfill did",
    Kind.MISSED: "a firing of the last seven days, or what a trigger waited for, has no run, and nobody made up for it",
    Kind.LATE: "what its manifest promises (slo) is not kept",
    Kind.TRIGGER: "what triggers wait for is not looked at, or cannot be",
    Kind.STUCK: "the newest run goes on for over a day or waits for over an hour, or a backfill stands still",
    Kind.DIFFERENT: "KFP is not as the manifests say; apply makes it so",
    Kind.PAUSED: "no schedule is on until then, or until somebody ends it",
    Kind.HELD: "firings and causes that a pause or a window held back; no alarm",
    Kind.CONFLICT: "not ours, or not what was reviewed: nothing of it is touched",
    Kind.WAITING: "a run waits for its start, or a cause of a trigger for its turn",
    Kind.BACKFILL: "days that Git asks to run once more, or at last; no alarm",
    Kind.OTHER: "of pipelines that are in no manifest, and what a person must settle",
}


@dataclass(frozen=True)
class Finding:
    """One line that a person reads: what it is about, why it stands there, and the command that comes next, if any."""

    kind: Kind
    name: str
    cause: str
    command: str
    together: str = ""
    """The command for many of the same cause, where it is another."""
    team: str = ""
    """Whose it is; "": of no team."""

    @property
    def whose(self) -> str:
        """Its name with the team's."""
        return f"{self.name} ({self.team})" if self.name and self.team else self.name


def findings(status: Status, say: Say) -> list[Finding]:
    """All of them, by their kinds and then by name."""
    explained = _explained(status)
    found = [
        replace(finding, team=pipeline.team)
        for pipeline in status.pipelines
        for finding in _of(pipeline, status.at, say)
        if not (finding.kind is Kind.MISSED and finding.name in explained)
    ]
    found += [Finding(Kind.SERVER, one.name, one.cause, _typed(one.command, say)) for one in status.faults]
    found += [Finding(Kind.OTHER, "", text, say("reconcile.py plan --all")) for text in status.other_drift]
    order = list(Kind)
    return sorted(found, key=lambda finding: order.index(finding.kind))


def _explained(status: Status) -> frozenset[str]:
    """Schedules that fired, only at other instants than ours: nothing is to be made up for."""
    if not any(fault.name == TIME_ZONE for fault in status.faults):
        return frozenset()
    schedules = (schedule for pipeline in status.pipelines for schedule in pipeline.schedules)
    return frozenset(
        schedule.name
        for schedule in schedules
        if all(missed.cause is Cause.OUTAGE for missed in schedule.missed)
    )


def _typed(command: str, say: Say) -> str:
    """One of our scripts as a person types it here; anything else as it is."""
    return say(command) if command.partition(" ")[0].endswith(".py") else command


def _of(pipeline: PipelineStatus, now: datetime, say: Say) -> Iterator[Finding]:
    name, last = pipeline.name, pipeline.last_finished
    if last and last.state == "FAILED":
        cause = f"run {last.id} of {minute(last.created)}"
        yield Finding(Kind.FAILED, name, cause, say(f"run.py --status {shlex.quote(last.id)}"))
    for schedule in pipeline.schedules:
        if schedule.missed:
            yield _gone(
                Kind.MISSED, pipeline, schedule, counted(schedule.missed), schedule.missed[-1].at, say
            )
        if schedule.held:
            number = firings(len(schedule.held))
            yield _gone(Kind.HELD, pipeline, schedule, number, schedule.held[-1], say)
    for trigger in pipeline.triggers:
        yield from _of_trigger(pipeline, trigger, now, say)
    for backfill in pipeline.backfills:
        yield _of_backfill(pipeline, backfill, now, say)
    yield from _late(pipeline, say)
    yield from _running(pipeline, now, say)
    yield from _differing(pipeline, say)
    if pipeline.paused_until:
        yield _paused(pipeline, minute(pipeline.paused_until), say)


def _paused(pipeline: PipelineStatus, until: str, say: Say) -> Finding:
    """`resume` ends the notes of its selection alone; what the values say it does not end."""
    if pipeline.paused_by is None:
        return Finding(Kind.PAUSED, pipeline.name, f"until {until}, by `state: paused` in its values", "")
    options = f" {pipeline.paused_by}" if pipeline.paused_by else ""
    cause = ", ".join(filter(None, (f"until {until}", pipeline.paused_why)))
    return Finding(Kind.PAUSED, pipeline.name, cause, say(f"reconcile.py resume{options}"))


def _gone(
    kind: Kind, pipeline: PipelineStatus, schedule: ScheduleStatus, number: str, last: datetime, say: Say
) -> Finding:
    """With the command that makes up for exactly this; for many of them the one for all."""
    which = f" --pipeline {shlex.quote(pipeline.name)}"
    if len(pipeline.schedules) > 1:
        which += f" --schedule {shlex.quote(schedule.name.removeprefix(f'{pipeline.name}-'))}"
    own, whole = (say(f"run.py{part} --backfill --{kind}") for part in (which, ""))
    before = f"; before {minute(schedule.known_since)} unknown" if schedule.known_since else ""
    return Finding(kind, schedule.name, f"{number}, the last at {minute(last)}{before}", own, whole)


def _of_trigger(
    pipeline: PipelineStatus, trigger: TriggerStatus, now: datetime, say: Say
) -> Iterator[Finding]:
    """A cause that was missed is made up for by any run of the pipeline."""
    for kind, causes_ in ((Kind.MISSED, trigger.missed), (Kind.HELD, trigger.held)):
        if causes_:
            last = causes_[-1]
            number = columns.counted(len(causes_), "cause")
            told = f"{number}, the last at {minute(last.moment)} ({last.cause}): {last.why}"
            yield _run_by_hand(kind, pipeline, trigger, told, last.by_hand, say)
    if trigger.problem:
        yield Finding(Kind.TRIGGER, trigger.name, trigger.problem, say("reconcile.py trigger"))
    elif overdue(trigger, now):
        told = f"no pass has looked since {minute(trigger.looked)}"
        yield Finding(Kind.TRIGGER, trigger.name, told, say("reconcile.py trigger"))
    for name, found in zip(trigger.unclear, trigger.unclear_by_hand, strict=True):
        told = f"KFP may have started {name}, and lists no such run"
        yield _run_by_hand(Kind.OTHER, pipeline, trigger, told, found, say)
    waits = next((one for one in trigger.waiting if now - one.moment > _HELD), None)
    if waits and not trigger.stopped:
        number = columns.counted(len(trigger.waiting), "cause")
        told = f"{number}, the first since {minute(waits.moment)} ({waits.cause}): {waits.why}"
        listed = say(f"run.py --list --pipeline {shlex.quote(pipeline.name)}")
        yield Finding(Kind.WAITING, trigger.name, told, listed)


def _run_by_hand(
    kind: Kind, pipeline: PipelineStatus, trigger: TriggerStatus, told: str, found: ByHand, say: Say
) -> Finding:
    """With the run that makes up for it, which is given what the trigger would have handed over."""
    command = f"run.py --pipeline {shlex.quote(pipeline.name)}{by_hand.options(found)}"
    return Finding(kind, trigger.name, f"{told}{by_hand.also(found)}", say(command))


def _of_backfill(pipeline: PipelineStatus, backfill: BackfillStatus, now: datetime, say: Say) -> Finding:
    """What comes next: to run once more what failed of it, to see why it stands still, or to see its runs."""
    kind = Kind.FAILED if backfill.failing else Kind.STUCK if backfill.stalled else Kind.BACKFILL
    command = (
        "reconcile.py trigger"
        if kind is Kind.STUCK
        else f"run.py --list --pipeline {shlex.quote(pipeline.name)}"
    )
    if backfill.failed_at and backfill.schedule and not backfill.again:
        days = f"{min(backfill.failed_at):%Y-%m-%d}..{max(backfill.failed_at):%Y-%m-%d}"
        which = f"--pipeline {shlex.quote(pipeline.name)} --schedule {shlex.quote(backfill.schedule)}"
        command = f"run.py {which} --backfill {days} --redo-failed"
    name = f"{pipeline.name}/{backfill.name}"
    return Finding(kind, name, backfills.words(backfill, now), say(command))


def _late(pipeline: PipelineStatus, say: Say) -> Iterator[Finding]:
    """What comes next: to look at the run that is slow, hangs or failed; where there is none, to start one."""
    promise = pipeline.promise
    if promise and promise.broken:
        run = promise.slowest_run if DURATION in promise.broken else _unsuccessful(pipeline)
        command = f"run.py --status {shlex.quote(run)}" if run else _started(pipeline)
        yield Finding(Kind.LATE, pipeline.name, "; ".join(causes(promise)), say(command))


def _unsuccessful(pipeline: PipelineStatus) -> str:
    run = pipeline.last_run
    return run.id if run and run.state != "SUCCEEDED" else ""


def _started(pipeline: PipelineStatus) -> str:
    """As its first schedule that is on would start it."""
    on = [
        schedule.name.removeprefix(f"{pipeline.name}-") for schedule in pipeline.schedules if schedule.enabled
    ]
    which = f" --schedule {shlex.quote(on[0])}" if on else ""
    return f"run.py --pipeline {shlex.quote(pipeline.name)}{which}"


def _running(pipeline: PipelineStatus, now: datetime, say: Say) -> Iterator[Finding]:
    run = pipeline.last_run
    if run is None or run.state not in ACTIVE or run.created is None:
        return
    age, waits = now - run.created, run.state == "PENDING"
    kind = Kind.STUCK if age > (_HELD if waits else _STUCK) else Kind.WAITING if waits else None
    if kind:
        cause = f"run {run.id} is {run.state} since {minute(run.created)}"
        yield Finding(kind, pipeline.name, cause, say(f"run.py --status {shlex.quote(run.id)}"))


def _differing(pipeline: PipelineStatus, say: Say) -> Iterator[Finding]:
    taken = [line for line in pipeline.drift if line.startswith(_CONFLICT)]
    rest = [line for line in pipeline.drift if not line.startswith(_CONFLICT)]
    own, whole = say(f"reconcile.py plan --pipeline {shlex.quote(pipeline.name)}"), say("reconcile.py plan")
    if not pipeline.registered and not rest and not taken:
        rest = ["its version is not registered"]
    if rest:
        yield Finding(Kind.DIFFERENT, pipeline.name, _first(rest), own, whole)
    if taken:
        cause = _first([line.removeprefix(_CONFLICT) for line in taken])
        yield Finding(Kind.CONFLICT, pipeline.name, cause, own, whole)


def _first(lines: Sequence[str]) -> str:
    return lines[0] if len(lines) == 1 else f"{lines[0]}; and {len(lines) - 1} more"


def minute(moment: datetime | None) -> str:
    """In UTC, to the minute."""
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "-"


def of_pipeline(pipeline: PipelineStatus, now: datetime, say: Say) -> list[Finding]:
    """What somebody should know of one pipeline, in the order in which it is told."""
    order = list(Kind)
    return sorted(_of(pipeline, now, say), key=lambda finding: order.index(finding.kind))
