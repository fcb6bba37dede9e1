"""One pipeline: (desired, what is there, now) → the next single step. Pure; `apply` is the loop around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from kfp_gitops.kfpapi.actual import (
    Actual,
    ActualExperiment,
    ActualPipeline,
    ActualRun,
    ActualSchedule,
    ActualVersion,
)
from kfp_gitops.ownership import Owner
from kfp_gitops.reconcile import swap
from kfp_gitops.reconcile.drift import Wanted
from kfp_gitops.reconcile.records import (
    Absent,
    Desired,
    DesiredPipeline,
    Entry,
    experiment_name,
    schedule_name,
)
from kfp_gitops.reconcile.steps import (
    AdoptPipeline,
    ArchiveExperiment,
    CreateExperiment,
    CreatePipeline,
    DeletePipeline,
    DeleteVersion,
    LookAtRuns,
    LookAtRunsInFlight,
    StartRun,
    Step,
    UnarchiveExperiment,
    UploadVersion,
    Wait,
)

_LOOK_AGAIN = timedelta(seconds=10)


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

    @property
    def pinned(self) -> frozenset[str]:
        """Ids of versions that some recurring run pins."""
        return self.others | {found.version_id for found in self.schedules if found.version_id}

    @property
    def busy(self) -> frozenset[str]:
        """Ids of versions that runs in flight use."""
        return frozenset(run.version_id for run in self.in_flight or () if run.version_id)


@dataclass(frozen=True)
class Options:
    """What a person decides for one apply."""

    triggers: bool = True
    """False: a release that is new starts no run, now or later."""
    server: str = ""
    """The server's version, as far as it tells: noted on recurring runs, for it compiled their workflows."""
    refresh_stale: bool = False
    """Whether recurring runs that another version compiled shall be replaced."""
    adopt: frozenset[str] = frozenset()
    """Pipelines that are taken over although they are not ours."""


def next_step(owner: Owner, keep: int, wanted: Entry, view: View, options: Options) -> Step | None:
    """What brings KFP one step nearer; None when all of this pipeline is as desired."""
    if isinstance(wanted, Absent):
        return _towards_absence(owner, wanted, view)
    waits: list[Wait] = []
    for step in _steps(owner, keep, wanted, view, options):
        if not isinstance(step, Wait):
            return step
        waits.append(step)
    return min(waits, key=lambda wait: wait.until) if waits else None


def _steps(owner: Owner, keep: int, wanted: DesiredPipeline, view: View, options: Options) -> Iterator[Step]:
    """The next step of each part, in the order in which they build on each other."""
    base = _base_step(owner, wanted, view, options)
    if base:
        yield base
        return
    yield from filter(None, [_trigger_step(wanted, view)])
    # A schedule that was renamed must not fire under both names.
    yield from filter(None, [swap.removal_step(unwanted(wanted, view), delete=True)])
    for schedule in wanted_schedules(wanted, view, options):
        objects = tuple(found for found in view.schedules if found.name == schedule.name)
        yield from filter(None, [swap.next_step(schedule, swap.Seen(objects, view.runs, view.now))])
    yield from filter(None, [_retention_step(wanted, view, keep)])


def _base_step(owner: Owner, wanted: DesiredPipeline, view: View, options: Options) -> Step | None:
    if view.pipeline is None:
        return CreatePipeline()
    if view.pipeline.owner != owner:
        return AdoptPipeline()
    if wanted.version not in view.pipeline.versions:
        return UploadVersion(wanted.version, owed_triggers(wanted, view, options))
    if view.experiment is None:
        return CreateExperiment(experiment_name(wanted.name, owner.environment))
    return UnarchiveExperiment(view.experiment.name) if view.experiment.archived else None


def owed_triggers(wanted: DesiredPipeline, view: View, options: Options) -> tuple[str, ...]:
    """The triggers that a new version owes a run: those of a release that no version here is from."""
    known = (
        {version.facts.get("release") for version in view.pipeline.versions.values()} if view.pipeline else {}
    )
    if not options.triggers or wanted.is_paused(view.now) or wanted.release in known:
        return ()
    return tuple(trigger.name for trigger in wanted.triggers)


