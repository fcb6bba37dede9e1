"""Which runs of a KFP are an environment's: those in the experiments that are marked as its own.

And those of recurring runs that were made in KFP and taken over: they are in whatever experiment they were made in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.actual import ActualPipeline, ActualSchedule
from kfp_gitops.kfpserver.kfpapi.client import NOTE, KfpApi
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.reconcile import adoption
from kfp_gitops.reconcile.records import experiment_name


@dataclass(frozen=True)
class Ours:
    """Id of an experiment, or of a recurring run that was made in KFP → its pipeline."""

    experiments: Mapping[str, str]
    by_hand: Mapping[str, str] = field(default_factory=dict)

    def of(self, run: RunState) -> str:
        """The pipeline whose run it is; "": of none."""
        return self.experiments.get(run.experiment_id) or self.by_hand.get(run.schedule_id or "", "")


def whole(api: KfpApi, owner: Owner, called: Mapping[str, str]) -> Ours:
    """All of an environment's; `called`: what KFP calls the pipelines that were made there → their names here."""
    found = experiments(api, owner)
    if not called:
        return Ours(found)
    pipelines: dict[str, ActualPipeline] = {}
    schedules: list[ActualSchedule] = []
    api.together(
        [lambda: pipelines.update(api.pipelines((), owner)), lambda: schedules.extend(api.schedules())]
    )
    names = {one.id: called.get(name, name) for name, one in pipelines.items()}
    its = adoption.taken((), pipelines.values(), schedules)
    return Ours(found, {one.id: names[one.pipeline_id or ""] for one in its if one.called})


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
