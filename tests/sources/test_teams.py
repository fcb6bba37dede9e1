"""Values of teams: where they stand, what they are merged with, and that each pipeline is defined once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from kfp_gitops.base.errors import InputError
from kfp_gitops.rendering.render import render
from kfp_gitops.sources import environment
from project import Outcome
from team_kit import VALUES, environment_of, reviewed, team, template, two_teams, write

Command = Callable[..., Outcome]


def _problems(repository: Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        environment.load(repository, "dev")
    return [str(problem) for problem in caught.value.problems]


def test_a_teams_pipelines_are_rendered_and_say_whose_they_are(repository: Path, command: Command) -> None:
    assert command("render", "--root", two_teams(repository), "--all", "--lock").code == 0
    found = {entry["name"]: entry.get("team") for entry in environment_of(repository)["pipelines"]}
    assert found == {"hello": None, "churn-daily": "churn", "churn-weekly": "churn", "fraud-daily": "fraud"}
    assert "team" not in environment_of(repository, "prod")["pipelines"][0]


def test_a_tombstone_says_whose_it_was(repository: Path) -> None:
    two_teams(repository)
    write(
        repository, "environments/dev/teams/fraud.yaml", {"pipelines": {"fraud-daily": {"state": "absent"}}}
    )
    assert environment.load(repository, "dev").team_of("fraud-daily") == "fraud"
    assert "team: fraud" in render(repository, "dev").delivery["environment.yaml"].split("absent:")[1]


def test_defaults_are_merged_below_what_is_common_below_what_is_the_environments(repository: Path) -> None:
    limits = {"defaults": {"threshold": 1, "items": ["default"], "name": "default"}}
    reviewed(repository, {"churn": {**limits, "defaultsOf": {"churn-a": {"name": "of-template"}}}})
    for name in ("churn-a", "churn-b"):
        template(repository, name)
    schedule = {"cron": "0 0 4 * * *", "enabled": False}
    common = {name: {"values": {"threshold": 2, "schedule": schedule}} for name in ("churn-a", "churn-b")}
    write(repository, "environments/teams/churn.yaml", {"pipelines": common})
    own = {"churn-a": {"values": {"schedule": {"enabled": True}}}, "churn-b": {}}
    write(repository, "environments/dev/teams/churn.yaml", {"pipelines": own})
    pipelines = environment.load(repository, "dev").values.value["pipelines"]
    assert pipelines["churn-a"]["values"] == {
        "name": "of-template", "items": ["default"], "threshold": 2, "schedule": {**schedule, "enabled": True},
    }  # fmt: skip
    assert pipelines["churn-b"]["values"]["name"] == "default"


def test_what_is_common_alone_puts_a_pipeline_into_no_environment(repository: Path) -> None:
    reviewed(repository, {"churn": {}})
    write(repository, "environments/teams/churn.yaml", {"pipelines": {"churn-a": {"values": dict(VALUES)}}})
    assert environment.load(repository, "dev").pipelines == ["hello"]
    assert environment.names(repository) == ["dev", "prod"]


def test_a_null_takes_a_pipeline_out(repository: Path) -> None:
    two_teams(repository)
    write(repository, "environments/dev/teams/fraud.yaml", {"pipelines": {"fraud-daily": None}})
    assert environment.load(repository, "dev").pipelines == ["hello", "churn-daily", "churn-weekly"]


def test_a_problem_names_the_file_that_the_value_came_from(repository: Path) -> None:
    """Of a default the reviewed file, of what is common the common one, and the team's own."""
    two_teams(repository)
    reviewed(repository, {"churn": {"defaults": {"color": 1}}, "fraud": {}})
    common = {"churn-weekly": {"values": {"threshold": "many"}}}
    write(repository, "environments/teams/churn.yaml", {"pipelines": common})
    own = {"churn-daily": {"values": {**VALUES, "items": 7}}, "churn-weekly": {"values": {}}}
    write(repository, "environments/dev/teams/churn.yaml", {"pipelines": own})
    with pytest.raises(InputError) as caught:
        render(repository, "dev")
    found = [(problem.path, problem.line, problem.what) for problem in caught.value.problems]
    assert ("environments/teams.yaml", 6, "unknown key 'pipelines.churn-daily.values.color'") in found
    assert any(path == "environments/teams/churn.yaml" and line == 4 for path, line, _ in found)
    assert any(
        path == "environments/dev/teams/churn.yaml" and "items is 7" in what for path, _, what in found
    )


def test_a_pipeline_of_two_teams_is_told_at_both_places(repository: Path) -> None:
    two_teams(repository)
    team(repository, "fraud", "fraud-daily", "churn-daily")
    assert [line.partition(";")[0] for line in _problems(repository)] == [
        "environments/dev/teams/churn.yaml:2:3: pipeline 'churn-daily' is defined here and in "
        "environments/dev/teams/fraud.yaml:11:3",
        "environments/dev/teams/fraud.yaml:11:3: pipeline 'churn-daily' is defined here and in "
        "environments/dev/teams/churn.yaml:2:3",
    ]


@pytest.mark.parametrize("env", ["dev", "prod"])
def test_a_pipeline_of_values_yaml_or_base_is_told_at_both_places(repository: Path, env: str) -> None:
    """Of prod's hello base.yaml says it too; the environment's own file is named."""
    two_teams(repository)
    team(repository, "churn", "hello", env=env)
    with pytest.raises(InputError) as caught:
        environment.load(repository, env)
    assert [problem.path for problem in caught.value.problems] == [
        f"environments/{env}/teams/churn.yaml",
        f"environments/{env}/values.yaml",
    ]


