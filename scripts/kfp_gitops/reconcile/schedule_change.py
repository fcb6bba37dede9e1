"""What happens to one recurring run: the question that `swap` answers step by step, answered as a whole. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from kfp_gitops.kfpserver.kfpapi.actual import ActualSchedule
from kfp_gitops.reconcile import drift, swap, timing
from kfp_gitops.reconcile.change import Action, Change, Kind
from kfp_gitops.reconcile.drift import Difference, Wanted
from kfp_gitops.reconcile.inventory import View, in_order
from kfp_gitops.reconcile.seen import Seen, in_flight


def schedule_change(wanted: Wanted, view: View) -> Change:
    """What becomes of a schedule of the manifest, and when it fires then."""
    objects = tuple(in_order(found for found in view.schedules if found.name == wanted.name))
    seen = Seen(objects, view.runs or (), view.now)
    about = drift.summary(wanted.schedule, wanted.enabled)
    if swap.next_step(wanted, seen) is None:
        return _of(Action.UNCHANGED, wanted, about, firings=_firings(wanted, seen, objects))
    if not objects:
        return _of(Action.CREATE, wanted, about, firings=_firings(wanted, seen, ()))
    good = [found for found in objects if not drift.differences(wanted, found)]
    action, reason, changed = _verdict(wanted, seen, objects, good)
    missed = 0
    if action is Action.REPLACE and not any(found.enabled for found in objects):
        missed = len(swap.missed_by_now(wanted, seen))
    busy = in_flight(objects, seen)
    firings = _firings(wanted, seen, good if action is not Action.REPLACE else ())
    return _of(action, wanted, reason, changed, len(busy), firings, missed)


def taken_over(change: Change, view: View) -> Change:
    """The same of one that was made in KFP and is still to be taken over: as it is, where that is all."""
    found = next((one for one in view.schedules if one.name == change.name and one.id in view.untaken), None)
    if found is None:
        return change
    if change.action is Action.UNCHANGED:
        return replace(
            change, action=Action.ADOPT, reason=f"{found.called!r} stays as it is; {change.reason}"
        )
    return replace(change, reason=f"{found.called!r} is taken over as asked, and {change.reason}")


def _verdict(
    wanted: Wanted, seen: Seen, objects: Sequence[ActualSchedule], good: Sequence[ActualSchedule]
) -> tuple[Action, str, tuple[Difference, ...]]:
    on = [found for found in objects if found.enabled]
    if any(found in good for found in on) and wanted.enabled:
        what = "is enabled twice" if len(on) > 1 else "left over by a replacement"
        return Action.DELETE, what, ()
    if good and not wanted.enabled:
        if on:
            return Action.DISABLE, "shall be disabled", (Difference("enabled", True, False),)
        return Action.DELETE, "left over by a replacement", ()
    if good and not on:
        off = (Difference("enabled", False, True),)
        if any(swap.fresh(found, seen.now) for found in good):
            return Action.ENABLE, "is disabled, shall be enabled", off
        return Action.REPLACE, "is disabled, shall be enabled", off
    newest = (on or list(objects))[-1]
    changed = drift.differences(wanted, newest)
    fields = ", ".join(difference.field for difference in changed)
    if newest.enabled != wanted.enabled:
        changed = (*changed, Difference("enabled", newest.enabled, wanted.enabled))
    return Action.REPLACE, f"{fields} differ" if "," in fields else f"{fields} differs", changed


def _of(
    action: Action,
    wanted: Wanted,
    reason: str,
    differences: tuple[Difference, ...] = (),
    in_flight: int = 0,
    firings: tuple[datetime, ...] = (),
    missed: int = 0,
) -> Change:
    pipeline = wanted.pipeline
    return Change(
        action, Kind.SCHEDULE, pipeline, wanted.name, reason, differences, in_flight, firings, missed
    )


def _firings(wanted: Wanted, seen: Seen, good: Sequence[ActualSchedule]) -> tuple[datetime, ...]:
    if not wanted.enabled:
        return ()
    kept = [found for found in good if found.enabled] or list(good)
    if kept:
        return timing.live(kept[0]).next_ones(seen.now)
    base = swap.start_of(wanted, seen) or seen.now
    return timing.wanted(wanted.schedule, base).next_ones(seen.now)
