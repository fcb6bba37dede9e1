"""What a successor is told of the recurring runs before it, so that replacing a schedule forgets nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.actual import ActualSchedule
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.reconcile import history, timing
from kfp_gitops.reconcile.drift import SERVER, Wanted
from kfp_gitops.reconcile.history import Era, Gap, Why
from kfp_gitops.reconcile.seen import Seen, fired_before, ordered
from kfp_gitops.reconcile.steps import CreateSchedule

OFF = "off"
"""Marks what was created for a schedule that shall be disabled: nothing is missed meanwhile."""
_BACK = timedelta(days=8)
"""What is older is told by no status."""
_MOST = 238
"""Characters of a recurring run's description that are ours: 255 (VARCHAR), without the mark of the request."""


def facts(wanted: Wanted, seen: Seen, covered: datetime | None) -> Mapping[str, str]:
    """The facts of what is created now; `covered`: up to when all that fell due is accounted for, if anything is.

    One that its manifest turns off owes nothing, so its line ends; a pause interrupts it.
    """
    if not wanted.schedule.enabled:
        return {}
    line = [found for found in ordered(seen.objects) if not _begins_anew(found)]
    if not line:
        return {} if seen.objects else _after_deletion(wanted, seen)
    same = [found for found in line if _same_trigger(wanted, found)]
    if same:
        since, was = min(map(history.since, same)), history.was(same[-1])
    else:
        since = seen.now
        last = next((found for found in line if found.enabled), line[-1])
        was = Era(last.cron, last.interval_seconds, history.since(last), since)
    told = {history.SINCE: history.stamp(since)}
    if was and was.until > seen.now - _BACK:
        told |= {history.WAS: history.was_fact(was)}
    kept = [gap for gap in _gaps(line, seen, covered) if gap.until > seen.now - _BACK]
    return told | {history.GAPS: history.gaps_fact(kept, seen.now)}


def _begins_anew(found: ActualSchedule) -> bool:
    """Whether it was made for a schedule that its manifest turned off."""
    return OFF in found.facts and history.SINCE not in found.facts


def _same_trigger(wanted: Wanted, found: ActualSchedule) -> bool:
    schedule = wanted.schedule
    return (found.cron, found.interval_seconds) == (schedule.cron, schedule.interval_seconds)


def _after_deletion(wanted: Wanted, seen: Seen) -> Mapping[str, str]:
    """Of one that somebody deleted only its runs tell."""
    last = fired_before(wanted.name, seen)
    if last is None:
        return {}
    gap = Gap(Why.DELETED, last, seen.now)
    return {history.SINCE: history.stamp(last), history.GAPS: history.gaps_fact([gap], seen.now)}


def _gaps(line: Sequence[ActualSchedule], seen: Seen, covered: datetime | None) -> Iterator[Gap]:
    """Those that are known already, and the one that goes on now, if nobody fires."""
    yield from {gap: None for found in line for gap in history.gaps(found)}
    if covered is None or any(found.enabled for found in seen.objects):
        return
    ids, made_off = (
        {found.id for found in seen.objects},
        [found.created for found in line if OFF in found.facts],
    )
    fired = any(run.schedule_id in ids for run in seen.runs or ())
    why = Why.OFF if made_off or (fired and len(ids) == 1) else Why.SWAP
    yield Gap(why, min([covered, *made_off]), seen.now)


def description(owner: Owner, step: CreateSchedule) -> str:
    """A recurring run's description; of what it is told of those before it as much as it holds.

    Without room go first the oldest gaps, which are then told as an outage, and then the trigger before.
    """
    needed, told = _needed(step), {key: value for key, value in step.history.items() if value}
    while len(text := ownership.describe(owner, **needed, **told)) > _MOST and told:
        first, _, rest = told.pop(history.GAPS, "").partition(",")
        if rest:
            told[history.GAPS] = rest
        elif not first:
            told.popitem()
    return text


def _needed(step: CreateSchedule) -> Mapping[str, str]:
    """What later replacements depend on."""
    wanted = step.wanted
    found = {"covered": timing.rfc3339(step.covered)} if step.covered else {}
    found |= {"start": wanted.schedule.start} if wanted.schedule.start else {}
    found |= {} if wanted.enabled else {OFF: "1"}
    return found | ({SERVER: wanted.server} if wanted.server else {})
