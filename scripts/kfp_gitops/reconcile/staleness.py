"""Recurring runs that still start the launcher and driver of an older KFP (kubeflow/pipelines #13933).

What a recurring run starts is compiled when it is created, and anew whenever the API server starts, so an upgrade of
KFP refreshes all of them (resource_manager.go ReconcileSwfCrs). But that pass ends at the first recurring run, of
anybody, that pins a version which is deleted: those after it stay as they were. The compiled workflow is in no reply
of KFP's API; that such a pin is there can be seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from kfp_gitops.kfpserver.kfpapi.actual import Actual, ActualSchedule
from kfp_gitops.reconcile import drift
from kfp_gitops.reconcile.api import Kfp


def dangling(api: Kfp, found: Actual, server: str, ours: Iterable[str]) -> tuple[str, ...] | None:
    """Who pins a version that is gone; asked only where a recurring run of these names was made by another KFP."""
    names = frozenset(ours)
    made_by = {item.facts.get(drift.SERVER) for item in found.schedules if item.name in names}
    if not server or made_by <= {None, server}:
        return None
    known = {version.id for pipeline in found.pipelines.values() for version in pipeline.versions.values()}
    pins = sorted({pin for pin in map(_pin, found.schedules) if pin[1] and pin[1] not in known})
    there = api.together(partial(api.version_exists, *pin) for pin in pins)
    gone = {version for (_, version), exists in zip(pins, there, strict=True) if not exists}
    return tuple(sorted(item.name for item in found.schedules if item.version_id in gone))


def told(made: Sequence[ActualSchedule], server: str, dangling: tuple[str, ...]) -> Iterator[str]:
    """For people who read a plan."""
    for found in made:
        made_by = found.facts.get(drift.SERVER)
        if made_by not in (None, server):
            yield (
                f"{found.name} was compiled by KFP {made_by}, and {server} could not compile it anew when it started: "
                f"{', '.join(dangling[:3])} pins a version that is deleted; delete that recurring run, restart KFP's "
                "API server, or --refresh-stale replaces ours"
            )


def _pin(found: ActualSchedule) -> tuple[str, str]:
    return found.pipeline_id or "", found.version_id or ""
