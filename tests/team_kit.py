"""The small repository with teams: templates like `hello`, files of teams, and the one file that is reviewed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kfp_gitops.base.yamldump import dump

HEAD = {"apiVersion": "kfp-gitops/v1alpha1", "kind": "Teams"}
VALUES: Mapping[str, Any] = {
    "name": "team",
    "threshold": 3,
    "items": ["a"],
    "schedule": {"cron": "0 0 4 * * *", "enabled": True},
}


def write(repository: Path, path: str, value: object) -> None:
    """A file of the repository, as YAML."""
    target = repository / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(dump(value), "utf-8")


def reviewed(repository: Path, teams: Mapping[str, Any]) -> None:
    """environments/teams.yaml."""
    write(repository, "environments/teams.yaml", {**HEAD, "teams": dict(teams)})


def template(repository: Path, name: str) -> Path:
    """A template of that name, like `hello`."""
    folder = repository / "templates/pipelines" / name
    if not folder.is_dir():
        shutil.copytree(repository / "templates/pipelines/hello", folder)
    return folder


def team(repository: Path, name: str, *pipelines: str, env: str = "dev", **values: Any) -> None:
    """A team's pipelines in an environment, each with a template of its own."""
    for pipeline in pipelines:
        template(repository, pipeline)
    entries = {pipeline: {"values": {**VALUES, **values}} for pipeline in pipelines}
    write(repository, f"environments/{env}/teams/{name}.yaml", {"pipelines": entries})


def two_teams(repository: Path) -> Path:
    """churn has two pipelines and fraud has one, beside `hello`, which is of none."""
    reviewed(repository, {"churn": {}, "fraud": {}})
    team(repository, "churn", "churn-daily", "churn-weekly")
    team(repository, "fraud", "fraud-daily")
    return repository


def environment_of(repository: Path, env: str = "dev") -> dict[str, Any]:
    """environment.yaml as data."""
    import yaml

    found: dict[str, Any] = yaml.safe_load((repository / f"manifests/{env}/environment.yaml").read_text())
    return found


def as_json(text: str) -> Any:
    return json.loads(text)
