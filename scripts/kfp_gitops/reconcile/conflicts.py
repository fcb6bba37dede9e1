"""Conflicts of ownership: what has our names on KFP and is not ours. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from kfp_gitops.kfpserver.kfpapi.actual import Actual
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.reconcile.change import Action, Change, Kind
from kfp_gitops.reconcile.inventory import View, in_order, schedule_names
from kfp_gitops.reconcile.records import Absent, DesiredPipeline, Entry, Options


def conflicts(owner: Owner, wanted: Entry, view: View, actual: Actual, options: Options) -> Iterator[Change]:
    """What has our names and is not ours stops the pipeline."""
    name, pipeline, experiment = wanted.name, view.pipeline, view.experiment
    if isinstance(wanted, DesiredPipeline) and experiment and experiment.owner not in (None, owner):
        # Pipeline a of environment b-dev and pipeline a-b of dev would have one experiment.
        reason = f"exists and is {_whose(experiment.owner)}"
        yield Change(Action.CONFLICT, Kind.EXPERIMENT, name, experiment.name, reason)
    if pipeline is None:
        return
    adopted = name in options.adopt and isinstance(wanted, DesiredPipeline)
    if pipeline.owner != owner and not (adopted and pipeline.owner is None):
        reason = f"exists{_as(pipeline.name, name)} and is {_whose(pipeline.owner)}"
        yield Change(Action.CONFLICT, Kind.PIPELINE, name, name, reason)
        return
    names = schedule_names(wanted)
    for found in in_order(actual.schedules_by_pipeline.get(pipeline.id, ())):
        of_it = found.owner != owner
        if of_it and found.name in names and not (adopted and found.owner is None):
            reason = f"exists and is {_whose(found.owner)}"
            yield Change(Action.CONFLICT, Kind.SCHEDULE, name, found.name, reason)
        elif of_it and isinstance(wanted, Absent) and wanted.delete == "pipeline":
            yield Change(
                Action.CONFLICT, Kind.SCHEDULE, name, found.name, "of somebody else runs this pipeline"
            )


def _as(found: str, wanted: str) -> str:
    """To KFP's data base names are the same that differ only in case, accents or trailing blanks."""
    return "" if found == wanted else f" as {found!r}, which KFP takes for the same name,"


def _whose(owner: Owner | None) -> str:
    return f"owned by {owner.repository}/{owner.environment}" if owner else "not marked as ours"
