"""Carry backfills out: so many runs at once, of however many schedules, each followed to its end.

Two lists must agree that a firing has no run, and what was begun here is never begun again: a list that is wrongly
empty, or late, starts nothing twice. What ran otherwise since it was asked for is left out, and of two runs that two
machines began at once for the same firing the later one is stopped. Killed anywhere, the same command goes on where it
was: what runs goes on on KFP.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime

from kfp_gitops.base.errors import UnclearError
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.operate.following import FINAL
from kfp_gitops.operate.operations.backfill import FAILED, Backfill
from kfp_gitops.operate.operations.terminate import terminate
from kfp_gitops.reconcile import unclear

Tell = Callable[[str], None]
_POLL = 5.0
_ASKED = 50
"""Names in one question: as many as its answer holds."""


@dataclass
class Job:
    """The firings of one schedule, and how far they are."""

    work: Backfill
    ticks: Sequence[datetime]
    begun: dict[datetime, str] = field(default_factory=dict)
    """Firing → the run that was started here."""
    states: Mapping[datetime, RunState] = field(default_factory=dict)
    done: bool = False
    meanwhile: Callable[[Sequence[datetime]], Collection[datetime]] = lambda _: ()
    """Which of some firings have been run otherwise by now, as by the schedule itself: asked before any is begun."""
    otherwise: set[datetime] = field(default_factory=set)

    @property
    def waiting(self) -> list[datetime]:
        """The firings that have no run."""
        known = {*self.states, *self.begun, *self.otherwise}
        return [tick for tick in self.ticks if tick not in known]

    @property
    def active(self) -> dict[datetime, str]:
        """The firings whose run is still to end, each with the run."""
        running = {tick: run.id for tick, run in self.states.items() if run.state not in FINAL}
        return running | {tick: run for tick, run in self.begun.items() if tick not in self.states}

    @property
    def failed(self) -> list[datetime]:
        """The firings whose run did not succeed."""
        return sorted(tick for tick, run in self.states.items() if run.state in FAILED)

    @property
    def ended(self) -> int:
        """How many of their runs have ended."""
        return sum(run.state in FINAL for run in self.states.values())


@dataclass
class MakingUp:
    """All of them; the first ones first. `hold` keeps others from the same schedule while it is at work on it."""

    api: KfpApi
    jobs: Sequence[Job]
    parallel: int
    tell: Tell
    sleep: Callable[[float], None] = time.sleep
    hold: Callable[[Job], AbstractContextManager[object]] = lambda _: nullcontext()
    owner: Owner | None = None
    """Whose the runs are: for the notes of those that KFP may have started unheard, which nobody starts again."""
    _noted: frozenset[str] | None = None

    def run(self) -> None:
        """Until each run has ended.

        Raises:
            RemoteError: KFP failed, or a run may have been started unheard; what runs goes on.
            LockedError: another process is at work on the same schedule.
        """
        with ExitStack() as held:
            entered: list[Job] = []
            while todo := [job for job in self.jobs if not job.done]:
                room, started = self.parallel, 0
                for job in todo:
                    if room <= 0:
                        break
                    if job not in entered:
                        held.enter_context(self.hold(job))
                        entered.append(job)
                    began = self._advance(job, room)
                    started += began
                    room -= len(job.active)
                if any(not job.done for job in self.jobs):
                    self.sleep(0.2 if started else min(_POLL, 0.5 + self.parallel - room))

    def _advance(self, job: Job, room: int) -> int:
        """Look at the runs of one, and start as many as there is room for; how many that were."""
        self._look(job)
        job.done = not job.waiting and not job.active
        self._leave_out_unclear(job)
        chosen = job.waiting[: max(0, room - len(job.active))]
        missing = self._without_run(job.work, chosen) if chosen else []
        for tick in sorted(taken := set(job.meanwhile(missing) if missing else ())):
            self.tell(f"{job.work.schedule} {tick:%Y-%m-%dT%H:%M:%SZ} was run otherwise meanwhile")
        job.otherwise |= taken
        for tick in (one for one in missing if one not in taken):
            job.begun[tick] = self._start(job.work, tick)
        return len(chosen)

    def _look(self, job: Job) -> None:
        before = {tick: run.state for tick, run in job.states.items()}
        found = self.api.runs_named(job.work.experiment_id, job.work.prefix)
        by_name = {one.name: one for one in sorted(found, key=_age, reverse=True)}  # of several the oldest
        self._yield_to_older(job, by_name, {one.id for one in found})
        listed = {tick: by_name[name] for tick in job.ticks if (name := job.work.name(tick)) in by_name}
        unseen = {tick: self.api.run(own) for tick, own in job.begun.items() if tick not in listed}
        job.states = {**listed, **unseen}
        several = f"{job.work.schedule} " if len(self.jobs) > 1 else ""
        for tick, run in job.states.items():
            if before.get(tick) != run.state:
                self.tell(f"{several}{tick:%Y-%m-%dT%H:%M:%SZ} {run.state} {run.id}")

    def _yield_to_older(self, job: Job, by_name: Mapping[str, RunState], listed: Collection[str]) -> None:
        """Somebody else may have begun a firing in the same moment: both see it, and only the later run is stopped."""
        for tick, run in [pair for pair in job.begun.items() if pair[1] in listed]:
            older = by_name.get(job.work.name(tick))
            if older and older.id != run:
                self.tell(f"{older.name} was begun elsewhere, too: {run} {terminate(self.api, run)}")
                job.begun[tick] = older.id

    def _without_run(self, work: Backfill, ticks: Sequence[datetime]) -> list[datetime]:
        """By another question than the first one's, so that it is another answer."""
        there: set[str] = set()
        for names in _portions([work.name(tick) for tick in ticks]):
            there |= {found.name for found in self.api.runs_with_names(names)}
        return [tick for tick in ticks if work.name(tick) not in there]

    def _start(self, work: Backfill, tick: datetime) -> str:
        own = {work.tick_parameter: f"{tick:%Y-%m-%dT%H:%M:%SZ}"} if work.tick_parameter else {}
        try:
            return self.api.create_run(
                name=work.name(tick),
                pipeline_id=work.pipeline_id,
                version_id=work.version_id,
                experiment_id=work.experiment_id,
                parameters={**work.parameters, **own},
            )
        except UnclearError as error:
            noted = unclear.note(self.api, self.owner, work.name(tick)) if self.owner else ""
            raise UnclearError(f"{error}{noted}") from None

    def _leave_out_unclear(self, job: Job) -> None:
        """What a note says that KFP may have started unheard, be it for a backfill that stands in Git."""
        if self.owner is None or not job.waiting:
            return
        if self._noted is None:
            found = self.api.experiments_like(unclear.PREFIX)
            self._noted = frozenset(one.name for one in found if not one.archived)
        for tick in job.waiting if self._noted else ():
            name = job.work.name(tick)
            if unclear.note_name(self.owner, name) in self._noted:
                job.otherwise.add(tick)
                self.tell(f"{name} may run already: see the experiment {unclear.note_name(self.owner, name)}")


def _age(run: RunState) -> tuple[datetime, str]:
    return run.created or datetime.max.replace(tzinfo=UTC), run.id


def _portions(names: Sequence[str]) -> Iterator[Collection[str]]:
    return ({*names[start : start + _ASKED]} for start in range(0, len(names), _ASKED))
