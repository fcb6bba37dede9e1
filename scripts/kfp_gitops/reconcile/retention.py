"""Which versions of a pipeline are kept, and which are deleted because newer ones took their place. Pure."""

from __future__ import annotations

from kfp_gitops.kfpserver.kfpapi.actual import ActualVersion
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.reconcile.inventory import View
from kfp_gitops.reconcile.records import DesiredPipeline
from kfp_gitops.reconcile.steps import DeleteVersion, LookAtRunsInFlight, Step


def next_step(owner: Owner, wanted: DesiredPipeline, view: View, keep: int) -> Step | None:
    """The version that is to be deleted next, once it is known what runs use."""
    for version in superfluous(owner, wanted, view, keep):
        if view.in_flight is None:
            return LookAtRunsInFlight()
        return DeleteVersion(version.id, version.name)
    return None


def superfluous(owner: Owner, wanted: DesiredPipeline, view: View, keep: int) -> list[ActualVersion]:
    """Our versions beyond the newest `keep` that nothing pins, oldest first.

    A recurring run whose version is gone makes the API server give up all its recurring runs at its next start
    (ReconcileSwfCrs), so what is pinned stays, whoever pins it; and what has no date that can be read, whose age is not
    known.
    """
    return _beyond(owner, wanted, view, keep, view.pinned)


def foreseen(owner: Owner, wanted: DesiredPipeline, view: View, keep: int) -> list[ActualVersion]:
    """The same as it is at the end of an apply, when each recurring run of ours pins the version that is wanted."""
    return _beyond(owner, wanted, view, keep, view.others)


def _beyond(
    owner: Owner, wanted: DesiredPipeline, view: View, keep: int, pinned: frozenset[str]
) -> list[ActualVersion]:
    """By whose they are themselves: a pipeline that is still to be taken over is nobody's, and so are its versions."""
    ours = [
        version
        for version in (view.pipeline.versions.values() if view.pipeline else ())
        if version.owner == owner
        and not version.damaged
        and version.name != wanted.version
        and version.id not in pinned | view.busy
    ]
    newest = sorted(ours, key=lambda version: (version.created, version.id), reverse=True)
    return newest[max(keep, 0) :][::-1]
