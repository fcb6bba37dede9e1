"""What is known of one schedule on KFP and of its runs: what fired, what is owed, what is in flight. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kfp_gitops.kfpserver.kfpapi.actual import ActualRun, ActualSchedule
from kfp_gitops.reconcile import timing
from kfp_gitops.reconcile.records import BACKFILLED, backfill_prefix


@dataclass(frozen=True)
class Seen:
    """What is there of one schedule's name, and the newest runs of each object (None: not looked at yet)."""

    objects: tuple[ActualSchedule, ...]
    runs: tuple[ActualRun, ...] | None
    now: datetime
    needs: timedelta = timedelta(0)
    """How long a swap would be between its predecessor's end and its own beginning, as slow as KFP is now."""
    past: bool = False
    """Whether there may be runs of its name although there is no object: somebody may have deleted that."""
    others: frozenset[str] = frozenset()
    """Ids of the pipeline's recurring runs of other names: KFP's name of a run tells only the beginning of one."""


def in_flight(objects: Sequence[ActualSchedule], seen: Seen) -> list[ActualRun]:
    """The runs of these recurring runs that are still to end."""
    ids = {found.id for found in objects}
    return [run for run in seen.runs or () if run.schedule_id in ids and run.active]


def owes(found: ActualSchedule, seen: Seen) -> datetime | None:
    """The newest firing of an enabled recurring run that fell due and whose run is not there; it may still come."""
    return timing.live(found, fired(found, seen)).last_until(seen.now)


def oldest_owed(found: ActualSchedule, seen: Seen) -> datetime | None:
    """The first firing after the last one that is seen, due or not."""
    due = timing.live(found, fired(found, seen))
    return due.next_after(due.base)


def first_owed(found: ActualSchedule, seen: Seen) -> datetime | None:
    """Without catch-up KFP runs the newest of several that fell due, and no other."""
    newest = owes(found, seen)
    return newest if newest is None or not found.catchup else oldest_owed(found, seen)


def fired(found: ActualSchedule, seen: Seen) -> datetime | None:
    """The newest firing of a recurring run that has a run."""
    times = [run.scheduled for run in seen.runs or () if run.schedule_id == found.id and run.scheduled]
    return max(times, default=None)


def last_fired(name: str, seen: Seen) -> datetime | None:
    """The newest firing that has a run, be it one that makes up for it."""
    times = [moment for found in seen.objects if (moment := fired(found, seen))]
    prefix = f"{name}-missed-"
    for run in seen.runs or ():
        if run.name.startswith(prefix) and not run.schedule_id:
            times += _stamp(run.name.removeprefix(prefix))
    return max(times, default=None)


_RUN = re.compile(r"(.*)[a-z0-9]{5}-\d+-\d+")
"""KFP's name of a run of a recurring run: at most 25 characters of that one's name, five by chance, its number, a hash
(template.go toSWFCRDResourceGeneratedName, scheduled_workflow.go NextResourceName; seen on 2.17.0)."""


def is_named_for(run: str, schedule: str) -> bool:
    """Whether a run's name is that of a run which a recurring run of this name started, as far as KFP tells."""
    match = _RUN.fullmatch(run)
    return match is not None and match[1] == named(schedule)


def named(schedule: str) -> str:
    """What KFP's names of the runs of a recurring run of this name begin with."""
    return re.sub(r"[^a-z0-9-]", "", schedule.lower())[:25]


def fired_before(name: str, seen: Seen) -> datetime | None:
    """The newest firing that recurring runs of this name had which are there no more."""
    ids = {found.id for found in seen.objects} | seen.others
    return max(
        (
            run.scheduled
            for run in seen.runs or ()
            if run.scheduled
            and run.schedule_id
            and run.schedule_id not in ids
            and is_named_for(run.name, name)
        ),
        default=None,
    )


def backfilled(name: str, seen: Seen) -> frozenset[datetime]:
    """The firings that somebody has made up for one by one; a run that failed has made up for nothing."""
    prefix = backfill_prefix(name)
    good = [run for run in seen.runs or () if run.state not in ("FAILED", "CANCELED") and not run.schedule_id]
    pattern = re.compile(f"{re.escape(prefix)}{BACKFILLED}")
    found = (pattern.fullmatch(run.name) for run in good)
    return frozenset(moment for match in found if match for moment in _stamp(match[1]))


def _stamp(text: str) -> list[datetime]:
    try:
        return [datetime.strptime(text, "%Y%m%dT%H%M%S%z")]
    except ValueError:
        return []


def ordered(objects: Sequence[ActualSchedule]) -> list[ActualSchedule]:
    """By age."""
    return sorted(objects, key=lambda found: (found.created, found.id))
