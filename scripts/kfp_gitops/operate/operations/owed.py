"""Firings that KFP may still run itself: its controller was down, or the schedule's last run goes on.

Without catch-up it runs the newest firing of a schedule that fell due, with it all of them (`reconcile.seen`). What it
started of any schedule since shows that it is up, and then it has passed that firing by.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from itertools import islice

from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.language import cron
from kfp_gitops.language.manifest import Schedule
from kfp_gitops.operate.status.missed import GRACE
from kfp_gitops.reconcile.seen import Seen, first_owed, in_flight, owes

_LOOKED_AT = 200
"""Runs of the namespace: one page of KFP."""


def may_be(schedule: Schedule, ticks: Collection[datetime], now: datetime) -> bool:
    """Whether any of some firings can be owed at all, by what the manifest says alone."""
    if not schedule.enabled or not schedule.cron or not ticks:
        return False
    following = cron.parse(schedule.cron).next_after(max(ticks))
    return schedule.catchup or following is None or following > now


def owed(api: KfpApi, name: str, ticks: Collection[datetime], now: datetime) -> set[datetime]:
    """Those of some firings that KFP may still run; `name` is the recurring run's."""
    found: set[datetime] = set()
    for one in api.schedules_named({name}):
        if not one.enabled:
            continue
        seen = Seen((one,), tuple(api.runs_of_schedule(one.id)), now)
        first, newest = first_owed(one, seen), owes(one, seen)
        its = {tick for tick in ticks if first and newest and first <= tick <= newest}
        busy = len(in_flight((one,), seen)) >= one.max_concurrency
        if its and (busy or not _fires(api, max(its))):
            found |= its
    return found


def _fires(api: KfpApi, tick: datetime) -> bool:
    """Whether the controller has started anything since a firing that it passed by."""
    return any(run.schedule_id for run in islice(api.runs_since(tick + GRACE), _LOOKED_AT))
