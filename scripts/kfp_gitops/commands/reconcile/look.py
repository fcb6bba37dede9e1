"""A look at one environment: what its manifests say, what KFP has, what a plan finds, and how its newest runs went."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kfp_gitops.commands import connection, mine
from kfp_gitops.commands.reconcile import backfilled, faulty, kept, options
from kfp_gitops.commands.reconcile.circumstances import with_notes

if TYPE_CHECKING:
    from kfp_gitops.kfpserver.kfpapi.actual import Actual, ActualSchedule
    from kfp_gitops.kfpserver.kfpapi.client import KfpApi
    from kfp_gitops.kfpserver.kfpapi.models import RunState
    from kfp_gitops.operate.faults.firings import Fired
    from kfp_gitops.operate.status.backfills import Kept
    from kfp_gitops.operate.status.build import Look
    from kfp_gitops.operate.status.model import PipelineStatus, Status
    from kfp_gitops.reconcile.plan import Plan
    from kfp_gitops.reconcile.records import Desired, DesiredPipeline


@dataclass(frozen=True)
class Looked:
    """What was found; `runs` are the newest ones of each pipeline that were to be kept, the newest first."""

    desired: Desired
    actual: Actual
    planned: Plan
    status: Status
    runs: Mapping[str, Sequence[RunState]]
    left_out: int = 0
    """Pipelines of the environment that are not registered as a developer's own: of `--as` what is there is judged."""


def at(arguments: Namespace, keep: int = 0) -> Looked:
    """Look; reads only, and compiles nothing. So many runs of each pipeline are kept: of 10,000 they are a million.

    Raises:
        GitOpsError: the manifests are not as they should be, or KFP does not answer.
    """
    from kfp_gitops.operate.operations import database, pause, turned_off
    from kfp_gitops.operate.status import build
    from kfp_gitops.reconcile import desired
    from kfp_gitops.reconcile.observe import observe
    from kfp_gitops.reconcile.plan import plan

    part = options.selected(arguments)
    if getattr(arguments, "mine", None):
        wanted = mine.wanted(arguments, part)
    else:
        wanted = desired.reviewed(options.manifests(arguments), arguments.env, arguments.host, part)
    api = connection.api(arguments, wanted.host, wanted.namespace)
    asked = faulty.Asked.of(api, arguments.env)
    notes, known = asked.notes, kept.read(arguments, api, wanted.owner)
    wanted = with_notes(wanted, notes, api.now())
    for lost in database.lost(known.witness, notes, wanted.owner, api.now()):
        wanted = pause.over(wanted, lost)
    actual, left_out = observe(api, wanted), 0
    if wanted.aside:
        there = _there(wanted, actual)
        left_out = len(wanted.pipelines) - len(there)
        wanted = replace(wanted, pipelines=there)
    planned = plan(wanted, actual)
    waits = any(pipeline.on_causes for pipeline in wanted.pipelines)
    text = kept.of_passes(arguments, api, wanted.owner) if waits or wanted.backfills else ""
    pauses = turned_off.pauses(notes, wanted.owner)
    look = build.Look.of(wanted, actual, planned, pauses, kept.standings(text) if waits else None)
    found = _pipelines(api, look, keep, backfilled.kept(text, notes, wanted.owner))
    status = look.whole([one.status for one in found])
    faults = faulty.found(api, asked, known, wanted, actual, status, [one.fired for one in found])
    faults += tuple(
        one for one in faulty.of_cluster(arguments, api.budget) if one.name not in {f.name for f in faults}
    )
    runs = {one.status.name: one.runs for one in found}
    return Looked(wanted, actual, planned, replace(status, faults=faults), runs, left_out)


def _there(wanted: Desired, actual: Actual) -> tuple[DesiredPipeline, ...]:
    """The pipelines of which something is on KFP: of an apply that was killed it may be the experiment alone."""
    from kfp_gitops.reconcile.records import experiment_name

    def is_there(name: str) -> bool:
        its = (
            actual.pipelines.get(name),
            actual.experiments.get(experiment_name(name, wanted.owner.environment)),
        )
        return any(one is not None and one.owner == wanted.owner for one in its)

    return tuple(one for one in wanted.pipelines if is_there(one.name))


@dataclass(frozen=True)
class _One:
    """A pipeline, and what is kept of its runs."""

    status: PipelineStatus
    runs: Sequence[RunState]
    fired: Fired


def _pipelines(api: KfpApi, look: Look, keep: int, of_backfills: Kept) -> list[_One]:
    """The pipelines, many at once."""
    from kfp_gitops.kfpserver.kfpapi.transport import each
    from kfp_gitops.operate.faults import firings
    from kfp_gitops.operate.status import recent
    from kfp_gitops.reconcile.records import experiment_name

    owner, experiments = look.desired.owner, look.actual.experiments

    ours: dict[str, list[ActualSchedule]] = {}
    taken: dict[str, list[ActualSchedule]] = {}
    for schedule in look.actual.schedules:
        if schedule.owner == owner:
            into, key = (taken, schedule.pipeline_id) if schedule.called else (ours, schedule.experiment_id)
            into.setdefault(key or "", []).append(schedule)

    def at(pipeline: DesiredPipeline) -> _One:
        found = experiments.get(experiment_name(pipeline.name, owner.environment))
        known = found is not None and found.owner == owner
        its = look.actual.pipelines.get(pipeline.name)
        by_hand = taken.get(its.id, []) if its else []
        runs = recent.runs(api, found.id, pipeline.name, look.actual.now, by_hand) if found and known else []
        own = [*(ours.get(found.id, ()) if found else ()), *by_hand]
        asked = backfilled.standing(api, look.desired, pipeline, found if known else None, runs, of_backfills)
        return _One(look.at(pipeline, runs, asked), runs[:keep], firings.fired(own, runs))

    return each(at, look.desired.pipelines)
