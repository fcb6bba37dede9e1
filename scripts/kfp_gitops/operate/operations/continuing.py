"""Backfills that stand in Git are carried on: one look, what there is room for is started, and nobody waits.

By `apply`, and by each pass of `reconcile.py trigger`. What is kept of one (`reconcile.backfills.Progress`) makes a
look a few requests, however many firings there are; where it is lost, what has run is found by the runs' names. That a
run is begun is kept before it is sent, and its name is looked for twice: so nothing runs twice when this is killed
anywhere, or a list is late or wrongly empty. Of two runs that two machines began at once the later one is stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, partial
from typing import Protocol

from kfp_gitops.base.errors import GitOpsError, LockLostError
from kfp_gitops.kfpserver.kfpapi.client import NOTE, KfpApi
from kfp_gitops.kfpserver.kfpapi.models import NamedExperiment
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.operate import runs
from kfp_gitops.operate.operations import finished
from kfp_gitops.operate.operations.backfill import Backfill
from kfp_gitops.operate.operations.one_pass import Pass
from kfp_gitops.reconcile import backfills, standstill, unclear
from kfp_gitops.reconcile.backfills import Progress, Spans
from kfp_gitops.reconcile.records import Desired, DesiredBackfill, DesiredPipeline

Tell = Callable[[str, str], None]
"""Is told the id of a backfill, and something of it in words."""
_KEPT_ANEW = standstill.IDLE.total_seconds() / 2


class Kept(Protocol):
    """What is kept of the backfills of an environment, by their ids, each as one line of text."""

    def read(self) -> Mapping[str, str]: ...
    def keep(self, backfill: str, text: str) -> None:
        """Kept for good when it returns, however this process ends; an empty text forgets it."""


@dataclass
class InMemory:
    """Where nothing outlives the process."""

    texts: dict[str, str] = field(default_factory=dict)

    def read(self) -> Mapping[str, str]:
        return dict(self.texts)

    def keep(self, backfill: str, text: str) -> None:
        self.texts.pop(backfill, None)
        if text:
            self.texts[backfill] = text


@dataclass(frozen=True)
class Continued:
    """What came of one backfill in one pass."""

    id: str
    progress: Progress
    started: tuple[str, ...] = ()
    """The names of the runs that were started."""
    held: str = ""
    """Why nothing of it is started, where it is held."""
    error: str = ""
    unclear: int = 0
    """Runs that KFP may have started although it lists none, of the first that failed."""
    stalled: str = ""
    """Why nothing of it goes on though firings are left (`reconcile.standstill`)."""


def continue_backfills(
    api: KfpApi,
    desired: Desired,
    kept: Kept,
    tell: Tell = lambda _, __: None,
    *,
    notes: Sequence[NamedExperiment] | None = None,
    starts: bool = True,
) -> list[Continued]:
    """Look at each backfill once, and start what there is room for; what fails of one stops no other.

    `desired` is under the pauses in force. `notes`: the notes of ours on the server, where they have been asked for.
    `starts`: false where nothing may be started, as after KFP lost its database.

    Raises:
        LockLostError: another one is at work.
    """
    known = kept.read()
    _forget_deleted(desired, known, kept, tell)
    if not desired.backfills:
        return []
    notes = api.experiments_like(NOTE) if notes is None else notes
    found = finished.read(notes, desired.owner)
    its = {pipeline.name: pipeline for pipeline in desired.pipelines}
    done = []
    for backfill in (one for one in desired.backfills if one.pipeline in its):
        work = _Work(api, desired, its[backfill.pipeline], backfill, kept, partial(tell, backfill.id), notes)
        before = backfills.read(known.get(backfill.id, ""))
        done.append(work.carried_on(before, found.get(backfill.id), starts=starts))
    return done


def _forget_deleted(desired: Desired, known: Mapping[str, str], kept: Kept, tell: Tell) -> None:
    """Whose file is gone: what has not begun is never run, what runs goes on."""
    if desired.selected:  # of the others nothing is known here
        return
    there = {backfill.id for backfill in desired.backfills}
    for name, text in sorted(known.items()):
        if name in there:
            continue
        progress = backfills.read(text)
        if progress and not progress.finished:
            tell(name, deleted(progress))
        kept.keep(name, "")


def deleted(progress: Progress) -> str:
    """What the end of an unfinished one means, in words."""
    going = f", {len(progress.begun):,} begun and left to end" if progress.begun else ""
    return (
        f"was deleted before its end: {len(progress.done):,} of {progress.total:,} firings done"
        f"{going}, {progress.left:,} will not be run"
    )


def _settled(progress: Progress) -> tuple[Spans, frozenset[int]]:
    """What is done, and what was seen to run: a run that no list ever shows moves nothing, however often it is sent."""
    return progress.done, frozenset(number for number, at in progress.begun.items() if at == 0)


@dataclass(frozen=True)
class _Work:
    """One backfill in one pass."""

    api: KfpApi
    desired: Desired
    pipeline: DesiredPipeline
    backfill: DesiredBackfill
    kept: Kept
    tell: Callable[[str], None]
    notes: Sequence[NamedExperiment]

    @cached_property
    def ticks(self) -> tuple[datetime, ...]:
        return backfills.ticks_of(self.backfill)

    @property
    def owner(self) -> Owner:
        return self.desired.owner

    @cached_property
    def unclear(self) -> frozenset[str]:
        """The notes of runs that KFP may have started unheard."""
        return frozenset(
            one.name for one in self.notes if one.name.startswith(unclear.PREFIX) and not one.archived
        )

    def carried_on(self, before: Progress | None, note: Progress | None, *, starts: bool) -> Continued:
        """What came of it; a failure is told, and the next pass goes on."""
        wanted = backfills.asked(self.backfill)
        progress = before if before and before.asked == wanted else None
        ended = progress if progress and progress.finished else note
        if ended and ended.asked == wanted:
            return self._told(Continued(self.backfill.id, ended))
        try:
            return self._told(self._advanced(progress, starts=starts))
        except LockLostError:
            raise
        except GitOpsError as error:
            self.tell(f"failed: {error}")
            known = progress or Progress.of(self.backfill)
            return self._told(Continued(self.backfill.id, known, error=str(error)))

    def _told(self, found: Continued) -> Continued:
        """With what of it needs somebody."""
        now, progress = self.api.now(), found.progress
        there = (number for number in progress.failed if self.unclear and number < len(self.ticks))
        unclear_ = sum(self.is_unclear(number) for number in there)
        why = standstill.stalled(self.backfill, progress, now, paused=self.pipeline.is_paused(now))
        return replace(found, unclear=unclear_, stalled=why)

    def is_unclear(self, number: int) -> bool:
        """Whether KFP may have started a firing's run unheard: a note says so, and nobody starts it again."""
        return unclear.note_name(self.owner, self.name(number)) in self.unclear

    def _advanced(self, known: Progress | None, *, starts: bool) -> Continued:
        fresh = Progress.of(self.backfill)
        if known and known.counted_by == fresh.counted_by and known.total != fresh.total:
            known = None  # somebody edited it, and none of it is believed
        if known and standstill.is_renumbered(self.backfill, known):
            return Continued(self.backfill.id, known, held=standstill.RENUMBERED)
        before = known if known and known.counted_by == fresh.counted_by else fresh
        pass_ = Pass(self, replace(before, reason=fresh.reason, pipeline=fresh.pipeline))
        held = self._held() if starts else "nothing is started now"
        pass_.look(starting=not held)
        pass_.progress = self._moved(before, pass_.progress, held=bool(held))
        if pass_.progress != known:
            self.keep(pass_.progress)
        started = () if held else pass_.start()
        return Continued(self.backfill.id, self._finished(pass_.progress), started, held or pass_.held)

    def _moved(self, before: Progress, found: Progress, *, held: bool) -> Progress:
        """With when it last moved; while it is held now and then is enough, for it is kept each time."""
        at = int(self.api.now().timestamp())
        moves = not before.moved or _settled(before) != _settled(found)
        return replace(found, moved=at) if moves or (held and at - before.moved > _KEPT_ANEW) else found

    def _held(self) -> str:
        if self.pipeline.is_paused(self.api.now()):
            return "the environment is disabled" if self.desired.disabled else "its pipeline is paused"
        return ""

    def _finished(self, progress: Progress) -> Progress:
        """With the note that it is, which outlives what is kept: from then on nobody asks for its runs."""
        if len(progress.done) < progress.total or progress.begun:
            return progress
        found = replace(progress, finished=max(1, int(self.api.now().timestamp())))
        finished.note(self.api, self.owner, self.backfill, found)
        self.keep(found)
        self.tell(f"is finished: {backfills.told(found)}")
        return found

    def keep(self, progress: Progress) -> None:
        """For whoever comes next."""
        self.kept.keep(self.backfill.id, progress.text())

    def name(self, number: int) -> str:
        return backfills.name(self.backfill, self.ticks[number])

    @cached_property
    def made_of(self) -> Backfill:
        """What its runs are made of: asked for once something is to be started."""
        pipeline, schedule = self.pipeline, self.backfill.schedule
        given = next((one.parameters for one in pipeline.schedules if one.name == schedule), {})
        found = self.api.pipeline_id(pipeline.called)
        of_any_name = pipeline.adopts is not None
        version = self.api.version_id(found, pipeline.version, pipeline.digest, of_any_name=of_any_name)
        return Backfill(
            schedule=self.backfill.called,
            pipeline_id=found,
            version_id=version,
            experiment_id=runs.experiment(self.api, self.owner, pipeline.name),
            parameters={**given, **self.backfill.parameters},
            tick_parameter=self.backfill.tick_parameter,
            parallel=self.backfill.parallel,
            by_hand=tuple(self._by_hand(found)),
        )

    def _by_hand(self, pipeline_id: str) -> Iterator[str]:
        its = self.pipeline.adopts.schedules.get(self.backfill.schedule) if self.pipeline.adopts else None
        for found in self.api.schedules_named({its.name}) if its else ():
            if found.pipeline_id == pipeline_id and found.owner is None:
                yield found.id
