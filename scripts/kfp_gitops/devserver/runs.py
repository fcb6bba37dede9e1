"""Runs: run_server.go and resource_manager.go `CreateRun`."""

from __future__ import annotations

import shutil
from typing import Any

from kfp_gitops.devserver import experiments, rundetails, sources
from kfp_gitops.devserver.app import App, fetch, new_id
from kfp_gitops.devserver.body import Message
from kfp_gitops.devserver.clock import rfc3339
from kfp_gitops.devserver.errors import FailedPreconditionError, InvalidArgumentError, UnimplementedError
from kfp_gitops.devserver.filters import Condition
from kfp_gitops.devserver.http import Reply, Request, message, ok
from kfp_gitops.devserver.limits import check_varchar
from kfp_gitops.devserver.paging import Listing
from kfp_gitops.devserver.records import ACTIVE_STATES, Run
from kfp_gitops.devserver.states import status

_FIELDS = (
    *("experiment_id", "run_id", "display_name", "storage_state", "description", "pipeline_version_id"),
    *("pipeline_spec", "pipeline_version_reference", "runtime_config", "service_account", "created_at"),
    *("scheduled_at", "finished_at", "state", "error", "run_details", "recurring_run_id", "state_history"),
    *("plugins_input", "plugins_output"),
)

# run.go `runAPIToModelFieldMap`, as far as there is something to compare.
_LISTING: Listing[Run] = Listing(
    "runs",
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
        "recurring_run_id": "recurring_run_id",
    },
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
        finished_at=rfc3339(run.finished)
        or "1970-01-01T00:00:00Z",  # as toApiRun converts the 0 of the column
        state=run.state,
        error={"code": 2, "message": run.error, "details": []} if run.error else None,
        recurring_run_id=run.recurring_run_id,
        state_history=run.state_history,
    )


def create(app: App, request: Request) -> Reply:
    body = Message.parse(request.body, "run", *_FIELDS)
    name = body.text("display_name")
    if not name:
        raise InvalidArgumentError("Failed to create a run: the run's name is empty")
    check_varchar("DisplayName", name)
    experiment = experiments.of(app, body.text("experiment_id") or request.query.get("experiment_id", ""))
    source = sources.read(app, body)
    new = Run(
        id=new_id(),
        display_name=name,
        description=body.text("description"),
        namespace=experiment.namespace,
        experiment_id=experiment.id,
        pipeline_id=source.pipeline_id,
        version_id=source.version_id,
        recurring_run_id="",
        service_account=body.text("service_account") or sources.SERVICE_ACCOUNT,
        created=app.now(),
        scheduled=app.now(),
        spec=source.spec,
        runtime_config=sources.runtime_config(body),
    )
    return ok(show(start(app, new)))


def start(app: App, run: Run) -> Run:
    """Store a new run; the pool takes it up once the transaction is through."""
    app.store.runs.insert(run)
    app.store.runs.update(run.id, state_history=[status(run.created, "PENDING")])
    app.store.experiments.update(run.experiment_id, last_run_created=run.created)
    return fetch(app.store.runs, run.id)


def get(app: App, request: Request) -> Reply:
    run = fetch(app.store.runs, request.names["id"])
    behind = not run.active and run.id not in app.told
    if behind:  # the first to ask after the end is told of the tasks as they were before it
        app.told.add(run.id)
    details = rundetails.show(run, app.runs_dir / run.id, behind)
    return ok({**show(run), **message(run_details=message(task_details=details))})


def list_all(app: App, request: Request) -> Reply:
    experiment_id = request.query.get("experiment_id", "")
    within = Condition("experiment_id = ?", (experiment_id,)) if experiment_id else app.within(request)
    return _LISTING.reply(request, app.store.runs, show, within)


def active_of(app: App, recurring_run_id: str) -> list[Run]:
    """The runs of a schedule that are still to end."""
    marks = ", ".join("?" * len(ACTIVE_STATES))
    return app.store.runs.where(
        f"recurring_run_id = ? AND state IN ({marks})", recurring_run_id, *ACTIVE_STATES
    )


def archive(app: App, request: Request) -> Reply:
    app.store.runs.update(fetch(app.store.runs, request.names["id"]).id, storage_state="ARCHIVED")
    return ok()


def unarchive(app: App, request: Request) -> Reply:
    """resource_manager.go `UnarchiveRun`: not while its experiment is archived."""
    run = fetch(app.store.runs, request.names["id"])
    experiment = app.store.experiments.get(run.experiment_id)
    if experiment and experiment.storage_state == "ARCHIVED":
        raise FailedPreconditionError("Unarchive the experiment first to allow the run to be restored")
    app.store.runs.update(run.id, storage_state="AVAILABLE")
    return ok()


def terminate(app: App, request: Request) -> Reply:
    """run_store.go `TerminateRun`: only what has not finished."""
    run = fetch(app.store.runs, request.names["id"])
    if not run.active:
        raise InvalidArgumentError(
            f"Failed to terminate run {run.id}. Row not found or run is already finished"
        )
    app.pool.cancel(run.id, "the run was terminated")
    return ok()


def retry(app: App, request: Request) -> Reply:
    fetch(app.store.runs, request.names["id"])
    raise UnimplementedError("the development server does not retry runs; create a new run instead")


def delete(app: App, request: Request) -> Reply:
    """Also its files; a run that is executing is stopped first, and the pool removes them then."""
    run = fetch(app.store.runs, request.names["id"])
    executing = app.pool.cancel(run.id, "the run was deleted")
    app.store.runs.delete(run.id)
    if not executing:
        shutil.rmtree(app.runs_dir / run.id, ignore_errors=True)
    return ok()
