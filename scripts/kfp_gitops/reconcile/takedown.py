"""Taking an aside down: all that was made for it goes, nothing else, killed anywhere and begun anew as often as needed.

What goes is decided from what is on KFP alone. A note there tells that the aside exists (`announced`): it is made
before all else and goes last, so that what a killed apply or takedown leaves is always found again (`over`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Protocol

from kfp_gitops.base.errors import NotFoundError
from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.actual import (
    ActualExperiment,
    ActualRun,
    ActualSchedule,
    ActualVersion,
    Marked,
)
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.reconcile import aside
from kfp_gitops.reconcile.aside import Known
from kfp_gitops.reconcile.records import Desired, experiment_name

_NOTES = "kfp-gitops-"
"""What the names of experiments begin with that hold a note and no runs."""


class Api(Protocol):
    """What of `kfpapi.client.KfpApi` it takes; each may raise RemoteError."""

    def marked(self) -> Sequence[Marked]: ...
    def experiments(
        self, names: Collection[str], beginning: str = "\0"
    ) -> Mapping[str, ActualExperiment]: ...
    def create_experiment(self, name: str, description: str) -> ActualExperiment: ...
    def schedules(self) -> Iterable[ActualSchedule]: ...
    def versions(self, pipeline_id: str) -> Mapping[str, ActualVersion]: ...
    def version_exists(self, pipeline_id: str, version_id: str) -> bool: ...
    def runs_since(
        self, since: datetime | None, states: Collection[str] = (), experiment_id: str = ""
    ) -> Iterator[RunState]: ...
    def runs_in_flight(self) -> Sequence[ActualRun]: ...
    def delete_run(self, run_id: str) -> None: ...
    def delete_schedule(self, schedule_id: str) -> None: ...
    def delete_version(self, pipeline_id: str, version_id: str) -> None: ...
    def delete_pipeline(self, pipeline_id: str) -> None: ...
    def delete_experiment(self, experiment_id: str) -> None: ...


@dataclass(frozen=True)
class Gone:
    """An object that was deleted: a run, schedule, version, pipeline or experiment."""

    kind: str
    name: str


@dataclass(frozen=True)
class Left:
    """One that stays, and why; with what somebody has to do about it."""

    kind: str
    name: str
    why: str


@dataclass(frozen=True)
class TakenDown:
    """What came of it. `renewed`: it was to go when its time is over, and somebody has put that off."""

    gone: tuple[Gone, ...] = ()
    left: tuple[Left, ...] = ()
    renewed: bool = False


Tell = Callable[[Gone], None]


def announced(api: Api, desired: Desired) -> None:
    """Note that the aside is there, and until when, before anything is made for it; its older notes go.

    Those that were there before: of two who note something at once neither deletes the other's.

    Raises:
        RefusedError: it is new, and there are as many of its environment as may be.
    """
    assert desired.aside is not None
    owner, note = desired.owner, desired.aside
    more = {"by": note.by} if note.by else {}
    notes = api.experiments((), aside.PREFIX).values()
    aside.refuse_more(owner, note.of, aside.known(_marked(notes)))
    before = [one for one in notes if one.name.startswith(aside.note_prefix(owner))]
    made = api.create_experiment(
        aside.note_name(owner, note.over), ownership.describe(owner, **note.marks, **more)
    )
    for found in before:
        if found.id != made.id and found.owner == owner:
            api.delete_experiment(found.id)


def _marked(notes: Iterable[ActualExperiment]) -> Iterator[Marked]:
    for one in notes:
        if one.owner is not None:
            yield Marked("experiment", one.id, one.name, one.owner, one.facts)


def over(api: Api, repository: str, now: datetime) -> list[Known]:
    """The asides of a repository whose time is over, in this namespace of KFP; two lists."""
    return [one for one in aside.known(api.marked(), repository) if one.is_over(now)]


def taken_down(
    api: Api, owner: Owner, tell: Tell = lambda _: None, ended: datetime | None = None
) -> TakenDown:
    """Delete all that was made for an aside: its runs, versions, pipelines, experiments, and last its notes.

    What does not say that it is an aside's of exactly this owner stays, and so does what somebody else uses of it:
    that is told as left, and the notes stay with it. With `ended` it goes only if its time was over then, by what is
    there now.

    Raises:
        RemoteError: it is begun anew.
    """
    found = [one for one in api.marked() if one.owner == owner]
    known = aside.known(found)
    if not known:
        return TakenDown()
    if ended is not None and not known[0].is_over(ended):
        return TakenDown(renewed=True)
    work = _Work(api, owner, found, tell)
    work.do()
    return TakenDown(tuple(work.gone), tuple(work.left))


def narrowed(api: Api, owner: Owner, pipelines: Collection[str], tell: Tell = lambda _: None) -> TakenDown:
    """Delete what was made for an aside and is of none of these pipelines, by their names on KFP; its notes stay.

    Raises:
        RemoteError: it is begun anew.
    """
    kept = {*pipelines, *(experiment_name(name, owner.environment) for name in pipelines)}
    its = (one for one in api.marked() if one.owner == owner and one.name not in kept)
    work = _Work(api, owner, [one for one in its if not one.name.startswith(_NOTES)], tell)
    work.do()
    return TakenDown(tuple(work.gone), tuple(work.left))


@dataclass
class _Work:
    """One takedown: mutable, and of one thread."""

    api: Api
    owner: Owner
    found: Sequence[Marked]
    tell: Tell
    gone: list[Gone] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    _runs: set[str] = field(default_factory=set)
    _schedules: list[ActualSchedule] = field(default_factory=list)

    @property
    def _pipelines(self) -> list[Marked]:
        return [one for one in self.found if one.kind == "pipeline" and "aside" in one.facts]

    @property
    def _experiments(self) -> list[Marked]:
        its = (one for one in self.found if one.kind == "experiment" and "aside" in one.facts)
        return [one for one in its if not aside.is_note(one)]

    def do(self) -> None:
        """Runs first: of an experiment that is gone KFP deletes none any more (seen on KFP 2.17.0)."""
        self._schedules = list(self._of_others())
        for experiment in self._experiments:
            self._delete_runs(experiment)
        running = (
            [run for run in self.api.runs_in_flight() if run.id not in self._runs] if self._pipelines else []
        )
        for pipeline in self._pipelines:
            self._delete_pipeline(pipeline, running)
        for (
            experiment
        ) in self._experiments:  # nothing starts a run of it any more; what came meanwhile goes, too
            self._delete_experiment(experiment)
        if not self.left:
            self._delete_notes()

    def _delete(self, kind: str, name: str, delete: Callable[[], None]) -> None:
        delete()
        self.gone.append(Gone(kind, name))
        self.tell(self.gone[-1])

    def _of_others(self) -> Iterator[ActualSchedule]:
        """The recurring runs that somebody else made; an aside has none, and what is marked as its own goes."""
        for schedule in self.api.schedules():
            if schedule.owner != self.owner:
                yield schedule
            else:
                self._delete("schedule", schedule.name, partial(self.api.delete_schedule, schedule.id))

    def _delete_runs(self, experiment: Marked) -> list[RunState]:
        """The runs of an experiment, but for those that somebody put there and that run something else."""
        runs: list[RunState] = []
        with suppress(NotFoundError):  # somebody else takes it down, too
            runs = list(self.api.runs_since(None, experiment_id=experiment.id))
        stay = [run for run in runs if self._is_of_others(run)]
        for run in runs:
            if run not in stay:
                self._delete("run", run.name, partial(self.api.delete_run, run.id))
                self._runs.add(run.id)
        return stay

    def _is_of_others(self, run: RunState) -> bool:
        """An own one is of a registered version, of an own pipeline or of one that is gone."""
        if run.pipeline_id in {one.id for one in self._pipelines}:
            return False
        return not run.version_id or self.api.version_exists(run.pipeline_id, run.version_id)

    def _delete_pipeline(self, pipeline: Marked, running: Sequence[ActualRun]) -> None:
        versions: Collection[ActualVersion] = ()
        with suppress(NotFoundError):
            versions = self.api.versions(pipeline.id).values()
        ids = {version.id for version in versions}
        if why := self._in_use(pipeline, ids, running):
            self.left.append(Left("pipeline", pipeline.name, why))
            return
        theirs = [version.name for version in versions if version.owner != self.owner]
        for version in versions:
            if version.owner == self.owner:
                delete = partial(self.api.delete_version, pipeline.id, version.id)
                self._delete("version", version.name, delete)
        if theirs:
            what = f"version {theirs[0]} of it was made by somebody else; delete it in KFP"
            self.left.append(Left("pipeline", pipeline.name, what))
        else:
            self._delete("pipeline", pipeline.name, partial(self.api.delete_pipeline, pipeline.id))

    def _in_use(self, pipeline: Marked, versions: Collection[str], running: Sequence[ActualRun]) -> str:
        """A recurring run that pins what is gone keeps KFP from compiling any of them at its start."""
        for schedule in self._schedules:
            if schedule.pipeline_id == pipeline.id or schedule.version_id in versions:
                return f"the recurring run {schedule.name!r} of somebody else runs it; delete that in KFP"
        for run in running:
            if run.version_id in versions:
                return f"the run {run.name!r} in another experiment still runs it; wait for its end, or terminate it"
        return ""

    def _delete_experiment(self, experiment: Marked) -> None:
        stay = self._delete_runs(experiment)
        why = (
            f"the run {stay[0].name!r} in it is of no pipeline of the aside; delete that in KFP"
            if stay
            else ""
        )
        for schedule in self._schedules:
            if schedule.experiment_id == experiment.id:
                why = (
                    why
                    or f"the recurring run {schedule.name!r} of somebody else runs in it; delete that in KFP"
                )
        if why:
            self.left.append(Left("experiment", experiment.name, why))
        else:
            self._delete("experiment", experiment.name, partial(self.api.delete_experiment, experiment.id))

    def _delete_notes(self) -> None:
        """The note that the aside exists is the very last."""
        notes = [one for one in self.found if one.kind == "experiment" and one.name.startswith(_NOTES)]
        for note in sorted(notes, key=aside.is_note):
            self._delete("experiment", note.name, partial(self.api.delete_experiment, note.id))
