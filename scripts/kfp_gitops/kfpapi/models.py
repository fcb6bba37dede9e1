"""Between the official client's models and our records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import kfp_server_api

from kfp_gitops import ownership
from kfp_gitops.kfpapi.actual import ActualSchedule
from kfp_gitops.manifest import Schedule


@dataclass(frozen=True)
class TaskState:
    """One task of a run."""

    id: str
    parent: str | None
    name: str
    state: str
    started: datetime | None
    ended: datetime | None
    error: str | None


@dataclass(frozen=True)
class RunState:
    """A run and its tasks as the server tells them."""

    id: str
    name: str
    state: str
    created: datetime | None
    ended: datetime | None
    error: str | None
    tasks: tuple[TaskState, ...]
    schedule_id: str | None = None
    scheduled: datetime | None = None


@dataclass(frozen=True)
class Source:
    """What a run was made of; without a registered version the ids are empty."""

    name: str
    pipeline_id: str
    version_id: str
    experiment_id: str
    parameters: Mapping[str, Any]


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


def named_experiment(found: Any) -> NamedExperiment:
    """An experiment as our record."""
    archived = found.storage_state == "ARCHIVED"
    return NamedExperiment(found.experiment_id, found.display_name, found.description or "", archived)


def version_reference(pipeline_id: str, version_id: str) -> Any:
    """What pins a run to one version."""
    return kfp_server_api.V2beta1PipelineVersionReference(
        pipeline_id=pipeline_id, pipeline_version_id=version_id
    )


def trigger(schedule: Schedule) -> Any:
    """When a recurring run fires."""
    times = {"start_time": _instant(schedule.start), "end_time": _instant(schedule.end)}
    if schedule.cron:
        return kfp_server_api.V2beta1Trigger(
            cron_schedule=kfp_server_api.V2beta1CronSchedule(cron=schedule.cron, **times)
        )
    interval = kfp_server_api.V2beta1PeriodicSchedule(interval_second=str(schedule.interval_seconds), **times)
    return kfp_server_api.V2beta1Trigger(periodic_schedule=interval)


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None


def schedule(found: Any) -> ActualSchedule:
    """A recurring run as our record."""
    reference = found.pipeline_version_reference
    return ActualSchedule(
        id=found.recurring_run_id,
        name=found.display_name,
        pipeline_id=reference.pipeline_id if reference else None,
        enabled=found.status == "ENABLED",
        owner=ownership.owner(found.description),
        digest=ownership.facts(found.description).get("spec"),
    )


def run(found: Any) -> RunState:
    """A run with its tasks as our record."""
    details = found.run_details.task_details if found.run_details else None
    return RunState(
        id=found.run_id,
        name=found.display_name,
        state=found.state or "PENDING",
        created=found.created_at,
        ended=_real(found.finished_at),
        error=found.error.message if found.error else None,
        tasks=tuple(_task(item) for item in details or []),
        schedule_id=found.recurring_run_id or None,
        scheduled=_real(found.scheduled_at),
    )


def _task(found: Any) -> TaskState:
    return TaskState(
        id=found.task_id,
        parent=found.parent_task_id,
        name=found.display_name,
        state=found.state or "PENDING",
        started=_real(found.start_time),
        ended=_real(found.end_time),
        error=found.error.message if found.error else None,
    )


def _real(instant: datetime | None) -> datetime | None:
    """KFP writes 1970 for «not yet»."""
    return instant if instant and instant.year > 1970 else None
