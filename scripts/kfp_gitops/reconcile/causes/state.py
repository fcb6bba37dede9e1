"""What is kept of triggers between two passes. Pure; instants are aware and in UTC, whole seconds.

KFP keeps the runs themselves; kept here is what no list tells later: which causes were dealt with (their run may be
deleted since), which requests were about to be sent when a process was killed, and since when a trigger is known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from kfp_gitops.reconcile.causes.seams import DataState
from kfp_gitops.reconcile.causes.standing import Missed, Standing, Started, Waiting

LOOKBACK = timedelta(hours=24)
"""How far back causes are found that nobody saw when they came about."""
KEPT = LOOKBACK + timedelta(hours=1)
"""How long a cause that was dealt with is remembered after its moment: an hour longer than it can be due."""
GRACE = timedelta(minutes=15)
"""So much before the first look counts in any case: what was just set up is looked at a little later."""
SKEW = timedelta(minutes=2)
"""By which the clock of Argo's controller, which tells when a run ended, may be behind the API server's."""
LONGEST = timedelta(days=7)
"""How long a cause waits, and how far back is looked where no pass came for long."""
_HOUR = 3600
WHY = 300
"""Characters of a reason that are kept: a server may say as much as it likes."""
MOST_WAITING, MOST_MISSED, MOST_SPELLS, MOST_STATES = 100, 10, 8, 200
"""Of one trigger: what is more than that is told no more, the oldest first; of states of data that were seen."""


@dataclass(frozen=True)
class Intent:
    """A run that was about to be started, and that no list has shown yet."""

    cause: str
    digest: str
    begun: datetime
    looks: int = 0
    """How many passes have looked for it since and found nothing."""
    made: bool = False
    """Whether KFP said that it has it."""
    unclear: bool = False
    """Whether KFP broke over it: it may run without any list showing it, for ever."""
    unseen: bool = False
    """Whether the note of that could not be left yet: one that is archived is of a try before."""


@dataclass(frozen=True)
class Closed:
    """A time in which passes saw that nothing is started: from `since` to `seen`, and as planned up to `until`."""

    since: datetime
    seen: datetime
    until: datetime | None = None


@dataclass(frozen=True)
class DataSeen:
    """A state of data that is owed a run: the store tells of it no more once there is another."""

    cause: str
    moment: datetime
    state: DataState


@dataclass(frozen=True)
class Kept:
    """What is kept of one trigger."""

    on: str
    """What it waited for (`Watched.on`)."""
    first: datetime
    """When it was first seen."""
    floor: datetime | None = None
    """When it was not there yet, or nobody knows: nothing before is owed to it."""
    since: datetime | None = None
    """From when on causes count; None: not known yet."""
    closed: Closed | None = None
    spells: tuple[tuple[datetime, datetime], ...] = ()
    """Times in which it was closed, that are over."""
    data: tuple[DataSeen, ...] = ()
    """States that wait for their run, the oldest first."""
    states: tuple[str, ...] = ()
    """Digests of the states of data that were dealt with, the oldest first."""
    waiting: tuple[Waiting, ...] = ()
    held: str = ""
    missed: tuple[Missed, ...] = ()
    last: Started | None = None
    problem: str = ""


@dataclass(frozen=True)
class State:
    """What is kept of an environment's triggers. `at`: when a pass last looked; None: nothing is kept, or is lost."""

    at: datetime | None = None
    deep: datetime | None = None
    """When a pass last looked at all of the last day."""
    horizon: datetime | None = None
    """Of causes before this nothing is remembered: they are due no more."""
    triggers: Mapping[str, Kept] = field(default_factory=dict)
    """By `Watched.key`."""
    handled: Mapping[int, frozenset[str]] = field(default_factory=dict)
    """Hour since 1970 → digests of the causes of that hour that were dealt with."""
    intents: Mapping[str, Intent] = field(default_factory=dict)
    """By the run's name."""
    ours: frozenset[str] = frozenset()
    """Beginnings of the ids of versions that this repository registered for this environment."""

    def is_handled(self, digest: str, moment: datetime) -> bool:
        """Whether a cause was dealt with; its moment may have changed by a retry of its run."""
        found = self.handled.get(hour_of(moment), ())
        return digest in found or any(digest in digests for digests in self.handled.values())

    def with_handled(self, digests: Mapping[str, datetime]) -> State:
        """The same, which remembers these causes (digest → moment) as dealt with."""
        handled = {hour: set(found) for hour, found in self.handled.items()}
        for digest, moment in digests.items():
            handled.setdefault(hour_of(moment), set()).add(digest)
        return replace(self, handled={hour: frozenset(found) for hour, found in handled.items()})


def version_digits(version_id: str) -> str:
    """Of a version's id, as it is kept."""
    return hashlib.sha256(version_id.encode()).hexdigest()[:16]


def hour_of(moment: datetime) -> int:
    """Hours since 1970."""
    return int(moment.timestamp()) // _HOUR


def begun(state: State, now: datetime) -> State:
    """As a pass at `now` finds it: what is too old is forgotten, and a clock that went back makes nothing wait for it.

    The horizon moves by an hour a pass at most, so that a clock that is wrong for once forgets next to nothing; it
    never moves back, for what was forgotten is not known again.
    """
    at_most = now - KEPT
    horizon = at_most if state.horizon is None else max(state.horizon, at_most)
    if state.horizon is not None:
        horizon = min(horizon, state.horizon + timedelta(hours=1))
    if horizon > now:  # it was moved under a clock that was wrong for days
        horizon = now - GRACE
    kept = {hour: found for hour, found in state.handled.items() if (hour + 1) * _HOUR > horizon.timestamp()}
    intents = {name: replace(one, begun=min(one.begun, now)) for name, one in state.intents.items()}
    back = state.at - now if state.at and state.at > now else timedelta(0)
    triggers = {key: _moved_back(one, back, now) for key, one in state.triggers.items()}
    at = min(state.at, now) if state.at else None
    deep = state.deep if state.deep and state.deep <= now else None
    return replace(state, at=at, deep=deep, horizon=horizon, handled=kept, intents=intents, triggers=triggers)


def without_triggers(state: State, now: datetime) -> State:
    """After a pass that saw none that is on: to one that is there again later nothing is owed of the time before."""
    return replace(begun(state, now), at=now, triggers={})


def _moved_back(kept: Kept, back: timedelta, now: datetime) -> Kept:
    """After a clock that went back by so much, or by more, for time has passed: then causes count from earlier on.

    Of a trigger that was first seen in what is now the future it is not known from when.
    """
    if kept.first > now:
        return replace(kept, first=now, since=None, floor=now - LOOKBACK)
    if back > SKEW and kept.since:
        return replace(kept, since=kept.since - back - GRACE)
    return kept


def standing(key: str, kept: Kept, state: State) -> Standing:
    """A trigger as people are told."""
    pipeline, _, trigger = key.partition("/")
    begin = f"{pipeline}-{trigger}-"
    unclear = sorted(
        (n, one.cause) for n, one in state.intents.items() if one.unclear and n == f"{begin}{one.digest}"
    )
    names, causes = tuple(name for name, _ in unclear), tuple(cause for _, cause in unclear)
    looked = state.at or datetime(1970, 1, 1, tzinfo=UTC)
    return Standing(
        pipeline,
        trigger,
        looked,
        kept.waiting,
        kept.held,
        kept.missed,
        names,
        causes,
        kept.last,
        kept.problem,
    )


def standings(state: State) -> list[Standing]:
    """Of all triggers, by name."""
    return [standing(key, kept, state) for key, kept in sorted(state.triggers.items())]
