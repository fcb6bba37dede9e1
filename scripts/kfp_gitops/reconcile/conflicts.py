"""Conflicts of ownership: what has our names on KFP and is not ours. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from kfp_gitops.base.errors import TakenError
from kfp_gitops.kfpserver.kfpapi.actual import Actual, ActualVersion
from kfp_gitops.kfpserver.ownership import Owner, other_content, owner_in_tags, same
from kfp_gitops.reconcile import takeover
from kfp_gitops.reconcile.change import Action, Change, Kind
from kfp_gitops.reconcile.inventory import View, in_order, schedule_names
from kfp_gitops.reconcile.records import Absent, DesiredPipeline, Entry, Options


def conflicts(owner: Owner, wanted: Entry, view: View, actual: Actual, options: Options) -> Iterator[Change]:
    """What has our names and is not ours stops the pipeline."""
    below = list(of_what_it_stands_on(owner, wanted, view, options))
    yield from below
    name, pipeline = wanted.name, view.pipeline
    if pipeline is None or any(change.kind is Kind.PIPELINE for change in below):
        return
    names = schedule_names(wanted)
    for found in in_order(actual.schedules_by_pipeline.get(pipeline.id, ())):
        of_it = found.owner != owner and found.id not in view.untaken
        if of_it and found.name in names:
            reason = f"exists and is {_whose(found.owner)}"
            yield Change(Action.CONFLICT, Kind.SCHEDULE, name, found.name, reason)
        elif of_it and isinstance(wanted, Absent) and wanted.delete == "pipeline":
            yield Change(
                Action.CONFLICT, Kind.SCHEDULE, name, found.name, "of somebody else runs this pipeline"
            )


def of_what_it_stands_on(owner: Owner, wanted: Entry, view: View, options: Options) -> Iterator[Change]:
    """The same of the pipeline, its versions and its experiment."""
    name, pipeline = wanted.name, view.pipeline
    if isinstance(wanted, DesiredPipeline) and (why := _of_experiment(owner, wanted, view, options)):
        yield Change(
            Action.CONFLICT, Kind.EXPERIMENT, name, view.experiment.name if view.experiment else "", why
        )
    if pipeline is None:
        return
    asked = name in options.adopt or wanted.adopts is not None
    adopted = asked and isinstance(wanted, DesiredPipeline)
    if pipeline.owner != owner and not (adopted and pipeline.owner is None):
        reason = f"exists{_as(pipeline.name, name)} and is {_whose(pipeline.owner)}"
        yield Change(Action.CONFLICT, Kind.PIPELINE, name, name, reason)
        return
    for version in pipeline.versions.values():
        if why := _of_version(owner, wanted, version):
            yield Change(Action.CONFLICT, Kind.VERSION, name, version.name, why)
    if isinstance(wanted, DesiredPipeline):
        yield from takeover.conflicts(owner, wanted, view, options)


def _of_experiment(owner: Owner, wanted: DesiredPipeline, view: View, options: Options) -> str:
    """One that nobody marked goes with an adopted pipeline; it cannot be marked, for KFP has no call that changes it.

    Pipeline a of environment b-dev and pipeline a-b of dev would have one experiment.
    """
    found, pipeline = view.experiment, view.pipeline
    if found is None or found.owner == owner:
        return ""
    asked = wanted.name in options.adopt or wanted.adopts is not None
    adopted = asked or (pipeline and owner_in_tags(pipeline.tags) == owner)
    # Of a `run.py` that did not mark it yet.
    if found.owner is None and (adopted or found.text == f"Runs of {wanted.name}."):
        return ""
    return f"exists and is {_whose(found.owner)}"


def _of_version(owner: Owner, wanted: Entry, found: ActualVersion) -> str:
    """A name proves nothing: what is used holds the IR that was reviewed, and bears our mark."""
    if isinstance(wanted, Absent):
        theirs = wanted.delete == "pipeline" and found.owner != owner
        todo = "delete it in KFP, or write `delete: versions`"
        return f"is in this pipeline and is {_whose(found.owner)}; {todo}" if theirs else ""
    if same(found.name) != same(wanted.version):
        return ""
    if found.called:
        return ""  # it is the one that is wanted by what it holds
    if found.name != wanted.version:
        return f"exists{_as(found.name, wanted.version)} and is not what was reviewed; delete it in KFP"
    if found.digest != wanted.digest:
        return other_content(found.digest, wanted.digest)
    return "" if found.owner == owner else f"exists and is {_whose(found.owner)}; delete it in KFP"


def _as(found: str, wanted: str) -> str:
    """To KFP's data base names are the same that differ only in case, accents or trailing blanks."""
    return "" if found == wanted else f" as {found!r}, which KFP takes for the same name,"


def refuse(owner: Owner, wanted: Entry, view: View, options: Options) -> None:
    """What was made or looked at while an apply is under way: somebody may have been first.

    Raises:
        TakenError: it is not ours, or not what was reviewed.
    """
    found = [f"{c.kind} {c.name} {c.reason}" for c in of_what_it_stands_on(owner, wanted, view, options)]
    if found:
        raise TakenError(f"{'; '.join(found)}; it is left alone")


def _whose(owner: Owner | None) -> str:
    return f"owned by {owner.repository}/{owner.environment}" if owner else "not marked as ours"
