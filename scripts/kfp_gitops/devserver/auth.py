"""Who may do what, as a multi-user KFP decides it: resource_manager.go `IsAuthorized`, facts 4.1 and 4.2.

Without tokens everybody may do everything, as in single-user mode.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from kfp_gitops.devserver.errors import ForbiddenError, UnauthenticatedError
from kfp_gitops.devserver.http import Request

_API = "/apis/v2beta1/"
# The API's names for the resources of group pipelines.kubeflow.org, where they differ from the path's.
_RESOURCES = {"recurringruns": "jobs"}
_OPEN = frozenset({_API + "healthz", "/apis/v1beta1/healthz"})
"""main.go answers /healthz itself, before anybody is asked who they are."""


class Rights:
    """The tokens that are known, and what their owner may not do: pairs of verb and resource. Changeable any time."""

    def __init__(self, tokens: Iterable[str] = (), denied: Iterable[tuple[str, str]] = ()) -> None:
        self._lock = threading.Lock()
        self._tokens, self._denied = frozenset(tokens), frozenset(denied)

    def set(self, tokens: Iterable[str], denied: Iterable[tuple[str, str]] = ()) -> None:
        """From now on only these; a token that is no longer among them has expired."""
        with self._lock:
            self._tokens, self._denied = frozenset(tokens), frozenset(denied)

    def check(self, request: Request) -> None:
        """Raises UnauthenticatedError (401) or ForbiddenError (403)."""
        with self._lock:
            tokens, denied = self._tokens, self._denied
        if not tokens or request.path in _OPEN:
            return
        if request.authorization.removeprefix("Bearer ") not in tokens:
            raise UnauthenticatedError("Failed to authenticate the request: the token is not known")
        if (right := (_verb(request), _resource(request))) in denied:
            raise ForbiddenError(f"User is not authorized with reason: may not {right[0]} {right[1]}")


def _resource(request: Request) -> str | None:
    """None for the pages, which need a token but no right."""
    if not request.path.startswith(_API):
        return None
    first = request.path.removeprefix(_API).split("/")[0]
    # Versions are pipelines to the authorization of 2.17.
    return _RESOURCES.get(first, first)


def _verb(request: Request) -> str:
    last = request.path.rsplit("/", 1)[-1]
    if request.method == "POST" and ":" in last:
        return last.rsplit(":", 1)[-1]
    if request.method == "GET":
        listed = last in ("experiments", "pipelines", "versions", "recurringruns", "runs")
        return "list" if listed else "get"
    return {"POST": "create", "PATCH": "update", "DELETE": "delete"}.get(request.method, "get")
