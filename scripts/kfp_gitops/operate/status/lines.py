"""Of which schedule of the manifests what on KFP is, so that it can be asked what that one missed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from kfp_gitops.kfpserver.kfpapi.actual import ActualSchedule
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.language.manifest import Schedule
from kfp_gitops.operate.status.missed import Line, Spell
from kfp_gitops.reconcile.records import DesiredPipeline, schedule_name

Pauses = Callable[[DesiredPipeline, str], Sequence[Spell]]
"""A pipeline and the name of one of its schedules on KFP → when it was off by our own doing."""


def no_pause(_pipeline: DesiredPipeline, _schedule: str) -> Sequence[Spell]:
    """Where nobody asked for the notes."""
    return ()


def line(
    owner: Owner,
    pipeline: DesiredPipeline,
    schedule: Schedule,
    by_name: Mapping[str, Sequence[ActualSchedule]],
    runs: Sequence[RunState],
    now: datetime,
    pauses: Pauses = no_pause,
) -> Line:
    """A schedule of a pipeline; `by_name`: all recurring runs; `runs`: the newest ones of its experiment."""
    name = schedule_name(pipeline.name, schedule.name)
    ours = [found for found in by_name.get(name, ()) if found.owner == owner]
    siblings = (schedule_name(pipeline.name, one.name) for one in pipeline.schedules if one is not schedule)
    others = {other: frozenset(found.id for found in by_name.get(other, ())) for other in siblings}
    by_values = pipeline.is_paused(now) and pipeline.paused_by is None
    return Line(name, schedule, ours, runs, now, by_values, pauses(pipeline, name), others)
