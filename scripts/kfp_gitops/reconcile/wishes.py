"""What somebody did to recurring runs in KFP, as what their schedules would have to say in Git. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kfp_gitops.kfpserver.kfpapi.actual import Actual, ActualSchedule
from kfp_gitops.language.manifest import Schedule
from kfp_gitops.reconcile import converge, drift
from kfp_gitops.reconcile.change import Kind
from kfp_gitops.reconcile.conflicts import of_what_it_stands_on
from kfp_gitops.reconcile.drift import Difference, Wanted
from kfp_gitops.reconcile.inventory import View, in_order, view_of
from kfp_gitops.reconcile.records import Desired, DesiredPipeline, Options, schedule_name

PARAMETERS = "parameters."
_FIELDS = {
    "cron": "cron",
    "intervalSeconds": "interval_seconds",
    "start": "start",
    "end": "end",
    "maxConcurrency": "max_concurrency",
    "catchup": "catchup",
    "enabled": "enabled",
}
"""What a manifest calls it → the field of `Schedule`."""
_ELSEWHERE = {
    "version": "it runs another version than the registered one, which the sources make: `apply` pins it again; what "
    "that version does goes into the template, or is promoted",
    "pipeline": "it runs another pipeline of KFP; `apply` makes it anew",
    "experiment": "its runs are in another experiment, and each pipeline has its own here; `apply` makes it anew",
    "serviceAccount": "an account is of a whole environment: `kfp: {serviceAccount: …}` in its values",
    "pipelineRoot": "the manifest says it for the pipeline: `spec.pipelineRoot` in its template",
    "pipelineSpec": "it has an IR of its own, and Git has registered versions alone; `apply` makes it anew",
    "pluginsInput": "Git has nothing of the kind; `apply` makes it anew",
    "launcher": "an older KFP compiled it, and nobody changed it: `apply --refresh-stale`",
}


@dataclass(frozen=True)
class Wish:
    """A schedule of a pipeline, as KFP has it; `resumed`: on in KFP, though its values pause the pipeline."""

    pipeline: str
    schedule: Schedule
    changes: tuple[Difference, ...]
    """By the names of the manifest; `old` is what Git says, `new` what KFP has."""
    resumed: bool = False
    marked: bool = True
    """False: the recurring run was made in KFP, and does not say that it is ours."""

    @property
    def name(self) -> str:
        """The recurring run's."""
        return schedule_name(self.pipeline, self.schedule.name)


@dataclass(frozen=True)
class Unsayable:
    """A difference that no value says, and what is to be done."""

    pipeline: str
    name: str
    field: str
    why: str


@dataclass(frozen=True)
class Drifted:
    """All of an environment."""

    wishes: tuple[Wish, ...] = ()
    unsayable: tuple[Unsayable, ...] = field(default=())


def drifted(desired: Desired, actual: Actual, options: Options) -> Drifted:
    """What differs, by pipeline and schedule."""
    found = [*_found(desired, actual, options)]
    return Drifted(
        tuple(one for one in found if isinstance(one, Wish)),
        tuple(one for one in found if isinstance(one, Unsayable)),
    )


def _found(desired: Desired, actual: Actual, options: Options) -> Iterator[Wish | Unsayable]:
    for pipeline in sorted(desired.pipelines, key=lambda one: one.name):
        # Made in KFP under the name of a schedule of ours, it is what somebody wants in its place.
        taken = replace(options, adopt=options.adopt | {pipeline.name})
        view = view_of(desired, pipeline, actual, taken)
        if view.pipeline is None:
            yield Unsayable(
                pipeline.name, pipeline.name, "", "it is not in KFP, so nothing is to be taken over: apply"
            )
            continue
        below = of_what_it_stands_on(desired.owner, pipeline, view, options)
        if conflicts := [one for one in below if one.kind is not Kind.SCHEDULE]:
            why = f"{conflicts[0].kind} {conflicts[0].name} {conflicts[0].reason}; `plan` says what to do"
            yield Unsayable(pipeline.name, pipeline.name, "", why)
            continue
        schedules = {schedule_name(pipeline.name, one.name): one for one in pipeline.schedules}
        for wanted in converge.wanted_schedules(pipeline, view, options):
            objects = in_order(found for found in view.schedules if found.name == wanted.name)
            for one in _of_one(desired, pipeline, schedules[wanted.name], wanted, objects):
                untaken = any(found.id in view.untaken for found in objects)
                yield replace(one, marked=not untaken) if isinstance(one, Wish) else one
        yield from _strangers(pipeline, view, actual)


