"""What a schedule missed, by what, and whether somebody made up for it: the one function that says so. Pure.

`status`, the metrics and so the alert, the end of an `apply`, `resume` and `run.py --backfill --missed` ask it. A
firing is missed when no run of the schedule bears its instant, and no backfill or make-up run of it is on its way or
succeeded: one that failed has made up for nothing. What KFP cannot tell is not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache

from kfp_gitops.base import columns
from kfp_gitops.kfpserver.kfpapi.actual import ACTIVE, ActualSchedule
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.language.manifest import Schedule
from kfp_gitops.operate.status.model import Cause, Missed
from kfp_gitops.reconcile import history, timing
from kfp_gitops.reconcile.history import Era, Why
from kfp_gitops.reconcile.records import BACKFILLED, backfill_prefix, makeup_prefix
from kfp_gitops.reconcile.seen import is_named_for, named

GRACE = timedelta(minutes=2)
"""So long after a firing its run may still come: KFP's controller looks every 30 s, and its agent reports later."""
BACK = timedelta(days=7)
"""What fell due longer ago is told no more."""
NEWEST = 100
"""Runs of a pipeline that are asked for: one page of KFP."""
MORE = 1000
"""Of the time that is looked at, where the newest do not tell enough (`recent`)."""
_MOST = 100
_ATTEMPT = r"(\d{8}T\d{6}Z)(?:-\d+)?"
_ZONES = timedelta(hours=14)
"""A firing by another time zone than UTC is at most so far off."""
_TO_PAUSE = timedelta(minutes=10)
"""A pause of thousands of schedules takes so long, and until then some of them fire."""
_CAUSES: Mapping[Why, Cause] = {
    Why.SWAP: Cause.SWAP,
    Why.DELETED: Cause.DELETED,
    Why.OFF: Cause.DISABLED,
}


@dataclass(frozen=True)
class Spell:
    """A time in which a schedule was off by our own doing: from its start on, up to but without its end."""

    start: datetime
    end: datetime
    over: bool = False
    """Whether somebody may have ended it earlier: what shows that it was on again ends it."""
    owed: bool = True
    """Whether it was to be on but for a pause; what the manifest itself turned off missed nothing."""

    def holds(self, tick: datetime) -> bool:
        """Whether a firing fell into it."""
        return self.start <= tick < self.end


@dataclass(frozen=True)
class Line:
    """All that is known of a schedule of the manifest: the recurring runs of its name that are ours, and their runs.

    `runs` are the newest of the pipeline's experiment, newest first. `paused`: by the values, which tell no beginning.
    """

    name: str
    wanted: Schedule
    objects: Sequence[ActualSchedule]
    runs: Sequence[RunState]
    now: datetime
    paused: bool = False
    spells: Sequence[Spell] = ()
    others: Mapping[str, Collection[str]] = field(default_factory=dict)
    """The other schedules of the pipeline: the name on KFP → ids of the recurring runs that there are of it."""

    @property
    def present(self) -> ActualSchedule | None:
        """The one that fires, else the newest."""
        by_age = sorted(self.objects, key=lambda found: (found.enabled, found.created, found.id))
        return by_age[-1] if by_age else None


@dataclass(frozen=True)
class Account:
    """What a schedule missed in the last seven days: at most 100 firings, the oldest ones first."""

    missed: tuple[Missed, ...] = ()
    held: tuple[datetime, ...] = ()
    made_up: int = 0
    known_since: datetime | None = None
    """What fell due before it is not known; None: all of the time that is looked at is."""
    owed: datetime | None = None
    """The newest firing, where the schedule is on and nothing fired since: KFP runs it when its controller is back."""


