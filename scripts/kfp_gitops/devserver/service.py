"""One request from its headers to its reply: guard, route, transaction, errors."""

from __future__ import annotations

import traceback

from kfp_gitops.devserver import ghosts, guard
from kfp_gitops.devserver.app import App
from kfp_gitops.devserver.errors import (
    ApiError,
    ForbiddenError,
    InternalError,
    NoSuchPathError,
    UnauthenticatedError,
)
from kfp_gitops.devserver.http import Reply, Request, failure, plain, upload_failure
from kfp_gitops.devserver.routes import ROUTER


def answer(app: App, request: Request, host: str | None, origin: str | None) -> Reply:
    """The reply, whatever happens; a defect of the server is a 500 without its inner life."""
    try:
        guard.check_headers(host, origin, app.host_names)
        handler, named = ROUTER.find(request)
        app.rights.check(request)
        with app.store.transaction():
            reply = handler(app, named)
    except ApiError as error:
        ghosts.leave(app, error)
        return _refusal(request, error)
    except Exception:
        traceback.print_exc()
        return failure(InternalError("a defect of the development server; see what it printed"))
    if request.method != "GET":
        app.pool.fill()
    return reply


def _refusal(request: Request, error: ApiError) -> Reply:
    """Go's own words outside of the API. An upload without the right to it is a 400, not a 401 or 403 (facts 4.2)."""
    if isinstance(error, NoSuchPathError) and not request.path.startswith("/apis/"):
        return plain(404, "404 page not found")
    if "/pipelines/upload" in request.path and isinstance(error, UnauthenticatedError | ForbiddenError):
        return upload_failure(400, "Failed to authorize the upload")
    return failure(error)
