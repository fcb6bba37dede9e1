"""One pass over one backfill: what became of its runs, which firings may be started, and their start.

What is kept of a firing's run (`Progress.begun`) is when it was about to be sent; 0 once it was seen; and, negative,
since when a run that was seen is in no list any more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import Protocol

from kfp_gitops.base.errors import GitOpsError, NotFoundError, UnclearError
from kfp_gitops.kfpserver.kfpapi.actual import ActualRun
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.language.firings import Range
from kfp_gitops.operate import runs
from kfp_gitops.operate.following import FINAL
from kfp_gitops.operate.operations import owed, ran
from kfp_gitops.operate.operations.backfill import FAILED, Backfill
from kfp_gitops.operate.operations.terminate import terminate
from kfp_gitops.operate.status.missed import GRACE
from kfp_gitops.reconcile import backfills, unclear
from kfp_gitops.reconcile.backfills import Progress
from kfp_gitops.reconcile.records import DesiredBackfill, DesiredPipeline

NEVER_ARRIVED = timedelta(minutes=10)
"""A run that was to be sent, and that no list shows for so long, never reached KFP; one that was seen was deleted."""
_UNSEEN = 3
"""By so many looks: a clock may be wrong for once."""
LOOKS = 20
"""Questions for one backfill in one pass, about; what is left is the next one's."""
_CHUNK = 25
"""Firings in one question: twice as many names fit its answer."""
_GONE = "DELETED"


class Work(Protocol):
    """What a pass is about."""

    @property
    def api(self) -> KfpApi: ...
    @property
    def owner(self) -> Owner: ...
    @property
    def backfill(self) -> DesiredBackfill: ...
    @property
    def pipeline(self) -> DesiredPipeline: ...
    @property
    def ticks(self) -> Sequence[datetime]: ...
    @property
    def made_of(self) -> Backfill: ...
    @property
    def tell(self) -> Callable[[str], None]: ...
    def keep(self, progress: Progress) -> None: ...
    def name(self, number: int) -> str: ...
    def is_unclear(self, number: int) -> bool: ...


