"""What a pass over the triggers tells: each step as it ends, the sum, and what a Pushgateway gets."""

from __future__ import annotations

import json as jsontext
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kfp_gitops.base import columns, metrics, visible
from kfp_gitops.commands import console
from kfp_gitops.commands.reconcile import telling

if TYPE_CHECKING:
    from datetime import datetime

    from kfp_gitops.operate.operations.continuing import Continued
    from kfp_gitops.operate.triggering.one_pass import Passed
    from kfp_gitops.reconcile.causes.standing import Standing
    from kfp_gitops.reconcile.events import Event
    from kfp_gitops.reconcile.records import Desired


def teller(*, json: bool) -> Callable[[Event], None]:
    """What tells each step, for people or for machines: as the lines of `apply --log-json`."""
    from kfp_gitops.reconcile import events

    def tell(event: Event) -> None:
        if json:
            console.result(events.to_json(event))
            return
        text = f": {event.detail}" if event.detail else ""
        # Names of runs and keys of objects are strangers': none of them begins a line of its own.
        console.result(visible.line(f"{event.action} {event.kind} {event.name}: {event.outcome}{text}"))

    return tell


@dataclass
class Counted:
    """Tells what is done beside the runs of triggers, and counts the runs that it started."""

    tell: Callable[[Event], None]
    runs: int = 0

    def __call__(self, event: Event) -> None:
        self.runs += (event.action, event.kind, event.outcome) == ("start", "run", "done")
        self.tell(event)


@dataclass(frozen=True)
class Sum:
    """What a pass found and did, with how many requests to KFP, in how many seconds."""

    environment: str
    passed: Passed
    others: Sequence[tuple[str, str]]
    """(what else was to be done, why it failed)."""
    backfilled: int
    """Runs of backfills that were started beside those of triggers."""
    requests: int
    seconds: float

    def __str__(self) -> str:
        done = self.passed
        failed = len(done.failed) + len(done.problems) + len(self.others)
        more = [
            f"{columns.counted(done.started + self.backfilled, 'run')} started"
            + (f" ({self.backfilled:,} of backfills)" if self.backfilled else ""),
            *([f"{columns.counted(done.waiting, 'cause')} waiting"] if done.waiting else []),
            *([f"{len(done.missed):,} missed"] if done.missed else []),
            *([f"{failed:,} failed"] if failed else []),
        ]
        work = f"{columns.counted(self.requests, 'request')}, {self.seconds:.1f} s"
        return f"{self.environment}: {', '.join(more)}; {work}"


def summary(found: Sum, *, json: bool, log: Path | None) -> None:
    """The sum; what went wrong and what waits goes before it."""
    done = found.passed
    for what, why in (*done.problems, *found.others):
        console.note(f"{what}: {why}")
    if done.lost and done.standings:
        console.note(
            f"{found.environment}: nothing is kept of a pass before: the names of runs tell what was started"
        )
    data = summarized(found)
    console.result(jsontext.dumps(data) if json else str(found))
    if log:
        try:
            log.write_text(telling.termination_message(data), "utf-8")
        except OSError as error:  # the work is done
            console.note(f"--termination-log {log}: {error.strerror}")


def summarized(found: Sum) -> dict[str, Any]:
    """The sum as schemas/pass.schema.json says."""
    done = found.passed
    return {
        "summary": str(found),
        "environment": found.environment,
        "seconds": round(found.seconds, 1),
        "requests": found.requests,
        "started": done.started,
        "backfilled": found.backfilled,
        "waiting": [
            f"{one.pipeline}/{one.trigger}: {its.cause}: {its.why}"
            for one in done.standings
            for its in one.waiting
        ],
        "missed": [f"{pipeline}/{trigger}: {its.cause}: {its.why}" for pipeline, trigger, its in done.missed],
        "failed": [f"{what}: {why}" for what, why in (*done.failed, *done.problems, *found.others)],
    }


def report(into: metrics.Report, done: Passed, wanted: Desired, backfilled: int) -> None:
    """For the Pushgateway."""
    into.teams = {one.name: one.team for one in wanted.pipelines}
    into.triggers = {(one.pipeline, one.trigger): _standing(one, done) for one in done.standings}
    into.objects = {("start", "run"): done.started + backfilled}


def report_backfills(
    into: metrics.Report, carried: Iterable[Continued], wanted: Desired, now: datetime
) -> None:
    """For the Pushgateway: what is finished is told no more, but for a day what failed of it."""
    from kfp_gitops.reconcile import standstill

    pipelines = {one.id: one.pipeline for one in wanted.backfills}
    into.backfills = {
        (pipelines[one.id], one.id): _backfill(one)
        for one in carried
        if not one.progress.finished or standstill.is_failing(one.progress, now)
    }


def _backfill(found: Continued) -> metrics.Backfill:
    its = found.progress
    running = len(its.begun)
    return metrics.Backfill(its.total, len(its.done), running, its.bad, found.unclear, bool(found.stalled))


def _standing(one: Standing, done: Passed) -> metrics.Standing:
    oldest = min((its.moment.timestamp() for its in one.waiting), default=None)
    missed = done.alarming[one.pipeline, one.trigger]
    return metrics.Standing(len(one.waiting), oldest, missed, len(one.unclear), bool(one.problem))
