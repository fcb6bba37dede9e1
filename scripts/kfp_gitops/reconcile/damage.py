"""What on KFP cannot be read: told to people who read a plan, and no reason to stop. Pure.

Whoever may write to the namespace decides what stands in it. What is ours and damaged is replaced (`drift`) or left
where its age is not known (`retention`); what is somebody else's is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator

from kfp_gitops.kfpserver.kfpapi.actual import Actual, ActualSchedule
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.reconcile import timing
from kfp_gitops.reconcile.records import Desired

_DATES = ("covered", "start")
"""The facts of a recurring run that are instants."""
_MOST = 20
"""Lines; a namespace may hold thousands of such objects."""


def told(desired: Desired, actual: Actual) -> list[str]:
    """One line for each object of which something cannot be read."""
    lines = [*_of_schedules(desired.owner, actual), *_of_versions(actual)]
    more = len(lines) - _MOST
    return [*lines[:_MOST], f"and {more} more that cannot be read"] if more > 0 else lines


def _of_schedules(owner: Owner, actual: Actual) -> Iterator[str]:
    for found in actual.schedules:
        fields = [*found.damaged, *(name for name in _DATES if _is_no_date(found, name))]
        if fields:
            what = "ours, which is not trusted" if found.owner == owner else "not ours, passed over"
            yield f"recurring run {found.name or found.id}: {', '.join(fields)} cannot be read ({what})"


def _is_no_date(found: ActualSchedule, name: str) -> bool:
    text = found.facts.get(name)
    return bool(text) and timing.noted(text) is None


def _of_versions(actual: Actual) -> Iterator[str]:
    for pipeline in actual.pipelines.values():
        for version in pipeline.versions.values():
            if version.damaged:
                fields = ", ".join(version.damaged)
                yield f"version {version.name} of {pipeline.name}: {fields} cannot be read; it is not deleted"
