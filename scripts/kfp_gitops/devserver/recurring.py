"""Recurring runs: recurring_run_server.go and resource_manager.go `CreateJob`. There is no update."""

from __future__ import annotations

import re
from typing import Any

from kfp_gitops.devserver import experiments, runs, sources, triggers, versions
from kfp_gitops.devserver.app import App, fetch, new_id
from kfp_gitops.devserver.body import Message
from kfp_gitops.devserver.clock import rfc3339
from kfp_gitops.devserver.errors import InvalidArgumentError, MalformedError, UnknownError, during, internal
from kfp_gitops.devserver.ghosts import LeftBehindError
from kfp_gitops.devserver.http import Reply, Request, message, ok
from kfp_gitops.devserver.mysql import DataError
from kfp_gitops.devserver.paging import Listing
from kfp_gitops.devserver.records import Experiment, RecurringRun
from kfp_gitops.devserver.sources import Asked, Source

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
_MODES = {0: "MODE_UNSPECIFIED", 1: "ENABLE", 2: "DISABLE"}
_POLICIES = {
    "": "DELETE_PROPAGATION_POLICY_UNSPECIFIED",
    "0": "DELETE_PROPAGATION_POLICY_UNSPECIFIED",
    "1": "FOREGROUND",
    "2": "BACKGROUND",
    "3": "ORPHAN",
}
OWN_NAMESPACE = "kubeflow"
"""Where a single-user server keeps its ScheduledWorkflows, and what it says of recurring runs."""

# job.go `APIToModelFieldMap`: neither state nor pipeline can be filtered on.
_LISTING: Listing[RecurringRun] = Listing(
    "recurringRuns",
    "Job",
    {
        "id": "id",
        "recurring_run_id": "id",
        "name": "display_name",
        "display_name": "display_name",
        "description": "description",
        "created_at": "created",
        "updated_at": "updated",
    },
    refused="Failed to list recurring runs due to error parsing the listing options",
    failed="Failed to list jobs: Failed to list recurring runs",
)


def show(schedule: RecurringRun) -> dict[str, Any]:
    shown = message(
        recurring_run_id=schedule.id,
        display_name=schedule.display_name,
        description=schedule.description,
        **sources.show(schedule.spec, schedule.pipeline_id, schedule.version_id),
        runtime_config=schedule.runtime_config,
        service_account=schedule.service_account,
        max_concurrency=str(schedule.max_concurrency),
        mode="ENABLE" if schedule.enabled else "DISABLE",
        status="ENABLED" if schedule.enabled else "DISABLED",
        created_at=rfc3339(schedule.created),
        updated_at=rfc3339(schedule.updated),
        no_catchup=schedule.no_catchup,
        namespace=schedule.namespace or OWN_NAMESPACE,
        experiment_id=schedule.experiment_id,
    )
    return shown | {"trigger": schedule.trigger}  # also when there is none


def create(app: App, request: Request) -> Reply:
    body = Message.parse(request.body, *_FIELDS)
    enabled, config = body.enum("mode", _MODES) == "ENABLE", sources.runtime_config(body)
    wanted = sources.asked(body, "RecurringRun")
    with during("Failed to create a recurring run due to conversion error"):
        trigger, concurrency, name = triggers.read(body), _concurrency(body), _name(body)
    with during("Failed to create a recurring run"):
        experiment = _experiment(app, body)
        source = _source(app, wanted, config)
        new = RecurringRun(
            id=new_id(),
            display_name=name,
            description=body.text("description"),
            namespace=experiment.namespace,
            experiment_id=experiment.id,
            pipeline_id=source.pipeline_id,
            version_id=source.version_id,
            service_account=body.text("service_account")
            or ("" if wanted.latest else sources.SERVICE_ACCOUNT),
            max_concurrency=concurrency,
            enabled=enabled,
            no_catchup=body.boolean("no_catchup"),
            created=app.now(),
            updated=app.now(),
            resource_name=_resource_name(name),
            spec=source.spec,
            runtime_config=config,
            trigger=trigger,
        )
        return ok(show(_insert(app, new)))


def _insert(app: App, new: RecurringRun) -> RecurringRun:
    try:
        return app.store.recurring_runs.insert(new)
    except DataError as error:
        raise LeftBehindError(new, f"{error}") from error


def _concurrency(body: Message) -> int:
    concurrency = body.integer("max_concurrency")
    if not 1 <= concurrency <= 10:
        raise InvalidArgumentError(
            f"Max concurrency of a recurring run must be at least 1 and at most 10. Received {concurrency}"
        )
    return concurrency


