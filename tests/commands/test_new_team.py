"""`new.py team` and `--team`: lines in the reviewed file and CODEOWNERS, and values in the team's own file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from kfp_gitops.base.errors import InputError
from kfp_gitops.sources import environment, newteam
from project import Outcome, snapshot
from team_kit import environment_of, reviewed

Command = Callable[..., Outcome]


@pytest.fixture
def new(repository: Path, command: Command) -> Callable[..., Outcome]:
    """`new.py`, and what it answered."""

    def run(*words: str) -> Outcome:
        return command("new", "--root", repository, *words)

    return run


def _teams(repository: Path) -> dict[str, object]:
    return dict(yaml.safe_load((repository / "environments/teams.yaml").read_text())["teams"])


def test_a_team_begins_with_limits_and_a_file_of_its_own(
    repository: Path, new: Callable[..., Outcome]
) -> None:
    first = new("team", "churn")
    assert first.out.splitlines() == ["add environments/teams.yaml", "add environments/dev/teams/churn.yaml"]
    assert "name who reviews its files" in first.err
    assert new("team", "fraud").code == 0
    assert [*_teams(repository)] == ["churn", "fraud"]
    assert environment.load(repository, "dev").pipelines == ["hello"]


def test_codeowners_gets_a_line_like_the_others(repository: Path, new: Callable[..., Outcome]) -> None:
    owners = repository / ".github/CODEOWNERS"
    owners.parent.mkdir()
    owners.write_text("* @acme/everybody\n", "utf-8")
    assert new("team", "churn").code == 0
    assert new("team", "fraud", "--reviewers", "@acme/risk").code == 0
    assert owners.read_text("utf-8").splitlines() == [
        "* @acme/everybody",
        "/environments/**/teams/churn.yaml @acme/churn",
        "/environments/*/backfills/churn/ @acme/churn",
        "/environments/**/teams/fraud.yaml @acme/risk",
        "/environments/*/backfills/fraud/ @acme/risk",
    ]


def test_a_pipeline_of_a_team_stands_in_its_file_without_its_defaults(
    repository: Path, new: Callable[..., Outcome]
) -> None:
    defaults = {"name": "churn", "threshold": 3, "items": ["a"]}
    reviewed(repository, {"churn": {"defaults": defaults}})
    schedule = {"hello": {"schedule": {"cron": "0 0 4 * * *", "enabled": False}}}
    reviewed(repository, {"churn": {"defaults": defaults, "defaultsOf": schedule}})
    found = new("pipeline", "churn-a", "--template", "hello", "--team", "churn")
    assert found.code == 0, found.err
    assert found.out.startswith(
        "add environments/dev/teams/churn.yaml\nchange environments/dev/teams/churn.yaml\n"
    )
    text = (repository / "environments/dev/teams/churn.yaml").read_text("utf-8")
    assert text.startswith("# yaml-language-server: $schema=../../../scripts/")
    assert yaml.safe_load(text) == {"pipelines": {"churn-a": {"template": "hello", "values": {}}}}
    assert environment_of(repository)["pipelines"][-1]["team"] == "churn"
    assert new("pipeline", "churn-b", "--template", "hello", "--team", "churn").code == 0
    assert environment.load(repository, "dev").pipelines == ["hello", "churn-a", "churn-b"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("team", "release"), "cannot name a team"),
        (("team", "Churn"), "cannot name a team"),
        (("team", "fraud"), "has a team 'fraud' already"),
        (("team", "churn", "--env", "x"), "no environment 'x'"),
        (("pipeline", "a", "--template", "hello", "--team", "x"), "no team 'x'; there are: fraud"),
        (
            ("pipeline", "hello", "--template", "hello", "--team", "fraud"),
            "dev has a pipeline 'hello' already",
        ),
        (("pipeline", "a", "--template", "hello", "--team", "fraud", "--base"), "base.yaml is of no team"),
        (("component", "a", "--team", "fraud"), "--team for `pipeline NAME`"),
        (("pipeline", "a", "--reviewers", "@a/b"), "--reviewers is for `team NAME`"),
    ],
)
def test_what_cannot_be_begun_changes_nothing(
    repository: Path, new: Callable[..., Outcome], words: tuple[str, ...], said: str
) -> None:
    reviewed(repository, {"fraud": {}})
    before = snapshot(repository)
    found = new(*words)
    assert found.code == 2
    assert said in found.err
    assert snapshot(repository) == before


def test_a_reviewed_file_in_flow_style_is_left_alone() -> None:
    text = "apiVersion: kfp-gitops/v1alpha1\nkind: Teams\nteams: {a: {}}\n"
    with pytest.raises(InputError, match="a team cannot be added here"):
        newteam.with_team(text, "churn")


def test_comments_of_the_reviewed_file_stay() -> None:
    text = "# ours\napiVersion: kfp-gitops/v1alpha1\nkind: Teams\nteams: {}  # none yet\n"
    found = newteam.with_team(text, "churn")
    assert found.startswith("# ours\n")
    assert "# none yet" in found
    assert yaml.safe_load(found)["teams"]["churn"]["limits"]["parallelRuns"] == 10
