"""How long a run of a pipeline usually takes, by its past ones: what chains of pipelines are told with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from statistics import median
from typing import TYPE_CHECKING

from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.reconcile.records import experiment_name

if TYPE_CHECKING:
    from kfp_gitops.kfpserver.kfpapi.client import KfpApi

NEWEST = 50
"""Runs of a pipeline that are asked for: one request."""
_COUNTED = 20
_FEW = 20


def usual(runs: Sequence[RunState]) -> timedelta | None:
    """The median of the newest twenty that succeeded (`runs`: the newest first); None: none is known to have."""
    took = (run.ended - run.created for run in runs if run.state == "SUCCEEDED" and run.created and run.ended)
    found = [span.total_seconds() for span in islice(took, _COUNTED)]
    return timedelta(seconds=median(found)) if found else None


def of_pipelines(api: KfpApi, pipelines: Iterable[str], environment: str) -> Mapping[str, timedelta]:
    """Pipeline → how long its runs usually take, of those that ever succeeded there.

    Two requests for each; of many the experiments are listed, and it is one for each and some for all.
    """
    from kfp_gitops.kfpserver.kfpapi.transport import each

    names = {name: experiment_name(name, environment) for name in pipelines}
    listed = api.experiments({*names.values()}) if len(names) > _FEW else None

    def of(name: str) -> timedelta | None:
        found = api.experiment(names[name]) if listed is None else listed.get(names[name])
        return usual(api.runs(found.id, NEWEST)) if found else None

    return {name: took for name, took in zip(names, each(of, names), strict=True) if took is not None}