def test_what_is_common_to_two_teams_is_told_too(repository: Path) -> None:
    two_teams(repository)
    write(repository, "environments/teams/fraud.yaml", {"pipelines": {"churn-daily": {}}})
    assert [line.partition(":")[0] for line in _problems(repository)] == [
        "environments/dev/teams/churn.yaml",
        "environments/teams/fraud.yaml",
    ]


def test_a_team_that_nobody_reviewed_is_refused(repository: Path) -> None:
    two_teams(repository)
    reviewed(repository, {"churn": {}})
    (found,) = _problems(repository)
    assert found.startswith(
        "environments/dev/teams/fraud.yaml:1:1: environments/teams.yaml has no team 'fraud'"
    )
    (repository / "environments/teams.yaml").unlink()
    assert len(_problems(repository)) == 2


@pytest.mark.parametrize("name", ["churn.yml", "sub/churn.yaml", "Churn.yaml", "notes.txt"])
@pytest.mark.parametrize("folder", ["environments/teams", "environments/dev/teams"])
def test_what_nobody_reads_in_a_folder_of_teams_is_told(repository: Path, folder: str, name: str) -> None:
    two_teams(repository)
    write(repository, f"{folder}/{name}", {})
    (repository / folder / "README.md").write_text("ours", "utf-8")
    assert _problems(repository)[0].startswith(f"{folder}/{name}: this is read by nobody")


def test_no_team_is_called_like_the_file_by_which_argocd_finds_environments(repository: Path) -> None:
    two_teams(repository)
    write(repository, "environments/dev/teams/release.yaml", {})
    assert _problems(repository)[0].startswith("environments/dev/teams/release.yaml: no team can be called")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"pipeline": {}}, "unknown key 'pipeline'; did you mean 'pipelines'?"),
        ({"kfp": {"host": "http://x"}}, "unknown key 'kfp'"),
        ([], "is [], not a map"),
        ({"pipelines": []}, "pipelines is [], not a map"),
    ],
)
def test_a_teams_file_holds_pipelines_and_nothing_else(repository: Path, value: object, said: str) -> None:
    two_teams(repository)
    write(repository, "environments/dev/teams/churn.yaml", value)
    assert said in _problems(repository)[0]


def test_the_file_of_a_team_may_be_empty(repository: Path) -> None:
    two_teams(repository)
    (repository / "environments/dev/teams/churn.yaml").write_text("# nothing yet\n", "utf-8")
    assert environment.load(repository, "dev").pipelines == ["hello", "fraud-daily"]


def test_a_pipeline_without_any_values_is_told_in_the_teams_file(repository: Path) -> None:
    two_teams(repository)
    write(repository, "environments/dev/teams/churn.yaml", {"pipelines": {"churn-daily": {}}})
    (found,) = _problems(repository)
    assert found.startswith("environments/dev/teams/churn.yaml:2:")


def test_what_to_do_about_a_teams_pipeline_names_the_teams_file(repository: Path, command: Command) -> None:
    """Of one that was never promoted, and of one that the environment does not name yet."""
    two_teams(repository)
    asked = ("promote", "--root", repository, "--from", "dev", "--to", "prod", "--pipeline", "churn-daily")
    told = command(*asked).err
    assert (
        "add its values to environments/prod/teams/churn.yaml; those of dev are a start (environments/dev/"
        in told
    )
    team(repository, "churn", "churn-daily", env="prod")
    found = command("render", "--root", repository, "--env", "prod").err
    assert (
        "environments/prod/teams/churn.yaml:2:3: pipeline 'churn-daily' was never promoted to prod" in found
    )


def test_keys_of_a_pipeline_are_the_same_in_both_schemas() -> None:
    """Editors read the team's file by its own schema, which wants nothing that the common file may say."""
    import json

    from kfp_gitops.base import schema

    values, team_file = (
        json.loads((schema.SCHEMAS / f"{name}.schema.json").read_text("utf-8"))["properties"]["pipelines"]
        for name in ("values", "team")
    )
    (pattern,) = team_file["patternProperties"]
    assert [pattern] == [*values["patternProperties"]]
    assert (
        team_file["patternProperties"][pattern]["properties"]
        == values["patternProperties"][pattern]["properties"]
    )


def test_what_is_common_to_a_pipeline_of_no_environment_is_told(repository: Path, command: Command) -> None:
    two_teams(repository)
    common = {name: {"values": {"threshold": 5}} for name in ("churn-daily", "churn-dialy")}
    write(repository, "environments/teams/churn.yaml", {"pipelines": common})
    found = command("render", "--root", repository, "--all")
    assert found.code == 0, found.err
    (line,) = [line for line in found.err.splitlines() if "environments/teams/churn.yaml" in line]
    assert line.startswith(
        "environments/teams/churn.yaml:5:3: warning: no environment has the pipeline 'churn-dialy'"
    )
    assert "(`churn-dialy: {}`)" in line


def test_a_common_file_that_no_environment_takes_is_read_too(repository: Path, command: Command) -> None:
    two_teams(repository)
    write(repository, "environments/teams/sales.yaml", {"pipeline": {}})
    found = command("render", "--root", repository, "--all")
    assert found.code == 2
    assert "environments/teams/sales.yaml:1:1: unknown key 'pipeline'" in found.err
