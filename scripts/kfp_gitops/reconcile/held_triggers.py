"""What a plan tells of triggers that wait for runs or data: that a pause holds them back. KFP has none of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from kfp_gitops.base import columns
from kfp_gitops.language.manifest import Trigger
from kfp_gitops.reconcile import timing
from kfp_gitops.reconcile.records import Desired, DesiredPipeline

_NAMED, _FOR_EVER = 10, 9999


def told(desired: Desired, now: datetime) -> Iterator[str]:
    """A line for what is lost meanwhile, and one for what one run makes up for; of an environment that is off none."""
    if desired.disabled:  # which is told of all of it
        return
    found = [
        (pipeline, trigger)
        for pipeline in desired.pipelines
        if pipeline.is_paused(now)
        for trigger in pipeline.on_causes
        if trigger.enabled
    ]
    for rule, then in (
        ("report", "what they wait for meanwhile is missed, and status tells it"),
        ("run", "when it is over one run of each makes up for what they missed"),
    ):
        its = [_named(pipeline, trigger) for pipeline, trigger in found if trigger.on_missed == rule]
        if its:
            yield f"paused, so triggers start nothing: {columns.some(its, _NAMED)}; {then}"


def _named(pipeline: DesiredPipeline, trigger: Trigger) -> str:
    until = pipeline.paused_until
    known = until is not None and until.year < _FOR_EVER
    return f"{pipeline.name}-{trigger.name}{f' until {timing.rfc3339(until)}' if until and known else ''}"
