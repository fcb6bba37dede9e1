"""What has run for the firings of a schedule already: by the schedule itself, and by backfills."""

from __future__ import annotations

import re
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
from kfp_gitops.reconcile import history
from kfp_gitops.reconcile.records import BACKFILLED, makeup_prefix
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


_OF_GIT = re.compile(r"-[a-z]")
"""What follows the firing in the name of a run by which a backfill of Git ran it once more (`skipExisting: false`)."""
_CUTS, _FEW = (8, 6, 4, 0), 3
"""Characters of a stamp: its day, month, year, nothing; and how many questions there may be."""


def ran(api: KfpApi, work: Backfill, within: Range) -> Ran:
    """What there is in a range of time; what a backfill of Git has run once more counts as what the schedule ran."""
    named = api.runs_named(work.experiment_id, work.prefix)
    found = fired(api, work, within)
    for run in named:
        tick = _firing(run.name, work.prefix)
        if tick and _OF_GIT.match(run.name, len(work.prefix + history.stamp(tick))):
            found[tick] = run.state if found.get(tick) in (None, *FAILED) else found[tick]
    return Ran(found, newest_attempts(named, work.prefix))


def backfilled(api: KfpApi, work: Backfill, ticks: Collection[datetime]) -> set[datetime]:
    """Those of some firings that any backfill has run well, or runs now: at whatever attempt, under whatever id."""
    begins = _begins(work.prefix, ticks)
    named = (run for begin in begins for run in api.runs_named(work.experiment_id, begin))
    return well(named, work.prefix) & set(ticks)


def well(named: Iterable[RunState], prefix: str) -> set[datetime]:
    """The firings of which one of these runs of backfills went well, or goes on."""
    good = (_firing(run.name, prefix) for run in named if run.state not in FAILED)
    return {tick for tick in good if tick}


def _firing(name: str, prefix: str) -> datetime | None:
    match = re.fullmatch(re.escape(prefix) + BACKFILLED, name)
    return history.noted(match[1]) if match else None


def _begins(prefix: str, ticks: Collection[datetime]) -> list[str]:
    """What the names of their runs begin with: a few texts, of days, months or years, that few others begin with."""
    stamps = sorted(map(history.stamp, ticks))
    cut = next(cut for cut in _CUTS if len({stamp[:cut] for stamp in stamps}) <= _FEW)
    groups: dict[str, list[str]] = {}
    for stamp in stamps:
        groups.setdefault(stamp[:cut], []).append(stamp)
    return [f"{prefix}{_common(group[0], group[-1])}" for group in groups.values()]


def _common(one: str, other: str) -> str:
    """What both begin with."""
    length = next((at for at, (a, b) in enumerate(zip(one, other, strict=True)) if a != b), len(one))
    return one[:length]


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
    """Those of some firings that the schedule itself has run, be it late: its controller was down and is back.

    Or another backfill meanwhile.
    """
    within = Range(min(ticks), max(ticks) + timedelta(seconds=1))
    return fired(api, work, within).keys() & set(ticks) | backfilled(api, work, ticks)


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
