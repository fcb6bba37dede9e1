"""Runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any
from urllib.parse import quote

from kfp_gitops.base.errors import BrokenError, TemporaryError
from kfp_gitops.kfpserver.kfpapi import models
from kfp_gitops.kfpserver.kfpapi.actual import ACTIVE, ActualRun
from kfp_gitops.kfpserver.kfpapi.generated import kfp_server_api
from kfp_gitops.kfpserver.kfpapi.models import RunState, Source
from kfp_gitops.kfpserver.kfpapi.requests import Requests, among, equals, predicate

_NEWEST, _CALLED_LIKE = 50, 400


class Runs(Requests):
    """Runs."""

    def create_run(
        self,
        *,
        name: str,
        pipeline_id: str,
        version_id: str,
        experiment_id: str,
        parameters: Mapping[str, Any],
        description: str = "",
    ) -> str:
        """Start a run of a registered version; returns its id. The name must be of this run alone."""
        body = kfp_server_api.V2beta1Run(
            display_name=name,
            description=description or None,
            experiment_id=experiment_id,
            pipeline_version_reference=models.version_reference(pipeline_id, version_id),
            runtime_config=kfp_server_api.V2beta1RuntimeConfig(parameters=dict(parameters)),
            service_account=self.service_account or None,
        )
        create = self._client.runs.run_service_create_run
        return str(self._once(create, body, lambda: self._run_made(body)).run_id)

    def _run_made(self, body: Any) -> Any:
        """The run that an unheard request made: its name is its own."""
        list_runs = self._client.runs.run_service_list_runs
        wanted = equals("display_name", body.display_name)
        found = self._read(lambda: list_runs(experiment_id=body.experiment_id, filter=wanted, page_size=1))
        return next(iter(found.runs or []), None)

    def run(self, run_id: str) -> RunState:
        """The state of a run."""
        get = self._client.runs.run_service_get_run
        return models.run(self._read(lambda: get(run_id)))

    def runs(self, experiment_id: str, limit: int) -> list[RunState]:
        """The newest runs of an experiment."""
        list_runs = self._client.runs.run_service_list_runs
        found = self._read(
            lambda: list_runs(
                experiment_id=experiment_id, page_size=limit, sort_by="created_at desc", **self._in_namespace()
            )
        )  # fmt: skip
        return [models.run(run) for run in found.runs or []]

    def runs_since(
        self, since: datetime | None, states: Collection[str] = (), experiment_id: str = ""
    ) -> Iterator[RunState]:
        """The runs of the namespace, or of one experiment, that were created since an instant, the newest first.

        Without their tasks; `states`: only those in one of them. One list for all pipelines, 200 runs a request.
        """
        wanted = [_at_least("created_at", since)] if since else []
        wanted += [_among("state", states)] if states else []
        list_runs = self._client.runs.run_service_list_runs
        more = {**self._in_namespace(), **({"experiment_id": experiment_id} if experiment_id else {})}
        more |= {"filter": json.dumps({"predicates": wanted})} if wanted else {}
        pages = self._pages("runs", lambda **page: list_runs(sort_by="created_at desc", **more, **page))
        return (models.run(found) for found in pages)

    def runs_ended(self, since: datetime, until: datetime | None = None) -> Iterator[RunState]:
        """The runs of the namespace that ended in [since, until), whoever started them, without their tasks.

        When a run ended is told by Argo's controller, and stored when KFP's agent reports it (resource_manager.go
        ReportWorkflowResource), so a run may appear long after it ended. A retry makes it be none that ended again
        (run_store.go ClaimRunForRetry). Archived runs are listed, too. The list is in the order of their creation,
        which never changes, so that a run that ends meanwhile moves none from one page to another.
        """
        wanted = [_at_least("finished_at", since)]
        wanted += [_compared("LESS_THAN", "finished_at", until)] if until else []
        list_runs = self._client.runs.run_service_list_runs
        more = {"filter": json.dumps({"predicates": wanted}), **self._in_namespace()}
        pages = self._pages("runs", lambda **page: list_runs(sort_by="created_at desc", **more, **page))
        return (models.run(found) for found in pages)

    def terminate_run(self, run_id: str) -> None:
        """Stop a run: it is CANCELING until its workflow has ended, then FAILED (seen on KFP 2.17.0).

        Raises:
            NotFoundError: there is no such run.
            RemoteError: also where it ends already, or has ended (400).
        """
        self._repeat(self._client.runs.run_service_terminate_run, run_id)

    def delete_run(self, run_id: str) -> None:
        """Delete a run, and its workflow first: what runs of it is killed (resource_manager.go DeleteRun)."""
        self._gone(self._client.runs.run_service_delete_run, run_id)

    def read_log(
        self, run_id: str, node: str, sink: Callable[[bytes], None], *, patient: bool = True
    ) -> None:
        """Hand on the log of a pod, by its name, as it comes; what the server says instead of a log as well.

        Not `patient`: it is asked for once, where the log is beside what was asked.

        Not by the official client, which has no method for it: main.go serves it beside the API, at v1alpha1.

        Raises:
            NotFoundError: this server, or what stands before it, does not serve logs.
        """
        path = f"/apis/v1alpha1/runs/{quote(run_id, safe='')}/nodes/{quote(node, safe='')}/log"
        begun: list[bool] = []

        def once(part: bytes) -> None:
            begun.append(True)
            sink(part)

        def send() -> None:
            try:
                self._client.stream(path, once)
            except TemporaryError as error:
                if begun:  # what was handed on would come again
                    raise BrokenError(str(error)) from error
                raise

        if patient:
            self._backoff.call(send)
        else:
            send()

    def source(self, run_id: str) -> Source:
        """What a run was made of."""
        get = self._client.runs.run_service_get_run
        return models.source(self._read(lambda: get(run_id)))

    def runs_named(self, experiment_id: str, text: str) -> list[RunState]:
        """The runs of an experiment whose name holds a text, the oldest first, without their tasks."""
        return self._runs(experiment_id, predicate("IS_SUBSTRING", "display_name", stringValue=text))

    def runs_fired(self, experiment_id: str, start: datetime, end: datetime) -> list[RunState]:
        """The runs of an experiment that recurring runs started for firings in [start, end), without their tasks."""
        bounds = {"GREATER_THAN_EQUALS": start, "LESS_THAN": end}
        predicates = [_compared(name, "scheduled_at", moment) for name, moment in bounds.items()]
        found = self._runs(experiment_id, json.dumps({"predicates": predicates}))
        return [run for run in found if run.schedule_id and run.scheduled]

    def runs_fired_by(self, schedule_id: str, start: datetime, end: datetime) -> list[RunState]:
        """The same of one recurring run, in whatever experiment its runs are."""
        bounds = {"GREATER_THAN_EQUALS": start, "LESS_THAN": end}
        wanted = [_compared(name, "scheduled_at", moment) for name, moment in bounds.items()]
        wanted.append({"operation": "EQUALS", "key": "recurring_run_id", "stringValue": schedule_id})
        more = {"filter": json.dumps({"predicates": wanted}), **self._in_namespace()}
        list_runs = self._client.runs.run_service_list_runs
        pages = self._pages("runs", lambda **page: list_runs(**more, **page))
        return [run for run in map(models.run, pages) if run.schedule_id and run.scheduled]

    def newest_of_schedule(self, schedule_id: str, limit: int) -> list[RunState]:
        """The newest runs that a recurring run started, in whatever experiment they are."""
        list_runs = self._client.runs.run_service_list_runs
        more = {"filter": equals("recurring_run_id", schedule_id), **self._in_namespace()}
        found = self._read(lambda: list_runs(sort_by="created_at desc", page_size=limit, **more))
        return [models.run(run) for run in found.runs or []]

    def _runs(self, experiment_id: str, wanted: str) -> list[RunState]:
        list_runs = self._client.runs.run_service_list_runs
        pages = self._pages(
            "runs", lambda **page: list_runs(experiment_id=experiment_id, filter=wanted, **page)
        )
        return [models.run(found) for found in pages]

    def runs_of_schedule(self, schedule_id: str) -> list[ActualRun]:
        """The newest runs that a recurring run started; it has at most ten in flight."""
        return self._newest_runs(equals("recurring_run_id", schedule_id))

    def runs_in(self, experiment_id: str) -> list[ActualRun]:
        """The newest runs of an experiment, without their tasks."""
        list_runs = self._client.runs.run_service_list_runs
        found = self._read(
            lambda: list_runs(experiment_id=experiment_id, sort_by="created_at desc", page_size=_NEWEST)
        )
        return [models.actual_run(run) for run in found.runs or []]

    def runs_with_names(self, names: Collection[str]) -> list[ActualRun]:
        """The runs of these names, whoever started them."""
        return [run for run in self._newest_runs(among("display_name", names)) if run.name in names]

    def runs_called_like(self, part: str) -> list[ActualRun]:
        """The newest runs in whose name a text occurs; of a backfill there may be many."""
        list_runs = self._client.runs.run_service_list_runs
        wanted = predicate("IS_SUBSTRING", "display_name", stringValue=part)
        more = {"filter": wanted, "sort_by": "created_at desc", **self._in_namespace()}
        pages = self._pages("runs", lambda **page: list_runs(**more, **page))
        return [models.actual_run(found) for found in islice(pages, _CALLED_LIKE)]

    def runs_in_flight(self) -> list[ActualRun]:
        """All runs of the namespace that are still to end."""
        list_runs = self._client.runs.run_service_list_runs
        wanted = among("state", sorted(ACTIVE))
        pages = self._pages("runs", lambda **page: list_runs(filter=wanted, **self._in_namespace(), **page))
        return [models.actual_run(found) for found in pages]

    def runs_in_state(self, experiment_id: str, states: Collection[str]) -> Iterator[ActualRun]:
        """The runs of an experiment that are in one of some states, the newest first."""
        list_runs = self._client.runs.run_service_list_runs
        wanted = among("state", sorted(states))
        pages = self._pages(
            "runs",
            lambda **page: list_runs(
                experiment_id=experiment_id, filter=wanted, sort_by="created_at desc", **page
            ),
        )
        return (models.actual_run(found) for found in pages)

    def _newest_runs(self, wanted: str) -> list[ActualRun]:
        list_runs = self._client.runs.run_service_list_runs
        found = self._read(
            lambda: list_runs(
                filter=wanted, sort_by="created_at desc", page_size=_NEWEST, **self._in_namespace()
            )
        )
        return [models.actual_run(run) for run in found.runs or []]

    def run_link(self, run_id: str) -> str:
        """Where a person sees the run."""
        return f"{self.host}/#/runs/details/{run_id}"


def _compared(operation: str, key: str, moment: datetime) -> dict[str, Any]:
    text = moment.replace(microsecond=0, tzinfo=None).isoformat()  # strftime writes the year 1 with one digit
    return {"operation": operation, "key": key, "timestampValue": f"{text}Z"}


def _at_least(key: str, moment: datetime) -> dict[str, Any]:
    return _compared("GREATER_THAN_EQUALS", key, moment)


def _among(key: str, values: Collection[str]) -> dict[str, Any]:
    return {"operation": "IN", "key": key, "stringValues": {"values": sorted(values)}}
