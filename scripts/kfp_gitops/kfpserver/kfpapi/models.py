"""Between the official client's models and our records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from typing import Any, Literal, ParamSpec, TypeVar

from kfp_gitops.base.errors import RemoteError
from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.actual import (
    ACTIVE,
    ActualExperiment,
    ActualPipeline,
    ActualRun,
    ActualVersion,
    Marked,
)
from kfp_gitops.kfpserver.kfpapi.generated import kfp_server_api
from kfp_gitops.kfpserver.runtree.records import Record
from kfp_gitops.language.manifest import Schedule

P = ParamSpec("P")
T = TypeVar("T")


def _understood(read: Callable[P, T]) -> Callable[P, T]:
    """Replies are read by models that take anything; what no record of ours can be made of is no reply of KFP."""

    @wraps(read)
    def reading(*args: P.args, **more: P.kwargs) -> T:
        try:
            return read(*args, **more)
        except (ValueError, TypeError, AttributeError, ArithmeticError) as error:
            what = read.__name__.removeprefix("actual_").replace("_", " ")
            raise RemoteError(
                f"KFP told of a {what} what its API does not ({type(error).__name__})"
            ) from error

    return reading


@dataclass(frozen=True)
class RunState:
    """A run and its tasks as the server tells them."""

    id: str
    name: str
    state: str
    created: datetime | None
    ended: datetime | None
    error: str | None
    tasks: tuple[Record, ...]
    schedule_id: str | None = None
    scheduled: datetime | None = None
    pipeline_id: str = ""
    version_id: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    spec: Mapping[str, Any] | None = None
    """The IR that it was started with, where it is of no registered version."""
    experiment_id: str = ""
    description: str = ""
    history: tuple[str, ...] = ()
    """The states that it had, one after the other, where one run alone was asked for."""

    @property
    def terminated(self) -> bool:
        """Whether somebody ended it, as far as KFP tells that; an end that a retry took back is none."""
        before = [place for place, state in enumerate(self.history[:-1]) if state not in ACTIVE]
        since = self.history[before[-1] + 1 :] if before else self.history
        return bool({"CANCELING", "CANCELED"} & {*since, self.state})


@dataclass(frozen=True)
class Source:
    """What a run was made of; without a registered version the ids are empty."""

    name: str
    pipeline_id: str
    version_id: str
    experiment_id: str
    parameters: Mapping[str, Any]


@_understood
def source(found: Any) -> Source:
    """What a run was made of, as our record."""
    reference = found.pipeline_version_reference
    config = found.runtime_config
    return Source(
        found.display_name,
        (reference and reference.pipeline_id) or "",
        (reference and reference.pipeline_version_id) or "",
        found.experiment_id,
        (config and config.parameters) or {},
    )


@dataclass(frozen=True)
class NamedExperiment:
    """An experiment and its text."""

    id: str
    name: str
    description: str
    archived: bool
    created: datetime | None = None


@_understood
def named_experiment(found: Any) -> NamedExperiment:
    """An experiment as our record."""
    archived = found.storage_state == "ARCHIVED"
    text, created = found.description or "", _real(found.created_at)
    return NamedExperiment(found.experiment_id, found.display_name, text, archived, created)


def version_reference(pipeline_id: str, version_id: str) -> Any:
    """What pins a run to one version."""
    return kfp_server_api.V2beta1PipelineVersionReference(
        pipeline_id=pipeline_id, pipeline_version_id=version_id
    )


def trigger(schedule: Schedule, start: datetime | None) -> Any:
    """When a recurring run fires; `start` is what KFP is given, which may not be what the manifest says."""
    end = datetime.fromisoformat(schedule.end) if schedule.end else None
    if schedule.cron:
        return kfp_server_api.V2beta1Trigger(
            cron_schedule=kfp_server_api.V2beta1CronSchedule(
                cron=schedule.cron, start_time=start, end_time=end
            )
        )
    return kfp_server_api.V2beta1Trigger(
        periodic_schedule=kfp_server_api.V2beta1PeriodicSchedule(
            interval_second=str(schedule.interval_seconds), start_time=start, end_time=end
        )
    )


@_understood
def pipeline(found: Any, versions: Mapping[str, ActualVersion]) -> ActualPipeline:
    """A pipeline as our record; one that was adopted says in its tags whose it is."""
    tags = texts(found.tags)
    owner = ownership.owner(found.description) or ownership.owner_in_tags(tags)
    return ActualPipeline(found.pipeline_id, found.name, owner, versions, tags)


@_understood
def marked(kind: Literal["pipeline", "experiment"], key: str, found: Any) -> Marked | None:
    """What says whose it is, as our record; None where it does not."""
    text = found.description or ""
    owner, name = ownership.owner(text), (found.name if kind == "pipeline" else found.display_name) or ""
    return Marked(kind, key, name, owner, ownership.facts(text)) if owner else None


@dataclass(frozen=True)
class Compiled:
    """A version's name and its IR as the server gives it: the pipeline's, or that and the platform's as a pair."""

    name: str
    spec: Mapping[str, Any]
    facts: Mapping[str, str] = field(default_factory=dict)
    """What we wrote into its description: the release and the commit that it is of."""


