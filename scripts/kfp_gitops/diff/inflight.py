"""How many runs of a pipeline are in flight, for the blast radius."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kfp_gitops.reconcile.desired import experiment_name
from kfp_gitops.runs import FINAL

if TYPE_CHECKING:
    from kfp_gitops.kfpapi.client import KfpApi

_NEWEST = 100


def count(api: KfpApi, pipeline: str, environment: str) -> int:
    """The runs among the newest 100 of the pipeline's experiment that have not ended."""
    experiment = api.experiment(experiment_name(pipeline, environment))
    return sum(run.state not in FINAL for run in api.runs(experiment.id, _NEWEST)) if experiment else 0
