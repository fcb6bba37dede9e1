"""How many runs of a pipeline are in flight, for the blast radius."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kfp_gitops.kfpserver.kfpapi.actual import ACTIVE
from kfp_gitops.reconcile.records import experiment_name

if TYPE_CHECKING:
    from kfp_gitops.kfpserver.kfpapi.client import KfpApi


def count(api: KfpApi, pipeline: str, environment: str) -> int:
    """The runs of the pipeline's experiment that are still to end."""
    experiment = api.experiment(experiment_name(pipeline, environment))
    return sum(1 for _ in api.runs_in_state(experiment.id, ACTIVE)) if experiment else 0
