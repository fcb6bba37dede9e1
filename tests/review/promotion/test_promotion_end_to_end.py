"""The life of a change in a scratch git repository: green at every commit, red at every tampering."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from gitrepo import commit, git, init
from project import Outcome, snapshot

Command = Callable[..., Outcome]
TEMPLATE = "templates/pipelines/hello/pipeline.yaml.j2"
BASE = "environments/base.yaml"
PROD = "environments/prod/values.yaml"


def replace(root: Path, path: str, old: str, new: str) -> None:
    text = (root / path).read_text("utf-8")
    assert old in text
    (root / path).write_text(text.replace(old, new), "utf-8")


class Team:
    """A repository with its history, and what people do with it."""

    def __init__(self, root: Path, command: Command) -> None:
        self.root, self.command = root, command
        self.ok("render", "--all", "--lock")
        init(root)

    def ok(self, name: str, *arguments: str) -> Outcome:
        outcome = self.command(name, "--root", self.root, *arguments)
        assert outcome.code == 0, outcome.err
        return outcome

    def merge(self, message: str) -> str:
        """Commit after the check that CI makes."""
        self.ok("render", "--all", "--check")
        return commit(self.root, message)

    def change_dev(self, old: str, new: str) -> None:
        replace(self.root, TEMPLATE, old, new)
        self.ok("render", "--all", "--lock")

    def manifest(self, env: str, pipeline: str = "hello") -> str:
        return (self.root / f"manifests/{env}/pipelines/{pipeline}/pipeline.yaml").read_text("utf-8")

    def version(self, env: str, pipeline: str = "hello") -> str:
        lock = yaml.safe_load((self.root / f"manifests/{env}/versions.lock.yaml").read_text("utf-8"))
        return str(lock["pipelines"][pipeline]["version"])


@pytest.fixture
def team(repository: Path, command: Command) -> Team:
    return Team(repository, command)


def test_a_change_goes_through_dev_to_prod_and_back(team: Team) -> None:
    before = team.version("prod")

    team.change_dev("owner: tests", "owner: others")
    team.merge("dev: another owner")
    assert "owner: others" in team.manifest("dev")
    assert "owner: tests" in team.manifest("prod"), "prod waits for a promotion"

    replace(team.root, PROD, "threshold: 5", "threshold: 7")
    team.ok("render", "--all", "--lock")
    team.merge("prod: another threshold, without the new template")
    assert "owner: tests" in team.manifest("prod")
    assert "default: 7" in team.manifest("prod")
    fixed = team.version("prod")
    assert fixed != before

    promoted = team.ok("promote", "--from", "dev", "--to", "prod")
    assert "pipeline hello: metadata.owner: tests → others" in promoted.out, "the reviewer sees what it does"
    merged = team.merge("promote hello")
    assert "owner: others" in team.manifest("prod")
    assert "default: 7" in team.manifest("prod"), "prod's own values stay"

    git(team.root, "revert", "--no-edit", merged)
    team.ok("render", "--all", "--check")
    assert team.version("prod") == fixed, "a rollback pins the version that is registered already"


def test_one_pipeline_is_promoted_alone(team: Team) -> None:
    shutil.copytree(team.root / "templates/pipelines/hello", team.root / "templates/pipelines/welcome")
    text = (team.root / BASE).read_text("utf-8")
    head, hello = text.split("  hello:\n")
    (team.root / BASE).write_text(f"{head}  hello:\n{hello}  welcome:\n{hello}", "utf-8")
    for env in ("dev", "prod"):
        replace(
            team.root,
            f"environments/{env}/values.yaml",
            "  hello:\n    values:\n",
            "  hello: &same\n    values:\n",
        )
        text = (team.root / f"environments/{env}/values.yaml").read_text("utf-8")
        values = text.split("  hello: &same\n")[1]
        (team.root / f"environments/{env}/values.yaml").write_text(
            text.replace("&same", "") + "  welcome:\n" + values, "utf-8"
        )
    team.ok("render", "--env", "dev", "--lock")
    commit(team.root, "a second pipeline, everywhere")
    team.ok("promote", "--from", "dev", "--to", "prod")
    team.merge("promote it")

    replace(team.root, "templates/pipelines/welcome/pipeline.yaml.j2", "owner: tests", "owner: others")
    team.change_dev("owner: tests", "owner: others")
    team.merge("dev: both change")
    team.ok("promote", "--from", "dev", "--to", "prod", "--pipeline", "welcome")
    team.merge("promote welcome")
    assert "owner: others" in team.manifest("prod", "welcome")
    assert "owner: tests" in team.manifest("prod", "hello")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("manifests/prod/pipelines/hello/pipeline.yaml", 1),
        ("manifests/prod/components/greet-????????.yaml", 1),
        ("manifests/prod/versions.lock.yaml", 1),
        ("manifests/prod/environment.yaml", 1),
        ("manifests/dev/kustomization.yaml", 1),
        ("environments/prod/pinned/hello/pipeline.yaml.j2", 2),
        ("environments/prod/pinned/hello/values.schema.json", 2),
        ("environments/prod/pinned/hello/components/greet.yaml", 2),
    ],
)
def test_tampering_is_red(team: Team, path: str, code: int) -> None:
    (place,) = team.root.glob(path)
    place.write_text(place.read_text("utf-8").rstrip("\n") + " \n", "utf-8")
    outcome = team.command("render", "--root", team.root, "--all", "--check")
    assert outcome.code == code
    assert "prod" in outcome.out + outcome.err or "dev" in outcome.out


def test_status_tells_what_waits_and_since_which_commits(team: Team) -> None:
    team.change_dev("owner: tests", "owner: others")
    team.merge("first")
    team.ok("promote", "--from", "dev", "--to", "prod")
    team.merge("promote")
    same = team.command("promote", "--root", team.root, "--from", "dev", "--to", "prod", "--status")
    assert (same.code, "prod: 0 wait, " in same.out) == (0, True)

    team.change_dev("owner: others", "owner: third")
    team.merge("dev: a third owner")
    replace(team.root, "components/count_words/component.yaml", "wc -w", "wc -l")
    team.ok("render", "--all", "--lock")
    team.merge("dev: count lines")
    before = snapshot(team.root)
    waits = team.command("promote", "--root", team.root, "--from", "dev", "--to", "prod", "--status")
    assert waits.code == 1
    lines = waits.out.splitlines()
    assert lines[0].startswith("hello: dev has ")
    assert "  pipeline.yaml.j2 differs" in lines
    assert "  component count_words differs" in lines
    assert [line.split(" ", 3)[3] for line in lines if line.endswith(("owner", "lines"))] == [
        "dev: count lines",
        "dev: a third owner",
    ]
    assert snapshot(team.root) == before


def test_status_of_a_pipeline_that_only_dev_has(team: Team) -> None:
    replace(team.root, PROD, "  hello:\n", "  hello: null\n  other:\n")
    replace(team.root, PROD, "  other:\n    values:", "  other: null\n  x:\n    values:")
    text = (team.root / PROD).read_text("utf-8").split("pipelines:\n")[0]
    (team.root / PROD).write_text(text + "pipelines:\n  hello: null\n", "utf-8")
    outcome = team.command("promote", "--root", team.root, "--from", "dev", "--to", "prod", "--status")
    assert (
        "hello: only in dev; to bring it to prod, add its values to environments/prod/values.yaml and "
        "promote with --pipeline hello\n"
    ) in outcome.out.replace("\n    ", " ")


GH = """#!/bin/sh
printf '%s\\n' "$@" > "$GH_CALLED"
echo https://git.example.com/example/repository/pull/7
"""


@pytest.fixture
def forge(team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A remote to push to, and a stand-in for gh, which needs a forge that is not here."""
    git(tmp_path, "init", "-q", "--bare", "remote.git")
    git(team.root, "remote", "add", "origin", str(tmp_path / "remote.git"))
    git(team.root, "config", "user.name", "tests")
    git(team.root, "config", "user.email", "tests@example.com")
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "gh").write_text(GH)
    (tools / "gh").chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    monkeypatch.setenv("GH_CALLED", str(tmp_path / "called"))
    return tmp_path / "called"


