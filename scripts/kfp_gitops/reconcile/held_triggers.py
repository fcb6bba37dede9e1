"""What a plan tells of triggers that wait for runs or data: that they are held back. KFP has none of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from kfp_gitops.base import columns
from kfp_gitops.language.manifest import Trigger
from kfp_gitops.reconcile import timing
from kfp_gitops.reconcile.records import Desired, DesiredPipeline

_NAMED, _FOR_EVER = 10, 9999


def told(desired: Desired, now: datetime) -> Iterator[str]:
    """A line for what is lost meanwhile, by a pause or an environment that is off; one for what a run makes up for."""
    off = desired.disabled
    found = [
        (pipeline, trigger)
        for pipeline in desired.pipelines
        if off or pipeline.is_paused(now)
        for trigger in pipeline.on_causes
        if trigger.enabled
    ]
    for rule, then in (
        ("report", "what they wait for meanwhile is missed, and status tells it"),
        ("run", f"when it is {'on again' if off else 'over'} one run of each makes up for what they missed"),
    ):
        its = [_named(*one, off=off) for one in found if one[1].on_missed == rule]
        if its:
            yield f"{'turned off' if off else 'paused'}, so triggers start nothing: {columns.some(its, _NAMED)}; {then}"


def _named(pipeline: DesiredPipeline, trigger: Trigger, *, off: bool) -> str:
    until = pipeline.paused_until
    known = until is not None and until.year < _FOR_EVER and not off
    return f"{pipeline.name}-{trigger.name}{f' until {timing.rfc3339(until)}' if until and known else ''}"
