"""One look at KFP and at data: a few lists for all triggers together, whatever their number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

from kfp_gitops.base.errors import BrokenError, GitOpsError, NotFoundError
from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.actual import ACTIVE
from kfp_gitops.kfpserver.kfpapi.models import Listed, NamedExperiment, RunState
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.language.manifest import AfterRun, OnData
from kfp_gitops.operate.operations import pause
from kfp_gitops.operate.triggering.server import Server
from kfp_gitops.reconcile import unclear
from kfp_gitops.reconcile.causes import closing
from kfp_gitops.reconcile.causes.cause import Watched
from kfp_gitops.reconcile.causes.seams import DataState, DataStates
from kfp_gitops.reconcile.causes.seen import Seen, SeenRun, Spells
from kfp_gitops.reconcile.causes.state import LONGEST, LOOKBACK, SKEW, WHY, State

SHALLOW = timedelta(hours=2)
"""How far back most looks go: a run whose end KFP's agent reported later is found by the next deep one."""
_DEEP_EVERY = timedelta(minutes=15)
MOST_OLD = 20
"""Runs that ended before what is listed, and whose causes wait: asked for one by one, the oldest first."""
_PARTS = 4
"""Lists at once of a long time."""


@dataclass(frozen=True)
class Ground:
    """What is looked at."""

    owner: Owner
    triggers: Sequence[Watched]
    data: DataStates | None = None
    """None: nothing here tells states of data."""
    disabled: bool = False
    """Whether the environment is turned off."""


def is_deep(state: State, triggers: Sequence[Watched], now: datetime) -> bool:
    """Whether all of the last day is to be looked at: now and then, and where a trigger is not known yet."""
    known = (state.triggers.get(one.key) for one in triggers)
    new = any(kept is None or kept.since is None for kept in known)
    return new or state.deep is None or not timedelta(0) <= now - state.deep < _DEEP_EVERY


def looked_deep(state: State) -> State:
    """After a deep look."""
    return replace(state, deep=state.at)


def since(state: State, now: datetime, *, deep: bool) -> datetime:
    """From when on the runs are listed that ended: also since the pass before."""
    before = [state.at - SKEW] if state.at else []
    oldest = min([now - (LOOKBACK if deep else SHALLOW), *before])
    return max(oldest, now - LONGEST)


def look(api: Server, ground: Ground, state: State, notes: Sequence[NamedExperiment]) -> Seen:
    """All that a decision needs of many.

    Raises:
        RemoteError: KFP does not tell. That data cannot be looked at is told of its trigger alone.
    """
    now = api.now()
    start = since(state, now, deep=is_deep(state, ground.triggers, now))
    ended, active, listed = list[SeenRun](), list[SeenRun](), list[Listed]()
    told, old = _Data(), _old(ground, state, start, now)

    def list_ended(part: tuple[datetime, datetime | None]) -> None:
        ended.extend([seen_run(run) for run in api.runs_ended(*part)])

    reads: list[Callable[[], Any]] = [
        lambda: active.extend([seen_run(run) for run in api.runs_since(None, ACTIVE)]),
        lambda: listed.extend(api.catalogue()),
    ]
    after_runs = any(isinstance(one.trigger.run_on, AfterRun) for one in ground.triggers)
    if (
        after_runs or state.intents
    ):  # what was started last may be over already, and is not to hold up what is next
        reads += [partial(list_ended, part) for part in _parts(start, now)]
    asked = set[str]()
    reads += [partial(_ask, api, run_id, ended, active, asked) for run_id in old]
    reads += [partial(told.look, ground.data, on, its) for on, its in _by_data(ground.triggers)]
    api.together(reads)
    once = {run.id: run for run in ended}  # one may end while the lists are read
    under_way = {run.id: run for run in active if run.id not in once}
    return Seen(
        now, start, [*once.values()], [*under_way.values()], {one.name: one.id for one in listed},
        frozenset(one.id for one in listed if one.owner == ground.owner), told.states, told.problems,
        _pauses(notes, ground), frozenset(asked), _noted(notes, ground.owner, archived=False),
        _noted(notes, ground.owner, archived=True),
    )  # fmt: skip


