"""KFP's API as this project uses it: timeouts, paging and our own errors around the official client.

Facts of the client (2.17): low-level handles take `_request_timeout`, high-level methods have none and
print links; a float timeout is silently ignored; empty lists come as None.
"""

from __future__ import annotations

import json
import os
import random
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import kfp_server_api
import urllib3
from kfp import Client
from kfp.client import ServiceAccountTokenVolumeCredentials

from kfp_gitops import ownership
from kfp_gitops.errors import AlreadyExistsError, NotFoundError, RemoteError, TemporaryError
from kfp_gitops.kfpapi import models
from kfp_gitops.kfpapi.actual import ActualPipeline, ActualSchedule
from kfp_gitops.kfpapi.models import RunState
from kfp_gitops.manifest import Schedule

_TIMEOUT = (10, 60)
_TRIES = 4
_RETRIED = frozenset({429, 500, 502, 503, 504})
_PAGE = 100


class KfpApi:
    """One KFP, one namespace. Reads are retried; a write is sent once, for it may have succeeded unheard."""

    def __init__(self, host: str, namespace: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self.host = host.rstrip("/")
        self.namespace = namespace or None
        self._sleep = sleep
        with warnings.catch_warnings():
            # It warns of servers older than 2.0.0-beta.2 at every start, whatever the server.
            warnings.filterwarnings("ignore", "This client only works with Kubeflow Pipeline", FutureWarning)
            # Any namespace but the default keeps the constructor from calling the server and from waiting 25 s.
            self._client = Client(host=self.host, namespace=namespace or "none", **_credentials())

    # pipelines and versions

    def pipeline(self, name: str) -> ActualPipeline | None:
        """The pipeline of a name with its versions, or None."""
        try:
            found = self._read(
                lambda: self._client.pipelines.pipeline_service_get_pipeline_by_name(
                    name, **self._in_namespace(), _request_timeout=_TIMEOUT
                )
            )
        except NotFoundError:
            return None
        versions = {
            version.name: version.pipeline_version_id for version in self._versions(found.pipeline_id)
        }
        return ActualPipeline(found.pipeline_id, name, ownership.owner(found.description), versions)

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

    def create_pipeline(self, name: str, description: str) -> None:
        """Create an empty pipeline; one that exists already is fine."""
        body = kfp_server_api.V2beta1Pipeline(
            name=name, display_name=name, description=description, namespace=self.namespace
        )
        create = self._client.pipelines.pipeline_service_create_pipeline
        self._create(lambda: create(body, _request_timeout=_TIMEOUT))

    def upload_version(self, pipeline_id: str, name: str, ir: str, description: str) -> None:
        """Upload a content-named version; one that exists already has the same content."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "pipeline.yaml"
            path.write_text(ir, "utf-8")
            upload = self._client.pipeline_uploads.upload_pipeline_version
            self._create(
                lambda: upload(
                    str(path), name=name, display_name=name, pipelineid=pipeline_id, description=description,
                    _request_timeout=_TIMEOUT,
                )
            )  # fmt: skip

    # experiments

    def experiment(self, name: str) -> str | None:
        """The id of the experiment of a name, or None."""
        list_experiments = self._client.experiments.experiment_service_list_experiments
        wanted = _equals("display_name", name)
        pages = self._pages(
            "experiments", lambda **page: list_experiments(filter=wanted, **self._in_namespace(), **page)
        )
        return next((found.experiment_id for found in pages if found.display_name == name), None)

    def experiment_id(self, name: str) -> str:
        """The id of an experiment that must exist."""
        found = self.experiment(name)
        if found is None:
            raise NotFoundError(f"{self.host}: experiment {name!r} does not exist")
        return found

    def create_experiment(self, name: str, description: str) -> None:
        """Create an experiment; one that exists already is fine."""
        body = kfp_server_api.V2beta1Experiment(
            display_name=name, description=description, namespace=self.namespace
        )
        create = self._client.experiments.experiment_service_create_experiment
        self._create(lambda: create(body, _request_timeout=_TIMEOUT))

    # recurring runs

    def schedules(self) -> Iterator[ActualSchedule]:
        """All recurring runs of the namespace, ours and others."""
        list_runs = self._client.recurring_runs.recurring_run_service_list_recurring_runs
        for found in self._pages("recurring_runs", lambda **page: list_runs(**self._in_namespace(), **page)):
            yield models.schedule(found)

    def create_schedule(
        self,
        *,
        name: str,
        description: str,
        pipeline_id: str,
        version_id: str,
        experiment_id: str,
        schedule: Schedule,
    ) -> str:
        """Create a recurring run, disabled and pinned to a version; returns its id."""
        body = kfp_server_api.V2beta1RecurringRun(
            display_name=name,
            description=description,
            pipeline_version_reference=models.version_reference(pipeline_id, version_id),
            runtime_config=kfp_server_api.V2beta1RuntimeConfig(parameters=dict(schedule.parameters)),
            max_concurrency=str(schedule.max_concurrency),
            mode="DISABLE",
            trigger=models.trigger(schedule),
            no_catchup=not schedule.catchup,
            experiment_id=experiment_id,
            namespace=self.namespace,
        )
        create = self._client.recurring_runs.recurring_run_service_create_recurring_run
        return str(self._write(lambda: create(body, _request_timeout=_TIMEOUT)).recurring_run_id)

    def enable_schedule(self, schedule_id: str) -> None:
        """Enable a recurring run."""
        enable = self._client.recurring_runs.recurring_run_service_enable_recurring_run
        self._write(lambda: enable(schedule_id, _request_timeout=_TIMEOUT))

    def disable_schedule(self, schedule_id: str) -> None:
        """Disable a recurring run."""
        disable = self._client.recurring_runs.recurring_run_service_disable_recurring_run
        self._write(lambda: disable(schedule_id, _request_timeout=_TIMEOUT))

    def delete_schedule(self, schedule_id: str) -> None:
        """Delete a recurring run, never the runs that it started: without ORPHAN they would be killed."""
        delete = self._client.recurring_runs.recurring_run_service_delete_recurring_run
        self._write(lambda: delete(schedule_id, propagation_policy="ORPHAN", _request_timeout=_TIMEOUT))

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
        """Start a run of a registered version; returns its id."""
        body = kfp_server_api.V2beta1Run(
            display_name=name,
            experiment_id=experiment_id,
            pipeline_version_reference=models.version_reference(pipeline_id, version_id),
            runtime_config=kfp_server_api.V2beta1RuntimeConfig(parameters=dict(parameters)),
        )
        create = self._client.runs.run_service_create_run
        return str(self._write(lambda: create(body, _request_timeout=_TIMEOUT)).run_id)

    def run(self, run_id: str) -> RunState:
        """The state of a run."""
        get = self._client.runs.run_service_get_run
        return models.run(self._read(lambda: get(run_id, _request_timeout=_TIMEOUT)))

    def runs(self, experiment_id: str, limit: int) -> list[RunState]:
        """The newest runs of an experiment."""
        list_runs = self._client.runs.run_service_list_runs
        found = self._read(
            lambda: list_runs(
                experiment_id=experiment_id, page_size=limit, sort_by="created_at desc", **self._in_namespace(),
                _request_timeout=_TIMEOUT,
            )
        )  # fmt: skip
        return [models.run(run) for run in found.runs or []]

    def run_link(self, run_id: str) -> str:
        """Where a person sees the run."""
        return f"{self.host}/#/runs/details/{run_id}"

    # the boundary

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
        return self._read(lambda: list_page(page_size=_PAGE, page_token=token, _request_timeout=_TIMEOUT))

    def _read(self, call: Callable[[], Any]) -> Any:
        for attempt in range(_TRIES):
            try:
                return self._write(call)
            except TemporaryError:
                if attempt == _TRIES - 1:
                    raise
                self._sleep(2**attempt * (0.5 + random.random()))  # noqa: S311  # jitter, not a secret
        raise AssertionError("unreachable")

    def _create(self, call: Callable[[], Any]) -> None:
        """409 means that somebody was first, which is what we wanted."""
        try:
            self._write(call)
        except AlreadyExistsError:
            return

    def _write(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except kfp_server_api.ApiException as error:
            raise _api_error(self.host, error) from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise TemporaryError(f"{self.host}: {_first_line(error)}") from None


def _api_error(host: str, error: kfp_server_api.ApiException) -> RemoteError:
    text = f"{host}: HTTP {error.status}: {_message(error.body) or error.reason}"
    if error.status == 404:
        return NotFoundError(text)
    if error.status == 409:
        return AlreadyExistsError(text)
    return TemporaryError(text) if error.status in _RETRIED else RemoteError(text)


def _message(body: object) -> str:
    try:
        found = json.loads(body if isinstance(body, str | bytes) else "")
        return str(found.get("message") or found.get("error_message") or found.get("error") or "")[:500]
    except (ValueError, AttributeError):
        return str(body or "")[:200]


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0][:300] if str(error) else type(error).__name__


def _credentials() -> dict[str, Any]:
    """A token from KFP_TOKEN, or the projected one, which the client reads again on every request."""
    if token := os.environ.get("KFP_TOKEN"):
        return {"existing_token": token}
    if "KF_PIPELINES_SA_TOKEN_PATH" in os.environ:
        return {"credentials": ServiceAccountTokenVolumeCredentials(path=None)}
    return {}


def _equals(key: str, value: str) -> str:
    return json.dumps({"predicates": [{"operation": "EQUALS", "key": key, "stringValue": value}]})
