"""Plan: desired + actual → the changes that make them equal. Pure; totally ordered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from kfp_gitops.kfpapi.actual import Actual, ActualPipeline, ActualSchedule
from kfp_gitops.manifest import Schedule
from kfp_gitops.reconcile.desired import (
    Desired,
    DesiredPipeline,
    experiment_name,
    schedule_digest,
    schedule_name,
)


class Action(StrEnum):
    """What happens to one object."""

    CREATE = "create"
    REPLACE = "replace"
    DISABLE = "disable"
    DELETE = "delete"
    CONFLICT = "conflict"
    UNCHANGED = "unchanged"


class Kind(StrEnum):
    """The kinds of KFP objects that we manage, in the order in which they are made."""

    PIPELINE = "pipeline"
    VERSION = "version"
    EXPERIMENT = "experiment"
    SCHEDULE = "schedule"


@dataclass(frozen=True)
class Change:
    """One object and what happens to it, with the reason a person reads.

    `superseded` are the recurring runs that a replacement retires, or that a disable or delete is about.
    """

    action: Action
    kind: Kind
    pipeline: str
    name: str
    reason: str
    schedule: Schedule | None = None
    superseded: tuple[ActualSchedule, ...] = ()


@dataclass(frozen=True)
class Plan:
    """All changes for one environment, unchanged objects included."""

    environment: str
    host: str
    changes: tuple[Change, ...]

    @property
    def to_do(self) -> list[Change]:
        """The changes that `apply` carries out."""
        return [c for c in self.changes if c.action not in (Action.UNCHANGED, Action.CONFLICT)]

    @property
    def conflicts(self) -> list[Change]:
        """Objects of our names that are not ours."""
        return [c for c in self.changes if c.action is Action.CONFLICT]


def plan(desired: Desired, actual: Actual) -> Plan:
    """Compare desired with actual state."""
    changes = [
        change
        for pipeline in sorted(desired.pipelines, key=lambda p: p.name)
        for change in _pipeline_changes(desired, pipeline, actual)
    ]
    changes += _vanished(desired, actual)
    return Plan(desired.owner.environment, desired.host, tuple(changes))


def _pipeline_changes(desired: Desired, pipeline: DesiredPipeline, actual: Actual) -> Iterator[Change]:
    found = actual.pipelines.get(pipeline.name)
    if found is not None and found.owner != desired.owner:
        whose = (
            f"owned by {found.owner.repository}/{found.owner.environment}"
            if found.owner
            else "not marked as ours"
        )
        yield Change(Action.CONFLICT, Kind.PIPELINE, pipeline.name, pipeline.name, f"exists and is {whose}")
        return
    yield _pipeline_change(pipeline, found)
    yield _version_change(pipeline, found)
    yield _experiment_change(desired, pipeline, actual)
    yield from _schedule_changes(desired, pipeline, actual)


def _pipeline_change(pipeline: DesiredPipeline, found: ActualPipeline | None) -> Change:
    action = Action.UNCHANGED if found else Action.CREATE
    return Change(
        action, Kind.PIPELINE, pipeline.name, pipeline.name, "exists" if found else "does not exist yet"
    )


def _version_change(pipeline: DesiredPipeline, found: ActualPipeline | None) -> Change:
    if found and pipeline.version in found.versions:
        return Change(Action.UNCHANGED, Kind.VERSION, pipeline.name, pipeline.version, "registered")
    reason = f"release {pipeline.release[:19]}… is not registered yet"
    return Change(Action.CREATE, Kind.VERSION, pipeline.name, pipeline.version, reason)


def _experiment_change(desired: Desired, pipeline: DesiredPipeline, actual: Actual) -> Change:
    name = experiment_name(pipeline.name, desired.owner.environment)
    there = name in actual.experiments
    action = Action.UNCHANGED if there else Action.CREATE
    return Change(action, Kind.EXPERIMENT, pipeline.name, name, "exists" if there else "does not exist yet")


def _schedule_changes(desired: Desired, pipeline: DesiredPipeline, actual: Actual) -> Iterator[Change]:
    wanted = {schedule_name(pipeline.name, schedule.name): schedule for schedule in pipeline.schedules}
    found = actual.pipelines.get(pipeline.name)
    ours = [s for s in actual.schedules if s.owner == desired.owner and found and s.pipeline_id == found.id]
    for name, schedule in sorted(wanted.items()):
        same_name = [item for item in ours if item.name == name]
        yield _schedule_change(pipeline, name, schedule, same_name)
    for item in ours:
        if item.name not in wanted and item.enabled:
            reason = "is not in the manifest any more"
            yield Change(Action.DISABLE, Kind.SCHEDULE, pipeline.name, item.name, reason, superseded=(item,))


def _schedule_change(
    pipeline: DesiredPipeline, name: str, schedule: Schedule, present: list[ActualSchedule]
) -> Change:
    """One schedule of the wanted content and state may exist; everything else of its name is retired."""
    digest = schedule_digest(pipeline, schedule)
    good = [item for item in present if item.digest == digest and item.enabled == schedule.enabled][:1]
    others = tuple(item for item in present if item not in good)
    if good and not others:
        return Change(Action.UNCHANGED, Kind.SCHEDULE, pipeline.name, name, _trigger(schedule))
    if good:
        return Change(
            Action.DELETE, Kind.SCHEDULE, pipeline.name, name, "left over by a replacement", schedule, others
        )
    if not present:
        return Change(Action.CREATE, Kind.SCHEDULE, pipeline.name, name, _trigger(schedule), schedule)
    return _schedule_difference(pipeline, name, schedule, digest, others)


def _schedule_difference(
    pipeline: DesiredPipeline, name: str, schedule: Schedule, digest: str, present: tuple[ActualSchedule, ...]
) -> Change:
    same_content = [item for item in present if item.digest == digest]
    if same_content and not schedule.enabled:
        return Change(
            Action.DISABLE, Kind.SCHEDULE, pipeline.name, name, "shall be disabled", schedule, present
        )
    # KFP lets an enabled schedule catch up on what it missed while disabled, so enabling is a replacement.
    reason = "is disabled, shall be enabled" if same_content else "its version, trigger or parameters differ"
    return Change(Action.REPLACE, Kind.SCHEDULE, pipeline.name, name, reason, schedule, present)


def _trigger(schedule: Schedule) -> str:
    when = f"cron {schedule.cron}" if schedule.cron else f"every {schedule.interval_seconds} s"
    return f"{when}, {'enabled' if schedule.enabled else 'disabled'}"


def _vanished(desired: Desired, actual: Actual) -> Iterator[Change]:
    """Schedules of pipelines that are in no manifest any more stop firing; nothing more happens to them."""
    known = {actual.pipelines[p.name].id for p in desired.pipelines if p.name in actual.pipelines}
    for item in sorted(actual.schedules, key=lambda s: (s.name, s.id)):
        if item.owner == desired.owner and item.pipeline_id not in known and item.enabled:
            reason = "its pipeline is in no manifest any more"
            yield Change(Action.DISABLE, Kind.SCHEDULE, item.name, item.name, reason, superseded=(item,))


_SIGNS = {
    Action.CREATE: "+",
    Action.REPLACE: "~",
    Action.DISABLE: "-",
    Action.DELETE: "-",
    Action.CONFLICT: "!",
    Action.UNCHANGED: "=",
}


def to_text(found: Plan) -> str:
    """The plan for people: one line an object, then the sum."""
    lines = [f"plan for {found.environment} on {found.host}"]
    for change in found.changes:
        lines.append(
            f"  {_SIGNS[change.action]} {change.action:<9} {change.kind:<10} {change.name}  ({change.reason})"
        )
    counts = [(action, sum(c.action is action for c in found.changes)) for action in Action]
    lines.append(
        ", ".join(f"{number} {action}" for action, number in counts if number) or "nothing is desired"
    )
    return "\n".join(lines)
