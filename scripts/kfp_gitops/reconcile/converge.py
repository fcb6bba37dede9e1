"""One pipeline: (desired, what is there, now) → the next single step. Pure; `apply` is the loop around it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.reconcile import adoption, retention, swap, triggers
from kfp_gitops.reconcile.drift import Wanted
from kfp_gitops.reconcile.inventory import View, unwanted
from kfp_gitops.reconcile.records import (
    Absent,
    DesiredPipeline,
    Entry,
    Options,
    experiment_name,
    schedule_name,
)
from kfp_gitops.reconcile.seen import Seen
from kfp_gitops.reconcile.steps import (
    AdoptPipeline,
    ArchiveExperiment,
    CreateExperiment,
    CreatePipeline,
    DeletePipeline,
    DeleteVersion,
    LookAtRunsInFlight,
    Step,
    UnarchiveExperiment,
    UploadVersion,
    Wait,
)

_NEW = "new"
"""The id of an experiment that is still to be made: no recurring run is in it."""
_LOOK_AGAIN = timedelta(seconds=10)


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
    yield from filter(None, [triggers.next_step(wanted, view)])
    # A schedule that was renamed must not fire under both names.
    yield from filter(None, [swap.removal_step(unwanted(wanted, view), delete=True)])
    for schedule in wanted_schedules(wanted, view, options):
        objects = tuple(found for found in view.schedules if found.name == schedule.name)
        others = frozenset(found.id for found in view.schedules if found.name != schedule.name)
        seen = Seen(objects, view.runs, view.now, view.needs, past=not view.new, others=others)
        yield from filter(None, [swap.next_step(schedule, seen)])
    yield from filter(None, [retention.next_step(owner, wanted, view, keep)])


def _base_step(owner: Owner, wanted: DesiredPipeline, view: View, options: Options) -> Step | None:
    if view.pipeline is None:
        return CreatePipeline()
    if view.pipeline.owner != owner or view.untaken:
        return AdoptPipeline()
    if wanted.version not in view.pipeline.versions:
        return UploadVersion(wanted.version, triggers.owed(wanted, view, options))
    if view.experiment is None:
        return CreateExperiment(experiment_name(wanted.name, owner.environment))
    return UnarchiveExperiment(view.experiment.name) if view.experiment.archived else None


def wanted_schedules(wanted: DesiredPipeline, view: View, options: Options) -> list[Wanted]:
    """The recurring runs that shall exist, by name."""
    versions = view.pipeline.versions if view.pipeline else {}
    version = versions.get(wanted.version)
    paused = wanted.is_paused(view.now)
    alike = versions.values() if wanted.adopts else ()  # of others the name says what they hold
    same = frozenset(item.id for item in alike if item.digest == wanted.digest)
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
            refresh=options.refresh_stale and view.stale,
            pipeline_id=view.pipeline.id if view.pipeline else None,
            experiment_id=view.experiment.id if view.experiment else _NEW,
            service_account=adoption.service_account(wanted, schedule.name),
            same=same,
        )
        for schedule in wanted.schedules
    ]
    return sorted(found, key=lambda item: item.name)


def _towards_absence(owner: Owner, wanted: Absent, view: View) -> Step | None:
    step = swap.removal_step(view.schedules, delete=True)
    if step or wanted.delete == "schedules":
        return step
    if view.experiment and view.experiment.owner == owner and not view.experiment.archived:
        return ArchiveExperiment(view.experiment.name)
    left = [] if view.pipeline is None else [*view.pipeline.versions.values()]
    if left and view.in_flight is None:
        return LookAtRunsInFlight()
    doomed = [version for version in left if version.id not in view.pinned and version.owner == owner]
    busy = [version.name for version in doomed if version.id in view.busy]
    if busy:
        return Wait(view.now + _LOOK_AGAIN, f"runs in flight use {', '.join(busy)}")
    if view.pipeline and wanted.delete == "pipeline" and doomed == left:
        return DeletePipeline()
    for version in doomed if wanted.delete == "versions" else ():
        return DeleteVersion(version.id, version.name)
    return None
