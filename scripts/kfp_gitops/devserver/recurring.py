"""Recurring runs: recurring_run_server.go and resource_manager.go `CreateJob`. There is no update."""

from __future__ import annotations

import re
from typing import Any

from kfp_gitops.devserver import experiments, runs, sources, triggers
from kfp_gitops.devserver.app import App, fetch, new_id
from kfp_gitops.devserver.body import Message
from kfp_gitops.devserver.clock import rfc3339
from kfp_gitops.devserver.errors import (
    FailedPreconditionError,
    InternalError,
    InvalidArgumentError,
    NotFoundError,
)
from kfp_gitops.devserver.filters import EVERYTHING, Condition
from kfp_gitops.devserver.http import Reply, Request, message, ok
from kfp_gitops.devserver.limits import check_varchar
from kfp_gitops.devserver.paging import Listing
from kfp_gitops.devserver.records import RecurringRun
from kfp_gitops.devserver.sources import Source

_FIELDS = (
    *("recurring_run_id", "display_name", "description", "pipeline_version_id", "pipeline_spec"),
    *(
        "pipeline_version_reference",
        "runtime_config",
        "service_account",
        "max_concurrency",
        "trigger",
        "mode",
    ),
    *(
        "created_at",
        "updated_at",
        "status",
        "error",
        "no_catchup",
        "namespace",
        "experiment_id",
        "plugins_input",
    ),
)
_MODES = ("MODE_UNSPECIFIED", "ENABLE", "DISABLE", "")
_POLICIES = ("", "DELETE_PROPAGATION_POLICY_UNSPECIFIED", "FOREGROUND", "BACKGROUND", "ORPHAN")

# job.go `APIToModelFieldMap`: neither state nor pipeline can be filtered on.
_LISTING: Listing[RecurringRun] = Listing(
    "recurringRuns",
    {
        "id": "id",
        "recurring_run_id": "id",
        "name": "display_name",
        "display_name": "display_name",
        "description": "description",
        "created_at": "created",
        "updated_at": "updated",
    },
)


def show(schedule: RecurringRun) -> dict[str, Any]:
    return message(
        recurring_run_id=schedule.id,
        display_name=schedule.display_name,
        description=schedule.description,
        **sources.show(schedule.spec, schedule.pipeline_id, schedule.version_id),
        runtime_config=schedule.runtime_config,
        service_account=schedule.service_account,
        max_concurrency=str(schedule.max_concurrency),
        trigger=schedule.trigger,
        mode="ENABLE" if schedule.enabled else "DISABLE",
        status="ENABLED" if schedule.enabled else "DISABLED",
        created_at=rfc3339(schedule.created),
        updated_at=rfc3339(schedule.updated),
        no_catchup=schedule.no_catchup,
        namespace=schedule.namespace,
        experiment_id=schedule.experiment_id,
    )


def create(app: App, request: Request) -> Reply:
    body = Message.parse(request.body, "recurring_run", *_FIELDS)
    trigger, concurrency, enabled = triggers.read(body), _concurrency(body), _enabled(body)
    experiment = experiments.of(app, body.text("experiment_id"))
    source = _source(app, body)
    name = _name(body)
    new = RecurringRun(
        id=new_id(),
        display_name=name,
        description=body.text("description"),
        namespace=experiment.namespace,
        experiment_id=experiment.id,
        pipeline_id=source.pipeline_id,
        version_id=source.version_id if source.pinned else "",
        service_account=body.text("service_account") or sources.SERVICE_ACCOUNT,
        max_concurrency=concurrency,
        enabled=enabled,
        no_catchup=body.boolean("no_catchup"),
        created=app.now(),
        updated=app.now(),
        resource_name=_resource_name(name),
        # A pinned schedule keeps the spec of its creation; one that follows the latest looks at each firing.
        spec=source.spec if source.pinned else {},
        runtime_config=sources.runtime_config(body),
        trigger=trigger,
    )
    return ok(show(app.store.recurring_runs.insert(new)))


def _concurrency(body: Message) -> int:
    concurrency = body.integer("max_concurrency")
    if not 1 <= concurrency <= 10:
        raise InvalidArgumentError(
            f"The max concurrency of the recurring run is out of range. Support 1-10. Received {concurrency}"
        )
    return concurrency


def _enabled(body: Message) -> bool:
    if body.text("mode") not in _MODES:
        raise InvalidArgumentError(f"recurring_run.mode: {body.text('mode')!r} is not one of its values")
    return body.text("mode") == "ENABLE"


def _name(body: Message) -> str:
    """An empty or too long text is a database error, so 500 (facts 4.2). Names need not be unique."""
    name = body.text("display_name")
    if not name:
        raise InternalError("Create job failed: the job's name is empty")
    check_varchar("DisplayName", name)
    check_varchar("Description", body.text("description"))
    return name


def _source(app: App, body: Message) -> Source:
    """An unknown version is wrapped as an internal error; an unknown pipeline is not (facts 4.2)."""
    try:
        return sources.read(app, body)
    except NotFoundError as error:
        if Message.of(
            body.object("pipeline_version_reference"), "", "pipeline_id", "pipeline_version_id"
        ).has("pipeline_version_id"):
            raise InternalError(
                f"Failed to fetch a template with an invalid pipeline spec: {error}"
            ) from error
        raise


def _resource_name(name: str) -> str:
    """template.go `toSWFCRDResourceGeneratedName`: at most 25 of the name's characters, and a random end."""
    kept = re.sub(r"[^a-z0-9]", "", name.lower())[:25]
    return f"{kept or 'job-'}{new_id()[:5]}"


def get(app: App, request: Request) -> Reply:
    return ok(show(fetch(app.store.recurring_runs, request.names["id"])))


def list_all(app: App, request: Request) -> Reply:
    experiment_id = request.query.get("experiment_id", "")
    within = Condition("experiment_id = ?", (experiment_id,)) if experiment_id else EVERYTHING
    within = within if experiment_id else app.within(request)
    return _LISTING.reply(request, app.store.recurring_runs, show, within)


def enable(app: App, request: Request) -> Reply:
    """Keeps the time of the last firing, so a tick missed meanwhile fires at once (facts 4.5)."""
    schedule = fetch(app.store.recurring_runs, request.names["id"])
    experiment = app.store.experiments.get(schedule.experiment_id)
    if experiment and experiment.storage_state == "ARCHIVED":
        raise FailedPreconditionError(
            "the experiment is archived; unarchive it before enabling its recurring runs"
        )
    app.store.recurring_runs.update(schedule.id, enabled=True, updated=app.now())
    return ok()


def disable(app: App, request: Request) -> Reply:
    key = fetch(app.store.recurring_runs, request.names["id"]).id
    app.store.recurring_runs.update(key, enabled=False, updated=app.now())
    return ok()


def delete(app: App, request: Request) -> Reply:
    """Without ORPHAN, Kubernetes takes the running workflows with their owner (facts 4.2)."""
    schedule = fetch(app.store.recurring_runs, request.names["id"])
    policy = request.query.get("propagation_policy", "")
    if policy not in _POLICIES:
        raise InvalidArgumentError(f"propagation_policy: {policy!r} is not one of its values")
    app.store.recurring_runs.delete(schedule.id)
    if not (policy == "ORPHAN" and app.features.orphan):
        for run in runs.active_of(app, schedule.id):
            app.pool.cancel(run.id, "the recurring run was deleted without propagation_policy=ORPHAN")
    return ok()
