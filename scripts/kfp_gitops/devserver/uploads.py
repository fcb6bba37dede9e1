"""File uploads: pipeline_upload_server.go, which is plain HTTP beside the API and has its own errors."""

from __future__ import annotations

from collections.abc import Callable

from kfp_gitops.devserver import pipelines, versions
from kfp_gitops.devserver.app import App
from kfp_gitops.devserver.errors import ApiError, InvalidArgumentError, MalformedError
from kfp_gitops.devserver.http import Reply, Request, ok, plain, upload_failure
from kfp_gitops.devserver.limits import UPLOAD_BYTES, check_length, read_tags
from kfp_gitops.devserver.multipart import Upload, read_file

_NO_PIPELINE = "Failed to create a pipeline and a pipeline version"
_NO_VERSION = "Failed to create a pipeline version"
_SUFFIXES = (".yaml", ".yml", ".json", ".zip", ".tar.gz")


def create_pipeline(app: App, request: Request) -> Reply:
    """Makes the pipeline and a first version of the same name; tags go to the pipeline."""
    file = _file(request)
    if file is None:
        return upload_failure(400, "Failed to read pipeline from file", early=True)
    name = _name(request, file)
    lengths = {"Pipeline.Namespace": _asked(request, "namespace"), "Pipeline.Name": name}
    return _answer(lengths, _NO_PIPELINE, lambda: _create_both(app, request, name, file))


def _create_both(app: App, request: Request, name: str, file: Upload) -> Reply:
    display_name, description = _asked(request, "display_name"), _asked(request, "description")
    tags = read_tags(_asked(request, "tags"))
    pipeline = pipelines.new(app, name, display_name, description, _asked(request, "namespace"), tags)
    version = versions.new(app, pipeline.id, name, display_name, description, file.data, {})
    with app.store.transaction():
        pipelines.insert(app, pipeline)
        versions.insert(app, version)
    return ok(pipelines.show(pipeline))


def create_version(app: App, request: Request) -> Reply:
    """`pipelineid` says of which pipeline; an unknown or missing one is a 400, not a 404."""
    file = _file(request)
    pipeline_id = _asked(request, "pipelineid")
    if file is None or not pipeline_id:
        return upload_failure(400, _NO_VERSION, early=True)
    if app.store.pipelines.get(pipeline_id) is None:
        return upload_failure(400, _NO_VERSION, early=True)
    name = _name(request, file)
    lengths = {"PipelineVersion.Name": name}
    return _answer(lengths, _NO_VERSION, lambda: _create_version(app, request, pipeline_id, name, file))


def _create_version(app: App, request: Request, pipeline_id: str, name: str, file: Upload) -> Reply:
    tags = read_tags(_asked(request, "tags"))
    display_name, description = _asked(request, "display_name"), _asked(request, "description")
    version = versions.new(app, pipeline_id, name, display_name, description, file.data, tags)
    return ok(versions.show(versions.insert(app, version)))


def _file(request: Request) -> Upload | None:
    """server/util.go: only some endings are read."""
    file = read_file(request.body, request.content_type, "uploadfile")
    if file is None or len(file.data) > UPLOAD_BYTES or not file.filename.endswith(_SUFFIXES):
        return None
    return file


def _asked(request: Request, name: str) -> str:
    return request.query.get(name, "")


def _name(request: Request, file: Upload) -> str:
    """`buildPipelineName`: name, else display name, else the file's."""
    return _asked(request, "name") or _asked(request, "display_name") or file.filename


def _answer(lengths: dict[str, str], what: str, make: Callable[[], Reply]) -> Reply:
    """409 and 500 say no more than that it failed; only invalid input says what is wrong with it."""
    try:
        for field, value in lengths.items():
            check_length(field, value)
    except InvalidArgumentError as error:
        return plain(400, error.message)
    try:
        return make()
    except MalformedError as error:
        return upload_failure(400, error.told, early=True)
    except ApiError as error:
        return upload_failure(error.status, error.told if isinstance(error, InvalidArgumentError) else what)
