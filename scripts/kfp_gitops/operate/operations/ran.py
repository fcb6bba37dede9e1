"""What has run for the firings of a schedule already: by the schedule itself, and by backfills."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median

from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.language.firings import Range
from kfp_gitops.operate.operations.backfill import (
    FAILED,
    Backfill,
    newest_attempts,
    next_attempts,
)
from kfp_gitops.operate.operations.making_up import Job
from kfp_gitops.operate.status.missed import made_up
from kfp_gitops.reconcile.records import makeup_prefix
from kfp_gitops.reconcile.seen import is_named_for


@dataclass(frozen=True)
class Ran:
    """Firing → how its run ended: of the schedule itself, and the newest of backfills with the attempt that it was."""

    fired: Mapping[datetime, str]
    attempts: Mapping[datetime, tuple[int, RunState]]

    def has_failed(self, tick: datetime) -> bool:
        """Whether the newest run of a firing failed."""
        if tick in self.attempts:
            return self.attempts[tick][1].state in FAILED
        return self.fired.get(tick) in FAILED

    def job(
        self,
        work: Backfill,
        ticks: Collection[datetime],
        *,
        redo: bool,
        meanwhile: Callable[[Sequence[datetime]], Collection[datetime]] = lambda _: (),
    ) -> Job:
        """Those firings; with `redo` the ones whose newest run failed get another."""
        attempts = next_attempts(self.attempts, redo=redo)
        return Job(replace(work, attempts=attempts), sorted(ticks), meanwhile=meanwhile)


def ran(api: KfpApi, work: Backfill, within: Range) -> Ran:
    """What there is in a range of time."""
    return Ran(fired(api, work, within), attempts(api, work))


def fired(api: KfpApi, work: Backfill, within: Range) -> dict[datetime, str]:
    """Firing → how the run of it ended that the schedule itself started."""
    found = api.runs_fired(work.experiment_id, within.start, within.end)
    ids = {one.id for one in api.schedules_named({work.schedule})}
    others = [run for run in found if run.schedule_id not in ids and is_named_for(run.name, work.schedule)]
    theirs = {one.id for one in api.schedules()} if others else set()
    own = [run for run in found if run.schedule_id in ids]
    own += [run for run in others if run.schedule_id not in theirs]
    own += [run for one in work.by_hand for run in api.runs_fired_by(one, within.start, within.end)]
    return {run.scheduled: run.state for run in own if run.scheduled}


def fired_of(api: KfpApi, work: Backfill, ticks: Sequence[datetime]) -> set[datetime]:
    """Those of some firings that the schedule itself has run, be it late: its controller was down and is back."""
    within = Range(min(ticks), max(ticks) + timedelta(seconds=1))
    return fired(api, work, within).keys() & set(ticks)


def run_of(api: KfpApi, work: Backfill, ticks: Sequence[datetime]) -> set[datetime]:
    """Likewise, or that an apply has made up for with a run of its own."""
    made = made_up(work.schedule, api.runs_named(work.experiment_id, makeup_prefix(work.schedule)))
    return fired_of(api, work, ticks) | {tick for tick in ticks if made(tick)}


def attempts(api: KfpApi, work: Backfill) -> dict[datetime, tuple[int, RunState]]:
    """The newest run of a backfill of each firing, and which attempt it is."""
    return newest_attempts(api.runs_named(work.experiment_id, work.prefix), work.prefix)


def usual_time(runs: Iterable[RunState]) -> timedelta | None:
    """How long a run takes here: the middle of those that succeeded; None: none has."""
    good = [run for run in runs if run.state == "SUCCEEDED"]
    took = [(run.ended - run.created).total_seconds() for run in good if run.ended and run.created]
    return timedelta(seconds=median(took)) if took else None


def cost(number: int, usual: timedelta | None) -> str:
    """What so many runs cost, in words."""
    if usual is None:
        return "cost unknown: no run of it has succeeded here"
    seconds = usual.total_seconds()
    each = f"{max(seconds, 1):.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
    return f"{in_hours(number * usual)} run-hours, {each} each"


def in_hours(time: timedelta) -> str:
    """`about 1.5`."""
    found = time.total_seconds() / 3600
    return f"about {found:.1f}" if found >= 0.1 else "less than 0.1"


def span(ticks: Sequence[datetime]) -> str:
    """From the first to the last."""
    first, last = min(ticks), max(ticks)
    return f"{first:%Y-%m-%d %H:%M}" if first == last else f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}"
