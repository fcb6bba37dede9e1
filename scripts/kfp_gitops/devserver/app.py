"""What handlers work with."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from pathlib import Path

from kfp_gitops.devserver.auth import Rights
from kfp_gitops.devserver.clock import Clock, epoch
from kfp_gitops.devserver.errors import MalformedError, NotFoundError
from kfp_gitops.devserver.features import Features
from kfp_gitops.devserver.filters import Condition
from kfp_gitops.devserver.http import Request
from kfp_gitops.devserver.pool import RunPool
from kfp_gitops.devserver.store import R, Store, Table

HIDDEN = "(hidden)"
"""The namespace of what no list shows: see `Trouble.HIDDEN`."""


@dataclass(frozen=True)
class App:
    """The state of one server."""

    store: Store
    clock: Clock
    pool: RunPool
    features: Features
    runs_dir: Path
    rights: Rights = field(default_factory=Rights)
    host_names: frozenset[str] = frozenset()
    """By which it may be called, beside loopback's."""
    told: set[str] = field(default_factory=set, kw_only=True)
    """The ended runs whose details were asked for."""

    def now(self) -> int:
        return epoch(self.clock.now())

    def namespace(self, given: str) -> str:
        """Single-user servers blank every namespace (resource_manager.go `ReplaceNamespace`)."""
        return given if self.features.multi_user else ""

    def within(self, request: Request) -> Condition:
        """Lists are of one namespace where there are several."""
        if not self.features.multi_user:
            return Condition("namespace <> ?", (HIDDEN,))
        return Condition("namespace = ?", (request.query.get("namespace", ""),))


def new_id() -> str:
    return str(uuid.uuid4())


def fetch(table: Table[R], key: str) -> R:
    """A record, or 404."""
    found = table.get(key)
    if found is None:
        raise NotFoundError(table.resource, key)
    return found


def flag(request: Request, name: str) -> bool:
    """A boolean query parameter, as Go's strconv.ParseBool reads it."""
    text = request.query.get(name, "")
    if text not in ("", "1", "t", "T", "true", "TRUE", "True", "0", "f", "F", "false", "FALSE", "False"):
        problem = f'strconv.ParseBool: parsing "{text}": invalid syntax'
        raise MalformedError(f'parsing field "{name}": {problem}')
    return text in ("1", "t", "T", "true", "TRUE", "True")
