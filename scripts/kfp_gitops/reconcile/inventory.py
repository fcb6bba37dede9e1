"""The inventory: which of the objects on KFP are ours, and which of them are of one pipeline. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kfp_gitops.kfpserver.kfpapi.actual import (
    Actual,
    ActualExperiment,
    ActualPipeline,
    ActualRun,
    ActualSchedule,
)
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.reconcile import adoption, unclear
from kfp_gitops.reconcile.records import (
    Desired,
    DesiredPipeline,
    Entry,
    Options,
    experiment_name,
    schedule_name,
)


@dataclass(frozen=True)
class View:
    """What is there of one pipeline. `schedules` are ours, or of its names and to be adopted."""

    pipeline: ActualPipeline | None
    experiment: ActualExperiment | None
    schedules: tuple[ActualSchedule, ...]
    runs: tuple[ActualRun, ...] | None
    others: frozenset[str]
    """Ids of versions that other recurring runs pin, whoever's."""
    now: datetime
    in_flight: tuple[ActualRun, ...] | None = None
    """All runs that are still to end, of anybody (None: not looked at yet)."""
    reading: timedelta = timedelta(0)
    writing: timedelta = timedelta(0)
    """How long KFP took for the last look at runs, and for the last write on a recurring run."""
    stale: bool = True
    """Whether what another version of KFP compiled is still that: it was not compiled anew."""
    unclear: tuple[ActualRun, ...] = ()
    """Runs that may have run, though KFP lists none."""
    new: bool = False
    """Whether its experiment was made just now: there are no runs in it."""
    untaken: frozenset[str] = frozenset()
    """Ids of those of `schedules` that are to be taken over, and that nothing on KFP says to be ours yet."""

    @property
    def needs(self) -> timedelta:
        """For the end of a predecessor, two looks, and the beginning of the successor, which takes twice.

        Each look may have to ask for the runs of one recurring run more than the last one, the successor's.
        """
        return 2 * (self.reading + self.writing) + 3 * self.writing

    @property
    def pinned(self) -> frozenset[str]:
        """Ids of versions that some recurring run pins."""
        return self.others | {found.version_id for found in self.schedules if found.version_id}

    @property
    def busy(self) -> frozenset[str]:
        """Ids of versions that runs in flight use."""
        return frozenset(run.version_id for run in self.in_flight or () if run.version_id)


def view_of(desired: Desired, wanted: Entry, actual: Actual, options: Options) -> View:
    """The part of what is there that is of one pipeline."""
    pipeline = actual.pipelines.get(wanted.name)
    runs = actual.runs.get(wanted.name)
    named = [found for name in schedule_names(wanted) for found in actual.schedules_by_name.get(name, ())]
    of_it = actual.schedules_by_pipeline.get(pipeline.id, ()) if pipeline else ()
    known = {found.id: found for found in (*named, *of_it)}.values()
    candidates = [found for found in known if not _is_of_unselected(desired, wanted, found)]
    ours, untaken = its(desired.owner, wanted, pipeline, candidates, options)
    ids = {found.id for found in ours}
    others = {found.version_id for found in of_it if found.id not in ids and found.version_id}
    return View(
        pipeline=pipeline,
        experiment=actual.experiments.get(experiment_name(wanted.name, desired.owner.environment)),
        schedules=ours,
        untaken=untaken,
        runs=runs,
        others=actual.pinned | others
        if others
        else actual.pinned,  # there may be thousands, for each pipeline
        now=actual.now,
        in_flight=actual.in_flight,
        stale=bool(actual.dangling),
        unclear=tuple(unclear.runs(desired.owner, actual.notes_of_runs)),
    )


def _is_of_unselected(desired: Desired, wanted: Entry, found: ActualSchedule) -> bool:
    """Whether a recurring run may be of a pipeline that is not looked at, by its name, whatever pipeline it runs."""
    if not desired.beside or found.name in schedule_names(wanted):
        return False
    parts = found.name.split("-")
    return any("-".join(parts[:length]) in desired.beside for length in range(1, len(parts)))


def its(
    owner: Owner,
    wanted: Entry,
    pipeline: ActualPipeline | None,
    found: Sequence[ActualSchedule],
    options: Options,
) -> tuple[tuple[ActualSchedule, ...], frozenset[str]]:
    """The recurring runs that are ours and of this pipeline, with those that are to be taken over; the ids of these."""
    names = schedule_names(wanted)
    ours = [one for one in found if one.owner == owner and _belongs(one, pipeline, names)]
    more = adoption.to_take(owner, wanted, pipeline, found, options)
    return (*ours, *more), frozenset(one.id for one in more)


def _belongs(found: ActualSchedule, pipeline: ActualPipeline | None, names: frozenset[str]) -> bool:
    """By its name or by what it runs.

    By name as well: a pipeline that was deleted and made anew has another id, and its old schedules still fire.
    """
    return found.name in names or (pipeline is not None and found.pipeline_id == pipeline.id)


def schedule_names(wanted: Entry) -> frozenset[str]:
    """The names of the recurring runs that shall exist."""
    schedules = wanted.schedules if isinstance(wanted, DesiredPipeline) else ()
    return frozenset(schedule_name(wanted.name, schedule.name) for schedule in schedules)


def unwanted(wanted: DesiredPipeline, view: View) -> list[ActualSchedule]:
    """Our recurring runs of this pipeline that are in no manifest."""
    names = {schedule_name(wanted.name, schedule.name) for schedule in wanted.schedules}
    return sorted(
        (found for found in view.schedules if found.name not in names),
        key=lambda found: (found.name, found.id),
    )


def vanished(desired: Desired, actual: Actual, options: Options) -> list[ActualSchedule]:
    """Our recurring runs that belong to no pipeline of the manifests, nor to a tombstone; of a part of them none do."""
    if desired.selected:
        return []
    known = {
        found.id for entry in desired.entries for found in view_of(desired, entry, actual, options).schedules
    }
    left = [found for found in actual.schedules if found.owner == desired.owner and found.id not in known]
    return sorted(left, key=lambda found: (found.name, found.id))


def left_behind(desired: Desired, actual: Actual) -> list[ActualPipeline]:
    """Our pipelines that are in no manifest, nor have a tombstone; likewise."""
    if desired.selected:
        return []
    names = {entry.name for entry in desired.entries}
    ours = (found for found in actual.pipelines.values() if found.owner == desired.owner)
    return sorted((found for found in ours if found.name not in names), key=lambda found: found.name)


def in_order(found: Iterable[ActualSchedule]) -> list[ActualSchedule]:
    """By name, then by age: the order in which plans tell of them."""
    return sorted(found, key=lambda item: (item.name, item.created, item.id))
