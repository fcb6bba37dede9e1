"""What tests of previews share."""

from __future__ import annotations

import json
from pathlib import Path

from kfp_gitops.kfpserver.kfpapi.client import KfpApi

PREVIEW = "environments/preview/values.yaml"
TEMPLATE = "templates/pipelines/hello/pipeline.yaml.j2"


def edit(root: Path, path: str, old: str, new: str) -> None:
    text = (root / path).read_text("utf-8")
    assert old in text
    (root / path).write_text(text.replace(old, new, 1), "utf-8")


def everything(api: KfpApi) -> dict[str, list[str]]:
    """All that a KFP has, told in words: what must be the same before and after."""
    experiments = [f"{one.name} {one.archived} {one.description}" for one in api.all_experiments()]
    pipelines = {one.name: one for one in api.marked() if one.kind == "pipeline"}
    versions = [
        f"{name} {v.name} {v.digest}"
        for name, one in pipelines.items()
        for v in api.versions(one.id).values()
    ]
    schedules = [f"{one.id} {one.name} {one.enabled} {one.version_id}" for one in api.schedules()]
    runs = [f"{one.id} {one.name} {one.experiment_id}" for one in api.runs_since(None)]
    return {
        "pipelines": sorted(json.dumps([n, one.owner.environment, dict(one.facts)]) for n, one in pipelines.items()),
        "experiments": sorted(experiments), "versions": sorted(versions), "schedules": sorted(schedules),
        "runs": sorted(runs),
    }  # fmt: skip
