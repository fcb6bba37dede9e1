"""Start a schedule's run now, once: the run's name is its mark, and holds the minute by KFP's own clock.

What is asked again in the same minute, or within a minute of the run's start, finds that run: a command that was
repeated because it was killed, or its answer was lost, starts no second one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.reconcile.records import fired_prefix

_ONCE = timedelta(minutes=1)


@dataclass(frozen=True)
class Firing:
    """What to run; `schedule` is the recurring run's name."""

    schedule: str
    pipeline_id: str
    version_id: str
    experiment_id: str
    parameters: Mapping[str, Any]
    tick_parameter: str | None
    description: str

    def name(self, at: datetime) -> str:
        """The run's name, if it is fired at an instant."""
        return f"{fired_prefix(self.schedule)}{at:%Y%m%dT%H%MZ}"


@dataclass(frozen=True)
class Fired:
    """The run, and whether it was there already."""

    run_id: str
    before: bool


def fire(api: KfpApi, asked: Firing) -> Fired:
    """Start it, unless that was done within the last minute."""
    now = api.now()
    names = {asked.name(now), asked.name(now - _ONCE)}
    for found in api.runs_with_names(names):
        if found.name == asked.name(now) or (found.created and found.created > now - _ONCE):
            return Fired(found.id, before=True)
    tick = {asked.tick_parameter: f"{now:%Y-%m-%dT%H:%M:%SZ}"} if asked.tick_parameter else {}
    made = api.create_run(
        name=asked.name(now),
        pipeline_id=asked.pipeline_id,
        version_id=asked.version_id,
        experiment_id=asked.experiment_id,
        parameters={**asked.parameters, **tick},
        description=asked.description,
    )
    return Fired(made, before=False)
