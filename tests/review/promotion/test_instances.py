"""Pipelines of one template are promoted one by one, each with its own pinned copy, and say what they are made from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from fleet_kit import TEMPLATE, VALUES, fleet, replace
from gitrepo import commit, git
from kfp_gitops.base.yamldump import dump
from kfp_gitops.sources import environment
from project import Outcome
from promotion_kit import PROMOTE, RELEASE, Team
from team_kit import VALUES as VALUES_OF_TEAM
from team_kit import reviewed, write

Command = Callable[..., Outcome]
PROD = "environments/prod/values.yaml"


class Customers(Team):
    """The same team with customers acme and birch, which are in prod, too, each promoted."""

    def __init__(self, root: Path, command: Command) -> None:
        fleet(root, 2)
        super().__init__(root, command)
        fleet(root, 2, PROD)
        commit(root, "prod: customers")
        assert self.run(*PROMOTE).code == 0
        commit(root, "promoted")

    @property
    def entries(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = yaml.safe_load((self.root / RELEASE).read_text())["pipelines"]
        return found

    def manifest(self, env: str, pipeline: str) -> str:
        return (self.root / f"manifests/{env}/pipelines/{pipeline}/pipeline.yaml").read_text("utf-8")

    def templates(self, env: str) -> dict[str, str]:
        head = yaml.safe_load((self.root / f"manifests/{env}/environment.yaml").read_text("utf-8"))
        return {entry["name"]: entry.get("template", entry["name"]) for entry in head["pipelines"]}


@pytest.fixture
def team(repository: Path, command: Command) -> Customers:
    return Customers(repository, command)


def test_a_pinned_copy_says_what_it_was_made_from_and_is_borne_out_by_git(team: Customers) -> None:
    assert {name: entry.get("template") for name, entry in team.entries.items()} == {
        "hello": None,
        "acme": "hello",
        "birch": "hello",
    }
    assert team.templates("prod") == {"hello": "hello", "acme": "hello", "birch": "hello"}
    assert (team.root / "environments/prod/pinned/acme/pipeline.yaml.j2").is_file()
    assert team.check().code == 0


@pytest.mark.parametrize(
    ("written", "todo"), [("other", "write `template: hello`"), ("", "write `template: hello`")]
)
def test_a_template_that_was_written_in_by_hand_is_refused(team: Customers, written: str, todo: str) -> None:
    """Limits of teams go by it, and no digest of the copy tells."""
    path = team.root / RELEASE
    said = yaml.safe_load(path.read_text("utf-8"))
    said["pipelines"]["acme"].pop("template")
    said["pipelines"]["acme"] |= {"template": written} if written else {}
    path.write_text(dump(said), "utf-8")
    team.run("render", "--env", "prod", "--lock")
    found = team.check()
    assert found.code == 2
    assert f"dev made acme from the template 'hello', and not from '{written or 'acme'}'" in found.err
    assert todo in found.err


def test_one_instance_goes_alone_and_comes_back(team: Customers) -> None:
    team.merged("others")
    before = team.manifest("prod", "acme")
    outcome = team.run(*PROMOTE, "--pipeline", "acme")
    assert outcome.code == 0, outcome.err
    promoted = commit(team.root, "promote acme")
    assert "owner: others" in team.manifest("prod", "acme")
    assert "owner: tests" in team.manifest("prod", "birch")
    assert team.check().code == 0
    said = team.run("promote", "--status", "--from", "dev", "--to", "prod").out
    assert "acme: " not in said
    assert "birch: dev has" in said

    git(team.root, "revert", "--no-edit", promoted)
    assert team.check().code == 0
    assert team.manifest("prod", "acme") == before


def test_what_waits_alike_for_many_is_told_once_and_with_all_for_each(team: Customers) -> None:
    schedule = "{cron: 0 0 3 * * 1, enabled: false}"
    more = f"{{template: hello, values: {{name: x, threshold: 3, items: [a], schedule: {schedule}}}}}"
    for path in (VALUES, PROD):
        text = (team.root / path).read_text("utf-8")
        (team.root / path).write_text(f"{text}  dora: {more}\n  emil: {more}\n", "utf-8")
    assert team.run("render", "--env", "dev", "--lock").code == 0
    commit(team.root, "two more customers")
    assert team.run(*PROMOTE).code == 0
    commit(team.root, "promoted")
    team.merged("others")
    asked = ("promote", "--status", "--from", "dev", "--to", "prod")
    lines = team.run(*asked).out.splitlines()
    assert lines[0].startswith("acme, birch, dora, emil: dev has "), lines
    assert lines[1] == "  pipeline.yaml.j2 differs"
    assert sum("dev has" in line for line in lines) == 2, "hello, which was promoted before, on its own"
    assert sum("dev has" in line for line in team.run(*asked, "--all").out.splitlines()) == 5


def test_a_copy_that_another_template_gave_is_refused(team: Customers) -> None:
    """Git is asked for the template that the pipeline had at that commit, and not for one of the pipeline's name."""
    (team.root / "templates/pipelines/acme").mkdir()
    for path in (team.root / "templates/pipelines/hello").iterdir():
        text = path.read_text().replace("owner: tests", "owner: forged")
        (team.root / "templates/pipelines/acme" / path.name).write_text(text)
    commit(team.root, "a template that nobody uses, of the pipeline's name")
    copy = team.root / "environments/prod/pinned/acme/pipeline.yaml.j2"
    copy.write_text((team.root / "templates/pipelines/acme/pipeline.yaml.j2").read_text())
    outcome = team.check()
    assert outcome.code == 2
    assert "another one was promoted" in outcome.err
    digest = outcome.err.partition("has the release digest ")[2].partition(",")[0]
    release = yaml.safe_load((team.root / RELEASE).read_text())
    release["pipelines"]["acme"]["digest"] = digest
    (team.root / RELEASE).write_text(yaml.safe_dump(release))
    outcome = team.check()
    assert outcome.code == 2
    assert "and not what is pinned here" in outcome.err


