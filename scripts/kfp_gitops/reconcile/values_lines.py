"""What the values still say though it is over: a pause that ended, a tombstone of which nothing is left. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from kfp_gitops.kfpserver.kfpapi.actual import ActualPipeline
from kfp_gitops.reconcile import timing
from kfp_gitops.reconcile.inventory import View
from kfp_gitops.reconcile.records import Absent, Desired, Entry


def values_of(environment: str) -> str:
    """The file that says it, as these notes name it; who has the file puts the line behind it."""
    return f"environments/{environment}/values.yaml"


def told(desired: Desired, wanted: Entry, view: View) -> Iterator[str]:
    """For one pipeline, which line is to go, or may."""
    path = values_of(desired.owner.environment)
    if isinstance(wanted, Absent):
        yield from _tombstone(desired, wanted, view, path)
    elif desired.disabled or wanted.paused_until is None:
        return
    elif wanted.is_paused(view.now):
        yield f"{wanted.name} is paused until {timing.rfc3339(wanted.paused_until)}"
    else:
        until = timing.rfc3339(wanted.paused_until)
        yield f"{wanted.name}: its pause ended at {until}; take `state: paused` and `until` out of {path}"


def _tombstone(desired: Desired, wanted: Absent, view: View, path: str) -> Iterator[str]:
    if view.schedules:  # they are deleted first
        return
    pipeline = view.pipeline
    if pipeline is None:
        yield f"{wanted.name}: nothing of it is in KFP, so its `state: absent` may go from {path}"
    elif pipeline.owner != desired.owner:
        yield f"{wanted.name}: what is called so in KFP is not ours, so its `state: absent` may go from {path}"
    elif wanted.delete != "pipeline" and not _goes_on(wanted, pipeline):
        number = len(pipeline.versions)
        yield (
            f"{wanted.name}: its pipeline is left in KFP, with {number} version{'' if number == 1 else 's'}; "
            f"`delete: pipeline` deletes that too, and then its `state: absent` may go from {path}"
        )


def _goes_on(wanted: Absent, pipeline: ActualPipeline) -> bool:
    """Whether versions are still to be deleted."""
    return wanted.delete == "versions" and any(v.owner == pipeline.owner for v in pipeline.versions.values())
