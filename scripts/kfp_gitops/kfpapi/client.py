"""KFP's API as this project uses it: records of ours, paging, and requests that may be sent again.

Facts of the client (2.17): high-level methods print links and take no timeout, so the generated ones below them
are used; empty lists come as None.
"""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

import kfp_server_api

from kfp_gitops import ownership
from kfp_gitops.errors import AlreadyExistsError, DeniedError, NotFoundError, RemoteError, TemporaryError
from kfp_gitops.kfpapi import access as accesses
from kfp_gitops.kfpapi import models
from kfp_gitops.kfpapi.access import Access
from kfp_gitops.kfpapi.actual import (
    ACTIVE,
    ActualExperiment,
    ActualPipeline,
    ActualRun,
    ActualSchedule,
    ActualVersion,
)
from kfp_gitops.kfpapi.features import Features, release
from kfp_gitops.kfpapi.models import NamedExperiment, RunState, Source
from kfp_gitops.kfpapi.retry import Backoff
from kfp_gitops.kfpapi.transport import Services, each
from kfp_gitops.manifest import Schedule
from kfp_gitops.ownership import Owner

T = TypeVar("T")
_PAGE = 200
"""The most that the server gives at once."""
_NEWEST = 50


class KfpApi:
    """One KFP, one namespace; threads may share it.

    Reads are sent again when they fail for a while; so are writes that say the final state. A write that makes
    something without a unique name is sent again only when what it makes is not there.
    """

    def __init__(
        self, host: str, namespace: str, access: Access | None = None, backoff: Backoff | None = None
    ) -> None:
        self.host = host.rstrip("/")
        self.namespace = namespace or None
        self._backoff = backoff or Backoff()
        self._client = Services(self.host, access or accesses.from_environment())
        self.before_write: Callable[[], None] = lambda: None
        """Asked before each write, and before it is sent again; what it raises stops the write."""

    def features(self) -> Features:
        """What the server is and can do; reads only."""
        health, date = self._read(self._client.health)
        version = str(health.get("tag_name") or "")
        version = "" if version == "unknown" else version
        tags = self._knows_tags()
        found = release(version)
        # kubeflow/pipelines #12574 came with 2.16. Where the version is not told, tags tell that it is newer.
        orphan = found >= (2, 16) if found else tags
        return Features(version, bool(health.get("multi_user")), tags, orphan, date)

    def _knows_tags(self) -> bool:
        """A server before 2.17 refuses to filter by them."""
        list_pipelines = self._client.pipelines.pipeline_service_list_pipelines
        wanted = _equals("tags.kfp-gitops", "probe")
        try:
            self._read(lambda: list_pipelines(filter=wanted, page_size=1, **self._in_namespace()))
        except (DeniedError, TemporaryError):
            raise
        except RemoteError:
            return False
        return True

    def probe(self, what: Literal["pipelines", "experiments", "jobs", "runs"]) -> None:
        """Ask for one object of a kind, to see whether we may."""
        lists = {
            "pipelines": self._client.pipelines.pipeline_service_list_pipelines,
            "experiments": self._client.experiments.experiment_service_list_experiments,
            "jobs": self._client.recurring_runs.recurring_run_service_list_recurring_runs,
            "runs": self._client.runs.run_service_list_runs,
        }
        self._read(lambda: lists[what](page_size=1, **self._in_namespace()))

    def now(self) -> datetime:
        """The server's time, in whole seconds."""
        return self._client.clock.now()

    # pipelines and versions

    def pipelines(self, names: Collection[str]) -> dict[str, ActualPipeline]:
        """The pipelines of these names with their versions: pages of all, then a request for each, at once."""
        list_pipelines = self._client.pipelines.pipeline_service_list_pipelines
        pages = self._pages("pipelines", lambda **page: list_pipelines(**self._in_namespace(), **page))
        found = [item for item in pages if item.name in names]
        versions = each(lambda item: self.versions(item.pipeline_id), found)
        return {item.name: models.pipeline(item, its) for item, its in zip(found, versions, strict=True)}

    def pipeline(self, name: str) -> ActualPipeline | None:
        """The pipeline of a name with its versions, or None."""
        get = self._client.pipelines.pipeline_service_get_pipeline_by_name
        try:
            found = self._read(lambda: get(name, **self._in_namespace()))
        except NotFoundError:
            return None
        return models.pipeline(found, self.versions(found.pipeline_id))

    def versions(self, pipeline_id: str) -> dict[str, ActualVersion]:
        """The versions of a pipeline by name."""
        return {found.name: models.version(found) for found in self._versions(pipeline_id)}

    def pipeline_id(self, name: str) -> str:
        """The id of a pipeline that must exist."""
        found = self.pipeline(name)
        if found is None:
            raise NotFoundError(
                f"{self.host}: pipeline {name!r} is not registered; run `python scripts/reconcile.py apply`"
            )
        return found.id

    def version_id(self, pipeline_id: str, version: str) -> str:
        """The id of a version that must exist."""
        for found in self._versions(pipeline_id):
            if found.name == version:
                return str(found.pipeline_version_id)
        raise NotFoundError(
            f"{self.host}: version {version} is not registered; run `python scripts/reconcile.py apply`"
        )

    def _versions(self, pipeline_id: str) -> Iterator[Any]:
        list_versions = self._client.pipelines.pipeline_service_list_pipeline_versions
        return self._pages("pipeline_versions", lambda **page: list_versions(pipeline_id, **page))

    def create_pipeline(self, name: str, description: str) -> ActualPipeline:
        """Create an empty pipeline; one that exists already is returned as it is."""
        body = kfp_server_api.V2beta1Pipeline(
            name=name, display_name=name, description=description, namespace=self.namespace
        )
        create = self._client.pipelines.pipeline_service_create_pipeline
        made = self._create(lambda: create(body))
        found = models.pipeline(made, {}) if made else self.pipeline(name)
        return _there(found, self.host, f"pipeline {name!r}")

    def adopt_pipeline(self, found: ActualPipeline, owner: Owner) -> ActualPipeline:
        """Mark a pipeline as ours, in its tags.

        Raises:
            RemoteError: the server keeps no tags.
        """
        body = kfp_server_api.V2beta1Pipeline(tags={**found.tags, **ownership.tags(owner)})
        update = self._client.pipelines.pipeline_service_update_pipeline
        self._repeat(lambda: update(found.id, body))
        marked = self.pipeline(found.name)
        if marked is None or marked.owner != owner:
            raise RemoteError(
                f"{self.host}: this server keeps no tags (KFP before 2.17), so pipeline {found.name!r} cannot be "
                "marked as ours; delete it there, or give ours another name"
            )
        return marked

    def delete_pipeline(self, pipeline_id: str) -> None:
        """Delete a pipeline with its versions."""
        delete = self._client.pipelines.pipeline_service_delete_pipeline
        self._gone(lambda: delete(pipeline_id, cascade=True))

    def upload_version(
        self, pipeline_id: str, name: str, ir: str, description: str, tags: Mapping[str, str] | None = None
    ) -> ActualVersion:
        """Upload a content-named version; one that exists already has the same content.

        Servers before 2.17 take no tags, and pass over them in silence.
        """
        more = {"tags": json.dumps(dict(tags))} if tags else {}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "pipeline.yaml"
            path.write_text(ir, "utf-8")
            upload = self._client.pipeline_uploads.upload_pipeline_version
            made = self._create(
                lambda: upload(
                    str(path), name=name, display_name=name, pipelineid=pipeline_id, description=description,
                    **more,
                )
            )  # fmt: skip
        found = models.version(made) if made else self.versions(pipeline_id).get(name)
        return _there(found, self.host, f"version {name}")

    def delete_version(self, pipeline_id: str, version_id: str) -> None:
        """Delete a version."""
        delete = self._client.pipelines.pipeline_service_delete_pipeline_version
        self._gone(lambda: delete(pipeline_id, version_id))

    # experiments

    def experiment(self, name: str) -> ActualExperiment | None:
        """The experiment of a name, or None."""
        list_experiments = self._client.experiments.experiment_service_list_experiments
        wanted = _equals("display_name", name)
        pages = self._pages(
            "experiments", lambda **page: list_experiments(filter=wanted, **self._in_namespace(), **page)
        )
        return next((models.experiment(found) for found in pages if found.display_name == name), None)

    def experiments(self, names: Collection[str]) -> dict[str, ActualExperiment]:
        """The experiments of these names."""
        list_experiments = self._client.experiments.experiment_service_list_experiments
        pages = self._pages("experiments", lambda **page: list_experiments(**self._in_namespace(), **page))
        return {item.display_name: models.experiment(item) for item in pages if item.display_name in names}

    def experiment_id(self, name: str) -> str:
        """The id of an experiment that must exist."""
        return _there(self.experiment(name), self.host, f"experiment {name!r}").id

    def create_experiment(self, name: str, description: str) -> ActualExperiment:
        """Create an experiment; one that exists already is returned as it is."""
        body = kfp_server_api.V2beta1Experiment(
            display_name=name, description=description, namespace=self.namespace
        )
        create = self._client.experiments.experiment_service_create_experiment
        made = self._create(lambda: create(body))
        found = models.experiment(made) if made else self.experiment(name)
        return _there(found, self.host, f"experiment {name!r}")

    def archive_experiment(self, experiment_id: str) -> None:
        """Archive an experiment, and with it its runs; KFP disables its recurring runs."""
        archive = self._client.experiments.experiment_service_archive_experiment
        self._repeat(lambda: archive(experiment_id))

    def unarchive_experiment(self, experiment_id: str) -> None:
        """Bring an experiment back; its runs and recurring runs stay as they are."""
        unarchive = self._client.experiments.experiment_service_unarchive_experiment
        self._repeat(lambda: unarchive(experiment_id))

    def experiments_like(self, text: str) -> list[NamedExperiment]:
        """The experiments whose name holds a text."""
        list_experiments = self._client.experiments.experiment_service_list_experiments
        wanted = _predicate("IS_SUBSTRING", "display_name", stringValue=text)
        pages = self._pages(
            "experiments", lambda **page: list_experiments(filter=wanted, **self._in_namespace(), **page)
        )
        return [models.named_experiment(found) for found in pages if text in found.display_name]

    # recurring runs

    def schedules(self) -> Iterator[ActualSchedule]:
        """All recurring runs of the namespace, ours and others."""
        list_runs = self._client.recurring_runs.recurring_run_service_list_recurring_runs
        for found in self._pages("recurring_runs", lambda **page: list_runs(**self._in_namespace(), **page)):
            yield models.schedule(found)

    def schedules_named(self, names: Collection[str]) -> list[ActualSchedule]:
        """The recurring runs of these display names, ours and others."""
        list_runs = self._client.recurring_runs.recurring_run_service_list_recurring_runs
        wanted = _among("display_name", names)
        pages = self._pages(
            "recurring_runs", lambda **page: list_runs(filter=wanted, **self._in_namespace(), **page)
        )
        return [models.schedule(found) for found in pages if found.display_name in names]

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
    ) -> ActualSchedule:
        """Create a recurring run, disabled and pinned to a version."""
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
        )
        create = self._client.recurring_runs.recurring_run_service_create_recurring_run
        return models.schedule(self._once(lambda: create(body), lambda: self._schedule_made(body)))

    def _schedule_made(self, body: Any) -> Any:
        """The recurring run that an unheard request made: its description holds an attempt of its own."""
        list_runs = self._client.recurring_runs.recurring_run_service_list_recurring_runs
        wanted = _equals("display_name", body.display_name)
        pages = self._pages(
            "recurring_runs", lambda **page: list_runs(filter=wanted, **self._in_namespace(), **page)
        )
        return next((found for found in pages if found.description == body.description), None)

    def enable_schedule(self, schedule_id: str) -> None:
        """Enable a recurring run."""
        enable = self._client.recurring_runs.recurring_run_service_enable_recurring_run
        self._repeat(lambda: enable(schedule_id))

    def disable_schedule(self, schedule_id: str) -> None:
        """Disable a recurring run."""
        disable = self._client.recurring_runs.recurring_run_service_disable_recurring_run
        self._repeat(lambda: disable(schedule_id))

    def delete_schedule(self, schedule_id: str) -> None:
        """Delete a recurring run, never the runs that it started: without ORPHAN they would be killed."""
        delete = self._client.recurring_runs.recurring_run_service_delete_recurring_run
        self._gone(lambda: delete(schedule_id, propagation_policy="ORPHAN"))

    # runs

    def create_run(
        self,
        *,
        name: str,
        pipeline_id: str,
        version_id: str,
        experiment_id: str,
        parameters: Mapping[str, Any],
    ) -> str:
        """Start a run of a registered version; returns its id. The name must be of this run alone."""
        body = kfp_server_api.V2beta1Run(
            display_name=name,
            experiment_id=experiment_id,
            pipeline_version_reference=models.version_reference(pipeline_id, version_id),
            runtime_config=kfp_server_api.V2beta1RuntimeConfig(parameters=dict(parameters)),
        )
        create = self._client.runs.run_service_create_run
        return str(self._once(lambda: create(body), lambda: self._run_made(body)).run_id)

    def _run_made(self, body: Any) -> Any:
        """The run that an unheard request made: its name is its own."""
        list_runs = self._client.runs.run_service_list_runs
        wanted = _equals("display_name", body.display_name)
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

    def source(self, run_id: str) -> Source:
        """What a run was made of."""
        get = self._client.runs.run_service_get_run
        return models.source(self._read(lambda: get(run_id)))

    def runs_named(self, experiment_id: str, text: str) -> list[RunState]:
        """The runs of an experiment whose name holds a text, the oldest first, without their tasks."""
        return self._runs(experiment_id, _predicate("IS_SUBSTRING", "display_name", stringValue=text))

    def fired(self, experiment_id: str, start: datetime, end: datetime) -> list[datetime]:
        """The firings in [start, end) that a recurring run has started a run of the experiment for."""
        bounds = {"GREATER_THAN_EQUALS": start, "LESS_THAN": end}
        predicates = [
            {"operation": name, "key": "scheduled_at", "timestampValue": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}
            for name, moment in bounds.items()
        ]
        found = self._runs(experiment_id, json.dumps({"predicates": predicates}))
        return [run.scheduled for run in found if run.schedule_id and run.scheduled]

    def _runs(self, experiment_id: str, wanted: str) -> list[RunState]:
        list_runs = self._client.runs.run_service_list_runs
        pages = self._pages(
            "runs", lambda **page: list_runs(experiment_id=experiment_id, filter=wanted, **page)
        )
        return [models.run(found) for found in pages]

    def runs_of_schedule(self, schedule_id: str) -> list[ActualRun]:
        """The newest runs that a recurring run started; it has at most ten in flight."""
        return self._newest_runs(_equals("recurring_run_id", schedule_id))

    def runs_with_names(self, names: Collection[str]) -> list[ActualRun]:
        """The runs of these names, whoever started them."""
        return [run for run in self._newest_runs(_among("display_name", names)) if run.name in names]

    def runs_called_like(self, part: str) -> list[ActualRun]:
        """The newest runs in whose name a text occurs."""
        return self._newest_runs(_predicate("IS_SUBSTRING", "display_name", stringValue=part))

    def runs_in_flight(self) -> list[ActualRun]:
        """All runs of the namespace that are still to end."""
        list_runs = self._client.runs.run_service_list_runs
        wanted = _among("state", sorted(ACTIVE))
        pages = self._pages("runs", lambda **page: list_runs(filter=wanted, **self._in_namespace(), **page))
        return [models.actual_run(found) for found in pages]

    def runs_in_state(self, experiment_id: str, states: Collection[str]) -> Iterator[ActualRun]:
        """The runs of an experiment that are in one of some states, the newest first."""
        list_runs = self._client.runs.run_service_list_runs
        wanted = _among("state", sorted(states))
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

    # how requests are sent

    def _in_namespace(self) -> dict[str, str]:
        return {"namespace": self.namespace} if self.namespace else {}

    def _pages(self, items: str, list_page: Callable[..., Any]) -> Iterator[Any]:
        token = ""
        while True:
            page = self._page(list_page, token)
            yield from getattr(page, items) or []
            token = page.next_page_token or ""
            if not token:
                return

    def _page(self, list_page: Callable[..., Any], token: str) -> Any:
        return self._read(lambda: list_page(page_size=_PAGE, page_token=token))

    def _read(self, call: Callable[[], Any]) -> Any:
        return self._backoff.call(lambda: _understood(self.host, call))

    def _write(self, call: Callable[[], Any]) -> Any:
        """A write that is sent once, for it may have succeeded unheard."""
        self.before_write()
        return _understood(self.host, call)

    def _repeat(self, call: Callable[[], Any]) -> Any:
        """A write that says the final state, and so may be sent twice."""
        return self._backoff.call(lambda: self._write(call))

    def _once(self, call: Callable[[], Any], made: Callable[[], Any]) -> Any:
        """A write that may not take effect twice: before it is sent again, `made` looks for what it made."""
        return self._backoff.unless_done(lambda: self._write(call), made)

    def _gone(self, call: Callable[[], Any]) -> None:
        """404 means that it is gone already, which is what we wanted."""
        try:
            self._repeat(call)
        except NotFoundError:
            return

    def _create(self, call: Callable[[], Any]) -> Any:
        """What was made; None for 409: somebody was first, be it our own request unheard, and that is fine."""
        try:
            return self._repeat(call)
        except AlreadyExistsError:
            return None


def _there(found: T | None, host: str, what: str) -> T:
    if found is None:
        raise NotFoundError(f"{host}: {what} does not exist; run `python scripts/reconcile.py apply`")
    return found


def _understood(host: str, call: Callable[[], Any]) -> Any:
    """The client makes its models of anything; what they cannot be made of is no reply of KFP."""
    try:
        return call()
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise RemoteError(f"{host}: answered what KFP's API does not ({type(error).__name__})") from error


def _equals(key: str, value: str) -> str:
    return _predicate("EQUALS", key, stringValue=value)


def _among(key: str, values: Collection[str]) -> str:
    return _predicate("IN", key, stringValues={"values": sorted(values)})


def _predicate(operation: str, key: str, **value: Any) -> str:
    return json.dumps({"predicates": [{"operation": operation, "key": key, **value}]})
