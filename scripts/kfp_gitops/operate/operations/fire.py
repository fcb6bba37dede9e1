"""Start a schedule's run now, once: the run's name is its mark, and holds the minute by KFP's own clock.

What is asked again in the same minute, or within a minute of the run's start, finds that run: a command that was
repeated because it was killed, or its answer was lost, starts no second one. Of two that two people fired at once, on
two machines, the later one is stopped: both look once more a moment afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.operate.operations.terminate import terminate
from kfp_gitops.reconcile.records import fired_prefix

_ONCE = timedelta(minutes=1)
_MOMENT = 1.0
"""Seconds in which somebody else's run that was asked for at the same time is there."""


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


def fire(api: KfpApi, asked: Firing, sleep: Callable[[float], None] = time.sleep) -> Fired:
    """Start it, unless that was done within the last minute."""
    now = api.now()
    if before := _lately(api, asked, now):
        return Fired(before[0], before=True)
    made = _start(api, asked, now)
    sleep(_MOMENT)
    found = _lately(api, asked, now)
    if made not in found[1:]:
        return Fired(made, before=False)
    terminate(api, made)
    return Fired(found[0], before=True)


def _lately(api: KfpApi, asked: Firing, now: datetime) -> list[str]:
    """The runs of this minute, and of the one before where that has not passed since their start; the oldest first."""
    found = api.runs_with_names({asked.name(now), asked.name(now - _ONCE)})
    lately = [
        run for run in found if run.name == asked.name(now) or (run.created and run.created > now - _ONCE)
    ]
    return [run.id for run in sorted(lately, key=lambda run: (run.created or now, run.id))]


def _start(api: KfpApi, asked: Firing, now: datetime) -> str:
    tick = {asked.tick_parameter: f"{now:%Y-%m-%dT%H:%M:%SZ}"} if asked.tick_parameter else {}
    return api.create_run(
        name=asked.name(now),
        pipeline_id=asked.pipeline_id,
        version_id=asked.version_id,
        experiment_id=asked.experiment_id,
        parameters={**asked.parameters, **tick},
        description=asked.description,
    )
