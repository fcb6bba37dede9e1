"""Runs: run_server.go and resource_manager.go `CreateRun`."""

from __future__ import annotations

import shutil
from typing import Any

from kfp_gitops.devserver import experiments, rundetails, sources, versions
from kfp_gitops.devserver.app import App, fetch, new_id
from kfp_gitops.devserver.body import Message
from kfp_gitops.devserver.clock import EPOCH, rfc3339
from kfp_gitops.devserver.errors import (
    BadRequestError,
    FailedPreconditionError,
    InternalError,
    InvalidArgumentError,
    during,
    internal,
)
from kfp_gitops.devserver.ghosts import LeftBehindError
from kfp_gitops.devserver.http import Reply, Request, message, ok
from kfp_gitops.devserver.mysql import DataError
from kfp_gitops.devserver.paging import Listing
from kfp_gitops.devserver.records import ACTIVE_STATES, Experiment, Run
from kfp_gitops.devserver.sources import Asked, Source
from kfp_gitops.devserver.states import status
from kfp_gitops.devserver.store import DuplicateError

_FIELDS = (
    *("experiment_id", "run_id", "display_name", "storage_state", "description", "pipeline_version_id"),
    *("pipeline_spec", "pipeline_version_reference", "runtime_config", "service_account", "created_at"),
    *("scheduled_at", "finished_at", "state", "error", "run_details", "recurring_run_id", "state_history"),
    *("plugins_input", "plugins_output"),
)

# run.go `runAPIToModelFieldMap`, as far as there is something to compare.
_LISTING: Listing[Run] = Listing(
    "runs",
    "Run",
    {
        "id": "id",
        "run_id": "id",
        "name": "display_name",
        "display_name": "display_name",
        "description": "description",
        "created_at": "created",
        "scheduled_at": "scheduled",
        "finished_at": "finished",
        "storage_state": "storage_state",
        "namespace": "namespace",
        "experiment_id": "experiment_id",
        "state": "state",
        "status": "state",
        "recurring_run_id": "recurring_run_id",
    },
    failed="Failed to list runs: Failed to list runs",
    metrics=True,
)


def show(run: Run) -> dict[str, Any]:
    return message(
        experiment_id=run.experiment_id,
        run_id=run.id,
        display_name=run.display_name,
        storage_state=run.storage_state,
        description=run.description,
        **sources.show(run.spec, run.pipeline_id, run.version_id),
        runtime_config=run.runtime_config,
        service_account=run.service_account,
        created_at=rfc3339(run.created),
        scheduled_at=rfc3339(run.scheduled),
        finished_at=rfc3339(run.finished) or EPOCH,  # as toApiRun converts the 0 of the column
        state=run.state,
        recurring_run_id=run.recurring_run_id,
        error=run.state_history[-1].get("error") if run.state_history else None,
        state_history=run.state_history,
    )


def create(app: App, request: Request) -> Reply:
    body = Message.parse(request.body, *_FIELDS)
    config, wanted = sources.runtime_config(body), sources.asked(body, "Run")
    name = _name(body)
    with during("Failed to create a new run"):
        experiment = _experiment(app, body.text("experiment_id") or request.query.get("experiment_id", ""))
        source = _source(app, wanted, config)
        new = Run(
            id=body.text("run_id") or new_id(),
            display_name=name,
            description=body.text("description"),
            namespace=experiment.namespace,
            experiment_id=experiment.id,
            pipeline_id=source.pipeline_id,
            version_id=source.version_id,
            recurring_run_id=_schedule(app, body.text("recurring_run_id")),
            service_account=body.text("service_account") or sources.SERVICE_ACCOUNT,
            created=app.now(),
            scheduled=app.now(),
            spec=source.spec,
            runtime_config=config,
            state_history=[status(app.now(), "PENDING")],
        )
        return ok(show(start(app, new)))


def _name(body: Message) -> str:
    with (
        during("CreateJob(job.ToV2())Failed to create a run due to conversion error"),
        internal("Failed to convert a API run detail to its internal representation"),
    ):
        if not (name := body.text("display_name")):
            raise InvalidArgumentError("Run name cannot be empty")
    return name


def _experiment(app: App, key: str) -> Experiment:
    with during(
        "Failed to create a run due to invalid experimentId and namespace combination: "
        f"Failed to fetch namespace for experiment {key}"
    ):
        return experiments.of(app, key)


def _schedule(app: App, key: str) -> str:
    with internal("Failed to create a run due to invalid recurring run id"):
        if key and app.store.recurring_runs.get(key) is None:
            raise InvalidArgumentError(f"RecurringRunId doesn't exist: {key}")
    return key


def _source(app: App, wanted: Asked, config: dict[str, Any]) -> Source:
    """Whatever is wrong with the source, it is a 500; only wrong parameters are told as such."""
    with internal("Failed to create a run due to error fetching manifest"):
        source = _found(app, wanted)
    with during("Failed to generate the ExecutionSpec: invalid pipeline job inputs"):
        sources.check_parameters(source.spec, config)
    sources.check_compiles(source.spec)
    return source


def _found(app: App, wanted: Asked) -> Source:
    if wanted.inline is not None:
        return Source(wanted.inline)
    if wanted.version_id:
        return sources.pinned(app, wanted)
    if not wanted.pipeline_id:
        raise InvalidArgumentError("Failed to fetch a template with an empty pipeline spec manifest")
    with during(
        "Failed to fetch a template due to error retrieving pipeline version: "
        f"Failed to fetch a pipeline version and its manifest from pipeline {wanted.pipeline_id}"
    ):
        latest = versions.latest(app, wanted.pipeline_id)
    return Source(latest.spec, latest.pipeline_id, latest.id)


