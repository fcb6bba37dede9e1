"""Plan: desired + actual → what happens to each object, and why. Pure; totally ordered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from kfp_gitops.kfpserver.kfpapi.actual import Actual, ActualSchedule, ActualVersion
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.reconcile import (
    converge,
    damage,
    held_triggers,
    retention,
    staleness,
    triggers,
    unclear,
    values_lines,
)
from kfp_gitops.reconcile.change import Action, Change, Kind
from kfp_gitops.reconcile.conflicts import conflicts
from kfp_gitops.reconcile.drift import Difference
from kfp_gitops.reconcile.inventory import (
    View,
    in_order,
    left_behind,
    schedule_names,
    unwanted,
    vanished,
    view_of,
)
from kfp_gitops.reconcile.planid import Ground, Looked
from kfp_gitops.reconcile.records import Absent, Desired, DesiredPipeline, Entry, Options, experiment_name
from kfp_gitops.reconcile.schedule_change import schedule_change, taken_over
from kfp_gitops.rendering.planfile import Basis


@dataclass(frozen=True)
class Plan:
    """All changes for one environment, unchanged objects included."""

    environment: str
    host: str
    changes: tuple[Change, ...]
    time_zone: str = "UTC"
    notes: tuple[str, ...] = ()
    """What a person should know that changes nothing."""
    ground: Ground = field(kw_only=True, repr=False, compare=False)
    """What it was made of, and so rests on."""

    @property
    def basis(self) -> Basis:
        """All that it would do and rests on, with its identity."""
        return self.ground.basis

    @property
    def to_do(self) -> list[Change]:
        """The changes that `apply` carries out."""
        return [c for c in self.changes if c.action not in (Action.UNCHANGED, Action.CONFLICT)]

    @property
    def differences(self) -> list[Change]:
        """The changes without which KFP is not as desired: all but old versions that nothing uses any more."""
        return [c for c in self.to_do if not c.tidying]

    def without_tidying(self) -> Plan:
        """The same, and old versions that nothing uses stay."""
        return replace(self, changes=tuple(change for change in self.changes if not change.tidying))

    @property
    def conflicts(self) -> list[Change]:
        """Objects of our names that are not ours."""
        return [c for c in self.changes if c.action is Action.CONFLICT]


def plan(desired: Desired, actual: Actual, options: Options = Options()) -> Plan:  # noqa: B008  # frozen
    """Compare desired with actual state."""
    changes: list[Change] = []
    notes = [*_selected(desired), *_turned_off(desired), *held_triggers.told(desired, actual.now)]
    looked: list[Looked] = []
    for wanted in desired.entries:
        view = view_of(desired, wanted, actual, options)
        found = list(conflicts(desired.owner, wanted, view, actual, options))
        notes += values_lines.told(desired, wanted, view)
        if not found:
            found = list(_changes(desired, wanted, view, options))
            notes += _stale(wanted, view, actual, options)
            notes += _of_strangers(wanted, view, actual)
        changes += found
        looked.append(Looked(wanted, view, found))
    gone = vanished(desired, actual, options)
    changes += _vanished(gone)
    changes += _pipelines_left(desired, actual)
    notes += _left_behind(desired, actual, gone)
    notes += unclear.told(desired.owner, actual.experiments)
    notes += damage.told(desired, actual)
    ground = Ground(desired, actual, options, looked, changes)
    environment = desired.owner.environment
    return Plan(environment, desired.host, tuple(changes), desired.time_zone, tuple(notes), ground=ground)


def _changes(desired: Desired, wanted: Entry, view: View, options: Options) -> Iterator[Change]:
    if isinstance(wanted, Absent):
        yield from _absence(desired, wanted, view)
        return
    yield _pipeline_change(desired.owner, wanted, view)
    yield _version_change(wanted, view)
    yield _experiment_change(desired, wanted, view)
    yield from _trigger_changes(wanted, view, options)
    for schedule in converge.wanted_schedules(wanted, view, options):
        yield taken_over(schedule_change(schedule, view), view)
    for found in unwanted(wanted, view):
        yield _removal(wanted.name, found, "is not in the manifest any more", view)
    for version in retention.foreseen(desired.owner, wanted, view, desired.keep_versions):
        reason = f"nothing pins it, and {desired.keep_versions} newer ones stay"
        yield Change(Action.DELETE, Kind.VERSION, wanted.name, version.name, reason, tidying=True)


def _pipeline_change(owner: Owner, wanted: DesiredPipeline, view: View) -> Change:
    if view.pipeline is None:
        return Change(Action.CREATE, Kind.PIPELINE, wanted.name, wanted.name, "does not exist yet")
    if view.pipeline.owner != owner:
        called = view.pipeline.called
        as_ = f", as {called!r}" if called not in ("", wanted.name) else ""
        return Change(Action.ADOPT, Kind.PIPELINE, wanted.name, wanted.name, f"is taken over as asked{as_}")
    return Change(Action.UNCHANGED, Kind.PIPELINE, wanted.name, wanted.name, "exists")


def _version_change(wanted: DesiredPipeline, view: View) -> Change:
    if found := view.pipeline and view.pipeline.versions.get(wanted.version):
        as_ = f" as {found.called!r}, which holds the same" if found.called else ""
        return Change(Action.UNCHANGED, Kind.VERSION, wanted.name, wanted.version, f"registered{as_}")
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
    names = triggers.owed(wanted, view, options) if new else triggers.pending(wanted, view)
    there = {run.name for run in view.runs or ()}
    for name in (triggers.run_name(wanted, trigger) for trigger in names):
        if name not in there:
            yield Change(
                Action.START, Kind.RUN, wanted.name, name, "runOn: change, and the release is new here"
            )


def _removal(pipeline: str, found: ActualSchedule, reason: str, view: View) -> Change:
    busy = len([run for run in view.runs or () if run.schedule_id == found.id and run.active])
    return Change(Action.DELETE, Kind.SCHEDULE, pipeline, found.name, reason, in_flight=busy, removal=True)


def _absence(desired: Desired, wanted: Absent, view: View) -> Iterator[Change]:
    why = "state: absent"
    for found in in_order(view.schedules):
        yield _removal(wanted.name, found, why, view)
    if wanted.delete == "schedules" or view.pipeline is None:
        return
    experiment = view.experiment
    if experiment and experiment.owner == desired.owner and not experiment.archived:
        yield Change(Action.ARCHIVE, Kind.EXPERIMENT, wanted.name, experiment.name, why, removal=True)
    versions = sorted(view.pipeline.versions.values(), key=lambda version: version.name)
    for version in versions:
        action, reason = _version_of_absent(desired.owner, wanted, version, view)
        busy = len([run for run in view.in_flight or () if run.version_id == version.id])
        yield Change(action, Kind.VERSION, wanted.name, version.name, reason, in_flight=busy)
    if wanted.delete == "pipeline":
        yield Change(Action.DELETE, Kind.PIPELINE, wanted.name, wanted.name, why, removal=True)


def _version_of_absent(
    owner: Owner, wanted: Absent, version: ActualVersion, view: View
) -> tuple[Action, str]:
    if wanted.delete == "versions" and version.owner != owner:
        return Action.UNCHANGED, "is not ours"
    if wanted.delete == "versions" and version.id in view.others:
        return Action.UNCHANGED, "others pin it"
    return Action.DELETE, "state: absent"


def _vanished(gone: Sequence[ActualSchedule]) -> Iterator[Change]:
    """Recurring runs of pipelines that are in no manifest any more stop firing; nothing more happens to them."""
    for found in gone:
        if found.enabled:
            reason = "its pipeline is in no manifest any more; write `state: absent` to delete it"
            changed = (Difference("enabled", True, False),)
            yield Change(Action.DISABLE, Kind.SCHEDULE, found.name, found.name, reason, changed, removal=True)
        else:
            reason = "disabled, and its pipeline is in no manifest any more"
            yield Change(Action.UNCHANGED, Kind.SCHEDULE, found.name, found.name, reason)


def _pipelines_left(desired: Desired, actual: Actual) -> Iterator[Change]:
    for found in left_behind(desired, actual):
        reason = "is ours and in no manifest any more"
        yield Change(Action.UNCHANGED, Kind.PIPELINE, found.name, found.name, reason)


def _left_behind(desired: Desired, actual: Actual, gone: Sequence[ActualSchedule]) -> Iterator[str]:
    """A pipeline that has left the values is told whatever its schedules are: else nobody ever removes it."""
    for pipeline in left_behind(desired, actual):
        its = [found for found in gone if found.pipeline_id == pipeline.id]
        on = sum(found.enabled for found in its)
        yield (
            f"pipeline {pipeline.name} is ours and in no manifest any more, with {len(its)} schedules, {on} of them "
            "on: `state: absent` in the values deletes what is left of it"
        )


def _selected(desired: Desired) -> Iterator[str]:
    if desired.selected:
        number, words = len(desired.entries), " ".join(desired.selected)
        yield f"only {words}: {number} of {number + len(desired.beside)} pipelines; the others are not looked at"


def _turned_off(desired: Desired) -> list[str]:
    environment = desired.owner.environment
    return [f"{environment} is turned off (`state: disabled`): no schedule is on"] if desired.disabled else []


def _of_strangers(wanted: Entry, view: View, actual: Actual) -> Iterator[str]:
    """What follows the newest version runs ours from its upload on, whoever made it."""
    if view.pipeline is None or isinstance(wanted, Absent) or wanted.version in view.pipeline.versions:
        return
    ours = {found.id for found in view.schedules}
    for found in in_order(actual.schedules_by_pipeline.get(view.pipeline.id, ())):
        if found.id not in ours and found.version_id is None and found.enabled:
            yield (
                f"recurring run {found.name!r}, which is not ours, runs whatever version is the newest: from now on "
                f"{wanted.name} {wanted.version}"
            )


def _stale(wanted: Entry, view: View, actual: Actual, options: Options) -> Iterator[str]:
    if options.server and actual.dangling and not options.refresh_stale:
        ours = [found for found in in_order(view.schedules) if found.name in schedule_names(wanted)]
        yield from staleness.told(ours, options.server, actual.dangling)
