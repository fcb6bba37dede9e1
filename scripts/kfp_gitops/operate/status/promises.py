"""What a pipeline promises against what its runs did: how fresh its results are, how long a run takes. Pure.

What counts is what those who read the results feel: the end of the newest run that succeeded, whoever started it. So
soon as one succeeds in time again, the promise is kept again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kfp_gitops.kfpserver.kfpapi.actual import ACTIVE, ActualPipeline
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.language.manifest import Slo, slo
from kfp_gitops.operate.status.missed import NEWEST
from kfp_gitops.operate.status.model import Promise
from kfp_gitops.reconcile import history
from kfp_gitops.reconcile.records import DesiredPipeline, backfill_prefix, schedule_name

FRESH, DURATION = "fresh", "duration"
_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class _Took:
    """A run, and the time from its start to its end, or to now."""

    run: str
    span: timedelta


def promise(
    pipeline: DesiredPipeline, found: ActualPipeline | None, runs: Sequence[RunState], now: datetime
) -> Promise | None:
    """What it promises and keeps; `runs` are the newest ones of its experiment. None: it promises nothing."""
    if pipeline.slo is None:
        return None
    seen_since = _oldest(runs)
    ended = [(end, run) for run in runs if (end := _succeeded(pipeline, run)) and end >= seen_since]
    success, newest = max(ended, key=lambda found: found[0], default=(None, None))
    slowest = max(_times(newest, runs, now), key=lambda took: took.span, default=None)
    paused = pipeline.is_paused(now)
    since = success or (seen_since if seen_since > _EVER else _registered(found))
    return Promise(
        fresh=pipeline.slo.freshness,
        duration=pipeline.slo.longest,
        newest_success=success,
        age=now - success if success else None,
        took=_took(newest, now) if newest else None,
        slowest=slowest.span if slowest else None,
        slowest_run=slowest.run if slowest else "",
        broken=() if paused else tuple(_broken(pipeline.slo, now - since if since else None, slowest)),
    )


def _broken(wanted: Slo, age: timedelta | None, slowest: _Took | None) -> Iterator[str]:
    if wanted.freshness and age is not None and age > wanted.freshness:
        yield FRESH
    if wanted.longest and slowest and slowest.span > wanted.longest:
        yield DURATION


def _succeeded(pipeline: DesiredPipeline, run: RunState) -> datetime | None:
    """When a run that succeeded ended: what a backfill makes is as old as the firing that it is for."""
    if run.state != "SUCCEEDED" or run.ended is None:
        return None
    due = _due(pipeline, run.name)
    if due is None or run.created is None:
        return run.ended
    return min(due, run.created) + (
        run.ended - run.created
    )  # a name may be of a firing that is still to come


def _due(pipeline: DesiredPipeline, name: str) -> datetime | None:
    """The firing that a run of a backfill is for."""
    for schedule in pipeline.schedules:
        begin = re.escape(backfill_prefix(schedule_name(pipeline.name, schedule.name)))
        if found := re.match(rf"{begin}(\d{{8}}T\d{{6}}Z)", name):
            return history.noted(found[1])
    return None


def _oldest(runs: Sequence[RunState]) -> datetime:
    """When what we see of its runs begins: a run before that may have succeeded until then."""
    created = [run.created for run in runs if run.created]
    return min(created) if created and len(runs) >= NEWEST else _EVER


def _registered(found: ActualPipeline | None) -> datetime | None:
    """A pipeline that is new has as long for its first success as for each later one."""
    return min((version.created for version in found.versions.values()), default=None) if found else None


def _times(newest: RunState | None, runs: Sequence[RunState], now: datetime) -> Iterator[_Took]:
    """Of the newest success, and of what still goes on: a run that hangs has taken too long before it ends."""
    for run in runs:
        span = _took(run, now) if run is newest or run.state in ACTIVE else None
        if span is not None:
            yield _Took(run.id, span)


def _took(run: RunState, now: datetime) -> timedelta | None:
    return (run.ended or now) - run.created if run.created else None


def causes(promise: Promise) -> Iterator[str]:
    """A line for each thing that it does not keep."""
    if FRESH in promise.broken and promise.fresh:
        yield f"promised fresh {slo.written(promise.fresh)}: {_newest(promise)}"
    if DURATION in promise.broken and promise.duration and promise.slowest:
        took = f"run {promise.slowest_run} takes {slo.written(promise.slowest)}"
        yield f"promised duration {slo.written(promise.duration)}: {took}"


def _newest(promise: Promise) -> str:
    if promise.newest_success is None or promise.age is None:
        return "no run is known to have succeeded"
    ago = slo.written(promise.age)
    return f"the newest run that succeeded ended {ago} ago, {promise.newest_success:%Y-%m-%d %H:%M}"
