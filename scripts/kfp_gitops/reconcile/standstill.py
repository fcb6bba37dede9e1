"""Whether a backfill needs somebody: firings of it failed, or nothing of it goes on. Pure.

A pass tells it to a Pushgateway and a status to people, by the same words.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from kfp_gitops.reconcile import backfills
from kfp_gitops.reconcile.backfills import Progress
from kfp_gitops.reconcile.records import DesiredBackfill

IDLE, ENDLESS = timedelta(hours=1), timedelta(days=1)
"""So long nothing of it may run although firings are left, and so long none of its runs may end."""
TOLD = timedelta(days=1)
"""So long after its end somebody is told what failed."""
RENUMBERED = "the cron of its schedule changed after it began; delete it, and ask anew with another id"


def is_renumbered(backfill: DesiredBackfill, progress: Progress) -> bool:
    """Whether its firings are others than those of which some are done or begun."""
    other = progress.counted_by != backfills.counted_by(backfill)
    return other and not progress.finished and bool(progress.done or progress.begun)


def stalled(backfill: DesiredBackfill, progress: Progress, now: datetime, *, paused: bool) -> str:
    """Why nothing of it goes on though firings are left; "": it goes on, is finished, or a pause holds it."""
    if progress.finished or paused:
        return ""
    if is_renumbered(backfill, progress):
        return RENUMBERED
    allowed = ENDLESS if progress.begun else IDLE
    if not progress.moved or now.timestamp() - progress.moved <= allowed.total_seconds():
        return ""
    return (
        f"nothing of it has begun or ended since {datetime.fromtimestamp(progress.moved, UTC):%Y-%m-%d %H:%M}"
    )


def is_failing(progress: Progress, now: datetime) -> bool:
    """Whether somebody should look at what failed of it: until a day after its end."""
    ended = progress.finished
    return progress.bad > 0 and (not ended or now.timestamp() - ended <= TOLD.total_seconds())
