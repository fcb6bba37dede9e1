"""Recurring runs, which are called schedules here."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from kfp_gitops.kfpserver.kfpapi import models, recurring_models
from kfp_gitops.kfpserver.kfpapi.actual import ActualSchedule
from kfp_gitops.kfpserver.kfpapi.generated import kfp_server_api
from kfp_gitops.kfpserver.kfpapi.requests import Requests, among, equals
from kfp_gitops.language.manifest import Schedule


class RecurringRuns(Requests):
    """Recurring runs, which are called schedules here."""

    def schedules(self) -> Iterator[ActualSchedule]:
        """All recurring runs of the namespace, ours and others."""
        list_runs = self._client.recurring_runs.recurring_run_service_list_recurring_runs
        for found in self._pages("recurring_runs", lambda **page: list_runs(**self._in_namespace(), **page)):
            yield recurring_models.schedule(found, self._client.clock.now())

    def schedules_named(self, names: Collection[str]) -> list[ActualSchedule]:
        """The recurring runs of these display names, ours and others."""
        list_runs = self._client.recurring_runs.recurring_run_service_list_recurring_runs
        wanted = among("display_name", names)
        pages = self._pages(
            "recurring_runs", lambda **page: list_runs(filter=wanted, **self._in_namespace(), **page)
        )
        now = self._client.clock.now()
        return [recurring_models.schedule(found, now) for found in pages if found.display_name in names]

    def create_schedule(
        self,
        *,
        name: str,
        description: str,
        pipeline_id: str,
        version_id: str,
        experiment_id: str,
        schedule: Schedule,
        start: datetime | None = None,
        service_account: str = "",
    ) -> ActualSchedule:
        """Create a recurring run, disabled and pinned to a version; its steps run as all do, or as is said."""
        body = kfp_server_api.V2beta1RecurringRun(
            display_name=name,
            description=f"{description} attempt={secrets.token_hex(4)}",
            pipeline_version_reference=models.version_reference(pipeline_id, version_id),
            runtime_config=kfp_server_api.V2beta1RuntimeConfig(parameters=dict(schedule.parameters)),
            max_concurrency=str(schedule.max_concurrency),
            mode="DISABLE",
            trigger=models.trigger(schedule, start),
            no_catchup=not schedule.catchup,
            experiment_id=experiment_id,
            namespace=self.namespace,
            service_account=service_account or self.service_account or None,
        )
        create = self._client.recurring_runs.recurring_run_service_create_recurring_run
        made = self._once(create, body, lambda: self._schedule_made(body))
        return recurring_models.schedule(made, self._client.clock.now())

    def _schedule_made(self, body: Any) -> Any:
        """The recurring run that an unheard request made: its description holds an attempt of its own."""
        list_runs = self._client.recurring_runs.recurring_run_service_list_recurring_runs
        wanted = equals("display_name", body.display_name)
        pages = self._pages(
            "recurring_runs", lambda **page: list_runs(filter=wanted, **self._in_namespace(), **page)
        )
        return next((found for found in pages if found.description == body.description), None)

    def enable_schedule(self, schedule_id: str) -> None:
        """Enable a recurring run."""
        enable = self._client.recurring_runs.recurring_run_service_enable_recurring_run
        self._repeat(enable, schedule_id)

    def disable_schedule(self, schedule_id: str) -> None:
        """Disable a recurring run."""
        disable = self._client.recurring_runs.recurring_run_service_disable_recurring_run
        self._repeat(disable, schedule_id)

    def delete_schedule(self, schedule_id: str) -> None:
        """Delete a recurring run, never the runs that it started: without ORPHAN they would be killed."""
        delete = self._client.recurring_runs.recurring_run_service_delete_recurring_run
        self._gone(delete, schedule_id, propagation_policy="ORPHAN")
