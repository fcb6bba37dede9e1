"""All that is served; what the API has beyond it is answered with 501 and the reason."""

from __future__ import annotations

from kfp_gitops.devserver import (
    experiments,
    files,
    metadata,
    pages,
    pipelines,
    podlogs,
    recurring,
    runs,
    uploads,
    versions,
)
from kfp_gitops.devserver.app import App
from kfp_gitops.devserver.errors import UnimplementedError
from kfp_gitops.devserver.http import Reply, Request, ok
from kfp_gitops.devserver.routing import Route, Router

_API = "/apis/v2beta1"
_VERSIONS = "/pipelines/{pipeline_id}/versions"


def healthz(app: App, _request: Request) -> Reply:
    """main.go writes it by hand, with two fields more than the swagger has, and `false` is not left out."""
    return ok(
        {
            "commit_sha": "unknown",
            "tag_name": app.features.version,
            "multi_user": app.features.multi_user,
            "pipeline_store": "database",
        }
    )


def not_served(_app: App, request: Request) -> Reply:
    raise UnimplementedError(f"the development server has no use for {request.path}")


def healthz_v1(app: App, _request: Request) -> Reply:
    """The version before had no word for where pipelines are kept."""
    told = {"commit_sha": "unknown", "tag_name": app.features.version, "multi_user": app.features.multi_user}
    return ok(told)


_API_ROUTES = (
    Route("GET", "/healthz", healthz),
    Route("GET", "/experiments", experiments.list_all),
    Route("POST", "/experiments", experiments.create),
    Route("POST", "/experiments/{id}:archive", experiments.archive),
    Route("POST", "/experiments/{id}:unarchive", experiments.unarchive),
    Route("GET", "/experiments/{id}", experiments.get),
    Route("DELETE", "/experiments/{id}", experiments.delete),
    Route("POST", "/pipelines/upload", uploads.create_pipeline),
    Route("POST", "/pipelines/upload_version", uploads.create_version),
    Route("POST", "/pipelines/create", pipelines.create_with_version),
    Route("GET", "/pipelines/names/{name}", pipelines.get_by_name),
    Route("GET", "/pipelines", pipelines.list_all),
    Route("POST", "/pipelines", pipelines.create),
    Route("GET", "/pipelines/{id}", pipelines.get),
    Route("PATCH", "/pipelines/{id}", pipelines.update),
    Route("DELETE", "/pipelines/{id}", pipelines.delete),
    Route("GET", _VERSIONS, versions.list_all),
    Route("POST", _VERSIONS, versions.create),
    Route("GET", _VERSIONS + "/{id}", versions.get),
    Route("PATCH", _VERSIONS + "/{id}", versions.update),
    Route("DELETE", _VERSIONS + "/{id}", versions.delete),
    Route("GET", "/recurringruns", recurring.list_all),
    Route("POST", "/recurringruns", recurring.create),
    Route("POST", "/recurringruns/{id}:enable", recurring.enable),
    Route("POST", "/recurringruns/{id}:disable", recurring.disable),
    Route("GET", "/recurringruns/{id}", recurring.get),
    Route("DELETE", "/recurringruns/{id}", recurring.delete),
    Route("GET", "/runs", runs.list_all),
    Route("POST", "/runs", runs.create),
    Route("POST", "/runs/{id}:archive", runs.archive),
    Route("POST", "/runs/{id}:unarchive", runs.unarchive),
    Route("POST", "/runs/{id}:terminate", runs.terminate),
    Route("POST", "/runs/{id}:retry", runs.retry),
    Route("GET", "/runs/{id}", runs.get),
    Route("DELETE", "/runs/{id}", runs.delete),
    Route("GET", "/auth", not_served),
    Route("GET", "/filters", not_served),
    Route("POST", "/scheduledworkflows", not_served),
    Route("POST", "/workflows", not_served),
    Route("POST", "/visualizations/{namespace}", not_served),
)
_OTHERS = (
    Route("GET", "/apis/v1beta1/healthz", healthz_v1),
    Route("GET", "/", pages.index),
    Route("POST", metadata.SERVICE + "{method}", metadata.serve),
    Route("GET", "/apis/v1alpha1/runs/{id}/nodes/{node}/log", podlogs.serve),
    Route("GET", "/runs/{id}", pages.run_page),
    Route("GET", "/runs/{id}/files/{path...}", files.serve),
)

ROUTER = Router([*(Route(r.method, _API + r.pattern, r.handler) for r in _API_ROUTES), *_OTHERS])
