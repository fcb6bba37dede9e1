"""Plan: desired + actual → what happens to each object, and why. Pure; totally ordered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kfp_gitops.kfpapi.actual import Actual, ActualSchedule
from kfp_gitops.ownership import Owner
from kfp_gitops.reconcile import converge, drift, swap, timing
from kfp_gitops.reconcile.converge import Options, View
from kfp_gitops.reconcile.drift import Difference, Wanted
from kfp_gitops.reconcile.records import Absent, Desired, DesiredPipeline, Entry, experiment_name


class Action(StrEnum):
    """What happens to one object."""

    CREATE = "create"
    ADOPT = "adopt"
    REPLACE = "replace"
    ENABLE = "enable"
    DISABLE = "disable"
    ARCHIVE = "archive"
    DELETE = "delete"
    START = "start"
    CONFLICT = "conflict"
    UNCHANGED = "unchanged"


class Kind(StrEnum):
    """The kinds of KFP objects that we manage, in the order in which they are made."""

    PIPELINE = "pipeline"
    VERSION = "version"
    EXPERIMENT = "experiment"
    RUN = "run"
    SCHEDULE = "schedule"


@dataclass(frozen=True)
class Change:
    """One object and what happens to it, with the reason a person reads."""

    action: Action
    kind: Kind
    pipeline: str
    name: str
    reason: str
    differences: tuple[Difference, ...] = ()
    in_flight: int = 0
    """Runs that are still to end and go on."""
    firings: tuple[datetime, ...] = ()
    """The next ones, once this is done."""
    missed: int = 0
    """Firings that nobody ran; 1,000 stands for more."""
    removal: bool = False
    """Whether something stops to exist or to fire, and nothing takes its place."""
    tidying: bool = False
    """Done along with the rest, and no reason to say that KFP is not as desired."""


@dataclass(frozen=True)
class Plan:
    """All changes for one environment, unchanged objects included."""

    environment: str
    host: str
    changes: tuple[Change, ...]
    time_zone: str = "UTC"
    notes: tuple[str, ...] = ()
    """What a person should know that changes nothing."""

    @property
    def to_do(self) -> list[Change]:
        """The changes that `apply` carries out."""
        return [c for c in self.changes if c.action not in (Action.UNCHANGED, Action.CONFLICT)]

    @property
    def differences(self) -> list[Change]:
        """The changes without which KFP is not as desired: all but old versions that nothing uses any more."""
        return [c for c in self.to_do if not c.tidying]

    @property
    def conflicts(self) -> list[Change]:
        """Objects of our names that are not ours."""
        return [c for c in self.changes if c.action is Action.CONFLICT]


def plan(desired: Desired, actual: Actual, options: Options = Options()) -> Plan:  # noqa: B008  # frozen
    """Compare desired with actual state."""
    changes: list[Change] = []
    notes: list[str] = []
    for wanted in desired.entries:
        view = converge.view_of(desired, wanted, actual, options)
        found = list(_conflicts(desired.owner, wanted, view, actual, options))
        if not found:
            found = list(_changes(desired, wanted, view, options))
            notes += [*_notes(wanted, view), *_stale(wanted, view, options)]
        changes += found
    changes += _vanished(desired, actual, options)
    return Plan(desired.owner.environment, desired.host, tuple(changes), desired.time_zone, tuple(notes))


def _changes(desired: Desired, wanted: Entry, view: View, options: Options) -> Iterator[Change]:
    if isinstance(wanted, Absent):
        yield from _absence(desired, wanted, view)
        return
    yield _pipeline_change(desired.owner, wanted, view)
    yield _version_change(wanted, view)
    yield _experiment_change(desired, wanted, view)
    yield from _trigger_changes(wanted, view, options)
    for schedule in converge.wanted_schedules(wanted, view, options):
        yield _schedule_change(schedule, view)
    for found in converge.unwanted(wanted, view):
        yield _removal(wanted.name, found, "is not in the manifest any more", view)
    for version in converge.superfluous(wanted, view, desired.keep_versions):
        reason = f"nothing pins it, and {desired.keep_versions} newer ones stay"
        yield Change(Action.DELETE, Kind.VERSION, wanted.name, version.name, reason, tidying=True)


def _conflicts(owner: Owner, wanted: Entry, view: View, actual: Actual, options: Options) -> Iterator[Change]:
    """What has our names and is not ours stops the pipeline."""
    name, pipeline, experiment = wanted.name, view.pipeline, view.experiment
    if isinstance(wanted, DesiredPipeline) and experiment and experiment.owner not in (None, owner):
        # Pipeline a of environment b-dev and pipeline a-b of dev would have one experiment.
        reason = f"exists and is {_whose(experiment.owner)}"
        yield Change(Action.CONFLICT, Kind.EXPERIMENT, name, experiment.name, reason)
    if pipeline is None:
        return
    adopted = name in options.adopt and isinstance(wanted, DesiredPipeline)
    if pipeline.owner != owner and not (adopted and pipeline.owner is None):
        yield Change(Action.CONFLICT, Kind.PIPELINE, name, name, f"exists and is {_whose(pipeline.owner)}")
        return
    names = converge.schedule_names(wanted)
    for found in _sorted(actual.schedules_by_pipeline.get(pipeline.id, ())):
        of_it = found.owner != owner
        if of_it and found.name in names and not (adopted and found.owner is None):
            reason = f"exists and is {_whose(found.owner)}"
            yield Change(Action.CONFLICT, Kind.SCHEDULE, name, found.name, reason)
        elif of_it and isinstance(wanted, Absent) and wanted.delete == "pipeline":
            yield Change(
                Action.CONFLICT, Kind.SCHEDULE, name, found.name, "of somebody else runs this pipeline"
            )


def _whose(owner: Owner | None) -> str:
    return f"owned by {owner.repository}/{owner.environment}" if owner else "not marked as ours"


def _pipeline_change(owner: Owner, wanted: DesiredPipeline, view: View) -> Change:
    if view.pipeline is None:
        return Change(Action.CREATE, Kind.PIPELINE, wanted.name, wanted.name, "does not exist yet")
    if view.pipeline.owner != owner:
        return Change(Action.ADOPT, Kind.PIPELINE, wanted.name, wanted.name, "is taken over as asked")
    return Change(Action.UNCHANGED, Kind.PIPELINE, wanted.name, wanted.name, "exists")


def _version_change(wanted: DesiredPipeline, view: View) -> Change:
    if view.pipeline and wanted.version in view.pipeline.versions:
        return Change(Action.UNCHANGED, Kind.VERSION, wanted.name, wanted.version, "registered")
    reason = f"release {wanted.release[:19]}… is not registered yet"
    if view.pipeline and any(
        v.facts.get("release") == wanted.release for v in view.pipeline.versions.values()
    ):
        reason = f"release {wanted.release[:19]}… has other values now"
    return Change(Action.CREATE, Kind.VERSION, wanted.name, wanted.version, reason)


def _experiment_change(desired: Desired, wanted: DesiredPipeline, view: View) -> Change:
    name = experiment_name(wanted.name, desired.owner.environment)
    if view.experiment is None:
        return Change(Action.CREATE, Kind.EXPERIMENT, wanted.name, name, "does not exist yet")
    if view.experiment.archived:
        return Change(Action.ENABLE, Kind.EXPERIMENT, wanted.name, name, "is archived")
    return Change(Action.UNCHANGED, Kind.EXPERIMENT, wanted.name, name, "exists")


def _trigger_changes(wanted: DesiredPipeline, view: View, options: Options) -> Iterator[Change]:
    new = view.pipeline is None or wanted.version not in view.pipeline.versions
    names = converge.owed_triggers(wanted, view, options) if new else converge.pending_triggers(wanted, view)
    there = {run.name for run in view.runs or ()}
    for name in (converge.trigger_run_name(wanted, trigger) for trigger in names):
        if name not in there:
            yield Change(
                Action.START, Kind.RUN, wanted.name, name, "runOn: change, and the release is new here"
            )


def _schedule_change(wanted: Wanted, view: View) -> Change:
    """The same question that `swap` answers step by step, answered as a whole."""
    objects = tuple(_sorted(found for found in view.schedules if found.name == wanted.name))
    seen = swap.Seen(objects, view.runs or (), view.now)
    about = drift.summary(wanted.schedule, wanted.enabled)
    if swap.next_step(wanted, seen) is None:
        return _of(Action.UNCHANGED, wanted, about, firings=_firings(wanted, seen, objects))
    if not objects:
        return _of(Action.CREATE, wanted, about, firings=_firings(wanted, seen, ()))
    good = [found for found in objects if not drift.differences(wanted, found)]
    action, reason, changed = _verdict(wanted, seen, objects, good)
    missed = 0
    if action is Action.REPLACE and not any(found.enabled for found in objects):
        missed = len(swap.missed_by_now(wanted, seen))
    busy = swap.in_flight(objects, seen)
    firings = _firings(wanted, seen, good if action is not Action.REPLACE else ())
    return _of(action, wanted, reason, changed, len(busy), firings, missed)


def _verdict(
    wanted: Wanted, seen: swap.Seen, objects: Sequence[ActualSchedule], good: Sequence[ActualSchedule]
) -> tuple[Action, str, tuple[Difference, ...]]:
    on = [found for found in objects if found.enabled]
    if any(found in good for found in on) and wanted.enabled:
        what = "is enabled twice" if len(on) > 1 else "left over by a replacement"
        return Action.DELETE, what, ()
    if good and not wanted.enabled:
        if on:
            return Action.DISABLE, "shall be disabled", (Difference("enabled", True, False),)
        return Action.DELETE, "left over by a replacement", ()
    if good and not on:
        off = (Difference("enabled", False, True),)
        if any(swap.fresh(found, seen.now) for found in good):
            return Action.ENABLE, "is disabled, shall be enabled", off
        return Action.REPLACE, "is disabled, shall be enabled", off
    newest = (on or list(objects))[-1]
    changed = drift.differences(wanted, newest)
    fields = ", ".join(difference.field for difference in changed)
    if newest.enabled != wanted.enabled:
        changed = (*changed, Difference("enabled", newest.enabled, wanted.enabled))
    return Action.REPLACE, f"{fields} differ" if "," in fields else f"{fields} differs", changed


def _of(
    action: Action,
    wanted: Wanted,
    reason: str,
    differences: tuple[Difference, ...] = (),
    in_flight: int = 0,
    firings: tuple[datetime, ...] = (),
    missed: int = 0,
) -> Change:
    pipeline = wanted.pipeline
    return Change(
        action, Kind.SCHEDULE, pipeline, wanted.name, reason, differences, in_flight, firings, missed
    )


def _firings(wanted: Wanted, seen: swap.Seen, good: Sequence[ActualSchedule]) -> tuple[datetime, ...]:
    if not wanted.enabled:
        return ()
    kept = [found for found in good if found.enabled] or list(good)
    if kept:
        return timing.live(kept[0]).next_ones(seen.now)
    base = swap.start_of(wanted, seen) or seen.now
    return timing.wanted(wanted.schedule, base).next_ones(seen.now)


def _removal(pipeline: str, found: ActualSchedule, reason: str, view: View) -> Change:
    busy = len([run for run in view.runs or () if run.schedule_id == found.id and run.active])
    return Change(Action.DELETE, Kind.SCHEDULE, pipeline, found.name, reason, in_flight=busy, removal=True)


def _absence(desired: Desired, wanted: Absent, view: View) -> Iterator[Change]:
    why = "state: absent"
    for found in _sorted(view.schedules):
        yield _removal(wanted.name, found, why, view)
    if wanted.delete == "schedules" or view.pipeline is None:
        return
    experiment = view.experiment
    if experiment and experiment.owner == desired.owner and not experiment.archived:
        yield Change(Action.ARCHIVE, Kind.EXPERIMENT, wanted.name, experiment.name, why, removal=True)
    versions = sorted(view.pipeline.versions.values(), key=lambda version: version.name)
    for version in versions:
        pinned = version.id in view.others and wanted.delete == "versions"
        action, reason = (Action.UNCHANGED, "others pin it") if pinned else (Action.DELETE, why)
        busy = len([run for run in view.in_flight or () if run.version_id == version.id])
        yield Change(action, Kind.VERSION, wanted.name, version.name, reason, in_flight=busy)
    if wanted.delete == "pipeline":
        yield Change(Action.DELETE, Kind.PIPELINE, wanted.name, wanted.name, why, removal=True)


def _vanished(desired: Desired, actual: Actual, options: Options) -> Iterator[Change]:
    """Recurring runs of pipelines that are in no manifest any more stop firing; nothing more happens to them."""
    for found in converge.vanished(desired, actual, options):
        if found.enabled:
            reason = "its pipeline is in no manifest any more; write `state: absent` to delete it"
            changed = (Difference("enabled", True, False),)
            yield Change(Action.DISABLE, Kind.SCHEDULE, found.name, found.name, reason, changed, removal=True)


def _notes(wanted: Entry, view: View) -> Iterator[str]:
    if isinstance(wanted, Absent) or wanted.paused_until is None:
        return
    until = timing.rfc3339(wanted.paused_until)
    if wanted.is_paused(view.now):
        yield f"{wanted.name} is paused until {until}"
    else:
        yield f"{wanted.name}: its pause ended at {until}; take `state: paused` out of its values"


def _stale(wanted: Entry, view: View, options: Options) -> Iterator[str]:
    """The launcher that a recurring run starts is of the KFP that compiled it (kubeflow/pipelines #13933)."""
    if options.refresh_stale or not options.server:
        return
    for found in _sorted(view.schedules):
        made_by = found.facts.get(drift.SERVER)
        if found.name in converge.schedule_names(wanted) and made_by not in (None, options.server):
            told = f"{found.name} was compiled by KFP {made_by}, {options.server} runs now"
            yield f"{told}; --refresh-stale replaces it"


def _sorted(found: Iterable[ActualSchedule]) -> list[ActualSchedule]:
    return sorted(found, key=lambda item: (item.name, item.created, item.id))
