"""Changes that KFP's cache does not see: a step may be answered from before them. Pure.

Up to 2.17 the key of a result is image, command, arguments, values of parameters, identities of artifacts and names of
claims (backend/src/v2/driver/cache.go): no variable, secret, config map or resource (kubeflow/pipelines#14339).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kfp_gitops.review.diff import nodes
from kfp_gitops.review.diff.model import Action, Change, Kind

# What changes the key with it; `cache` turns it off or renames it.
_IN_KEY = ("arguments", "component", "pipeline", "cache")
_TODO = "a result from before it may be reused; set `cache: false`, or let an argument change with it"


def warnings(changes: Sequence[Change], manifest: Mapping[str, Any]) -> Iterator[str]:
    """One for each task whose variables or mounted secrets change while its results are cached."""
    tasks = nodes.flat(manifest)
    for name in dict.fromkeys(change.name for change in changes if change.kind is Kind.TASK):
        own = [change for change in changes if change.kind is Kind.TASK and change.name == name]
        fields = [str(change.field) for change in own if _outside(change)]
        if not fields or any(_first(change) in _IN_KEY or change.action is Action.ADDED for change in own):
            continue
        node = tasks.get(name.rpartition(" › ")[2])
        if node is None or node.fields.get("cache") is not False:
            what = f"task {name}: {', '.join(sorted(fields))}"
            yield f"{what} is not in the cache key of KFP up to 2.17: {_TODO}"


def _first(change: Change) -> str:
    return str(change.field or "").partition(".")[0]


def _outside(change: Change) -> bool:
    """A variable, or a mounted secret or config map; the names of claims are in the key."""
    mounted = [
        value for value in (change.before, change.after) if isinstance(value, Mapping) and "pvc" in value
    ]
    return _first(change) == "env" or (
        _first(change) == "volumes" and not mounted and not str(change.field).endswith((".pvc", ".subPath"))
    )