def trigger_run_name(wanted: DesiredPipeline, trigger: str) -> str:
    """The name of the one run that a release starts."""
    return f"{wanted.name}-{trigger}-{wanted.release.removeprefix('sha256:')[:12]}"


def pending_triggers(wanted: DesiredPipeline, view: View) -> Iterator[str]:
    """The triggers that the registered version owes a run to, done or not; read from its description."""
    version = view.pipeline.versions.get(wanted.version) if view.pipeline else None
    if version and not _is_past_triggers(version, view):
        yield from noted_triggers(wanted, view)


def noted_triggers(wanted: DesiredPipeline, view: View) -> Iterator[str]:
    """The same, also where a schedule says that they are done: a swap may delete it and make it anew."""
    version = view.pipeline.versions.get(wanted.version) if view.pipeline else None
    owed = version.facts.get("runs", "").split(",") if version else []
    if not wanted.is_paused(view.now):
        yield from (trigger.name for trigger in wanted.triggers if trigger.name in owed)


def _is_past_triggers(version: ActualVersion, view: View) -> bool:
    """Whether a schedule that fires was pinned to it: it comes after its triggers, whose runs may be deleted since."""
    return any(
        found.version_id == version.id and found.owner == version.owner and swap.OFF not in found.facts
        for found in view.schedules
    )


def _trigger_step(wanted: DesiredPipeline, view: View) -> Step | None:
    pending = list(pending_triggers(wanted, view))
    if not pending:
        return None
    if view.runs is None:
        return LookAtRuns()
    there = {run.name for run in view.runs}
    parameters = {trigger.name: trigger.parameters for trigger in wanted.triggers}
    for trigger in pending:
        name = trigger_run_name(wanted, trigger)
        if name not in there:
            return StartRun(name, parameters[trigger], f"release {wanted.release[:19]}… is new here")
    return None


def wanted_schedules(wanted: DesiredPipeline, view: View, options: Options) -> list[Wanted]:
    """The recurring runs that shall exist, by name."""
    versions = view.pipeline.versions if view.pipeline else {}
    version = versions.get(wanted.version)
    paused = wanted.is_paused(view.now)
    found = [
        Wanted(
            pipeline=wanted.name,
            name=schedule_name(wanted.name, schedule.name),
            schedule=schedule,
            enabled=schedule.enabled and not paused,
            version=wanted.version,
            version_id=version.id if version else None,
            labels={item.id: name for name, item in versions.items()},
            server=options.server,
            refresh=options.refresh_stale,
        )
        for schedule in wanted.schedules
    ]
    return sorted(found, key=lambda item: item.name)


def unwanted(wanted: DesiredPipeline, view: View) -> list[ActualSchedule]:
    """Our recurring runs of this pipeline that are in no manifest."""
    names = {schedule_name(wanted.name, schedule.name) for schedule in wanted.schedules}
    return sorted(
        (found for found in view.schedules if found.name not in names),
        key=lambda found: (found.name, found.id),
    )


def superfluous(wanted: DesiredPipeline, view: View, keep: int) -> list[ActualVersion]:
    """Our versions beyond the newest `keep` that nothing pins, oldest first.

    A recurring run whose version is gone makes the API server give up all its recurring runs at its next start
    (ReconcileSwfCrs), so what is pinned stays, whoever pins it.
    """
    owner = view.pipeline.owner if view.pipeline else None
    ours = [
        version
        for version in (view.pipeline.versions.values() if view.pipeline else ())
        if version.owner == owner
        and version.name != wanted.version
        and version.id not in view.pinned | view.busy
    ]
    newest = sorted(ours, key=lambda version: (version.created, version.id), reverse=True)
    return newest[max(keep, 0) :][::-1]


def _retention_step(wanted: DesiredPipeline, view: View, keep: int) -> Step | None:
    for version in superfluous(wanted, view, keep):
        if view.in_flight is None:
            return LookAtRunsInFlight()
        return DeleteVersion(version.id, version.name)
    return None


