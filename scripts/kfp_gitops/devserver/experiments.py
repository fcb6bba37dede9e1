"""Experiments: experiment_server.go and experiment_store.go."""

from __future__ import annotations

from typing import Any

from kfp_gitops.devserver.app import App, fetch, new_id
from kfp_gitops.devserver.body import Message
from kfp_gitops.devserver.clock import rfc3339
from kfp_gitops.devserver.errors import InvalidArgumentError
from kfp_gitops.devserver.http import Reply, Request, message, ok
from kfp_gitops.devserver.limits import check_length
from kfp_gitops.devserver.paging import Listing
from kfp_gitops.devserver.records import Experiment

DEFAULT = "Default"

_LISTING: Listing[Experiment] = Listing(
    "experiments",
    {
        "id": "id",
        "experiment_id": "id",
        "name": "name",
        "display_name": "name",
        "description": "description",
        "created_at": "created",
        "last_run_created_at": "last_run_created",
        "namespace": "namespace",
        "storage_state": "storage_state",
    },
)


def show(experiment: Experiment) -> dict[str, Any]:
    return message(
        experiment_id=experiment.id,
        display_name=experiment.name,
        description=experiment.description,
        created_at=rfc3339(experiment.created),
        namespace=experiment.namespace,
        storage_state=experiment.storage_state,
        # Never run is the epoch, not absence: toApiExperiment converts the 0 of the column.
        last_run_created_at=rfc3339(experiment.last_run_created) or "1970-01-01T00:00:00Z",
    )


def create(app: App, request: Request) -> Reply:
    body = Message.parse(
        request.body,
        "experiment",
        *("experiment_id", "display_name", "description", "created_at", "namespace", "storage_state"),
        "last_run_created_at",
    )
    name, namespace = body.text("display_name"), app.namespace(body.text("namespace"))
    if not name:
        raise InvalidArgumentError("Experiment name is empty")
    if app.features.multi_user and not namespace:
        raise InvalidArgumentError("Namespace is empty")
    check_length("Experiment.Name", name)
    new = Experiment(new_id(), name, body.text("description"), namespace, app.now())
    return ok(show(app.store.experiments.insert(new)))


def get(app: App, request: Request) -> Reply:
    return ok(show(fetch(app.store.experiments, request.names["id"])))


def list_all(app: App, request: Request) -> Reply:
    return _LISTING.reply(request, app.store.experiments, show, app.within(request))


def delete(app: App, request: Request) -> Reply:
    """Its runs and recurring runs stay."""
    app.store.experiments.delete(fetch(app.store.experiments, request.names["id"]).id)
    return ok()


def archive(app: App, request: Request) -> Reply:
    """Also archives its runs and disables its recurring runs (experiment_store.go `ArchiveExperiment`)."""
    key = fetch(app.store.experiments, request.names["id"]).id
    app.store.experiments.update(key, storage_state="ARCHIVED")
    app.store.execute("UPDATE runs SET storage_state = 'ARCHIVED' WHERE experiment_id = ?", key)
    app.store.execute("UPDATE recurring_runs SET enabled = 0 WHERE experiment_id = ?", key)
    return ok()


def unarchive(app: App, request: Request) -> Reply:
    """What was archived with it stays archived."""
    app.store.experiments.update(
        fetch(app.store.experiments, request.names["id"]).id, storage_state="AVAILABLE"
    )
    return ok()


def ensure_default(app: App) -> None:
    """The server makes the experiment `Default` at its first start."""
    if not app.store.experiments.count("name = ?", DEFAULT):
        app.store.experiments.insert(
            Experiment(new_id(), DEFAULT, "All runs created without specifying an experiment will be grouped here.",
                       "", app.now())
        )  # fmt: skip


def of(app: App, key: str) -> Experiment:
    """The experiment a run names, or the default one."""
    if key:
        return fetch(app.store.experiments, key)
    found = app.store.experiments.where("name = ? AND namespace = ''", DEFAULT)
    if not found:
        raise InvalidArgumentError("the experiment id is empty, and there is no default experiment")
    return found[0]
