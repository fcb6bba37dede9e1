"""About when triggers start their pipelines: by the schedules on the server, and by how long past runs took. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from kfp_gitops.kfpserver.kfpapi.actual import ACTIVE, Actual, ActualSchedule
from kfp_gitops.language.chains import course, edges
from kfp_gitops.language.chains.course import Course
from kfp_gitops.operate.status.model import PipelineStatus
from kfp_gitops.reconcile import timing
from kfp_gitops.reconcile.records import Desired, DesiredPipeline, schedule_name

_WEEK = timedelta(days=7)


def with_next(desired: Desired, actual: Actual, found: Sequence[PipelineStatus]) -> list[PipelineStatus]:
    """The same, and of each trigger about when it starts its pipeline next."""
    if not any(one.triggers for one in found):
        return [*found]
    now = actual.now
    starts: dict[str, datetime] = {}
    for one in courses(desired, actual, found, now):
        moments = [at for at in one.starts or () if at >= now]
        if moments:
            starts[f"{one.edge.pipeline}-{one.edge.trigger.name}"] = moments[0]
    return [
        replace(one, triggers=tuple(replace(each, next_start=starts.get(each.name)) for each in one.triggers))
        if one.triggers
        else one
        for one in found
    ]


def courses(
    desired: Desired, actual: Actual, found: Sequence[PipelineStatus], start: datetime
) -> list[Course]:
    """What each trigger is to be expected to start in the week from `start` on."""
    wanted = {pipeline.name: pipeline for pipeline in desired.pipelines}
    triggers = {name: one.on_causes for name, one in wanted.items() if one.on_causes}
    paused = {name for name in triggers if wanted[name].is_paused(actual.now)}
    graph = edges.edges(triggers, paused)
    usual = {one.name: one.usual for one in found}
    leads = {edge.source for edge in graph}
    firings = {name: [*_firings(desired, wanted[name], actual, start)] for name in leads if name in wanted}
    for one in found:  # what goes on now ends as well
        last = one.last_run
        if one.name in leads and last and last.state in ACTIVE and last.created:
            firings.setdefault(one.name, []).append(last.created)
    takes = {name: span for name, span in usual.items() if span is not None}
    return course.expected(graph, firings, takes, start + _WEEK)


def _firings(
    desired: Desired, pipeline: DesiredPipeline, actual: Actual, start: datetime
) -> Sequence[datetime]:
    """Of its schedules that are on."""
    by_name: Mapping[str, Sequence[ActualSchedule]] = actual.schedules_by_name
    live = (
        found
        for schedule in pipeline.schedules
        for found in by_name.get(schedule_name(pipeline.name, schedule.name), ())
        if found.enabled and found.owner == desired.owner
    )
    return [
        at for found in live for at in islice(timing.live(found).between(start, start + _WEEK), course.MOST)
    ]
