"""The runs of a pipeline by which its status is told: the newest hundred, and more where a backfill hides others.

A backfill of a hundred firings is itself the hundred newest runs. What fell due before them would be known no more, and
so what of it is still to be made up for, as when the backfill was interrupted.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import islice

from kfp_gitops.kfpserver.kfpapi.actual import ActualSchedule
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.operate.status.missed import BACK, MORE, NEWEST
from kfp_gitops.reconcile.records import backfill_prefix


def runs(
    api: KfpApi, experiment_id: str, pipeline: str, now: datetime, taken: Sequence[ActualSchedule] = ()
) -> Sequence[RunState]:
    """The newest first; a request, where a backfill of the pipeline hides others up to six.

    One more for each recurring run that was made in KFP: its runs are in the experiment in which it was made.
    """
    its = list(_of_experiment(api, experiment_id, pipeline, now))
    elsewhere = [one.id for one in taken if one.experiment_id != experiment_id]
    if not elsewhere:
        return its
    its += [run for one in elsewhere for run in api.newest_of_schedule(one, NEWEST)]
    return sorted(its, key=lambda run: run.created or now, reverse=True)


def _of_experiment(api: KfpApi, experiment_id: str, pipeline: str, now: datetime) -> Sequence[RunState]:
    newest, since = api.runs(experiment_id, NEWEST), now - BACK
    begin = backfill_prefix(pipeline)
    hide = len(newest) >= NEWEST and any(run.name.startswith(begin) for run in newest)
    if not hide or any(run.created and run.created <= since for run in newest):
        return newest
    return list(islice(api.runs_since(since, experiment_id=experiment_id), MORE))
