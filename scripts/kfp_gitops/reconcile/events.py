"""What an apply tells: one record for each step it took."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from kfp_gitops.reconcile import steps, timing


@dataclass(frozen=True)
class Event:
    """One step on one object. `outcome`: done, failed or waiting."""

    pipeline: str
    action: str
    kind: str
    name: str
    outcome: str = ""
    detail: str = ""
    seconds: float = 0.0
    missed: tuple[datetime, ...] = ()
    """Firings that fell due while nothing could fire, be it by a pause; what is missed `status.missed` says."""

    def ended(self, outcome: str, detail: str, seconds: float) -> Event:
        """The same step with how it ended."""
        return replace(self, outcome=outcome, detail=detail, seconds=round(seconds, 3))


def to_json(event: Event) -> str:
    """A line for machines: schemas/step.schema.json."""
    missed = {"missed": [timing.rfc3339(at) for at in event.missed]} if event.missed else {}
    return json.dumps({**{key: value for key, value in asdict(event).items() if key != "missed"}, **missed})


_WORDS: Mapping[type, tuple[str, str]] = {
    steps.CreatePipeline: ("create", "pipeline"),
    steps.AdoptPipeline: ("adopt", "pipeline"),
    steps.DeletePipeline: ("delete", "pipeline"),
    steps.UploadVersion: ("create", "version"),
    steps.DeleteVersion: ("delete", "version"),
    steps.CreateExperiment: ("create", "experiment"),
    steps.UnarchiveExperiment: ("enable", "experiment"),
    steps.ArchiveExperiment: ("archive", "experiment"),
    steps.StartRun: ("start", "run"),
    steps.CreateSchedule: ("create", "schedule"),
    steps.EnableSchedule: ("enable", "schedule"),
    steps.DisableSchedule: ("disable", "schedule"),
    steps.DeleteSchedule: ("delete", "schedule"),
    steps.LookAtRuns: ("look at", "runs"),
    steps.LookAtRunsInFlight: ("look at", "runs"),
    steps.Wait: ("wait for", "schedule"),
}


def described(pipeline: str, step: steps.Step) -> Event:
    """A step in the words of a plan."""
    action, kind = _WORDS[type(step)]
    name = step.wanted.name if isinstance(step, steps.CreateSchedule) else getattr(step, "name", pipeline)
    missed = step.missed if isinstance(step, steps.EnableSchedule) else ()
    return Event(
        pipeline, action, kind, name, detail=_missed(missed) or getattr(step, "why", ""), missed=missed
    )


def _missed(firings: tuple[datetime, ...]) -> str:
    if not firings:
        return ""
    first, last = timing.rfc3339(firings[0]), timing.rfc3339(firings[-1])
    number = f"{len(firings)}" if len(firings) < 1000 else "1,000 or more"
    return (
        f"nothing fired at {first}" if len(firings) == 1 else f"{number} firings fell out, {first} to {last}"
    )
