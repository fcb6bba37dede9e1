"""A table of routes: method, path pattern, handler."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from kfp_gitops.devserver.errors import NoSuchMethodError, NoSuchPathError
from kfp_gitops.devserver.http import Reply, Request

if TYPE_CHECKING:
    from kfp_gitops.devserver.app import App

Handler = Callable[["App", Request], Reply]


@dataclass(frozen=True)
class Route:
    """`{name}` in the pattern is one part of the path; `{name...}` is all the rest."""

    method: str
    pattern: str
    handler: Handler

    @property
    def regex(self) -> re.Pattern[str]:
        parts = re.split(r"(\{\w+(?:\.\.\.)?\})", self.pattern)
        return re.compile("".join(_part(p) for p in parts))


def _part(text: str) -> str:
    if not text.startswith("{"):
        return re.escape(text)
    name = text.strip("{}")
    return f"(?P<{name[:-3]}>.*)" if name.endswith("...") else f"(?P<{name}>[^/]+)"


class Router:
    """Finds the handler of a request; the first route that matches wins."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = [(route, route.regex) for route in routes]

    def find(self, request: Request) -> tuple[Handler, Request]:
        """The handler, and the request with the names of its path, decoded after the split as gateways do."""
        matches = [(r, m) for r, regex in self._routes if (m := regex.fullmatch(request.path))]
        if not matches:
            raise NoSuchPathError
        for route, match in matches:
            if route.method == request.method:
                return route.handler, replace(request, names=_names(route, match))
        raise NoSuchMethodError


def _names(route: Route, match: re.Match[str]) -> dict[str, str]:
    """Decoded; a slash in a name that is one part of the path makes it another path."""
    names = {name: unquote(value) for name, value in match.groupdict().items()}
    if any("/" in value and f"{{{name}...}}" not in route.pattern for name, value in names.items()):
        raise NoSuchPathError
    return names
