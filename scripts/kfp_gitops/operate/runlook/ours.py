"""Which runs of a KFP are an environment's: those in the experiments that are marked as its own."""

from __future__ import annotations

from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.client import NOTE, KfpApi
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.reconcile.records import experiment_name


def experiments(api: KfpApi, owner: Owner) -> dict[str, str]:
    """The id of each → its pipeline, also of one that is in no manifest any more. Some requests for 1,000 pipelines."""
    end = experiment_name("", owner.environment)
    return {
        found.id: found.name.removesuffix(end)
        for found in api.experiments_like(end)
        if found.name.endswith(end)
        and not found.name.startswith(NOTE)
        and ownership.owner(found.description) == owner
    }