def test_a_template_is_renamed_and_nothing_is_to_be_promoted(team: Customers) -> None:
    git(team.root, "mv", "templates/pipelines/hello", "templates/pipelines/greeting")
    text = (team.root / VALUES).read_text().replace("template: hello", "template: greeting")
    (team.root / VALUES).write_text(text.replace("  hello:\n", "  hello:\n    template: greeting\n"))
    assert team.run("render", "--all", "--lock").code == 0
    said = team.run("diff", "--env", "dev")
    assert said.code == 1
    assert "template: hello → greeting" in said.out
    commit(team.root, "another name of the template")
    assert team.check().code == 0, "what was promoted is verified by the name it had then"
    assert "acme: the same" in team.run("promote", "--status", "--all", "--from", "dev", "--to", "prod").out
    assert team.run(*PROMOTE).code == 0
    assert git(team.root, "status", "--porcelain", "environments", "manifests") == ""


def test_an_instance_that_changes_its_template_is_told_and_promoted_with_it(team: Customers) -> None:
    newer = team.root / "templates/pipelines/newer"
    newer.mkdir()
    for path in (team.root / "templates/pipelines/hello").iterdir():
        (newer / path.name).write_text(path.read_text().replace("owner: tests", "owner: newer"))
    replace(team.root, VALUES, "  acme:\n    template: hello\n", "  acme:\n    template: newer\n")
    assert team.run("render", "--env", "dev", "--lock").code == 0
    said = team.run("diff", "--env", "dev").out
    assert "template: hello → newer" in said
    assert "metadata.owner: tests → newer" in said
    assert "birch" not in said
    commit(team.root, "acme: the newer template")
    assert environment.load(team.root, "prod").template_of("acme") == "hello", "until it is promoted"
    assert team.run(*PROMOTE, "--pipeline", "acme").code == 0
    assert team.entries["acme"]["template"] == "newer"
    assert team.templates("prod")["acme"] == "newer"
    commit(team.root, "promoted")
    assert team.check().code == 0


def test_values_of_a_pinned_environment_do_not_say_what_is_pinned(team: Customers) -> None:
    replace(team.root, PROD, "  acme:\n    template: hello\n", "  acme:\n    template: other\n")
    assert environment.load(team.root, "prod").template_of("acme") == "hello"
    assert TEMPLATE in team.manifest("dev", "acme")
    assert "environments/prod/pinned/acme/pipeline.yaml.j2" in team.manifest("prod", "acme")


def test_a_template_that_a_team_names_is_borne_out_by_git(repository: Path, command: Command) -> None:
    """In what is common to its environments, or in one of them."""
    reviewed(repository, {"churn": {}})
    values = {**VALUES_OF_TEAM, "schedule": {"cron": "0 0 4 * * *", "enabled": False}}
    write(repository, "environments/teams/churn.yaml", {"pipelines": {"daily": {"template": "hello"}}})
    for env in ("dev", "prod"):
        own = {"daily": {"values": values}, "weekly": {"template": "hello", "values": values}}
        write(repository, f"environments/{env}/teams/churn.yaml", {"pipelines": own if env == "dev" else {}})
    team = Team(repository, command)
    write(repository, "environments/prod/teams/churn.yaml", {"pipelines": own})
    commit(repository, "prod: pipelines of churn")
    assert team.run(*PROMOTE).code == 0
    release = yaml.safe_load((repository / RELEASE).read_text())
    assert [release["pipelines"][name]["template"] for name in ("daily", "weekly")] == ["hello", "hello"]
    assert all(len(release["pipelines"][name]["commit"]) == 40 for name in ("daily", "weekly")), "no +changes"
    commit(repository, "promoted")
    assert team.check().code == 0