def test_a_pull_request_is_opened_with_the_diff(team: Team, forge: Path) -> None:
    team.change_dev("owner: tests", "owner: others")
    team.merge("dev: another owner")
    outcome = team.ok("promote", "--from", "dev", "--to", "prod", "--open-pr")
    assert outcome.out.rstrip().endswith("https://git.example.com/example/repository/pull/7")
    called = forge.read_text()
    assert "--title=Promote hello from dev to prod" in called
    assert "metadata.owner" in called
    branch = git(team.root, "branch", "--show-current")
    assert branch.startswith("promote/dev-to-prod/")
    assert git(team.root, "rev-parse", f"origin/{branch}") == git(team.root, "rev-parse", "HEAD")
    assert git(team.root, "status", "--porcelain") == ""
    changed = git(team.root, "show", "--name-only", "--format=").splitlines()
    assert all(path.startswith(("environments/prod/", "manifests/prod/")) for path in changed)


def test_staged_work_of_others_is_never_committed(team: Team, forge: Path) -> None:
    (team.root / "note").write_text("mine")
    git(team.root, "add", "note")
    before = snapshot(team.root)
    outcome = team.command("promote", "--root", team.root, "--from", "dev", "--to", "prod", "--open-pr")
    assert (outcome.code, "staged already" in outcome.err) == (5, True)
    assert snapshot(team.root) == before


def test_without_a_forge_s_tool_nothing_is_begun(
    team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    team.change_dev("owner: tests", "owner: others")
    monkeypatch.setenv("PATH", "/nowhere")
    before = snapshot(team.root)
    outcome = team.command("promote", "--root", team.root, "--from", "dev", "--to", "prod", "--open-pr")
    assert (outcome.code, "--open-pr needs gh" in outcome.err) == (2, True)
    assert snapshot(team.root) == before


def test_a_push_that_fails_is_the_remote_s_failure_and_tells_no_password(team: Team, forge: Path) -> None:
    git(team.root, "remote", "set-url", "origin", "https://robot:hunter22@127.0.0.1:1/x.git")
    team.change_dev("owner: tests", "owner: others")
    team.merge("dev: another owner")
    outcome = team.command("promote", "--root", team.root, "--from", "dev", "--to", "prod", "--open-pr")
    assert outcome.code == 4
    assert "git push" in outcome.err
    assert "hunter22" not in outcome.out + outcome.err