def account(line: Line) -> Account:
    """What it missed, what a pause of ours held back, and how much of it was made up for."""
    if not line.wanted.enabled:
        return Account()
    own = list(_own(line))
    known = _known_since(line)
    fired = {run.scheduled for run in own if run.scheduled}
    made, spells = made_up(line.name, line.runs), [_ended(spell, line, fired) for spell in line.spells]
    cause = _cause(line, own, [spell for spell in spells if spell.owed])
    elsewhere = _elsewhere(line, own)
    done, gone = 0, list[datetime]()
    for tick in _due(line, sorted(fired), known):
        if tick in fired or any(spell.holds(tick) for spell in spells if not spell.owed):
            continue
        if elsewhere(tick):
            continue
        if made(tick):
            done += 1
        elif len(gone) < _MOST:
            gone.append(tick)
        else:
            break
    causes = {tick: cause(tick) for tick in gone}
    return Account(
        tuple(Missed(tick, why) for tick, why in causes.items() if why is not Cause.PAUSE),
        tuple(tick for tick, why in causes.items() if why is Cause.PAUSE),
        done,
        known,
        _owed(line, gone, fired),
    )


def _owed(line: Line, gone: Sequence[datetime], fired: Collection[datetime]) -> datetime | None:
    found = line.present
    if not gone or found is None or not found.enabled:
        return None
    return gone[-1] if gone[-1] > max([found.created, *fired]) else None


def _elsewhere(line: Line, own: Iterable[RunState]) -> Callable[[datetime], bool]:
    """Whether it fired near an instant, but at none of its trigger in UTC: KFP reads crons in another time zone.

    Which firing of ours such a run stands for nobody knows; making up for these would run all of them twice.
    """
    ids, alone = {found.id for found in line.objects}, named(line.name) not in map(named, line.others)
    fired = sorted(run.scheduled for run in own if run.scheduled and (alone or run.schedule_id in ids))
    eras = map(history.steady, _eras(line, fired[-1] if fired else None))
    crons = [(era, timing.read_cron(era.cron)) for era in eras]

    @cache
    def shifted(at: datetime) -> bool:
        its = [cron for era, cron in crons if era.after < at <= era.until]
        return any(cron and cron.next_after(at - timedelta(seconds=1)) != at for cron in its)

    def found(tick: datetime) -> bool:
        if fired and tick > fired[-1] and line.now - tick <= _ZONES:  # its run may be still to come
            return shifted(fired[-1])
        return any(abs(tick - at) <= _ZONES and shifted(at) for at in fired)

    return found


def _own(line: Line) -> Iterator[RunState]:
    """The runs that its recurring runs started, be it one that is gone: of those KFP tells a part of the name alone."""
    ids, theirs = {found.id for found in line.objects}, {one for its in line.others.values() for one in its}
    for run in line.runs:
        if not run.schedule_id or not run.scheduled or run.schedule_id in theirs:
            continue
        if run.schedule_id in ids or is_named_for(run.name, line.name):
            yield run


def _known_since(line: Line) -> datetime | None:
    """As old as the oldest of the runs, where there may be more: a firing after it would have a newer run."""
    created = [run.created for run in line.runs if run.created]
    all_there = len(line.runs) not in (NEWEST, MORE)  # fewer than were asked for
    if all_there or not created:
        return None
    oldest = min(created)
    return oldest if oldest > max(_begins(line) or oldest, line.now - BACK) else None


def _begins(line: Line) -> datetime | None:
    found = line.present
    if found is None:
        return max((run.scheduled for run in _own(line) if run.scheduled), default=None)
    before = history.was(found)
    return before.after if before else history.since(found)


def _eras(line: Line, last: datetime | None) -> Iterator[Era]:
    """The triggers that it had, one after the other."""
    found, until = line.present, line.now - GRACE
    if found is None:
        if last:  # of one that was deleted KFP tells nothing but its runs
            yield Era(line.wanted.cron, line.wanted.interval_seconds, last, until)
        return
    before = history.was(found)
    if before:
        yield replace(before, until=min(before.until, until))
    end = min(until, found.end) if found.end else until
    yield Era(found.cron, found.interval_seconds, history.since(found), end)


def _due(line: Line, fired: Sequence[datetime], known: datetime | None) -> Iterator[datetime]:
    """Its firings in the time that is looked at, the oldest first."""
    first = max(filter(None, (line.now - BACK, known)))
    for era in map(history.steady, _eras(line, fired[-1] if fired else None)):
        within = [tick for tick in fired if era.after <= tick <= era.until]
        ticks = _of_interval(era, within) if era.seconds else _of_cron(era, first)
        yield from (tick for tick in ticks if tick > first)