@dataclass
class Pass:
    """How far it is while it is looked at, and what may be started."""

    work: Work
    progress: Progress
    chosen: list[int] = field(default_factory=list)
    held: str = ""
    asked: int = 0

    @cached_property
    def now(self) -> datetime:
        return self.work.api.now()

    def look(self, *, starting: bool) -> None:
        """At what is begun, and then at firings that have no run, until there are as many as there is room for."""
        self._see(sorted(self.progress.begun))
        try:
            self._choose(starting=starting)
        except NotFoundError as error:  # its version is not registered yet
            self.chosen, self.held = [], str(error)

    def _choose(self, *, starting: bool) -> None:
        passed: set[int] = set()
        while starting and self.asked < LOOKS and self._room > 0:
            some = self._next(passed)
            if not some:
                return
            passed |= {*some}
            absent = self._see(some)
            self.chosen += self._not_owed(self._not_run_otherwise(absent))[: self._room]

    @property
    def _room(self) -> int:
        return self.work.backfill.parallel - len(self.progress.begun) - len(self.chosen)

    def _next(self, passed: set[int]) -> list[int]:
        free = self.progress.done.free(len(self.work.ticks), newest_first=self.work.backfill.newest_first)
        ripe = (
            number
            for number in free
            if number not in passed
            and number not in self.progress.begun
            and self.work.ticks[number] <= self.now - GRACE
        )
        return list(islice(ripe, _CHUNK))

    def _see(self, numbers: Sequence[int]) -> list[int]:
        """Note what became of these; returns those of which there is no run, begun ones excepted."""
        absent = []
        for start in range(0, len(numbers), _CHUNK):
            some = numbers[start : start + _CHUNK]
            self.asked += 1
            found = self._runs({self.work.name(number) for number in some})
            for number in some:
                if run := found.get(self.work.name(number)):
                    self._seen(number, run)
                elif self.work.is_unclear(number):
                    self.progress = self.progress.settled(number, unclear.STATE)
                elif number in self.progress.begun:
                    self._unseen(number)
                else:
                    absent.append(number)
        return absent

    def _runs(self, names: set[str]) -> dict[str, ActualRun]:
        """The oldest run of each name; what two machines began at once goes on once."""
        oldest: dict[str, ActualRun] = {}
        for run in sorted(self.work.api.runs_with_names(names), key=lambda run: _age(run, self.now)):
            first = oldest.setdefault(run.name, run)
            if first is not run and run.active and self._are_alike(first, run):
                self.work.tell(f"{run.name} was begun twice: {run.id} {terminate(self.work.api, run.id)}")
        return oldest

    def _are_alike(self, one: ActualRun, other: ActualRun) -> bool:
        """Whether both are of one pipeline and experiment: in another one anybody may call a run so."""
        found = [self.work.api.run(run.id) for run in (one, other)]
        return len({(run.pipeline_id, run.experiment_id) for run in found}) == 1

    def _seen(self, number: int, run: ActualRun) -> None:
        if run.state in FINAL:
            self.progress = self.progress.settled(number, run.state)
        else:
            self.progress = self.progress.with_begun((number,), 0)

    def _unseen(self, number: int) -> None:
        """It may be on its way still, or the list is wrong; after a while it never was, or is there no more."""
        at, now = self.progress.begun[number], int(self.now.timestamp())
        self.progress = self.progress.looked_for(number)
        if at == 0 or abs(at) > now:  # from now on; a clock that went back makes nothing wait for it
            self.progress = self.progress.with_begun((number,), now if at > 0 else -now)
        elif now - abs(at) > NEVER_ARRIVED.total_seconds() and self.progress.looks[number] >= _UNSEEN:
            self.progress = self.progress.without(number) if at > 0 else self.progress.settled(number, _GONE)

    def _not_run_otherwise(self, numbers: Sequence[int]) -> list[int]:
        """Without what the schedule has run itself, an apply made up for, or another backfill ran."""
        good = self._run_otherwise(numbers)
        for number in sorted(good):
            self.progress = self.progress.settled(number, "")
        return [number for number in numbers if number not in good]

    def _not_owed(self, numbers: Sequence[int]) -> list[int]:
        """Without what KFP may still run itself: that waits until it has, or has passed it by."""
        ticks = {self.work.ticks[number]: number for number in numbers}
        its = next(
            (one for one in self.work.pipeline.schedules if one.name == self.work.backfill.schedule), None
        )
        if its is None or not self.work.backfill.skip_existing or not owed.may_be(its, ticks, self.now):
            return list(numbers)
        self.asked += 2
        late = owed.owed(self.work.api, self._called, ticks, self.now)
        if late:
            self.held = f"KFP may still run the firing of {max(late):%Y-%m-%d %H:%M} itself (doctor.py)"
        return [number for number in numbers if self.work.ticks[number] not in late]

    @property
    def _called(self) -> str:
        """The recurring run's name, where it was made in KFP, too."""
        its, schedule = self.work.pipeline, self.work.backfill.schedule
        taken = its.adopts.schedules.get(schedule) if its.adopts else None
        return taken.name if taken else self.work.backfill.called

    def _run_otherwise(self, numbers: Sequence[int]) -> set[int]:
        if not numbers or not self.work.backfill.skip_existing:
            return set()
        its, ticks = self.work.made_of, {self.work.ticks[number]: number for number in numbers}
        self.asked += 2
        good = ran.backfilled(self.work.api, its, ticks)
        if not self.work.backfill.schedule:
            return {ticks[tick] for tick in good}
        self.asked += 2
        within = Range(min(ticks), max(ticks) + timedelta(seconds=1))
        good |= {tick for tick, state in ran.fired(self.work.api, its, within).items() if state not in FAILED}
        names = {backfills.makeup_name(self.work.backfill, tick): tick for tick in ticks}
        made = self.work.api.runs_with_names(names)
        good |= {names[run.name] for run in made if run.state not in FAILED}
        return {ticks[tick] for tick in good & ticks.keys()}

    def start(self) -> tuple[str, ...]:
        """What was chosen: kept as begun, looked for once more, and sent."""
        if not self.chosen:
            return ()
        try:
            its, at = self.work.made_of, int(self.now.timestamp())
        except NotFoundError as error:  # of firings of no schedule nobody asked for it yet
            self.chosen, self.held = [], str(error)
            return ()
        self.progress = self.progress.with_begun(self.chosen, at)
        self.work.keep(self.progress)
        there = self._asked_again()
        names: list[str] = []
        left = [number for number in self.chosen if number not in there]
        try:
            while left:
                names += [self.work.name(left[0])] if self._sent(left[0], its) else []
                del left[0]
        except GitOpsError:
            for number in left:  # the first was refused, the others were never sent
                self.progress = self.progress.without(number)
            raise
        finally:
            self.work.keep(self.progress)
        return tuple(names)

    def _asked_again(self) -> set[int]:
        """Those of the chosen that have run: by answers of their own, so that one list that is wrong starts nothing
        twice."""
        there: set[int] = set()
        for start in range(0, len(self.chosen), _CHUNK):
            some = self.chosen[start : start + _CHUNK]
            names = {self.work.name(number): number for number in some}
            there |= {names[run.name] for run in self.work.api.runs_with_names(names)}
            for number in self._run_otherwise([one for one in some if one not in there]):
                there.add(number)
                self.progress = self.progress.settled(number, "")
        return there

    def _sent(self, number: int, its: Backfill) -> bool:
        tick, name = self.work.ticks[number], self.work.name(number)
        own = {its.tick_parameter: f"{tick:%Y-%m-%dT%H:%M:%SZ}"} if its.tick_parameter else {}
        try:
            self.work.api.create_run(
                name=name,
                pipeline_id=its.pipeline_id,
                version_id=its.version_id,
                experiment_id=its.experiment_id,
                parameters={**its.parameters, **own},
                description=runs.started(backfill=self.work.backfill.id),
            )
        except UnclearError as error:
            noted = unclear.note(self.work.api, self.work.owner, name)
            self.work.tell(f"{name}: {error}{noted}")
            self.progress = self.progress.settled(number, unclear.STATE)
            return False
        return True


def _age(run: ActualRun, now: datetime) -> tuple[datetime, str]:
    return run.created or now, run.id