def _name(body: Message) -> str:
    """Names need not be unique."""
    name = body.text("display_name")
    with internal("Failed to convert a API recurring run to its internal representation"):
        if not name:
            raise InvalidArgumentError("Recurring run's name cannot be empty")
    return name


def _experiment(app: App, body: Message) -> Experiment:
    """A namespace that is not the experiment's is refused; without an experiment, Kubernetes is asked for it."""
    key, namespace = body.text("experiment_id"), body.text("namespace")
    with during("Failed to create a recurring run due to invalid experimentId and namespace combination"):
        with during(f"Failed to fetch namespace for experiment {key}"):
            experiment = experiments.of(app, key)
        if key and namespace not in ("", experiment.namespace):
            raise InvalidArgumentError(
                f"Experiment {key} belongs to namespace '{experiment.namespace}' instead of '{namespace}'"
            )
    if namespace not in ("", experiment.namespace, OWN_NAMESPACE):
        raise UnknownError(f'namespaces "{namespace}" not found')
    return experiment


def _source(app: App, wanted: Asked, config: dict[str, Any]) -> Source:
    """A pinned schedule keeps the spec of its creation; one that follows the latest looks at each firing."""
    if wanted.latest:
        with during("Failed to validate the input parameters on the latest pipeline version"):
            latest = versions.latest(app, wanted.pipeline_id, "the latest template").spec
            sources.check_parameters(latest, config)
        sources.check_compiles(latest)
        return Source({}, wanted.pipeline_id)
    if wanted.inline is None and not wanted.version_id:
        raise UnknownError("Cannot create a job with an empty pipeline ID")
    with internal("Failed to create a recurring run with an invalid pipeline spec manifest"):
        source = sources.pinned(app, wanted) if wanted.inline is None else Source(wanted.inline)
    with during(
        "Failed to create a recurring run during scheduled workflow creation: invalid pipeline job inputs"
    ):
        sources.check_parameters(source.spec, config)
    sources.check_compiles(source.spec)
    return source


def _resource_name(name: str) -> str:
    """template.go `toSWFCRDResourceGeneratedName`: at most 25 of the name's characters, and a random end."""
    kept = re.sub(r"[^a-z0-9-]", "", name.lower())[:25]
    return f"{kept or 'job-'}{new_id()[:5]}"


def get(app: App, request: Request) -> Reply:
    with during("Failed to fetch a recurring run"):
        return ok(show(fetch(app.store.recurring_runs, request.names["id"])))


def list_all(app: App, request: Request) -> Reply:
    with during("Failed to list jobs"):
        within = experiments.within(app, request, "recurring runs")
    return _LISTING.reply(request, app.store.recurring_runs, show, within)


def enable(app: App, request: Request) -> Reply:
    """Keeps the time of the last firing, so a tick missed meanwhile fires at once (facts 4.5).

    Whether its experiment is archived or gone, nobody looks (seen on KFP 2.17.0).
    """
    return _set(app, request, enabled=True)


def disable(app: App, request: Request) -> Reply:
    return _set(app, request, enabled=False)


def _set(app: App, request: Request, *, enabled: bool) -> Reply:
    key, way = request.names["id"], "enable" if enabled else "disable"
    with during(
        f"Failed to {way} a recurring run: Failed to change recurring run's mode to enable:{str(enabled).lower()}. "
        f"Check if recurring run {key} exists"
    ):
        fetch(app.store.recurring_runs, key)
    app.store.recurring_runs.update(key, enabled=enabled, updated=app.now())
    return ok()


def delete(app: App, request: Request) -> Reply:
    """Without ORPHAN, Kubernetes takes the running workflows with their owner.

    KFP never hears of them again: their runs stay RUNNING for ever (seen on KFP 2.17.0).
    """
    key, given = request.names["id"], request.query.get("propagation_policy", "")
    policy = _POLICIES.get(given, given)
    if policy not in _POLICIES.values():
        raise MalformedError(f'parsing field "propagation_policy": "{given}" is not a valid value')
    with during(f"Failed to delete a recurring run: Failed to delete recurring run {key}. Check if exists"):
        schedule = fetch(app.store.recurring_runs, key)
    app.store.recurring_runs.delete(schedule.id)
    if not (policy == "ORPHAN" and app.features.orphan):
        for run in runs.active_of(app, schedule.id):
            app.pool.kill(run.id)
    return ok()
