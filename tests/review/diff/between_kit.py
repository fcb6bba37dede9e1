"""States of an environment of several pipelines that start one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kfp_gitops.review.diff.state import State
from states_kit import component_of, manifest_of, written

WEEKLY = {"name": "weekly", "cron": "0 0 3 * * 1", "enabled": True, "maxConcurrency": 1, "catchup": False}


def after(pipeline: str, name: str = "after", state: str = "SUCCEEDED", **more: Any) -> dict[str, Any]:
    return {"name": name, "runOn": {"pipeline": pipeline, "state": state}, **more}


def on_data(uri: str, name: str = "new-data", **more: Any) -> dict[str, Any]:
    return {"name": name, "runOn": {"data": {"uri": uri, "changes": "etag"}}, **more}


def state_of(
    name: str,
    triggers: Mapping[str, Sequence[Mapping[str, Any]]],
    schedules: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    entries: Mapping[str, Mapping[str, Any]] | None = None,
    more: Mapping[str, Mapping[str, Any]] | None = None,
) -> State:
    """Each pipeline of `triggers` with those and its schedules."""
    texts: dict[str, str] = {}
    for pipeline, its in triggers.items():
        keys: dict[str, Any] = {**({"triggers": list(its)} if its else {}), **(more or {}).get(pipeline, {})}
        if own := (schedules or {}).get(pipeline):
            keys["schedules"] = list(own)
        texts[f"pipelines/{pipeline}/pipeline.yaml"] = written(manifest_of(**keys))
        texts[f"pipelines/{pipeline}/components/greet.yaml"] = written(component_of())
    listed = [
        {"name": pipeline, "release": "sha256:1", **(entries or {}).get(pipeline, {})}
        for pipeline in triggers
    ]
    head = {"apiVersion": "kfp-gitops/v1alpha1", "kind": "Environment", "pipelines": listed}
    return State(name, {"environment.yaml": written(head), **texts})