def _insert(app: App, run: Run) -> None:
    try:
        app.store.runs.insert(run)
    except DuplicateError as error:
        raise InternalError(f"Failed to store run {run.display_name} to table", f"{error}") from error
    except DataError as error:
        raise LeftBehindError(run, f"{error}") from error


def start(app: App, run: Run) -> Run:
    """Store a new run; the pool takes it up once the transaction is through."""
    with during("Failed to create a run"):
        _insert(app, run)
    app.store.experiments.update(run.experiment_id, last_run_created=run.created)
    return fetch(app.store.runs, run.id)


def get(app: App, request: Request) -> Reply:
    key = request.names["id"]
    with during(f"Failed to get a run: Failed to fetch run {key}"):
        run = fetch(app.store.runs, key)
    behind = not run.active and run.id not in app.told
    if behind:  # the first to ask after the end is told of the tasks as they were before it
        app.told.add(run.id)
    details = rundetails.show(run, app.runs_dir / run.id, behind)
    return ok({**show(run), **message(run_details=message(task_details=details))})


def list_all(app: App, request: Request) -> Reply:
    with during("Failed to list runs"):
        within = experiments.within(app, request, "runs")
    return _LISTING.reply(request, app.store.runs, show, within)


def active_of(app: App, recurring_run_id: str) -> list[Run]:
    """The runs of a schedule that are still to end."""
    marks = ", ".join("?" * len(ACTIVE_STATES))
    return app.store.runs.where(
        f"recurring_run_id = ? AND state IN ({marks})", recurring_run_id, *ACTIVE_STATES
    )


def archive(app: App, request: Request) -> Reply:
    with during("Failed to archive a run"):
        run = _existing(app, "archive", request.names["id"])
    app.store.runs.update(run.id, storage_state="ARCHIVED")
    return ok()


def _existing(app: App, verb: str, key: str) -> Run:
    with during(f"Failed to {verb} run {key} as it does not exist: Failed to fetch run {key}"):
        return fetch(app.store.runs, key)


def unarchive(app: App, request: Request) -> Reply:
    """resource_manager.go `UnarchiveRun`: not while its experiment is archived."""
    with during("Failed to unarchive a run"):
        run = _existing(app, "unarchive", request.names["id"])
        experiment = app.store.experiments.get(run.experiment_id)
        if experiment and experiment.storage_state == "ARCHIVED":
            raise FailedPreconditionError(
                f"Failed to unarchive run {run.id} as experiment {experiment.id} must be un-archived first",
                "Unarchive the experiment first to allow the run to be restored",
            )
    app.store.runs.update(run.id, storage_state="AVAILABLE")
    return ok()


def terminate(app: App, request: Request) -> Reply:
    """run_store.go `TerminateRun`: only what has not finished, and once. It goes CANCELING, then FAILED."""
    key = request.names["id"]
    with during(f"Failed to terminate a run: Failed to terminate run {key}"):
        if _existing(app, "terminate", key).state not in ("PENDING", "RUNNING"):
            raise InvalidArgumentError(f"Failed to terminate a run {key}. Row not found")
    app.pool.cancel(key)
    return ok()


def retry(app: App, request: Request) -> Reply:
    """resource_manager.go `RetryRun`: the same run goes on, if it is FAILED, also when it was terminated or archived.

    That it must have failed is recorded; the rest is read. The row's end is taken back, and what comes is told after
    what was: FAILED, RUNNING, … (run_store.go `ClaimRunForRetry`, then `UpdateRun`). What succeeded or was skipped
    is kept, an exit task as well, and the rest runs again with attempts anew (workflow.go `GenerateRetryExecution`;
    it spares only a workflow's own `onExit`, which KFP's compiler never makes). Its experiment must be there; of its
    pipeline and version nothing is asked. Not done as there: tasks that were still running at the end are no 500.
    """
    key = request.names["id"]
    failed = f"Failed to retry a run: Failed to retry run {key}"
    with during(f"{failed} due to error fetching the run: Failed to fetch run {key}"):
        run = fetch(app.store.runs, key)
    with during(f"{failed} due to error fetching its namespace: Failed to fetch namespace from run {key}"):
        experiments.of(app, run.experiment_id)
    with during(failed):
        if run.state != "FAILED":
            raise BadRequestError("Workflow must be Failed/Error to retry", "workflow cannot be retried")
    app.store.runs.update(key, state="PENDING", finished=0, error="")
    app.told.discard(key)
    return ok()


def delete(app: App, request: Request) -> Reply:
    """Also its files; a run that is executing is stopped first, and the pool removes them then.

    Once its experiment is deleted, a run cannot be (seen on KFP 2.17.0).
    """
    key = request.names["id"]
    with during("Failed to delete a run"):
        run = _existing(app, "delete", key)
        with during(f"Failed to delete a run {key} due to namespace fetching error"):
            experiments.of(app, run.experiment_id)
    executing = app.pool.kill(run.id)
    app.store.runs.delete(run.id)
    if not executing:
        shutil.rmtree(app.runs_dir / run.id, ignore_errors=True)
    return ok()
