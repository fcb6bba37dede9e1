"""The runs that merging starts: `runOn: change`, and the release is new (reconcile/triggers.py). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kfp_gitops.review.diff.model import Action, PipelineDiff, StartedRun


def runs(found: PipelineDiff, manifest: Mapping[str, Any], *, paused: bool) -> list[StartedRun]:
    """One run of each trigger when a version of a release is registered that was not here before.

    An earlier release that comes back has runs already where KFP still has a version of it: nobody sees that in Git.
    """
    new = found.unlocked or found.new_version
    if paused or not new or found.action is Action.REMOVED or found.release_after == found.release_before:
        return []
    triggers = manifest.get("triggers")
    return [
        StartedRun(str(trigger["name"]), trigger.get("parameters") or {})
        for trigger in (triggers if isinstance(triggers, list) else ())
        if isinstance(trigger, Mapping) and _is_on(trigger) and "name" in trigger
    ]


def _is_on(trigger: Mapping[str, Any]) -> bool:
    return trigger.get("runOn") == "change" and trigger.get("enabled") is not False
