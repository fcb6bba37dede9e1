"""Pipeline versions: pipeline_server.go and resource_manager.go."""

from __future__ import annotations

from typing import Any, NoReturn

from kfp_gitops.devserver import templates
from kfp_gitops.devserver.app import App, fetch, new_id
from kfp_gitops.devserver.body import Message
from kfp_gitops.devserver.clock import rfc3339
from kfp_gitops.devserver.errors import InvalidArgumentError, NotFoundError, UnimplementedError
from kfp_gitops.devserver.filters import Condition
from kfp_gitops.devserver.http import Reply, Request, message, ok
from kfp_gitops.devserver.limits import check_tags
from kfp_gitops.devserver.paging import Listing
from kfp_gitops.devserver.records import Version

FIELDS = (
    *(
        "pipeline_id",
        "pipeline_version_id",
        "display_name",
        "name",
        "description",
        "created_at",
        "package_url",
    ),
    *("code_source_url", "pipeline_spec", "error", "tags"),
)
NEWEST = "created DESC, rowid DESC"
"""pipeline_store.go `GetLatestPipelineVersion` sorts by whole seconds; ties are undefined there, and here in
favour of the later one."""

_LISTING: Listing[Version] = Listing(
    "pipeline_versions",
    {
        "id": "id",
        "pipeline_version_id": "id",
        "name": "name",
        "display_name": "display_name",
        "description": "description",
        "created_at": "created",
    },
    tags=True,
)


def show(version: Version) -> dict[str, Any]:
    return message(
        pipeline_id=version.pipeline_id,
        pipeline_version_id=version.id,
        display_name=version.display_name,
        name=version.name,
        description=version.description,
        created_at=rfc3339(version.created),
        pipeline_spec=version.spec,
        tags=version.tags,
    )


def new(
    app: App,
    pipeline_id: str,
    name: str,
    display_name: str,
    description: str,
    data: bytes,
    tags: dict[str, str],
) -> Version:
    """A version of an uploaded file; code_source_url is dropped, as 2.17.0 does (facts 4.3)."""
    kept = tags if app.features.tags else {}
    check_tags(kept)
    spec = templates.from_yaml(data)
    return Version(new_id(), pipeline_id, name, display_name or name, description, app.now(), spec, kept)


def create(app: App, request: Request) -> Reply:
    fetch(app.store.pipelines, request.names["pipeline_id"])
    refuse_url(Message.parse(request.body, "pipeline_version", *FIELDS))


def refuse_url(body: Message) -> NoReturn:
    """The original downloads `package_url`; this server reaches out to nobody."""
    if not body.message("package_url", "pipeline_url").text("pipeline_url"):
        raise InvalidArgumentError("Pipeline URL is empty. Please specify a valid URL")
    raise UnimplementedError("the development server downloads nothing; upload the file instead")


def of(app: App, pipeline_id: str, version_id: str) -> Version:
    """A version of a pipeline, or 404."""
    version = fetch(app.store.versions, version_id)
    if version.pipeline_id != pipeline_id:
        raise NotFoundError(f"ResourceNotFoundError: PipelineVersion {version_id} not found.")
    return version


def latest(app: App, pipeline_id: str) -> Version:
    """The newest by creation, whatever its name: facts 4.2, latest mode."""
    fetch(app.store.pipelines, pipeline_id)
    found = app.store.versions.where("pipeline_id = ?", pipeline_id, order=NEWEST, limit=1)
    if not found:
        raise NotFoundError(f"ResourceNotFoundError: the pipeline {pipeline_id} has no version.")
    return found[0]


def get(app: App, request: Request) -> Reply:
    return ok(show(_named(app, request)))


def _named(app: App, request: Request) -> Version:
    return of(app, request.names["pipeline_id"], request.names["id"])


def list_all(app: App, request: Request) -> Reply:
    key = fetch(app.store.pipelines, request.names["pipeline_id"]).id
    within = Condition("pipeline_id = ?", (key,))
    return _LISTING.reply(request, app.store.versions, show, within, tags=app.features.tags)


def update(app: App, request: Request) -> Reply:
    from kfp_gitops.devserver.pipelines import read_changes

    version = _named(app, request)
    if changes := read_changes(app, Message.parse(request.body, "pipeline_version", *FIELDS)):
        app.store.versions.update(version.id, **changes)
    return ok(show(fetch(app.store.versions, version.id)))


def delete(app: App, request: Request) -> Reply:
    """Schedules that pin it keep the spec they were made of."""
    app.store.versions.delete(_named(app, request).id)
    return ok()