def _of_cron(era: Era, first: datetime) -> Iterator[datetime]:
    after = max(era.after, first)
    return timing.Timing(timing.read_cron(era.cron), None, after, era.until).between(after, era.until)


def _of_interval(era: Era, fired: Sequence[datetime]) -> Iterator[datetime]:
    """Its rhythm starts anew after each late firing, which stands for the newest one that fell due before it."""
    step = timedelta(seconds=era.seconds or 0)
    for last, following in zip((era.after, *fired), fired, strict=False):
        yield from (last + number * step for number in range(1, (following - last) // step))
        yield following
    last = fired[-1] if fired else era.after
    yield from timing.Timing(None, era.seconds, last, None).between(last, era.until)


def made_up(schedule: str, runs: Iterable[RunState]) -> Callable[[datetime], bool]:
    """Whether somebody has run what was missed at an instant: a backfill that firing, a make-up all up to its own."""
    good = [run.name for run in runs if run.state in ACTIVE or run.state == "SUCCEEDED"]
    once = set(_stamps(good, backfill_prefix(schedule), BACKFILLED))
    last = max(_stamps(good, makeup_prefix(schedule), _ATTEMPT), default="")
    return lambda tick: history.stamp(tick) in once or history.stamp(tick) <= last


def _stamps(names: Sequence[str], begin: str, rest: str) -> Iterator[str]:
    pattern = re.compile(f"{re.escape(begin)}{rest}")
    return (found[1] for name in names if (found := pattern.fullmatch(name)))


def _ended(spell: Spell, line: Line, fired: Collection[datetime]) -> Spell:
    """With the end that it had: it is on again when a recurring run that is on or has fired was made, or one fires."""
    if not spell.over:
        return spell
    found = line.present
    made = [gap.until for gap in history.gaps(found)] if found else []
    was_on = found and (found.enabled or any(tick > found.created for tick in fired))
    made += [found.created] if found and was_on else []
    signs = [moment for moment in made if moment > spell.start]
    signs += [tick for tick in fired if tick > spell.start + _TO_PAUSE]
    return replace(spell, end=min([spell.end, *signs]))


def _cause(line: Line, own: Sequence[RunState], pauses: Sequence[Spell]) -> Callable[[datetime], Cause]:
    """Why a firing has no run."""
    found = line.present
    last = max((run.scheduled for run in own if run.scheduled), default=None)
    gaps = history.gaps(found) if found else ()
    most = found.max_concurrency if found else line.wanted.max_concurrency

    def why(tick: datetime) -> Cause:
        if any(spell.holds(tick) for spell in pauses):
            return Cause.PAUSE
        if told := [gap for gap in gaps if gap.after < tick <= gap.until]:
            return _CAUSES[told[0].why]
        if (found is None or not found.enabled) and (last is None or tick > last):
            return _now_off(line)
        busy = [run for run in own if run.created and run.created <= tick < (run.ended or line.now)]
        return Cause.BUSY if len(busy) >= most else Cause.OUTAGE

    return why


def _now_off(line: Line) -> Cause:
    """Why it does not fire at present."""
    if line.paused:
        return Cause.PAUSE
    if not line.objects:
        return Cause.DELETED
    ids = {found.id for found in line.objects}
    if len(line.objects) > 1 or not any(run.schedule_id in ids for run in line.runs):
        return Cause.SWAP  # the successor is there, and nobody has enabled it
    return Cause.DISABLED


def counted(missed: Sequence[Missed]) -> str:
    """`3 firings (2 outage, 1 swap)`: how many, by their causes."""
    numbers = {cause: sum(one.cause is cause for one in missed) for cause in Cause}
    causes = [(number, cause) for cause, number in numbers.items() if number]
    told = causes[0][1] if len(causes) == 1 else ", ".join(f"{number} {cause}" for number, cause in causes)
    return f"{firings(len(missed))} ({told})"


def firings(number: int) -> str:
    """`1 firing`, `2 firings`."""
    return columns.counted(number, "firing")