@dataclass(frozen=True)
class Listed:
    """A pipeline of anybody, as a list tells it."""

    id: str
    name: str
    display_name: str
    owner: ownership.Owner | None
    tags: Mapping[str, str]


@_understood
def listed(found: Any) -> Listed:
    """A pipeline as our record."""
    its = pipeline(found, {})
    name = its.name or ""
    return Listed(its.id, name, found.display_name or name, its.owner, its.tags)


@dataclass(frozen=True)
class Stored:
    """A version of anybody with its IR as the server gives it; empty where KFP cannot read it itself."""

    id: str
    name: str
    created: datetime | None
    spec: Mapping[str, Any]


@_understood
def stored(found: Any) -> Stored:
    """A version as our record."""
    name, spec = found.name or found.display_name or "", found.pipeline_spec
    return Stored(found.pipeline_version_id, name, found.created_at, spec if isinstance(spec, dict) else {})


@_understood
def compiled(found: Any) -> Compiled:
    """A version with its IR."""
    name, facts = found.name or found.display_name, ownership.facts(found.description)
    return Compiled(name or "", found.pipeline_spec or {}, facts)


@_understood
def version(found: Any, now: datetime, digest: Callable[[Mapping[str, Any]], str] | None) -> ActualVersion:
    """A pipeline version as our record, with the digest of its IR where one is to be made.

    One whose IR KFP cannot read has an id and an error alone (toApiPipelineVersion).
    """
    return ActualVersion(
        id=found.pipeline_version_id,
        name=found.name or found.display_name or f"unreadable {found.pipeline_version_id}",
        created=found.created_at or now,
        owner=ownership.owner(found.description or ""),
        facts=ownership.facts(found.description or ""),
        digest=digest(found.pipeline_spec or {}) if digest else "",
        damaged=() if found.created_at else ("created_at",),
    )


@_understood
def experiment(found: Any) -> ActualExperiment:
    """An experiment as our record."""
    text = found.description or ""
    owner, archived = ownership.owner(text), found.storage_state == "ARCHIVED"
    return ActualExperiment(
        found.experiment_id, found.display_name, owner, archived, ownership.facts(text), "" if owner else text
    )


@_understood
def actual_run(found: Any) -> ActualRun:
    """A run as a plan looks at it."""
    reference = found.pipeline_version_reference
    return ActualRun(
        id=found.run_id,
        name=found.display_name or "",  # one that KFP cannot read has an id and an error
        state=found.state or "PENDING",
        version_id=reference.pipeline_version_id if reference else None,
        schedule_id=found.recurring_run_id,
        created=found.created_at,
        scheduled=_real(found.scheduled_at),
    )


@_understood
def run(found: Any) -> RunState:
    """A run with its tasks as our record."""
    details = found.run_details.task_details if found.run_details else None
    reference, config = found.pipeline_version_reference, found.runtime_config
    return RunState(
        id=found.run_id,
        name=found.display_name or "",
        state=found.state or "PENDING",
        created=found.created_at,
        ended=_real(found.finished_at),
        error=found.error.message if found.error else None,
        tasks=tuple(_task(item) for item in details or []),
        schedule_id=found.recurring_run_id or None,
        scheduled=_real(found.scheduled_at),
        pipeline_id=(reference and reference.pipeline_id) or "",
        version_id=(reference and reference.pipeline_version_id) or "",
        parameters=(config and config.parameters) or {},
        spec=found.pipeline_spec or None,
        experiment_id=found.experiment_id or "",
        description=found.description or "",
        history=tuple(one.state for one in found.state_history or [] if one.state),
    )


def _task(found: Any) -> Record:
    return Record(
        name=found.display_name or "",
        state=found.state or "",
        started=_real(found.start_time),
        ended=_real(found.end_time),
        children=tuple(child.pod_name for child in found.child_tasks or [] if child.pod_name),
        error=found.error.message if found.error else None,
    )


def texts(found: Any) -> dict[str, str]:
    """What is no map of texts says nothing; one object of somebody else may not stop us."""
    pairs = found.items() if isinstance(found, dict) else ()
    return {key: value for key, value in pairs if isinstance(value, str)}


def _real(instant: datetime | None) -> datetime | None:
    """KFP writes 1970 for «not yet», and for tasks the year 1."""
    return instant if instant and instant.year > 1970 else None
