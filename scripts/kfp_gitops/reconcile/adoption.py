"""Which of what somebody made in KFP is ours by now, or is to be. Pure.

KFP can change no recurring run but to turn it on or off, so one that was made in its UI can never say whose it is. Git
names it (`adopts` in the values), and what is taken over by that is noted, by its id, in the tags of its pipeline. From
then on it is ours as if we had made it; a clone of it that somebody makes later has another id, and is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.actual import ActualPipeline, ActualSchedule
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.reconcile.records import DesiredPipeline, Entry, Options, Taken, schedule_name

EVERY = "*"
"""In place of a version's name: the IR of each is read, for whichever holds what is wanted will do."""


def read_of(wanted: Entry) -> str:
    """Of which version of a pipeline the IR is to be read."""
    if wanted.adopts:
        return EVERY
    return wanted.version if isinstance(wanted, DesiredPipeline) else ""


def under_our_names(
    entries: Iterable[Entry], found: Mapping[str, ActualPipeline]
) -> dict[str, ActualPipeline]:
    """The pipelines that KFP told by its names, by ours."""
    listed = list(entries)
    ours = {one.name: seen_as(one, found[one.called]) for one in listed if one.called in found}
    rest = {name: one for name, one in found.items() if name not in {one.called for one in listed}}
    return {**rest, **ours}


def seen_as(wanted: Entry, found: ActualPipeline) -> ActualPipeline:
    """A pipeline under our name; a version of any name with the IR that is wanted is the wanted one."""
    if not wanted.adopts:
        return found
    found = replace(found, name=wanted.name, called=found.name)
    if not isinstance(wanted, DesiredPipeline) or wanted.version in found.versions:
        return found
    equal = [one for one in found.versions.values() if one.digest == wanted.digest]
    if not equal:
        return found
    newest = max(equal, key=lambda one: (one.created, one.id))
    others = {name: one for name, one in found.versions.items() if one.id != newest.id}
    ours = replace(newest, name=wanted.version, called=newest.name)
    return replace(found, versions={**others, ours.name: ours})


def taken(
    entries: Iterable[Entry], pipelines: Iterable[ActualPipeline], schedules: Iterable[ActualSchedule]
) -> Iterator[ActualSchedule]:
    """The recurring runs, those that were taken over as ours, under the name of the schedule that each of them is."""
    by_id, by_name = {one.id: one for one in pipelines}, {one.name: one for one in entries}
    for found in schedules:
        pipeline = by_id.get(found.pipeline_id or "")
        yield found if pipeline is None else _taken(by_name.get(pipeline.name), pipeline, found)


def _taken(wanted: Entry | None, pipeline: ActualPipeline, found: ActualSchedule) -> ActualSchedule:
    if found.owner or not pipeline.owner or not ownership.is_taken(pipeline.tags, found.id):
        return found
    return _as_ours(wanted, found, pipeline.owner)


def _as_ours(wanted: Entry | None, found: ActualSchedule, owner: Owner) -> ActualSchedule:
    """What its description says is nobody's word."""
    names = {one.name: name for name, one in _named(wanted).items()} if wanted else {}
    schedule = names.get(found.name)
    name = schedule_name(wanted.name, schedule) if wanted and schedule else found.name
    return replace(found, name=name, owner=owner, called=found.name, facts={})


def to_take(
    owner: Owner,
    wanted: Entry,
    pipeline: ActualPipeline | None,
    found: Iterable[ActualSchedule],
    options: Options,
) -> list[ActualSchedule]:
    """Recurring runs that nobody marked and Git names; none where one of ours is that schedule already.

    Whoever says --adopt means those of our own names as well, and beside one of ours, of which one is left then.
    """
    if pipeline is None or not isinstance(wanted, DesiredPipeline):
        return []
    listed, asked = list(found), wanted.name in options.adopt
    there = set() if asked else {one.name for one in listed if one.owner == owner}
    names = {one.name for one in _named(wanted).values()}
    if asked:
        names |= {schedule_name(wanted.name, one.name) for one in wanted.schedules}
    its = (
        _as_ours(wanted, one, owner)
        for one in listed
        if one.owner is None and one.pipeline_id == pipeline.id and one.name in names
    )
    return [one for one in its if one.name not in there]


def names_in_kfp(wanted: Entry) -> frozenset[str]:
    """What recurring runs are called that Git names."""
    return frozenset(one.name for one in _named(wanted).values())


def service_account(wanted: DesiredPipeline, schedule: str) -> str:
    """Whom the steps of a schedule's runs are; "": whom KFP lets them by itself."""
    its = _named(wanted).get(schedule)
    return (its.service_account if its else "") or wanted.service_account


def _named(wanted: Entry) -> Mapping[str, Taken]:
    return wanted.adopts.schedules if wanted.adopts else {}
