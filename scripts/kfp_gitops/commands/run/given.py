"""What a run of a schedule is given: the schedule's parameters, and those of --param."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kfp_gitops.commands.run.here import Here
    from kfp_gitops.language.manifest import Manifest, Schedule


def of_schedule(here: Here, manifest: Manifest, schedule: Schedule) -> dict[str, Any]:
    """All of them; one that the schedule gives need not be given again.

    Raises:
        UsageError: every one that is wrong, before anything is sent.
    """
    from kfp_gitops.operate import runs

    given = schedule.parameters
    asked = tuple(replace(p, optional=True) if p.name in given else p for p in manifest.parameters)
    values = {**given, **runs.parameters(replace(manifest, parameters=asked), here.arguments.param)}
    runs.refuse_unsound(manifest, here.folder.inner(manifest.name), values, here.host)
    return values
