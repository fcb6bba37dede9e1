"""Pipeline versions: pipeline_server.go and resource_manager.go."""

from __future__ import annotations

from typing import Any, NoReturn

from kfp_gitops.devserver import changes, templates
from kfp_gitops.devserver.app import App, fetch, new_id
from kfp_gitops.devserver.body import Message
from kfp_gitops.devserver.clock import rfc3339
from kfp_gitops.devserver.errors import (
    AlreadyExistsError,
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    UnimplementedError,
    during,
)
from kfp_gitops.devserver.filters import Condition
from kfp_gitops.devserver.http import Reply, Request, message, ok
from kfp_gitops.devserver.limits import check_tags
from kfp_gitops.devserver.mysql import DataError
from kfp_gitops.devserver.paging import Listing
from kfp_gitops.devserver.records import Version
from kfp_gitops.devserver.store import DuplicateError

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
_NOT_CREATED = "Failed to create a pipeline version"
NEWEST = "created DESC, id"
"""pipeline_store.go `GetLatestPipelineVersion` sorts by whole seconds; which one of a second comes first, the random
ids decide."""

_LISTING: Listing[Version] = Listing(
    "pipeline_versions",
    "PipelineVersion",
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


def insert(app: App, version: Version) -> Version:
    try:
        return app.store.versions.insert(version)
    except DuplicateError as error:
        raise AlreadyExistsError(
            f"Failed to create a new pipeline version. The name {version.name} already exist"
        ) from error
    except DataError as error:
        raise InternalError("Failed to add version to pipeline version table", f"{error}") from error


def create(_app: App, request: Request) -> NoReturn:
    """The original downloads `package_url`; this server reaches out to nobody.

    The pipeline of the path is not looked at, only that of the body (seen on KFP 2.17.0).
    """
    body = Message.parse(request.body, *FIELDS)
    if not body.has("package_url"):
        raise InvalidArgumentError(f"{_NOT_CREATED}. Package URL is nil")
    if not package_url(body):
        raise InvalidArgumentError(f"{_NOT_CREATED}. Package URL is empty")
    if not body.text("pipeline_id"):
        raise InvalidArgumentError(f"{_NOT_CREATED}. Parent pipeline id is empty")
    raise UnimplementedError("the development server downloads nothing; upload the file instead")


def package_url(body: Message) -> str:
    return body.message("package_url", "pipeline_url").text("pipeline_url")


def named(app: App, version_id: str) -> Version:
    with during(f"Failed to get a pipeline version with id {version_id}"):
        return fetch(app.store.versions, version_id)


def of(app: App, pipeline_id: str, version_id: str) -> Version:
    """The version that a run names, of the pipeline that it names, if it names one."""
    with during(f"Failed to fetch a pipeline version and its manifest from pipeline version {version_id}"):
        version = named(app, version_id)
    if pipeline_id and version.pipeline_id != pipeline_id:
        raise InvalidArgumentError(
            f"Pipeline version {version_id} belongs to pipeline {version.pipeline_id} (not {pipeline_id})"
        )
    return version


def latest(app: App, pipeline_id: str, what: str = "the latest pipeline version") -> Version:
    """The newest by creation, whatever its name."""
    with during(f"Failed to get {what} as pipeline was not found"):
        fetch(app.store.pipelines, pipeline_id)
    found = app.store.versions.where("pipeline_id = ?", pipeline_id, order=NEWEST, limit=1)
    if not found:
        with during(f"Failed to get {what} for a pipeline"):
            raise NotFoundError("PipelineVersion", pipeline_id)
    return found[0]


def get(app: App, request: Request) -> Reply:
    """The pipeline of the path is not looked at (seen on KFP 2.17.0), neither here nor in update and delete."""
    with during(f"Failed to get a pipeline version {request.names['id']}"):
        return ok(show(named(app, request.names["id"])))


def list_all(app: App, request: Request) -> Reply:
    key = request.names["pipeline_id"]
    with during(
        f"Failed to list pipeline versions for pipeline {key}: Failed to list pipeline versions due to error fetching "
        f"the namespace for pipeline {key}: Failed to get namespace for pipeline id {key}: "
        f"Failed to get a pipeline with id {key}"
    ):
        fetch(app.store.pipelines, key)
    within = Condition("pipeline_id = ?", (key,))
    return _LISTING.reply(request, app.store.versions, show, within, tags=app.features.tags)


def update(app: App, request: Request) -> Reply:
    key, body = request.names["id"], Message.parse(request.body, *FIELDS)
    with during(f"Failed to update pipeline version {key}. Check error stack"):
        fetch(app.store.versions, key)
        changes.write(app.store.versions, key, changes.read(app, body))
        return ok(show(fetch(app.store.versions, key)))


def delete(app: App, request: Request) -> Reply:
    """Schedules that pin it keep the spec they were made of."""
    key, pipeline_id = request.names["id"], request.names["pipeline_id"]
    with during(
        f"Failed to delete a pipeline version id {key} under pipeline id {pipeline_id}. Check error stack: "
        f"Failed to delete pipeline version with id {key} as it was not found"
    ):
        app.store.versions.delete(fetch(app.store.versions, key).id)
    return ok()
