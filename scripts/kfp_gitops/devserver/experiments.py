"""Experiments: experiment_server.go and experiment_store.go."""

from __future__ import annotations

from typing import Any

from kfp_gitops.devserver.app import App, fetch, new_id
from kfp_gitops.devserver.body import Message
from kfp_gitops.devserver.clock import EPOCH, rfc3339
from kfp_gitops.devserver.errors import (
    AlreadyExistsError,
    InternalError,
    InvalidArgumentError,
    during,
    internal,
)
from kfp_gitops.devserver.filters import Condition
from kfp_gitops.devserver.http import Reply, Request, message, ok
from kfp_gitops.devserver.limits import check_length
from kfp_gitops.devserver.mysql import DataError
from kfp_gitops.devserver.paging import Listing
from kfp_gitops.devserver.records import Experiment
from kfp_gitops.devserver.store import DuplicateError

DEFAULT = "Default"

_LISTING: Listing[Experiment] = Listing(
    "experiments",
    "Experiment",
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
    failed="List experiments failed: List experiments failed",
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
        last_run_created_at=rfc3339(experiment.last_run_created) or EPOCH,
    )


def create(app: App, request: Request) -> Reply:
    body = Message.parse(
        request.body,
        *("experiment_id", "display_name", "description", "created_at", "namespace", "storage_state"),
        "last_run_created_at",
    )
    with (
        during("[ExperimentServer]: Failed to create a experiment due to conversion error"),
        internal("Failed to convert API experiment to model experiment"),
    ):
        new = _read(app, body)
    with during("Failed to create a experiment"):
        if app.features.multi_user and not new.namespace:
            raise InvalidArgumentError("Namespace is empty")
        return ok(show(_insert(app, new)))


def _read(app: App, body: Message) -> Experiment:
    name, namespace = body.text("display_name"), app.namespace(body.text("namespace"))
    if not name:
        raise InvalidArgumentError("Experiment must have a non-empty name")
    check_length("Experiment.Name", name)
    return Experiment(new_id(), name, body.text("description"), namespace, app.now())


def _insert(app: App, new: Experiment) -> Experiment:
    try:
        return app.store.experiments.insert(new)
    except DuplicateError as error:
        raise AlreadyExistsError(
            f"Failed to create a new experiment. The name {new.name} already exists. Please specify a new name"
        ) from error
    except DataError as error:  # the real server says it twice
        raise InternalError("Failed to add experiment to experiment table", f"{error}: {error}") from error


def get(app: App, request: Request) -> Reply:
    with during("Failed to fetch experiment"):
        return ok(show(fetch(app.store.experiments, request.names["id"])))


def list_all(app: App, request: Request) -> Reply:
    return _LISTING.reply(request, app.store.experiments, show, app.within(request))


def delete(app: App, request: Request) -> Reply:
    """Its runs and recurring runs stay."""
    key = request.names["id"]
    with during(f"Failed to delete experiment: Failed to delete experiment {key} due to error fetching it"):
        app.store.experiments.delete(fetch(app.store.experiments, key).id)
    return ok()


def archive(app: App, request: Request) -> Reply:
    """Also archives its runs and disables its recurring runs (experiment_store.go `ArchiveExperiment`).

    Nobody looks whether there is such an experiment (seen on KFP 2.17.0).
    """
    key = request.names["id"]
    app.store.experiments.update(key, storage_state="ARCHIVED")
    app.store.execute("UPDATE runs SET storage_state = 'ARCHIVED' WHERE experiment_id = ?", key)
    app.store.execute("UPDATE recurring_runs SET enabled = 0 WHERE experiment_id = ?", key)
    return ok()


def unarchive(app: App, request: Request) -> Reply:
    """What was archived or disabled with it stays so."""
    app.store.experiments.update(request.names["id"], storage_state="AVAILABLE")
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
        with during(f"Failed to fetch namespace from experiment {key}"):
            return fetch(app.store.experiments, key)
    found = app.store.experiments.where("name = ? AND namespace = ''", DEFAULT)
    if not found:
        raise InvalidArgumentError("the experiment id is empty, and there is no default experiment")
    return found[0]


def within(app: App, request: Request, what: str) -> Condition:
    """Only those of the experiment that a list is asked of, which must be there."""
    key = request.query.get("experiment_id", "")
    if not key:
        return app.within(request)
    with during(
        f"Failed to list {what} due to error fetching namespace for experiment {key}. "
        "Try filtering based on namespace"
    ):
        of(app, key)
    return Condition("experiment_id = ?", (key,))
