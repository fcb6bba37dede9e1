"""The causes of one trigger, sorted: dealt with, due, to wait, missed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.language.manifest import AfterRun, OnData
from kfp_gitops.reconcile.causes import beginning, closing, upstream
from kfp_gitops.reconcile.causes.cause import Cause, Watched, digest, run_name
from kfp_gitops.reconcile.causes.seen import Known, Seen
from kfp_gitops.reconcile.causes.standing import Missed, Waiting
from kfp_gitops.reconcile.causes.state import (
    LONGEST,
    LOOKBACK,
    MOST_MISSED,
    MOST_STATES,
    MOST_WAITING,
    SKEW,
    DataSeen,
    Kept,
    State,
    version_digits,
)
from kfp_gitops.reconcile.records import DesiredPipeline

LATE = "it ended more than a day ago; missed, unless the next look says otherwise"
DELETED = "its run was deleted while it waited"
GONE = "its run is not there any more; given up, unless the next look finds it"
ASKS = "whether the trigger was there by then is to be asked"
WHOSE = "whose version its run is of is to be asked"
_UNDECIDED = frozenset({LATE, GONE, ASKS, WHOSE})


@dataclass(frozen=True)
class World:
    """What all triggers of an environment are decided by."""

    owner: Owner
    seen: Seen
    known: Known = field(default_factory=Known)
    pipelines: Mapping[str, DesiredPipeline] = field(default_factory=dict)
    """All of the environment, by name."""
    disabled: bool = False
    """Whether the environment is turned off."""


@dataclass(frozen=True)
class Candidate:
    """A cause with its digest."""

    cause: Cause
    digest: str

    @property
    def order(self) -> tuple[datetime, str]:
        """In which they are started."""
        return self.cause.moment, self.digest

    def waits(self, why: str, tries: int = 0) -> Waiting:
        """For people."""
        return Waiting(self.cause.id, self.digest, self.cause.moment, why, tries)

    def missed(self, why: str, found: datetime) -> Missed:
        """Likewise."""
        return Missed(self.cause.id, self.cause.moment, why, found)


@dataclass
class Sorted:
    """Filled by `sort`."""

    kept: Kept
    now: datetime
    due: list[Candidate] = field(default_factory=list)
    handled: dict[str, datetime] = field(default_factory=dict)
    """Digest → moment of what is dealt with by now."""
    waiting: list[Waiting] = field(default_factory=list)
    missed: list[Missed] = field(default_factory=list)
    """What this look found to be missed."""
    asks_registered: bool = False
    asks_versions: set[tuple[str, str]] = field(default_factory=set)
    problem: str = ""

    def settle(self, candidates: Iterable[Candidate]) -> None:
        """Nothing more is owed for them."""
        self.handled |= {one.digest: one.cause.moment for one in candidates}

    def miss(self, one: Candidate, why: str) -> None:
        """It gets no run."""
        self.settle([one])
        self.missed.append(one.missed(why, self.now))


def sort(one: Watched, state: State, world: World) -> Sorted:
    """All that is known of a trigger's causes."""
    kept = closing.observed(one, beginning.of(one, state, world.seen), world.seen.now)
    kept, begin = beginning.resolved(one, kept, world.seen, world.known)
    out = Sorted(kept, world.seen.now)
    on = one.trigger.run_on
    if isinstance(on, AfterRun):
        rest = _runs(one, on, begin, state, world, out)
    else:
        assert isinstance(on, OnData)
        rest = _dealt_with(one, _states(one, on, begin, world, out), state, world, out)
    _judge(one, rest, world, out)
    if begin.asks and not out.asks_registered and not out.problem and kept.first < world.seen.now:
        out.kept = replace(out.kept, since=begin.sure)  # two looks found nothing that it would matter for
    return _with_missed(one, world.owner, out)


