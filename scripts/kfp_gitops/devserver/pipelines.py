"""Pipelines: pipeline_server.go and resource_manager.go."""

from __future__ import annotations

from typing import Any

from kfp_gitops.devserver import changes, versions
from kfp_gitops.devserver.app import App, fetch, flag, new_id
from kfp_gitops.devserver.body import Message
from kfp_gitops.devserver.clock import rfc3339
from kfp_gitops.devserver.errors import (
    AlreadyExistsError,
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    during,
    internal,
)
from kfp_gitops.devserver.http import Reply, Request, message, ok
from kfp_gitops.devserver.limits import check_length, check_tags
from kfp_gitops.devserver.mysql import DataError
from kfp_gitops.devserver.paging import Listing
from kfp_gitops.devserver.records import Pipeline
from kfp_gitops.devserver.store import DuplicateError

_FIELDS = ("pipeline_id", "display_name", "name", "description", "created_at", "namespace", "error", "tags")

_NOT_CREATED = "Failed to create a pipeline due to server error"

_LISTING: Listing[Pipeline] = Listing(
    "pipelines",
    "Pipeline",
    {
        "id": "id",
        "pipeline_id": "id",
        "name": "name",
        "display_name": "display_name",
        "description": "description",
        "created_at": "created",
        "namespace": "namespace",
    },
    refused="Failed to list pipelines due invalid list options: pageToken: {page_token}, pageSize: {page_size}, "
    "sortBy: {sort_by}, filter: {filter}",
    failed="Failed to list pipelines in namespace . Check error stack: Failed to list pipelines "
    "with context &{}, options &{}",
    tags=True,
)


def show(pipeline: Pipeline) -> dict[str, Any]:
    return message(
        pipeline_id=pipeline.id,
        display_name=pipeline.display_name,
        name=pipeline.name,
        description=pipeline.description,
        created_at=rfc3339(pipeline.created),
        namespace=pipeline.namespace,
        tags=pipeline.tags,
    )


def create(app: App, request: Request) -> Reply:
    body = Message.parse(request.body, *_FIELDS)
    return ok(show(insert(app, read(app, body))))


def insert(app: App, new: Pipeline) -> Pipeline:
    with during(f"{_NOT_CREATED}: Failed to create a pipeline in PipelineStore"):
        try:
            return app.store.pipelines.insert(new)
        except DuplicateError as error:
            raise AlreadyExistsError(
                f"Failed to create a new pipeline. The name {new.name} already exist. Please specify a new name"
            ) from error
        except DataError as error:
            raise InternalError("Failed to add pipeline to pipeline table", f"{error}") from error


def create_with_version(_app: App, request: Request) -> Reply:
    """CreatePipelineAndVersion; its package is a URL, which a development server does not fetch."""
    body = Message.parse(request.body, "pipeline", "pipeline_version")
    body.message("pipeline", *_FIELDS)
    url = versions.package_url(body.message("pipeline_version", *versions.FIELDS))
    with during("Failed to create a pipeline"):
        if not url:
            raise InvalidArgumentError(f"invalid pipeline spec URL: {url}")
        raise InvalidArgumentError("Pipeline URL validation failed")


def read(app: App, body: Message) -> Pipeline:
    """A new pipeline from a body: one of name and display_name is enough."""
    name, tags = body.text("name") or body.text("display_name"), body.strings("tags")
    with (
        during("Failed to create a pipeline as pipeline conversion failed"),
        internal("Failed to convert API pipeline to model pipeline"),
    ):
        check_length("Pipeline.Name", name)
        check_length("Pipeline.Namespace", body.text("namespace"))
    with during(_NOT_CREATED):
        if not name:
            raise InvalidArgumentError("name is required")
        return new(
            app, name, body.text("display_name"), body.text("description"), body.text("namespace"), tags
        )


def new(
    app: App, name: str, display_name: str, description: str, namespace: str, tags: dict[str, str]
) -> Pipeline:
    kept = tags if app.features.tags else {}
    check_tags(kept)
    return Pipeline(
        new_id(), name, display_name or name, description, app.namespace(namespace), app.now(), kept
    )


def get(app: App, request: Request) -> Reply:
    with during(f"Failed to get a pipeline {request.names['id']}. Check error stack"):
        return ok(show(named(app, request.names["id"])))


def named(app: App, key: str) -> Pipeline:
    with during(f"Failed to get a pipeline with id {key}"):
        return fetch(app.store.pipelines, key)


def get_by_name(app: App, request: Request) -> Reply:
    name, namespace = request.names["name"], app.namespace(request.query.get("namespace", ""))
    found = app.store.pipelines.where("name = ? AND namespace = ?", name, namespace)
    if not found:
        with during(
            f"Failed to get a pipeline with name {name} and namespace {namespace}. Check error stack.: "
            f"Failed to get a pipeline named {name} in namespace {namespace}"
        ):
            raise NotFoundError("Namespace/Pipeline", f"{namespace}/{name}")
    return ok(show(found[0]))


def list_all(app: App, request: Request) -> Reply:
    return _LISTING.reply(request, app.store.pipelines, show, app.within(request), tags=app.features.tags)


def update(app: App, request: Request) -> Reply:
    """resource_manager.go `UpdatePipeline`: an empty display name changes nothing, empty tags clear them."""
    key, body = request.names["id"], Message.parse(request.body, *_FIELDS)
    with during(f"Failed to update pipeline {key}. Check error stack"):
        fetch(app.store.pipelines, key)
        changes.write(app.store.pipelines, key, changes.read(app, body))
        return ok(show(fetch(app.store.pipelines, key)))


def delete(app: App, request: Request) -> Reply:
    """resource_manager.go `DeletePipeline`: 400 while there are versions, unless `cascade`."""
    key, cascade = request.names["id"], flag(request, "cascade")
    with during(f"Failed to delete pipeline {key}. Check error stack"):
        _delete(app, key, cascade)
    return ok()


def _delete(app: App, key: str, cascade: bool) -> None:
    with during(f"Failed to delete pipeline with id {key} as it was not found"):
        fetch(app.store.pipelines, key)
    existing = app.store.versions.where("pipeline_id = ?", key, order=versions.NEWEST)
    if existing and not cascade:
        raise InvalidArgumentError(
            f"Failed to delete pipeline with id {key} as it has existing pipeline versions "
            f"(e.g. {existing[0].id}). Set cascade=true to delete all versions"
        )
    app.store.execute("DELETE FROM versions WHERE pipeline_id = ?", key)
    app.store.pipelines.delete(key)
