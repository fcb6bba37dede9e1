"""What the firings of an environment tell of KFP's scheduledworkflow controller, from outside of its cluster. Pure.

It is down when of all schedules none fired any more though several were due. It reads crons in another time zone than
UTC when what it fired is a firing of no schedule in UTC, and of all of them so many hours off
(CRON_SCHEDULE_TIMEZONE; scheduledworkflow/util cron_schedule.go).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from kfp_gitops.base import columns
from kfp_gitops.kfpserver.kfpapi.actual import ActualSchedule
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.language.cron import Cron
from kfp_gitops.operate.faults.fault import Fault
from kfp_gitops.reconcile import timing

CONTROLLER, TIME_ZONE = "schedule controller", "cron time zone"
_DEPLOYMENT = "ml-pipeline-scheduledworkflow"
_ENOUGH = 2
"""Firings, from which on chance is not to blame."""
_QUARTER = timedelta(minutes=15)
_OFFSETS = sorted((n * _QUARTER for n in range(-12 * 4, 14 * 4 + 1) if n), key=abs)
"""What may have to be added to a firing in UTC for the one by its zone: zones are -12:00 to +14:00, by quarters."""


@dataclass(frozen=True)
class Fired:
    """What the newest runs of a pipeline tell."""

    newest: datetime | None = None
    """The newest firing of any schedule."""
    crons: Sequence[tuple[Cron, Sequence[datetime]]] = ()
    """Of each recurring run with a cron: that, and the firings that had a run."""


@dataclass(frozen=True)
class Outage:
    """A firing that KFP started nothing for though its schedule was on."""

    schedule: str
    at: datetime


def fired(schedules: Iterable[ActualSchedule], runs: Sequence[RunState]) -> Fired:
    """By the recurring runs of the environment and the newest runs of a pipeline."""
    known = {found.id: timing.read_cron(found.cron) for found in schedules}
    instants: dict[str, list[datetime]] = {}
    for run in runs:
        if run.schedule_id and run.scheduled and not run.name.startswith("kfp-gitops-"):
            instants.setdefault(run.schedule_id, []).append(run.scheduled)
    crons = [(cron, instants[name]) for name, cron in known.items() if cron and name in instants]
    return Fired(max((at for its in instants.values() for at in its), default=None), crons)


def controller(outages: Sequence[Outage], found: Iterable[Fired], host: str) -> Fault | None:
    """Several firings without a run since any schedule fired: it is not this or that schedule."""
    newest = max((one.newest for one in found if one.newest), default=None)
    lately = [one for one in outages if newest is None or one.at > newest]
    if len(lately) < _ENOUGH:
        return None
    names = sorted({one.schedule for one in lately})
    since = f"since {newest:%Y-%m-%d %H:%M} UTC" if newest else "yet"
    counts = f"{columns.counted(len(lately), 'firing')} of {columns.some(names, 3)}"
    cause = (
        f"no schedule has fired {since}, and {counts} fell due: KFP's controller of schedules does not work"
    )
    where = _namespace(host)
    return Fault(
        CONTROLLER,
        cause,
        f"kubectl -n {where} logs deployment/{_DEPLOYMENT} --tail 50; "
        f"kubectl -n {where} rollout restart deployment/{_DEPLOYMENT}",
    )


def time_zone(found: Iterable[Fired], host: str) -> Fault | None:
    """One offset that all firings of all crons have, and none of them is one in UTC."""
    crons = [pair for one in found for pair in one.crons]
    count = sum(len(instants) for _, instants in crons)
    if count < _ENOUGH or any(_fires(cron, at) for cron, instants in crons for at in instants):
        return None
    offset = next((offset for offset in _OFFSETS if _fit(crons, offset)), None)
    if offset is None:
        return None
    cause = (
        f"crons are read {_hours(offset)} UTC: all {columns.counted(count, 'firing')} came so far off, and schedules "
        "are written, shown and judged in UTC"
    )
    return Fault(TIME_ZONE, cause, mend_time_zone(_namespace(host)))


def mend_time_zone(namespace: str) -> str:
    """The command that sets UTC."""
    return f"kubectl -n {namespace} set env deployment/{_DEPLOYMENT} CRON_SCHEDULE_TIMEZONE=UTC"


def _fit(crons: Sequence[tuple[Cron, Sequence[datetime]]], offset: timedelta) -> bool:
    return all(_fires(cron, at + offset) for cron, instants in crons for at in instants)


def _fires(cron: Cron, at: datetime) -> bool:
    return cron.next_after(at - timedelta(seconds=1)) == at


def _hours(offset: timedelta) -> str:
    minutes = int(abs(offset).total_seconds()) // 60
    return f"{minutes // 60}:{minutes % 60:02} h {'ahead of' if offset > timedelta() else 'behind'}"


def _namespace(host: str) -> str:
    """Where KFP is, as far as the name of its Service tells (`ml-pipeline.kubeflow.svc…`); else its usual place."""
    labels = (urlsplit(host).hostname or "").split(".")
    return labels[1] if len(labels) > 2 and labels[2] == "svc" else "kubeflow"


def all_of(outages: Sequence[Outage], found: Sequence[Fired], host: str) -> Iterator[Fault]:
    """Both; where the time zone explains that nothing fired when it was due, that alone."""
    zone = time_zone(found, host)
    fault = zone or controller(outages, found, host)
    if fault:
        yield fault