def _runs(
    one: Watched, on: AfterRun, begin: beginning.Beginning, state: State, world: World, out: Sorted
) -> list[Candidate]:
    """Runs upstream that are owed a run, or have missed it."""
    source = world.pipelines.get(on.pipeline)
    if source is None:
        out.problem = f"pipeline {on.pipeline} is not in this environment"
        return []
    known = {waits.digest: waits for waits in out.kept.waiting}
    since = max(_oldest(state, world.seen), begin.perhaps)
    causes = upstream.of_runs(on, source.called, world.seen)
    found = [Candidate(cause, digest(world.owner, one, cause.id)) for cause in causes]
    rest = [c for c in found if c.cause.moment >= since or c.digest in known]
    rest = _dealt_with(one, rest, state, world, out)
    rest = _old_enough(rest, begin, known, out)
    rest = _ours(one, rest, state, world, out)
    rest = _not_late(rest, known, world.seen, out)
    _gone(found, known, state, world.seen, out)
    return rest


def _states(
    one: Watched, on: OnData, begin: beginning.Beginning, world: World, out: Sorted
) -> list[Candidate]:
    """States of data that are owed a run, or have missed it: that of now, and those that wait."""
    out.problem = world.seen.problems.get(one.key, "")
    if one.key in world.seen.data:
        _with_state(one, on, begin, world, out)
    causes = (Cause(its.cause, its.moment, upstream.data_facts(on, its.state)) for its in out.kept.data)
    return [Candidate(cause, digest(world.owner, one, cause.id)) for cause in causes]


def _with_state(one: Watched, on: OnData, begin: beginning.Beginning, world: World, out: Sorted) -> None:
    """With the state that was seen: owed a run, unless it was there before the trigger."""
    seen, state, kept = world.seen, world.seen.data[one.key], out.kept
    cause = upstream.data_id(on, state)
    digits = digest(world.owner, one, cause)
    if digits in kept.states or (state is None and kept.states):
        return
    known = replace(kept, states=(*kept.states, digits)[-MOST_STATES:])
    changed = state.modified if state else None
    if state is None or begin.was_there(changed, first=not kept.states):
        out.kept = known  # it was there before
    elif not kept.states and changed and changed < begin.sure:
        out.asks_registered = True
    else:
        moment = changed if changed and seen.now - LOOKBACK <= changed <= seen.now else seen.now
        data = (*kept.data, DataSeen(cause, moment, state))[-MOST_WAITING:]
        out.kept = replace(known, data=data)


def _oldest(state: State, seen: Seen) -> datetime:
    """What is older was looked at already, or is remembered no more."""
    recent = seen.now - LOOKBACK
    since = min(recent, state.at - SKEW) if state.at else recent
    return max(since, state.horizon) if state.horizon and since >= recent else since


def _dealt_with(
    one: Watched, found: Sequence[Candidate], state: State, world: World, out: Sorted
) -> list[Candidate]:
    """Those that have neither a run, nor a request that may be on its way."""
    rest = []
    for c in found:
        name = run_name(one, c.digest)
        intent = state.intents.get(name)
        if state.is_handled(c.digest, c.cause.moment):
            out.handled.setdefault(c.digest, c.cause.moment)
        elif name in world.seen.by_name:
            out.settle([c])
        elif name in world.seen.noted or intent:
            if intent and not intent.unclear:
                out.waiting.append(c.waits("its request may be on its way: no list of KFP shows its run yet"))
        else:
            rest.append(c)
    return rest


def _old_enough(
    found: Sequence[Candidate], begin: beginning.Beginning, known: Mapping[str, Waiting], out: Sorted
) -> list[Candidate]:
    """Those that the trigger was there for; of the others it is asked."""
    waited = {digits for digits, waits in known.items() if waits.why != ASKS}
    early = {c.digest for c in found if c.cause.moment < begin.sure} - waited
    if early and begin.asks:
        out.asks_registered = True
        out.waiting += [c.waits(ASKS) for c in found if c.digest in early]
    return [c for c in found if c.digest not in early]


