"""`render` and `diff` of a part: what is not selected stands as it stood, and is counted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import gitrepo
import pytest
import yaml
from project import Outcome, snapshot
from team_kit import VALUES, environment_of, reviewed, team, two_teams, write

Command = Callable[..., Outcome]
CHURN = ("--select", "team=churn")


@pytest.fixture
def rendered(repository: Path, command: Command) -> Path:
    """Rendered once as a whole, then everybody changed something."""
    two_teams(repository)
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    team(repository, "churn", "churn-daily", "churn-weekly", threshold=8)
    team(repository, "fraud", "fraud-daily", threshold=9)
    return repository


def _lock(repository: Path) -> dict[str, object]:
    return dict(yaml.safe_load((repository / "manifests/dev/versions.lock.yaml").read_text())["pipelines"])


def _changed(before: dict[str, bytes], repository: Path) -> set[str]:
    after = snapshot(repository / "manifests/dev")
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def test_only_what_is_selected_is_written(rendered: Path, command: Command) -> None:
    before, locked = snapshot(rendered / "manifests/dev"), _lock(rendered)
    found = command("render", "--root", rendered, "--env", "dev", "--lock", "--pipeline", "fraud-*")
    assert found.code == 0, found.err
    assert {name for name in _changed(before, rendered) if name.startswith("pipelines/")} == {
        "pipelines/fraud-daily/pipeline.yaml"
    }
    after = _lock(rendered)
    assert {name for name in after if after[name] != locked[name]} == {"fraud-daily"}
    assert "does not fit the manifests" not in found.err


def test_part_after_part_is_the_whole(rendered: Path, command: Command, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(rendered, whole)
    for more in (CHURN, ("--select", "team=fraud"), ("--pipeline", "hello")):
        assert command("render", "--root", rendered, "--env", "dev", "--lock", *more).code == 0
    assert command("render", "--root", whole, "--env", "dev", "--lock").code == 0
    assert snapshot(whole / "manifests") == snapshot(rendered / "manifests")


def test_check_of_a_part_sees_that_part(rendered: Path, command: Command) -> None:
    assert command("render", "--root", rendered, "--env", "dev", "--lock", *CHURN).code == 0
    assert command("render", "--root", rendered, "--env", "dev", "--check", *CHURN).code == 0
    other = command("render", "--root", rendered, "--env", "dev", "--check", "--select", "team=fraud")
    assert other.code == 1
    assert "change manifests/dev/pipelines/fraud-daily/pipeline.yaml" in other.out
    assert "churn" not in other.out


def test_what_is_new_or_gone_elsewhere_stays_as_it_stands(rendered: Path, command: Command) -> None:
    reviewed(rendered, {"churn": {}, "fraud": {}})
    entries = {"fraud-new": {"values": dict(VALUES)}}
    shutil.copytree(rendered / "templates/pipelines/hello", rendered / "templates/pipelines/fraud-new")
    write(rendered, "environments/dev/teams/fraud.yaml", {"pipelines": entries})
    assert command("render", "--root", rendered, "--env", "dev", "--lock", *CHURN).code == 0
    names = [entry["name"] for entry in environment_of(rendered)["pipelines"]]
    assert names == ["hello", "churn-daily", "churn-weekly", "fraud-daily"]
    assert "fraud-daily" in _lock(rendered)
    assert command("render", "--root", rendered, "--env", "dev", "--lock", "--pipeline", "fraud-*").code == 0
    names = [entry["name"] for entry in environment_of(rendered)["pipelines"]]
    assert names == ["hello", "churn-daily", "churn-weekly", "fraud-new"]
    assert not (rendered / "manifests/dev/pipelines/fraud-daily").exists()


def test_a_tombstone_is_rendered_with_its_team(rendered: Path, command: Command) -> None:
    write(rendered, "environments/dev/teams/fraud.yaml", {"pipelines": {"fraud-daily": {"state": "absent"}}})
    assert command("render", "--root", rendered, "--env", "dev", *CHURN).code == 0
    assert "absent" not in environment_of(rendered)
    assert command("render", "--root", rendered, "--env", "dev", "--select", "team=fraud").code == 0
    assert environment_of(rendered)["absent"] == [
        {"name": "fraud-daily", "delete": "schedules", "team": "fraud"}
    ]
    assert command("render", "--root", rendered, "--env", "dev", *CHURN).code == 0
    assert "absent" in environment_of(rendered)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("namespace: ''", "namespace: other", "kfp"),
        ("follows: sources", "follows: sources\ntimeZone: UTC", ""),
    ],
)
def test_what_is_about_all_pipelines_is_not_rendered_for_some(
    rendered: Path, command: Command, old: str, new: str, key: str
) -> None:
    base = rendered / "environments/base.yaml"
    base.write_text(base.read_text().replace(old, new))
    before = snapshot(rendered)
    found = command("render", "--root", rendered, "--env", "dev", *CHURN)
    assert found.code == (2 if key else 0)
    assert not key or f"{key} of environment.yaml would be another, which is about all pipelines" in found.err
    assert not key or snapshot(rendered) == before


def test_of_all_environments_those_are_rendered_that_have_some(rendered: Path, command: Command) -> None:
    found = command("render", "--root", rendered, "--all", *CHURN)
    assert found.code == 0, found.err
    assert "manifests/prod" not in found.out + found.err
    assert not (rendered / "argocd").exists()
    none = command("render", "--root", rendered, "--all", "--select", "team=x")
    assert none.code == 2
    assert "teams there: churn, fraud" in none.err


@pytest.fixture
def compared(rendered: Path, command: Command) -> Path:
    gitrepo.init(rendered)
    assert command("render", "--root", rendered, "--all", "--lock").code == 0
    return rendered


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_diff_shows_a_part_and_counts_the_others(compared: Path, command: Command, form: str) -> None:
    found = command("diff", "--root", compared, "--env", "dev", *CHURN, "--format", form)
    assert found.code == 1, found.err
    assert "churn-daily" in found.out
    assert "1 other pipeline changed, not shown" in found.out
    assert "fraud-daily" not in found.out
    if form == "json":
        assert json.loads(found.out)


def test_diff_of_what_did_not_change_says_that_others_did(compared: Path, command: Command) -> None:
    found = command("diff", "--root", compared, "--env", "dev", "--pipeline", "hello")
    assert found.code == 0
    assert "3 other pipelines changed, not shown" in found.out


def test_diff_of_what_is_nowhere_is_refused(compared: Path, command: Command) -> None:
    for more in (("--env", "dev"), ("--all",), ("--all", "--schedules")):
        found = command("diff", "--root", compared, *more, "--select", "team=x")
        assert found.code == 2
        assert "teams there: churn, fraud" in found.err


def test_the_calendar_shows_a_part(compared: Path, command: Command) -> None:
    found = command("diff", "--root", compared, "--env", "dev", "--schedules", *CHURN)
    assert found.code == 0
    assert "churn-daily" in found.out
    assert "fraud-daily" not in found.out
