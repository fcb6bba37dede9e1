"""What no commit has is not promoted, or release.yaml says so: then it is warned of until it is mended."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import yaml
from gitrepo import commit, git
from project import snapshot
from promotion_kit import PROMOTE, RELEASE, TEMPLATE, Command, Team, place_of


def test_what_is_not_committed_is_not_promoted(team: Team) -> None:
    team.owner("others")
    team.run("render", "--env", "dev", "--lock")
    before = snapshot(team.root / "environments")
    found = team.run(*PROMOTE)
    assert (found.code, found.err.splitlines()[0]) == (5, "hello: no commit has this release of dev")
    assert snapshot(team.root / "environments") == before


def test_an_ignored_file_is_not_committed(team: Team) -> None:
    """Of which `git status` says nothing; it is part of the release all the same."""
    (team.root / ".gitignore").write_text("more.pipeline.yaml.j2\n")
    commit(team.root, "ignored")
    shutil.copy(team.root / TEMPLATE, team.root / "templates/pipelines/hello/more.pipeline.yaml.j2")
    assert "no commit has this release" in team.run(*PROMOTE).err


def test_the_reconciler_s_image_is_committed_too(team: Team) -> None:
    path = team.root / "environments/dev/release.yaml"
    path.write_text(path.read_text().replace("2" * 64, "5" * 64))
    found = team.run(*PROMOTE)
    assert (found.code, "image reconciler: no commit has this line" in found.err) == (5, True)
    assert team.run(*PROMOTE, "--pipeline", "hello").code == 0


def test_release_yaml_says_that_it_was_not_committed_and_that_can_be_mended(team: Team) -> None:
    head = git(team.root, "rev-parse", "HEAD")
    team.owner("others")
    team.run("render", "--env", "dev", "--lock")
    assert team.run(*PROMOTE, "--uncommitted").code == 0
    assert team.entry["commit"] == f"{head}+changes"
    found = team.check()
    assert found.code == 0
    place = place_of(team, "commit")
    assert f"{place}: warning: hello was promoted from what no commit has, so it is not verified" in found.err
    rendered = yaml.safe_load((team.root / "manifests/prod/environment.yaml").read_text())
    assert rendered["pipelines"][0]["commit"] == f"{head}+changes"

    assert team.run(*PROMOTE, "--uncommitted").err.endswith("nothing changed\n")
    head = commit(team.root, "now it is")
    assert team.run(*PROMOTE).code == 0
    assert team.entry["commit"] == head
    commit(team.root, "and said")
    assert team.check().err == ""


def test_without_a_repository_there_is_no_commit(repository: Path, command: Command) -> None:
    path = repository / TEMPLATE
    path.write_text(path.read_text().replace("owner: tests", "owner: others"))
    asked = (PROMOTE[0], "--root", repository, *PROMOTE[1:])
    assert command(*asked).code == 5
    assert command(*asked, "--uncommitted").code == 0
    entry = yaml.safe_load((repository / RELEASE).read_text())["pipelines"]["hello"]
    assert entry["commit"] == "none"


def test_the_policy_refuses_for_prod_what_was_not_committed(team: Team) -> None:
    (team.root / "environments/policy.yaml").write_text(POLICY)
    assert team.run("policy").code == 0
    team.owner("others")
    team.run(*PROMOTE, "--uncommitted")
    found = team.run("policy")
    assert found.code == 2
    assert "policy promotion-committed: prod/hello" in found.err
    assert re.match(r"manifests/prod/environment\.yaml:\d+:\d+: ", found.err)


POLICY = """apiVersion: kfp-gitops/v1alpha1
kind: Policy
checks:
- id: promotion-committed
  select: release
  environments: {only: [prod]}
  reason: nobody can tell from where it came
  fix: commit it, and promote again
  schema:
    properties:
      commit: {pattern: '^[0-9a-f]+$'}
"""
