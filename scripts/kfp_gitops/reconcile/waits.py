"""When a swap may go on: not when a firing is near, and after one not until its run is seen. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from kfp_gitops.kfpserver.kfpapi.actual import ActualSchedule
from kfp_gitops.reconcile import timing
from kfp_gitops.reconcile.drift import Wanted
from kfp_gitops.reconcile.seen import Seen, fired, in_flight, oldest_owed, owes
from kfp_gitops.reconcile.steps import Wait

_BEGIN, _BEGIN_SHARE = timedelta(seconds=40), 4
_NEAR, _NEAR_SHARE = timedelta(seconds=30), 6
"""So long before a firing no swap begins, nor goes on after the creation: enough for its requests, were each of them
slow. At most this part of the time between two firings, else a schedule each minute never is free."""
_SETTLE = timedelta(seconds=90)
"""So long after a firing its run is waited for: KFP's controller looks every 30 s, and KFP tells of a run when its
persistence agent has reported it."""
_SETTLE_SHARE = 4
_OFTEN = timedelta(seconds=60)
"""What fires more often than this has no moment at which all its runs are seen."""
_FAR = timedelta(minutes=10)
"""A predecessor that fires no sooner is deleted at once: no request of ours takes effect so late."""
_BRIEF = timedelta(seconds=10)
LOOK = timedelta(seconds=2)
_LOOK_IN_FLIGHT = timedelta(seconds=10)


def reason_to_wait(
    wanted: Wanted, before: Sequence[ActualSchedule], seen: Seen, start: datetime | None, *, begun: bool
) -> Wait | None:
    """Why the predecessors are left to fire for now; `begun`: the successor, which fires from `start` on, is there."""
    busy = in_flight(before, seen)
    if busy and wanted.schedule.on_replace == "wait":
        return Wait(seen.now + _LOOK_IN_FLIGHT, f"{len(busy)} in flight, and onReplace is wait")
    most, share = (_NEAR, _NEAR_SHARE) if begun else (_BEGIN, _BEGIN_SHARE)
    for due in _timings(wanted, before, seen, start):
        first, *more = due.next_ones(seen.now, 2) or (None,)
        if first and first - seen.now < max(_part(most, share, first, more), seen.needs):
            return Wait(first, f"it fires at {timing.rfc3339(first)}")
    for found in before:
        newest = owes(found, seen)
        if newest and unsettled(found, oldest_owed(found, seen) or newest, newest, seen.now):
            return Wait(seen.now + LOOK, f"its run of {timing.rfc3339(newest)} is not seen yet")
    return None


def before_the_first(wanted: Wanted, seen: Seen, start: datetime | None) -> Wait | None:
    """A first object that is created before a firing and enabled after it would look as if it had missed that one."""
    first = timing.wanted(wanted.schedule, start or seen.now).next_after(seen.now)
    if seen.objects or first is None or first - seen.now >= _BRIEF:
        return None
    return Wait(first, f"it would fire at {timing.rfc3339(first)}")


def _timings(
    wanted: Wanted, before: Sequence[ActualSchedule], seen: Seen, start: datetime | None
) -> Iterator[timing.Timing]:
    for found in before:
        yield timing.live(found, fired(found, seen))
    yield timing.wanted(wanted.schedule, start or seen.now)


def far(old: ActualSchedule, seen: Seen) -> bool:
    """Whether all that it fired is seen, and it fires no more for a while."""
    following = timing.live(old, fired(old, seen)).next_after(seen.now)
    return owes(old, seen) is None and (following is None or following - seen.now > _FAR)


def _part(most: timedelta, share: int, first: datetime, more: Sequence[datetime]) -> timedelta:
    """A part of the time between two firings, where that is less."""
    return min(most, (more[0] - first) / share) if more else most


def unsettled(found: ActualSchedule, oldest: datetime, newest: datetime, now: datetime) -> bool:
    """Whether the run of one of these firings may still be seen.

    By the oldest, for the newest of a schedule each minute is never old; where the oldest says nothing any more (no run
    came, or was deleted), a while after the newest.
    """
    following = timing.live(found, newest).next_after(newest)
    more = [following] if following else []
    often = following is not None and following - newest < _OFTEN
    if not often and now - oldest < _SETTLE:
        return True
    return now - newest < _part(_SETTLE, _SETTLE_SHARE, newest, more)
