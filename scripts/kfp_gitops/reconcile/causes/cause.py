"""A cause: what a trigger is owed one run for; and the name that this run has."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.language.manifest import AfterRun, OnData, Trigger
from kfp_gitops.reconcile.records import DesiredPipeline

_DIGITS = 16
"""Of a digest in a run's name: 64 bits, so that no two causes of an environment have one name."""


@dataclass(frozen=True)
class Cause:
    """`id`: what it is, the same whenever it is seen. `moment`: when the run ended, or the data was changed (aware).

    `facts`: what parameters may refer to (`{run: …}`, `{data: …}`), as texts.
    """

    id: str
    moment: datetime
    facts: Mapping[str, str] = field(default_factory=dict)
    run: str = ""
    """The id of the upstream run; "": it is a state of data."""
    pipeline_id: str = ""
    version_id: str = ""
    """Of the upstream run; "": it is of no registered version."""


@dataclass(frozen=True)
class Watched:
    """A trigger that a pass looks after, with the pipeline that it starts."""

    pipeline: DesiredPipeline
    trigger: Trigger

    @property
    def key(self) -> str:
        """By what it is known within its environment: names hold no slash."""
        return f"{self.pipeline.name}/{self.trigger.name}"

    @property
    def on(self) -> str:
        """What it waits for, in eight digits: with another one it is another trigger, to which nothing old is owed."""
        found = self.trigger.run_on
        match found:
            case AfterRun():
                words = ["run", found.pipeline, found.state, found.versions]
            case OnData():
                words = ["data", found.uri, found.changes]
            case _:
                words = ["change"]
        return hashlib.sha256("\0".join(words).encode()).hexdigest()[:8]


def watched(pipelines: tuple[DesiredPipeline, ...]) -> list[Watched]:
    """The triggers of an environment that wait for runs or data and are not turned off, by name."""
    found = [
        Watched(pipeline, trigger)
        for pipeline in pipelines
        for trigger in pipeline.on_causes
        if trigger.enabled
    ]
    return sorted(found, key=lambda one: one.key)


def digest(owner: Owner, one: Watched, cause: str) -> str:
    """Of a cause of a trigger; `cause` is its id. What the trigger waits for is part of a cause's id."""
    parts = (owner.repository, owner.environment, one.pipeline.name, one.trigger.name, cause)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:_DIGITS]


def run_name(one: Watched, digits: str) -> str:
    """The name of the one run of a cause, by its digest."""
    return f"{run_prefix(one)}{digits}"


def run_prefix(one: Watched) -> str:
    """What the names of all runs of a trigger begin with."""
    return f"{one.pipeline.name}-{one.trigger.name}-"


def is_run_of(one: Watched, name: str) -> bool:
    """Whether a run of the trigger's pipeline, of this name, was started by it."""
    digits = name.removeprefix(run_prefix(one))
    return len(digits) == _DIGITS and len(name) > _DIGITS and not digits.strip("0123456789abcdef")