def _old(ground: Ground, state: State, start: datetime, now: datetime) -> list[str]:
    """Runs whose causes wait for so long that no list has them, of triggers that may start now."""
    waiting = sorted(
        (its.moment, its.cause.removeprefix("run "))
        for one in ground.triggers
        if (kept := state.triggers.get(one.key)) and not closing.held(one, now, disabled=ground.disabled)
        for its in kept.waiting
        if its.moment < start and its.cause.startswith("run ")
    )
    return [*dict.fromkeys(run_id for _, run_id in waiting)][:MOST_OLD]


def _ask(api: Server, run_id: str, ended: list[SeenRun], active: list[SeenRun], asked: set[str]) -> None:
    """A run over which KFP breaks counts as not asked: its cause goes on waiting, and no other does for it."""
    try:
        run = seen_run(api.run(run_id))
        (ended if run.ended else active).append(run)
    except BrokenError:
        return
    except NotFoundError:
        pass
    asked.add(run_id)


def seen_run(run: RunState) -> SeenRun:
    """What a decision needs of it."""
    ir = (run.spec or {}).get("pipeline_spec", run.spec or {}) if not run.version_id else {}
    info = ir.get("pipelineInfo") if isinstance(ir, Mapping) else None
    name = info.get("name") if isinstance(info, Mapping) else None
    return SeenRun(
        run.id, run.name, run.state, run.ended, run.created, run.scheduled, run.pipeline_id, run.version_id,
        run.terminated, name if isinstance(name, str) else "",
    )  # fmt: skip


def _parts(start: datetime, now: datetime) -> list[tuple[datetime, datetime | None]]:
    """A long time in a few parts, which are listed at once; the last one has no end."""
    number = _PARTS if now - start > 2 * SHALLOW else 1
    step = (now - start) / number
    cuts = [(start + step * part).replace(microsecond=0) for part in range(number)]
    return [*pairwise(cuts), (cuts[-1], None)]


class _Data:
    """States of data, and why some could not be told."""

    def __init__(self) -> None:
        self.states: dict[str, DataState | None] = {}
        self.problems: dict[str, str] = {}

    def look(self, data: DataStates | None, on: OnData, triggers: Sequence[Watched]) -> None:
        try:
            if data is None:
                self.problems |= {one.key: "nothing here can look at data" for one in triggers}
            else:
                state = data.now(on)
                self.states |= {one.key: state for one in triggers}
        except GitOpsError as error:
            self.problems |= {one.key: str(error)[:WHY] for one in triggers}


def _by_data(triggers: Sequence[Watched]) -> Iterable[tuple[OnData, Sequence[Watched]]]:
    groups: dict[OnData, list[Watched]] = {}
    for one in triggers:
        if isinstance(on := one.trigger.run_on, OnData):
            groups.setdefault(on, []).append(one)
    return groups.items()


def _pauses(notes: Sequence[NamedExperiment], ground: Ground) -> dict[str, Spells]:
    """Pipeline → when notes say that it was paused; of one that was ended nobody knows when nothing is believed."""
    begun = [one for one in pause.read(notes, ground.owner) if one.since and (one.ended_at or not one.ended)]
    found: dict[str, Spells] = {}
    for pipeline in {one.pipeline.name: one.pipeline for one in ground.triggers}.values():
        its = [one for one in begun if one.only.matches(pipeline.name, pipeline.team)]
        found[pipeline.name] = [
            (one.since, min(one.until, one.ended_at or one.until)) for one in its if one.since
        ]
    return found


def _noted(notes: Sequence[NamedExperiment], owner: Owner, *, archived: bool) -> frozenset[str]:
    facts = (
        ownership.facts(one.description)
        for one in notes
        if one.name.startswith(unclear.PREFIX)
        and one.archived is archived
        and ownership.owner(one.description) == owner
    )
    return frozenset(its["run"] for its in facts if "run" in its)
