"""File uploads: pipeline_upload_server.go, which is plain HTTP beside the API and has its own errors."""

from __future__ import annotations

from kfp_gitops.devserver import pipelines, versions
from kfp_gitops.devserver.app import App
from kfp_gitops.devserver.errors import AlreadyExistsError, ApiError, InvalidArgumentError
from kfp_gitops.devserver.http import Reply, Request, ok, plain, upload_failure
from kfp_gitops.devserver.limits import UPLOAD_BYTES, read_tags, too_long
from kfp_gitops.devserver.multipart import Upload, read_file

_NO_PIPELINE = "Failed to create a pipeline and a pipeline version"
_NO_VERSION = "Failed to create a pipeline version"


def create_pipeline(app: App, request: Request) -> Reply:
    """Makes the pipeline and a first version of the same name; tags go to the pipeline."""
    file = read_file(request.body, request.content_type, "uploadfile")
    if file is None or len(file.data) > UPLOAD_BYTES:
        return upload_failure(400, "Failed to read pipeline from file")
    name = _name(request, file)
    problem = too_long("Pipeline.Namespace", _asked(request, "namespace")) or too_long("Pipeline.Name", name)
    if problem:
        return plain(400, problem)
    try:
        return _create_both(app, request, name, file)
    except ApiError as error:
        return _refuse(error, _NO_PIPELINE)


def _create_both(app: App, request: Request, name: str, file: Upload) -> Reply:
    display_name, description = _asked(request, "display_name"), _asked(request, "description")
    tags = read_tags(_asked(request, "tags"))
    pipeline = pipelines.new(app, name, display_name, description, _asked(request, "namespace"), tags)
    version = versions.new(app, pipeline.id, name, display_name, description, file.data, {})
    with app.store.transaction():
        app.store.pipelines.insert(pipeline)
        app.store.versions.insert(version)
    return ok(pipelines.show(pipeline))


def create_version(app: App, request: Request) -> Reply:
    """`pipelineid` says of which pipeline; an unknown or missing one is a 400, not a 404."""
    file = read_file(request.body, request.content_type, "uploadfile")
    pipeline_id = _asked(request, "pipelineid")
    if file is None or len(file.data) > UPLOAD_BYTES or not pipeline_id:
        return upload_failure(400, _NO_VERSION)
    name = _name(request, file)
    if problem := too_long("PipelineVersion.Name", name):
        return plain(400, problem)
    if app.store.pipelines.get(pipeline_id) is None:
        return upload_failure(400, _NO_VERSION)
    try:
        return _create_version(app, request, pipeline_id, name, file)
    except ApiError as error:
        return _refuse(error, _NO_VERSION)


def _create_version(app: App, request: Request, pipeline_id: str, name: str, file: Upload) -> Reply:
    tags = read_tags(_asked(request, "tags"))
    display_name, description = _asked(request, "display_name"), _asked(request, "description")
    version = versions.new(app, pipeline_id, name, display_name, description, file.data, tags)
    return ok(versions.show(app.store.versions.insert(version)))


def _asked(request: Request, name: str) -> str:
    return request.query.get(name, "")


def _name(request: Request, file: Upload) -> str:
    """`buildPipelineName`: name, else display name, else the file's."""
    return _asked(request, "name") or _asked(request, "display_name") or file.filename or "pipeline"


def _refuse(error: ApiError, text: str) -> Reply:
    """409 and 500 say no more than that it failed; only invalid input says what is wrong with it."""
    if isinstance(error, AlreadyExistsError):
        return upload_failure(409, text)
    if isinstance(error, InvalidArgumentError):
        return upload_failure(400, error.message)
    return upload_failure(500, text)