def _towards_absence(owner: Owner, wanted: Absent, view: View) -> Step | None:
    step = swap.removal_step(view.schedules, delete=True)
    if step or wanted.delete == "schedules":
        return step
    if view.experiment and view.experiment.owner == owner and not view.experiment.archived:
        return ArchiveExperiment(view.experiment.name)
    left = [] if view.pipeline is None else [*view.pipeline.versions.values()]
    if left and view.in_flight is None:
        return LookAtRunsInFlight()
    doomed = [version for version in left if version.id not in view.pinned]
    busy = [version.name for version in doomed if version.id in view.busy]
    if busy:
        return Wait(view.now + _LOOK_AGAIN, f"runs in flight use {', '.join(busy)}")
    if view.pipeline and wanted.delete == "pipeline" and doomed == left:
        return DeletePipeline()
    for version in doomed if wanted.delete == "versions" else ():
        return DeleteVersion(version.id, version.name)
    return None


def view_of(desired: Desired, wanted: Entry, actual: Actual, options: Options) -> View:
    """The part of what is there that is of one pipeline."""
    pipeline = actual.pipelines.get(wanted.name)
    runs = actual.runs.get(wanted.name)
    named = [found for name in schedule_names(wanted) for found in actual.schedules_by_name.get(name, ())]
    of_it = actual.schedules_by_pipeline.get(pipeline.id, ()) if pipeline else ()
    candidates = {found.id: found for found in (*named, *of_it)}.values()
    ours = [found for found in candidates if belongs(desired.owner, wanted, found, pipeline, options)]
    others = [found for found in of_it if found not in ours]
    return View(
        pipeline=pipeline,
        experiment=actual.experiments.get(experiment_name(wanted.name, desired.owner.environment)),
        schedules=tuple(ours),
        runs=runs,
        others=frozenset(found.version_id for found in others if found.version_id),
        now=actual.now,
        in_flight=actual.in_flight,
    )


def belongs(
    owner: Owner,
    wanted: Entry,
    found: ActualSchedule,
    pipeline: ActualPipeline | None,
    options: Options,
) -> bool:
    """Whether a recurring run is ours and of this pipeline, by its name or by what it runs; or is to be adopted.

    By name as well: a pipeline that was deleted and made anew has another id, and its old schedules still fire.
    """
    named, of_it = (
        found.name in schedule_names(wanted),
        pipeline is not None and found.pipeline_id == pipeline.id,
    )
    if found.owner == owner:
        return named or of_it
    return named and of_it and wanted.name in options.adopt


def vanished(desired: Desired, actual: Actual, options: Options) -> list[ActualSchedule]:
    """Our recurring runs that belong to no pipeline of the manifests, nor to a tombstone."""
    known = {
        found.id for entry in desired.entries for found in view_of(desired, entry, actual, options).schedules
    }
    left = [found for found in actual.schedules if found.owner == desired.owner and found.id not in known]
    return sorted(left, key=lambda found: (found.name, found.id))


def schedule_names(wanted: Entry) -> frozenset[str]:
    """The names of the recurring runs that shall exist."""
    schedules = wanted.schedules if isinstance(wanted, DesiredPipeline) else ()
    return frozenset(schedule_name(wanted.name, schedule.name) for schedule in schedules)


def depends_on_runs(wanted: Entry, view: View, options: Options) -> bool:
    """Whether anything of the pipeline's recurring runs, triggers or versions is to be decided."""
    if isinstance(wanted, Absent):
        return bool(view.schedules)
    ours = wanted_schedules(wanted, view, options)
    return bool(
        any(pending_triggers(wanted, view))
        or unwanted(wanted, view)
        or any(view.schedules and not _settled(schedule, view) for schedule in ours)
    )


def depends_on_runs_in_flight(desired: Desired, wanted: Entry, view: View) -> bool:
    """Whether a version may be deleted."""
    if isinstance(wanted, Absent):
        return wanted.delete != "schedules" and view.pipeline is not None
    return bool(superfluous(wanted, view, desired.keep_versions))


def _settled(wanted: Wanted, view: View) -> bool:
    objects = tuple(found for found in view.schedules if found.name == wanted.name)
    return swap.next_step(wanted, swap.Seen(objects, (), view.now)) is None
