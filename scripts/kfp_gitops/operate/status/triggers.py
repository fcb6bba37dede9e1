"""How the triggers of a pipeline stand that wait for runs or data: of what the newest pass kept, for people. Pure.

A cause that was missed is told for a day from when a pass found it (reconcile/causes), and no longer than until
somebody has made up for it: any run of the pipeline that was made since and succeeded, or is on its way. What a pause
or a window held back is no alarm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from kfp_gitops.kfpserver.kfpapi.actual import ACTIVE
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.language.chains.edges import Edge
from kfp_gitops.language.manifest import Trigger
from kfp_gitops.operate.status import by_hand
from kfp_gitops.operate.status.model import TriggerCause, TriggerRun, TriggerStatus
from kfp_gitops.reconcile.causes import closing
from kfp_gitops.reconcile.causes.standing import Missed, Standing, Waiting
from kfp_gitops.reconcile.records import DesiredPipeline

Standings = Mapping[tuple[str, str], Standing]
"""Pipeline and trigger → how it stands; none at all where nobody could read what passes keep."""
LATE = timedelta(minutes=15)
"""So long after the newest pass somebody should look why there is none: it comes each minute."""


def of_pipeline(
    pipeline: DesiredPipeline,
    standings: Standings | None,
    runs: Sequence[RunState],
    now: datetime,
) -> tuple[TriggerStatus, ...]:
    """Those that wait for more than a release; `runs` are the newest of its experiment."""
    return tuple(_of(pipeline, one, standings, runs, now) for one in pipeline.on_causes)


def overdue(found: TriggerStatus, now: datetime) -> bool:
    """Whether passes have stopped to look for it; where it is not known when one looked nobody can say."""
    return found.enabled and found.looked is not None and now - found.looked > LATE


def _of(
    pipeline: DesiredPipeline,
    trigger: Trigger,
    standings: Standings | None,
    runs: Sequence[RunState],
    now: datetime,
) -> TriggerStatus:
    edge = Edge(pipeline.name, trigger, pipeline.is_paused(now))
    found = standings.get((pipeline.name, trigger.name)) if standings is not None else None
    plain = TriggerStatus(
        name=f"{pipeline.name}-{trigger.name}",
        waits_for=f"{edge.source} {edge.verb}",
        source=edge.source,
        enabled=trigger.enabled,
        next_start=None,
        looked=found.looked if found else None,
    )
    return _with(plain, trigger, found, runs) if found and trigger.enabled else plain


def _with(plain: TriggerStatus, trigger: Trigger, found: Standing, runs: Sequence[RunState]) -> TriggerStatus:
    left = [one for one in found.missed if not _is_made_up(one, runs)]
    last = found.last
    return TriggerStatus(
        name=plain.name,
        waits_for=plain.waits_for,
        source=plain.source,
        enabled=plain.enabled,
        next_start=None,
        looked=found.looked,
        stopped=found.held,
        waiting=tuple(_cause(trigger, one) for one in found.waiting),
        missed=tuple(_cause(trigger, one) for one in reversed(left) if not closing.is_held(one.why)),
        held=tuple(_cause(trigger, one) for one in reversed(left) if closing.is_held(one.why)),
        made_up=len(found.missed) - len(left),
        unclear=tuple(found.unclear),
        unclear_by_hand=tuple(by_hand.of(trigger, one) for one in found.unclear_causes),
        last=TriggerRun(last.cause, last.run_name, last.run_id, last.at) if last else None,
        problem=found.problem,
    )


def _cause(trigger: Trigger, found: Missed | Waiting) -> TriggerCause:
    return TriggerCause(found.cause, found.moment, found.why, by_hand.of(trigger, found.cause, found.moment))


def _is_made_up(missed: Missed, runs: Sequence[RunState]) -> bool:
    return any(
        run.created and run.created > missed.moment and (run.state == "SUCCEEDED" or run.state in ACTIVE)
        for run in runs
    )
