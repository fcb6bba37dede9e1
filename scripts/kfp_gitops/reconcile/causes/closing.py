"""When a trigger starts nothing: paused, turned off with its environment, or outside of its window. Pure.

What a pass saw is kept, for the values of an environment tell of a pause its end alone. In doubt a cause is none that
fell into such a time: it is run, and not missed.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from kfp_gitops.reconcile import timing
from kfp_gitops.reconcile.causes.cause import Watched
from kfp_gitops.reconcile.causes.seen import Seen, Spells
from kfp_gitops.reconcile.causes.state import KEPT, MOST_SPELLS, Closed, Kept

_AFTER = timedelta(seconds=1)
"""What ended in the very second in which a pass first saw it is not missed."""


def observed(one: Watched, kept: Kept, now: datetime) -> Kept:
    """With what this pass sees of a pause, which an environment that is turned off is for each of its pipelines."""
    until = one.pipeline.paused_until
    if one.pipeline.is_paused(now):
        since = kept.closed.since if kept.closed else now + _AFTER
        return replace(kept, closed=Closed(min(since, now + _AFTER), now, until))
    if kept.closed is None:
        return kept
    spells = [*kept.spells, (kept.closed.since, _end(kept.closed, now))]
    recent = [spell for spell in spells if spell[0] < spell[1] and spell[1] > now - 7 * KEPT]
    return replace(kept, closed=None, spells=tuple(recent[-MOST_SPELLS:]))


def _end(closed: Closed, now: datetime) -> datetime:
    """As planned, where that time has come; otherwise somebody ended it after it was last seen."""
    if closed.until and closed.seen <= closed.until <= now:
        return closed.until
    return closed.seen


def held(one: Watched, now: datetime, *, disabled: bool) -> str:
    """Why nothing is started at this instant, for people; "": it may be."""
    if disabled:
        return "the environment is turned off"
    if one.pipeline.is_paused(now) and one.pipeline.paused_until:
        return f"paused until {timing.rfc3339(one.pipeline.paused_until)}"
    window = one.trigger.only_within
    if window and not window.holds(now):
        return f"outside of its window, which opens at {timing.rfc3339(window.next_opening(now))}"
    return ""


PAUSED, OUTSIDE = "it was paused or turned off then", "outside of its window"
_HELD = ("it was paused", OUTSIDE)
"""Also as a version before said it, of which something is kept for a day."""


def is_held(why: str) -> bool:
    """Whether a cause was missed by what somebody wants: a pause, an environment that is off, or the window."""
    return why.startswith(_HELD)


def missed(one: Watched, kept: Kept, seen: Seen, moment: datetime) -> str:
    """Why a cause of an instant is missed, for people; "": it is not."""
    if _holds(seen.pauses.get(one.pipeline.name, ()), moment) or _holds(kept.spells, moment):
        return PAUSED
    if kept.closed and kept.closed.since <= moment and (kept.closed.until or seen.now) > moment:
        return PAUSED
    window = one.trigger.only_within
    return OUTSIDE if window and not window.holds(moment) else ""


def _holds(spells: Spells, moment: datetime) -> bool:
    return any(start <= moment < end for start, end in spells)
