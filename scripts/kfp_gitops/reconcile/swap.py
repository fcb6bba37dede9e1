"""One schedule: (wanted, what is there, now) → the next single step. Pure, so that a crash anywhere changes nothing.

There is no update call, so a schedule is replaced: create disabled → disable old → enable new → delete old; where
the next firing is far away the old one is deleted at once instead of being disabled first. Each of these calls costs
the server about 0.2 s, one after another (its Kubernetes client makes 5 requests a second).

A successor is created disabled, also where nothing was before it: KFP makes the ScheduledWorkflow before it stores its
row, so a failure may leave one that no list shows (`kfpapi.writes`). Disabled, that one never fires.

At most once for each firing: KFP fires a recurring run for everything that fell due since its *creation*, also while
it was disabled. A successor is therefore enabled only when nothing fell due between its creation and a look at which
every predecessor was already disabled: all that it will fire comes after all that they could fire. One that is older
than the last firing is deleted and made anew.

None missed: a swap waits when a firing is near, and after one until its run is seen. What a killed swap missed is
known from the successor itself: it carries the instant up to which all firings are accounted for (`covered`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice

from kfp_gitops.kfpserver.kfpapi.actual import ActualSchedule
from kfp_gitops.reconcile import carried, timing, waits
from kfp_gitops.reconcile.carried import OFF
from kfp_gitops.reconcile.drift import Wanted, differences
from kfp_gitops.reconcile.records import makeup_prefix
from kfp_gitops.reconcile.seen import Seen, backfilled, fired, first_owed, last_fired, ordered
from kfp_gitops.reconcile.steps import (
    CreateSchedule,
    DeleteSchedule,
    DisableSchedule,
    EnableSchedule,
    LookAtRuns,
    StartRun,
    Step,
    Wait,
)

_MOST_MISSED = 1000
"""More firings than this are not counted one by one."""


def next_step(wanted: Wanted, seen: Seen) -> Step | None:
    """What brings KFP one step nearer to one schedule of the manifest; None when it is there."""
    return _towards_enabled(wanted, seen) if wanted.enabled else _towards_disabled(wanted, seen)


def removal_step(objects: Sequence[ActualSchedule], *, delete: bool) -> Step | None:
    """What brings KFP one step nearer to no such schedule; with `delete` false they are only disabled."""
    for found in ordered(objects):
        if delete:
            return DeleteSchedule(found.id, found.name)
        if found.enabled:
            return DisableSchedule(found.id, found.name)
    return None


def missed(wanted: Wanted, successor: ActualSchedule, seen: Seen) -> tuple[datetime, ...]:
    """The firings that neither the successor, anything before it nor a backfill has run or will; at most 1,000."""
    due = timing.live(successor)
    # Before its start nothing is due.
    begins = timing.instant(wanted.schedule.start)
    accounted = max(filter(None, (covered(successor), last_fired(wanted.name, seen), begins)))
    if not wanted.enabled or accounted >= due.base:
        return ()
    # The rhythm of an interval goes back from the start, of a cron it is everywhere the same.
    seconds = successor.interval_seconds
    steps = -(-(due.base - accounted) // timedelta(seconds=seconds)) + 1 if seconds else 0
    base = due.base - steps * timedelta(seconds=seconds or 0) if seconds else accounted
    earlier = timing.Timing(due.cron, due.seconds, base, due.end)
    done = backfilled(wanted.name, seen)
    gone = (tick for tick in earlier.between(accounted, due.base) if tick not in done)
    return tuple(islice(gone, _MOST_MISSED))


def missed_by_now(wanted: Wanted, seen: Seen) -> tuple[datetime, ...]:
    """What would be missed were the successor created now."""
    covered_now = _covered_now(wanted, seen)
    successor = ActualSchedule(
        id="",
        name=wanted.name,
        pipeline_id=None,
        version_id=wanted.version_id,
        enabled=False,
        created=seen.now,
        facts={"covered": timing.rfc3339(covered_now)} if covered_now else {},
        cron=wanted.schedule.cron,
        interval_seconds=wanted.schedule.interval_seconds,
        start=start_of(wanted, seen),
        end=timing.instant(wanted.schedule.end),
    )
    return missed(wanted, successor, seen)


def covered(found: ActualSchedule) -> datetime:
    """Up to when everything that fell due is accounted for, as it was when the object was created."""
    return timing.noted(found.facts.get("covered")) or found.created


def fresh(found: ActualSchedule, now: datetime) -> bool:
    """Whether nothing fell due since its creation: whoever was before it cannot have fired what it will fire."""
    following = timing.live(found).next_after(timing.live(found).base)
    return following is None or following > now


def successor(wanted: Wanted, objects: Sequence[ActualSchedule], now: datetime) -> ActualSchedule | None:
    """The one that may be enabled once nobody before it fires."""
    good = (found for found in ordered(objects) if not found.enabled and not differences(wanted, found))
    return next((found for found in good if fresh(found, now)), None)


def makeup_name(wanted: Wanted, firing: datetime) -> str:
    """The name of the one run that makes up for all that was missed up to a firing."""
    return f"{makeup_prefix(wanted.name)}{firing:%Y%m%dT%H%M%SZ}"


def start_of(wanted: Wanted, seen: Seen) -> datetime | None:
    """The start that KFP is given.

    A cron's start that has passed would make KFP fire everything since then: it is left out. An interval goes on from
    the last firing that was due, else each release would put the next one off.
    """
    declared, seconds = timing.instant(wanted.schedule.start), wanted.schedule.interval_seconds
    if declared and declared > seen.now:
        return declared
    if seconds is None:
        return None
    phase = _phase(seen) or declared or seen.now
    return phase + (seen.now - phase) // timedelta(seconds=seconds) * timedelta(seconds=seconds)


def _phase(seen: Seen) -> datetime | None:
    """A firing of the interval that is there already, or its base."""
    bases = [timing.live(found, fired(found, seen)).base for found in _intervals(seen)]
    return max(bases, default=None)


def _intervals(seen: Seen) -> list[ActualSchedule]:
    return [found for found in seen.objects if found.interval_seconds]


def _towards_disabled(wanted: Wanted, seen: Seen) -> Step | None:
    for found in ordered(seen.objects):
        if found.enabled:
            return DisableSchedule(found.id, found.name)
    good = [found for found in ordered(seen.objects) if not differences(wanted, found)]
    if not good:
        return _create(wanted, seen)
    return _delete_others(good[-1], seen)


def _towards_enabled(wanted: Wanted, seen: Seen) -> Step | None:
    good = [found for found in ordered(seen.objects) if not differences(wanted, found)]
    firing = [found for found in good if found.enabled]
    if firing:
        others = [found for found in ordered(seen.objects) if found.enabled and found is not firing[0]]
        return DisableSchedule(others[0].id, others[0].name) if others else _delete_others(firing[0], seen)
    new = successor(wanted, seen.objects, seen.now)
    if new and seen.objects == (new,) and not missed(wanted, new, seen):
        return EnableSchedule(new.id, new.name)  # nobody was before it, and it has run nothing yet
    if seen.objects and seen.runs is None:
        return LookAtRuns()
    before = [found for found in ordered(seen.objects) if found.enabled]
    if before:
        return _take_over(wanted, new, before, seen)
    if new:
        return _enable(wanted, new, seen)
    return waits.before_the_first(wanted, seen, start_of(wanted, seen)) or _create(wanted, seen)


def _take_over(
    wanted: Wanted, successor: ActualSchedule | None, before: list[ActualSchedule], seen: Seen
) -> Step:
    """A predecessor still fires."""
    wait = waits.reason_to_wait(wanted, before, seen, start_of(wanted, seen), begun=successor is not None)
    if wait:
        return wait
    if successor:
        old = before[0]
        return DeleteSchedule(old.id, old.name) if waits.far(old, seen) else DisableSchedule(old.id, old.name)
    # Nothing was missed while the predecessor fires, so what a killed swap left behind proves nothing.
    left = [found for found in ordered(seen.objects) if not found.enabled]
    return DeleteSchedule(left[0].id, left[0].name) if left else _create(wanted, seen)


def _enable(wanted: Wanted, successor: ActualSchedule, seen: Seen) -> Step:
    gone = missed(wanted, successor, seen)
    if gone and waits.unsettled(successor, gone[0], gone[-1], seen.now):
        # It may have fired just before it was disabled; KFP tells of a run when its agent has reported it.
        return Wait(
            seen.now + waits.LOOK, f"the run of {timing.rfc3339(gone[-1])} may be there and not seen yet"
        )
    if gone and wanted.schedule.on_missed == "run":
        name = makeup_name(wanted, gone[-1])
        why = f"makes up for {len(gone)} missed, the last due at {timing.rfc3339(gone[-1])}"
        return StartRun(name, wanted.schedule.parameters, why)
    return EnableSchedule(successor.id, successor.name, gone)


def _create(wanted: Wanted, seen: Seen) -> Step:
    if (seen.objects or seen.past) and seen.runs is None:
        return LookAtRuns()
    covered = _covered_now(wanted, seen)
    return CreateSchedule(wanted, covered, start_of(wanted, seen), carried.facts(wanted, seen, covered))


def _covered_now(wanted: Wanted, seen: Seen) -> datetime | None:
    """While a predecessor fires, now, or what it owes; after that, what is known; without any it begins with itself."""
    if not seen.objects:
        return None
    before = [found for found in seen.objects if found.enabled]
    owed = [due for found in before if (due := first_owed(found, seen))]
    if owed:
        return min(owed) - timedelta(seconds=1)
    if before:
        return seen.now
    known = [seen.now if OFF in found.facts else covered(found) for found in seen.objects]
    return max(filter(None, (*known, last_fired(wanted.name, seen))))


def _delete_others(kept: ActualSchedule, seen: Seen) -> Step | None:
    left = [found for found in ordered(seen.objects) if found is not kept]
    return DeleteSchedule(left[0].id, left[0].name) if left else None
