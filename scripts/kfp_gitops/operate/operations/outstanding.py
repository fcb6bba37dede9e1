"""What schedules missed and pauses held back, asked of KFP by itself: `status.missed` says it, here as in a status."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kfp_gitops.kfpserver.kfpapi.actual import ActualExperiment, ActualPipeline, ActualSchedule
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.models import NamedExperiment, RunState
from kfp_gitops.kfpserver.kfpapi.transport import each
from kfp_gitops.language.manifest import Schedule
from kfp_gitops.operate.operations import turned_off
from kfp_gitops.operate.status import missed, recent
from kfp_gitops.operate.status.lines import line
from kfp_gitops.operate.status.missed import Account
from kfp_gitops.reconcile import adoption
from kfp_gitops.reconcile.records import Desired, DesiredPipeline, experiment_name, schedule_name


@dataclass(frozen=True)
class Outstanding:
    """A schedule, what it missed and what was held back, and the newest runs of its pipeline."""

    pipeline: DesiredPipeline
    schedule: Schedule
    account: Account
    runs: Sequence[RunState]

    @property
    def name(self) -> str:
        """Its recurring run's."""
        return schedule_name(self.pipeline.name, self.schedule.name)


def outstanding(
    api: KfpApi, desired: Desired, pipelines: Sequence[DesiredPipeline], notes: Iterable[NamedExperiment]
) -> list[Outstanding]:
    """Of each schedule of these pipelines that missed something, or had something held back; a request for each."""
    owner = desired.owner
    names = {experiment_name(pipeline.name, owner.environment) for pipeline in pipelines}
    experiments = dict[str, ActualExperiment]()
    schedules = list[ActualSchedule]()
    tagged = dict[str, ActualPipeline]()
    api.together(
        [
            lambda: experiments.update(api.experiments(names)),
            lambda: schedules.extend(api.schedules()),
            lambda: tagged.update(api.pipelines((), owner) if any(one.adopts for one in pipelines) else {}),
        ]
    )
    ours = adoption.under_our_names(pipelines, tagged)
    by_name: dict[str, list[ActualSchedule]] = {}
    for found in adoption.taken(pipelines, ours.values(), schedules):
        by_name.setdefault(found.name, []).append(found)
    pauses, now = turned_off.pauses(notes, owner), api.now()

    def of(pipeline: DesiredPipeline) -> list[Outstanding]:
        experiment = experiments.get(experiment_name(pipeline.name, owner.environment))
        if experiment is None or experiment.owner != owner:
            return []
        its = (schedule_name(pipeline.name, one.name) for one in pipeline.schedules)
        by_hand = [one for name in its for one in by_name.get(name, ()) if one.called]
        runs = recent.runs(api, experiment.id, pipeline.name, now, by_hand)
        lines = [(one, line(owner, pipeline, one, by_name, runs, now, pauses)) for one in pipeline.schedules]
        accounts = [Outstanding(pipeline, one, missed.account(its), runs) for one, its in lines]
        return [found for found in accounts if found.account.missed or found.account.held]

    return [found for answer in each(of, pipelines) for found in answer]