def _of_one(
    desired: Desired,
    pipeline: DesiredPipeline,
    schedule: Schedule,
    wanted: Wanted,
    objects: Sequence[ActualSchedule],
) -> Iterator[Wish | Unsayable]:
    if not objects:
        why = (
            "it is not in KFP, deleted or never applied; whoever wants no such schedule takes it out of the template, "
            "or turns it off by a value; `apply` makes it anew"
        )
        yield Unsayable(pipeline.name, wanted.name, "", why)
        return
    if len(objects) > 1:
        ids = ", ".join(found.id for found in objects)
        why = f"{len(objects)} recurring runs have this name ({ids}); delete in KFP all but the one that is meant"
        yield Unsayable(pipeline.name, wanted.name, "", why)
        return
    (found,) = objects
    differences = drift.differences(wanted, found)
    for difference in differences:
        if why := _elsewhere(difference):
            yield Unsayable(pipeline.name, wanted.name, difference.field, why)
    changes = [
        Difference(one.field, one.new, _as_written(one.old)) for one in differences if not _elsewhere(one)
    ]
    resumed = False
    if found.enabled != wanted.enabled:
        if found.enabled and schedule.enabled:
            why = _paused(desired, pipeline)
            resumed = not why
            yield from [Unsayable(pipeline.name, wanted.name, "enabled", why)] if why else []
        elif found.enabled != schedule.enabled:
            changes.append(Difference("enabled", schedule.enabled, found.enabled))
    if changes or resumed:
        yield Wish(pipeline.name, schedule, tuple(changes), resumed)


def _elsewhere(difference: Difference) -> str:
    """Why no value of a pipeline says a difference; "" where one may."""
    name = difference.field
    if name in _FIELDS or name.startswith(PARAMETERS):
        return "" if difference.old != "not readable" else "KFP tells it in a way that cannot be read"
    return _ELSEWHERE.get(name, "KFP tells it in a way that cannot be read")


def _paused(desired: Desired, pipeline: DesiredPipeline) -> str:
    if desired.disabled:
        return "the whole environment is turned off: `state: disabled` in its values"
    if pipeline.paused_by is not None:
        words = f"reconcile.py resume --env {desired.owner.environment} {pipeline.paused_by}".rstrip()
        return f"it is paused by a note in KFP, and no value says so: `{words}`"
    return ""


def _as_written(value: Any) -> Any:
    """KFP tells numbers as protobuf's Value has them; a whole one is written without a point."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _strangers(pipeline: DesiredPipeline, view: View, actual: Actual) -> Iterator[Unsayable]:
    """Recurring runs of this pipeline under other names: a schedule more is a line of the template."""
    of_it = actual.schedules_by_pipeline.get(view.pipeline.id, ()) if view.pipeline else ()
    for found in in_order(of_it):
        if found.owner is None and found.id not in view.untaken:
            why = (
                "nobody marked it, and no schedule of the manifest is called so; `import.py --host H --schedules` "
                "says what to write to take it over; until then nothing here touches it"
            )
            yield Unsayable(pipeline.name, found.name, "", why)


def changed(schedule: Schedule, changes: Sequence[Difference]) -> Schedule:
    """The schedule with what KFP has."""
    fields: dict[str, Any] = {}
    parameters = dict(schedule.parameters)
    for one in changes:
        if one.field.startswith(PARAMETERS):
            name = one.field.removeprefix(PARAMETERS)
            if one.new is None:
                parameters.pop(name, None)
            else:
                parameters[name] = one.new
        else:
            fields[_FIELDS[one.field]] = one.new
    return replace(schedule, **fields, parameters=parameters)
