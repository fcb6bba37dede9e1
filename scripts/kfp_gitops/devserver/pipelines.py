"""Pipelines: pipeline_server.go and resource_manager.go."""

from __future__ import annotations

from typing import Any

from kfp_gitops.devserver import versions
from kfp_gitops.devserver.app import App, fetch, flag, new_id
from kfp_gitops.devserver.body import Message
from kfp_gitops.devserver.clock import rfc3339
from kfp_gitops.devserver.errors import InvalidArgumentError, NotFoundError
from kfp_gitops.devserver.http import Reply, Request, message, ok
from kfp_gitops.devserver.limits import check_length, check_tags
from kfp_gitops.devserver.paging import Listing
from kfp_gitops.devserver.records import Pipeline

_FIELDS = ("pipeline_id", "display_name", "name", "description", "created_at", "namespace", "error", "tags")

_LISTING: Listing[Pipeline] = Listing(
    "pipelines",
    {
        "id": "id",
        "pipeline_id": "id",
        "name": "name",
        "display_name": "display_name",
        "description": "description",
        "created_at": "created",
        "namespace": "namespace",
    },
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
    body = Message.parse(request.body, "pipeline", *_FIELDS)
    return ok(show(app.store.pipelines.insert(read(app, body))))


def create_with_version(app: App, request: Request) -> Reply:
    """CreatePipelineAndVersion; its package is a URL, which a development server does not fetch."""
    body = Message.parse(request.body, "request", "pipeline", "pipeline_version")
    read(app, body.message("pipeline", *_FIELDS))
    versions.refuse_url(body.message("pipeline_version", *versions.FIELDS))


def read(app: App, body: Message) -> Pipeline:
    """A new pipeline from a body: one of name and display_name is enough."""
    name = body.text("name") or body.text("display_name")
    if not name:
        raise InvalidArgumentError("pipeline's name cannot be empty")
    check_length("Pipeline.Name", name)
    check_length("Pipeline.Namespace", body.text("namespace"))
    return new(app, name, body.text("display_name"), body.text("description"), body.text("namespace"),
               body.strings("tags"))  # fmt: skip


def new(
    app: App, name: str, display_name: str, description: str, namespace: str, tags: dict[str, str]
) -> Pipeline:
    kept = tags if app.features.tags else {}
    check_tags(kept)
    return Pipeline(
        new_id(), name, display_name or name, description, app.namespace(namespace), app.now(), kept
    )


def get(app: App, request: Request) -> Reply:
    return ok(show(fetch(app.store.pipelines, request.names["id"])))


def get_by_name(app: App, request: Request) -> Reply:
    name, namespace = request.names["name"], app.namespace(request.query.get("namespace", ""))
    found = app.store.pipelines.where("name = ? AND namespace = ?", name, namespace)
    if not found:
        raise NotFoundError(f"Failed to get pipeline by name and namespace: Pipeline {name} not found.")
    return ok(show(found[0]))


def list_all(app: App, request: Request) -> Reply:
    return _LISTING.reply(request, app.store.pipelines, show, app.within(request), tags=app.features.tags)


def update(app: App, request: Request) -> Reply:
    """resource_manager.go `UpdatePipeline`: an empty display name changes nothing, empty tags clear them."""
    pipeline = fetch(app.store.pipelines, request.names["id"])
    body = Message.parse(request.body, "pipeline", *_FIELDS)
    if changes := read_changes(app, body):
        app.store.pipelines.update(pipeline.id, **changes)
    return ok(show(fetch(app.store.pipelines, pipeline.id)))


def read_changes(app: App, body: Message) -> dict[str, object]:
    changes: dict[str, object] = {}
    if name := body.text("display_name"):
        changes["display_name"] = name
    if body.has("tags") and app.features.tags:
        check_tags(tags := body.strings("tags"))
        changes["tags"] = tags
    return changes


def delete(app: App, request: Request) -> Reply:
    """resource_manager.go `DeletePipeline`: 400 while there are versions, unless `cascade`."""
    key, cascade = fetch(app.store.pipelines, request.names["id"]).id, flag(request, "cascade")
    existing = app.store.versions.where("pipeline_id = ?", key, order=versions.NEWEST)
    if existing and not cascade:
        raise InvalidArgumentError(
            f"Failed to delete pipeline with id {key} as it has existing pipeline versions "
            f"(e.g. {existing[0].id}). Set cascade=true to delete all versions"
        )
    app.store.execute("DELETE FROM versions WHERE pipeline_id = ?", key)
    app.store.pipelines.delete(key)
    return ok()