def _ours(
    one: Watched, found: Sequence[Candidate], state: State, world: World, out: Sorted
) -> list[Candidate]:
    """Those whose run is of a version that this repository registered, where that is wanted."""
    on = one.trigger.run_on
    if not isinstance(on, AfterRun) or on.versions == "any":
        return list(found)
    rest = []
    for c in found:
        version = (c.cause.pipeline_id, c.cause.version_id)
        ours = world.known.versions.get(version)
        if not c.cause.version_id or ours is False:
            out.settle([c])
        elif ours or version_digits(version[1]) in state.ours:
            rest.append(c)
        elif why := world.known.broken.get(version[1]):
            out.problem = why
            out.waiting.append(c.waits(why))
        else:
            out.asks_versions.add(version)
            out.waiting.append(c.waits(WHOSE))
    return rest


def _not_late(
    found: Sequence[Candidate], known: Mapping[str, Waiting], seen: Seen, out: Sorted
) -> list[Candidate]:
    """Those that are not more than a day old, or have waited for their turn since they were not.

    That it is too late is believed at the second look only: a clock may be wrong for once.
    """
    rest, lookback = [], seen.now - LOOKBACK
    for c in found:
        before = known.get(c.digest)
        if c.cause.moment >= lookback or (before and before.why != LATE):
            rest.append(c)
        elif before:
            out.miss(c, "nobody looked for more than a day")
        else:
            out.waiting.append(c.waits(LATE))
    return rest


def _judge(one: Watched, found: Sequence[Candidate], world: World, out: Sorted) -> None:
    """Due, or missed: of those that are missed one run makes up for all, where the manifest says so.

    What waits for its turn already was not missed, whatever clocks say by now.
    """
    missed: list[tuple[Candidate, str]] = []
    waited = {its.digest for its in out.kept.waiting if its.why not in _UNDECIDED}
    for c in sorted(found, key=lambda c: c.order):
        why = closing.missed(one, out.kept, world.seen, c.cause.moment)
        why = "" if one.trigger.on_missed == "report" and c.digest in waited else why
        missed += [(c, why)] if why else []
        out.due += [] if why else [c]
    if one.trigger.on_missed == "report":
        for c, why in missed:
            out.miss(c, why)
    elif missed:
        *older, (newest, why) = missed
        for c, its in older:
            out.miss(c, f"{its}; the run of a newer one makes up for it")
        out.due.append(newest)


def _gone(
    found: Sequence[Candidate], known: Mapping[str, Waiting], state: State, seen: Seen, out: Sorted
) -> None:
    """Of causes that waited and are not there any more: their run was deleted. Believed at the second look only."""
    there = {c.digest for c in found} | out.handled.keys()
    for before in known.values():
        run = before.cause.removeprefix("run ")
        dealt_with = before.digest in there or state.is_handled(before.digest, before.moment)
        if dealt_with or run == before.cause or run in seen.active_ids:
            continue
        if before.moment < seen.since and run not in seen.asked:
            _waits_on(before, out)
        elif before.why != GONE:
            out.waiting.append(replace(before, why=GONE))
        else:
            out.missed.append(Missed(before.cause, before.moment, DELETED, out.now))


def _waits_on(before: Waiting, out: Sorted) -> None:
    """One that was not looked at in this pass."""
    if out.now - before.moment <= LONGEST:
        out.waiting.append(before)
    else:
        out.missed.append(Missed(before.cause, before.moment, "it waited for more than a week", out.now))


def _with_missed(one: Watched, owner: Owner, out: Sorted) -> Sorted:
    recent = [its for its in out.kept.missed if out.now - its.found < LOOKBACK]
    missed = sorted((*out.missed, *recent), key=lambda its: its.moment, reverse=True)
    data = tuple(its for its in out.kept.data if digest(owner, one, its.cause) not in out.handled)
    out.kept = replace(out.kept, missed=tuple(missed[:MOST_MISSED]), data=data)
    return out
