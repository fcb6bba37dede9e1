"""States of one small environment, file by file: what a diff compares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import yaml
from kfp_gitops.rendering.rendered import identity
from kfp_gitops.review.diff.state import State

INSTANT = datetime(2026, 11, 24, 12, tzinfo=UTC)
SCHEDULE = {"name": "daily", "cron": "0 0 4 * * *", "enabled": True, "maxConcurrency": 1, "catchup": False}
EXECUTOR = {"container": {"image": "i@sha256:1", "command": ["sh", "-c"], "args": ["a b"]}}


def manifest_of(**more: Any) -> dict[str, Any]:
    spec = {"tasks": {"one": {"component": "greet", "arguments": {"name": "x"}}}, **more.pop("spec", {})}
    about = {"name": "p", "description": "text", "owner": "tests"}
    return {
        "apiVersion": "kfp-gitops/v1",
        "kind": "PipelineManifest",
        "metadata": about,
        "spec": spec,
        **more,
    }


def component_of(**container: Any) -> dict[str, Any]:
    return {
        "components": {"comp-greet": {"executorLabel": "exec-greet"}},
        "deploymentSpec": {
            "executors": {"exec-greet": {"container": {**EXECUTOR["container"], **container}}}
        },
        "root": {"dag": {"tasks": {"greet": {"componentRef": {"name": "comp-greet"}}}}},
    }


@dataclass(frozen=True)
class Files:
    """One environment with a pipeline p, every file as YAML data (texts stay texts)."""

    manifest: Any = None
    component: Any = None
    entry: Mapping[str, Any] | None = None
    lock: Mapping[str, Any] | None = None
    beside: Mapping[str, Any] | None = None
    pipeline: bool = True

    def state(self, name: str) -> State:
        own = {
            "pipelines/p/pipeline.yaml": written(self.manifest or manifest_of()),
            "pipelines/p/components/greet.yaml": written(self.component or component_of()),
        }
        digest = f"sha256:{'1' * 64}"
        locked = {"version": f"sha-{'1' * 20}", "digest": digest, "manifest": identity(own.items())}
        entry = {"name": "p", "release": "sha256:1", **(self.entry or {})}
        head = {
            "apiVersion": "kfp-gitops/v1alpha1",
            "kind": "Environment",
            "pipelines": [entry] if self.pipeline else [],
        }
        texts = {
            "environment.yaml": written(head),
            "versions.lock.yaml": written(
                {"pipelines": {"p": {**locked, **(self.lock or {})}} if self.pipeline else {}}
            ),
            **(own if self.pipeline else {}),
            **{path: written(data) for path, data in (self.beside or {}).items()},
        }
        return State(name, texts)


def written(data: Any) -> str:
    return data if isinstance(data, str) else str(yaml.safe_dump(data, sort_keys=False, allow_unicode=False))
