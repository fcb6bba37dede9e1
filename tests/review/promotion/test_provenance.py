"""A promotion is what release.yaml says of it, by Git: that environment's release, at that commit."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from gitrepo import commit, git, init
from kfp_gitops.base.yamldump import dump
from kfp_gitops.sources import release as releases
from project import Outcome, snapshot

Command = Callable[..., Outcome]
TEMPLATE = "templates/pipelines/hello/pipeline.yaml.j2"
RELEASE = "environments/prod/release.yaml"
NO_COMMIT = "abcdef0123" * 4
PROMOTE = ("promote", "--from", "dev", "--to", "prod")


class Team:
    """A repository with its history, whose dev goes on."""

    def __init__(self, root: Path, command: Command) -> None:
        self.root, self._command = root, command
        prod = root / "environments/prod/values.yaml"
        prod.write_text(
            f"kfp: {{host: 'http://ml-pipeline.prod.svc:8888'}}\n{prod.read_text('utf-8')}", "utf-8"
        )
        self.run("render", "--all", "--lock")
        init(root)

    def run(self, name: str, *arguments: object) -> Outcome:
        return self._command(name, "--root", self.root, *arguments)

    def check(self) -> Outcome:
        return self.run("render", "--all", "--check")

    def owner(self, name: str) -> None:
        """Another owner in dev's template: the smallest change of a release."""
        path = self.root / TEMPLATE
        path.write_text(re.sub("owner: .*", f"owner: {name}", path.read_text()))

    def merged(self, owner: str) -> str:
        self.owner(owner)
        self.run("render", "--env", "dev", "--lock")
        return commit(self.root, f"dev: {owner}")

    def promoted(self, owner: str) -> str:
        """A change that went through dev and prod; returns the commit that dev had it at."""
        found = self.merged(owner)
        assert self.run(*PROMOTE).code == 0
        commit(self.root, f"prod: {owner}")
        return found

    @property
    def entry(self) -> dict[str, Any]:
        found: dict[str, Any] = yaml.safe_load((self.root / RELEASE).read_text())["pipelines"]["hello"]
        return found

    def say(self, **said: str | None) -> None:
        """Write it into the entry, by hand."""
        path = self.root / RELEASE
        whole = yaml.safe_load(path.read_text())
        entry = {**whole["pipelines"]["hello"], **said}
        whole["pipelines"]["hello"] = {key: value for key, value in entry.items() if value is not None}
        path.write_text(dump(whole))  # a commit may look like a number
        self.run("render", "--env", "prod", "--lock")

    def forge(self, owner: str) -> None:
        """Another pinned copy, with a digest that fits it: all that is needed without Git."""
        path = self.root / "environments/prod/pinned/hello/pipeline.yaml.j2"
        path.write_text(re.sub("owner: .*", f"owner: {owner}", path.read_text()))
        forged = releases.from_pinned(self.root, "prod", "hello", self.entry["images"])
        self.say(digest=forged.digest)


@pytest.fixture
def team(repository: Path, command: Command) -> Team:
    return Team(repository, command)


def _place(team: Team, key: str) -> str:
    """`path:line:column` of the value of a key of the entry."""
    for number, line in enumerate((team.root / RELEASE).read_text().splitlines(), 1):
        if line.startswith(f"    {key}: "):
            return f"{RELEASE}:{number}:{len(key) + 7}"
    raise AssertionError(key)


def test_a_promotion_names_the_commit_that_has_the_release(team: Team) -> None:
    head = team.promoted("others")
    assert (team.entry["from"], team.entry["commit"]) == ("dev", head)
    team.merged("more")
    found = team.check()
    assert (found.code, found.err) == (0, "")


def test_a_commit_that_there_is_not(team: Team) -> None:
    team.promoted("others")
    head = git(team.root, "rev-parse", "HEAD")
    team.say(commit=NO_COMMIT)
    found = team.check()
    assert found.code == 2
    place = _place(team, "commit")
    assert found.err.startswith(f"{place}: there is no commit {NO_COMMIT}; dev has ")
    assert f"that release at {head[:12]}" in found.err


def test_a_commit_is_named_whole(team: Team) -> None:
    """Another one may begin the same way one day."""
    head = team.promoted("others")
    team.say(commit=head[:12])
    found = team.check()
    assert (found.code, f"{head[:12]} is the beginning of a commit's name" in found.err) == (2, True)


@pytest.mark.parametrize("name", ["tag", "branch"])
def test_a_tag_or_branch_that_is_called_like_a_commit_is_none(team: Team, name: str) -> None:
    team.promoted("others")
    said = NO_COMMIT
    git(team.root, "-c", "advice.objectNameWarning=false", name, said, "HEAD")
    team.say(commit=said)
    assert team.check().code == 2


def test_the_name_of_a_tag_is_not_that_of_its_commit(team: Team) -> None:
    head = team.promoted("others")
    git(team.root, "tag", "--annotate", "--message", "signed by nobody", "v1", head)
    team.say(commit=git(team.root, "rev-parse", "v1"))
    assert ": there is no commit " in team.check().err


def test_bytes_that_are_not_of_the_commit(team: Team) -> None:
    head = team.promoted("others")
    team.forge("mallory")
    assert team.run("policy").code in (0, 2)  # it has no eye for that
    found = team.check()
    assert found.code == 2
    assert f"{_place(team, 'commit')}: at commit {head[:12]} dev has release sha256:" in found.err
    assert "restore the entry and its pinned copy with git" in found.err


def test_the_diff_refuses_it_too_and_is_shown_all_the_same(team: Team) -> None:
    team.promoted("others")
    team.forge("mallory")
    for form in ("text", "markdown", "json"):
        found = team.run("diff", "--env", "prod", "--format", form)
        assert found.code == 2
        assert "mallory" in found.out
        assert "at commit " in found.out
    # Who asks for dev alone is told that prod's release.yaml differs, and not what is wrong with it.
    assert team.run("diff", "--env", "dev").code == 1


def test_an_image_that_is_not_of_the_commit(team: Team) -> None:
    team.promoted("others")
    image = team.entry["images"]["steps"].replace("1" * 64, "6" * 64)
    forged = releases.from_pinned(team.root, "prod", "hello", {"steps": image})
    team.say(digest=forged.digest, images={"steps": image})  # type: ignore[arg-type]
    assert "at commit" in team.check().err


def test_a_digest_that_dev_never_released(team: Team) -> None:
    team.forge("mallory")
    assert "commit" not in team.entry
    found = team.check()
    assert found.code == 2
    assert (
        f"{_place(team, 'digest')}: no commit of this history has that release of hello in dev" in found.err
    )


def test_an_environment_that_it_never_came_from(team: Team) -> None:
    team.promoted("others")
    team.say(**{"from": "stage"})
    assert "stage has no release of hello" in team.check().err
    team.say(**{"from": None})
    found = team.check()
    assert (found.code, "names no environment it came from" in found.err) == (2, True)


def test_what_a_branch_had_and_turned_round_was_never_released(team: Team) -> None:
    """The commit is there, its bytes are those that are pinned, and no merge ever brought them to dev."""
    git(team.root, "switch", "--quiet", "--create", "mallory")
    evil = team.merged("mallory")
    assert team.run(*PROMOTE).code == 0
    commit(team.root, "prod: mallory")
    team.merged("tests")
    git(team.root, "switch", "--quiet", "main")
    git(team.root, "merge", "--quiet", "--no-ff", "--message", "merge it", "mallory")
    assert team.entry["commit"] == evil
    found = team.check()
    assert found.code == 2
    assert f"{_place(team, 'digest')}: dev never released sha256:" in found.err


def test_what_a_merge_made_of_two_branches_is_released(team: Team) -> None:
    path = team.root / TEMPLATE
    git(team.root, "switch", "--quiet", "--create", "theirs")
    path.write_text(path.read_text().replace("{type: int,", "{description: how many, type: int,"))
    team.run("render", "--env", "dev", "--lock")
    commit(team.root, "dev: said better")
    git(team.root, "switch", "--quiet", "main")
    team.merged("others")
    with pytest.raises(subprocess.CalledProcessError):
        git(team.root, "merge", "--quiet", "--no-ff", "theirs")
    git(team.root, "checkout", "--quiet", "--ours", "manifests")
    team.run("render", "--env", "dev", "--lock")
    commit(team.root, "merge it")
    assert team.run(*PROMOTE).code == 0
    commit(team.root, "prod: both")
    team.merged("more")
    found = team.check()
    assert (found.code, found.err) == (0, "")


def test_a_change_and_its_promotion_may_be_merged_together(team: Team) -> None:
    git(team.root, "switch", "--quiet", "--create", "both")
    team.promoted("others")
    git(team.root, "switch", "--quiet", "main")
    git(team.root, "merge", "--quiet", "--no-ff", "--message", "merge it", "both")
    assert team.check().code == 0
    team.merged("more")
    assert team.check().code == 0


def test_a_squashed_branch_is_told_where_the_release_is_and_promoting_again_says_so(team: Team) -> None:
    git(team.root, "switch", "--quiet", "--create", "both")
    team.promoted("others")
    git(team.root, "switch", "--quiet", "main")
    git(team.root, "merge", "--quiet", "--squash", "both")
    squashed = commit(team.root, "squashed")
    found = team.check()
    assert found.code == 2
    assert (
        f"is not in the history of HEAD; dev has that release at {squashed[:12]}: promote again" in found.err
    )
    git(team.root, "branch", "--quiet", "-D", "both")
    assert team.run(*PROMOTE).code == 0
    assert team.entry["commit"] == squashed
    commit(team.root, "promoted again")
    assert team.check().code == 0


def test_without_a_commit_the_history_of_dev_proves_it(team: Team) -> None:
    """As a repository that was copied without its history has it, and one that was promoted to long ago."""
    assert "commit" not in team.entry
    team.merged("others")
    team.merged("more")
    assert team.check().code == 0


def test_a_promotion_of_a_promotion(team: Team) -> None:
    team.promoted("others")
    shutil.copytree(team.root / "environments/prod", team.root / "environments/stage")
    shutil.rmtree(team.root / "environments/stage/pinned")
    stage = team.root / "environments/stage/release.yaml"
    stage.write_text(stage.read_text().split("pipelines:")[0])
    assert team.run("promote", "--from", "prod", "--to", "stage").code == 0
    team.run("render", "--all", "--lock")
    commit(team.root, "stage")
    assert team.check().code == 0
    assert yaml.safe_load(stage.read_text())["pipelines"]["hello"]["from"] == "prod"


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("around", [1, 2])
def test_a_forged_copy_is_no_proof_of_itself(team: Team, around: int, named: bool) -> None:
    """It says that it is of the environment that it is in, or of one that says so of this one."""
    stage = team.root / "environments/stage"
    if around == 2:
        shutil.copytree(team.root / "environments/prod", stage)
    team.forge("mallory")
    team.say(**{"from": "stage" if around == 2 else "prod"})
    if around == 2:
        shutil.rmtree(stage)
        shutil.copytree(team.root / "environments/prod", stage)
        text = (stage / "release.yaml").read_text()
        (stage / "release.yaml").write_text(text.replace("from: stage", "from: prod"))
    team.run("render", "--all", "--lock")
    head = commit(team.root, "forged")
    if named:
        team.say(commit=head)
        commit(team.root, "and named")
    found = team.check()
    assert found.code == 2
    assert "mallory" not in found.err
    assert found.err.count("promote again") >= 1


def test_what_was_promoted_before_it_was_committed_is_not_promoted_on(team: Team) -> None:
    team.owner("others")
    team.run("render", "--env", "dev", "--lock")
    assert team.run(*PROMOTE, "--uncommitted").code == 0
    stage = team.root / "environments/stage"
    shutil.copytree(team.root / "environments/prod", stage, ignore=shutil.ignore_patterns("pinned"))
    (stage / "release.yaml").write_text((stage / "release.yaml").read_text().split("pipelines:")[0])
    git(team.root, "checkout", "--quiet", "HEAD", "--", TEMPLATE)
    team.run("render", "--env", "dev", "--lock")
    commit(team.root, "prod has what dev never had")
    found = team.run("promote", "--from", "prod", "--to", "stage")
    assert (found.code, "no commit has this release of prod" in found.err) == (5, True)


def test_what_is_forged_is_not_promoted_on(team: Team) -> None:
    shutil.copytree(team.root / "environments/prod", team.root / "environments/stage")
    team.forge("mallory")
    commit(team.root, "forged")
    before = snapshot(team.root / "environments")
    found = team.run("promote", "--from", "prod", "--to", "stage")
    assert found.code == 2
    assert found.err.startswith(f"{_place(team, 'digest')}: no commit of this history has that release")
    assert snapshot(team.root / "environments") == before


def test_a_shallow_clone_says_what_to_fetch(team: Team, tmp_path: Path) -> None:
    team.promoted("others")
    team.merged("more")
    git(tmp_path, "clone", "--quiet", "--depth=1", team.root.as_uri(), "clone")
    team.root = tmp_path / "clone"
    found = team.check()
    assert (found.code, "`git fetch --unshallow`" in found.err) == (2, True)
    git(team.root, "fetch", "--quiet", "--unshallow")
    assert team.check().code == 0


def test_a_folder_in_a_larger_repository(team: Team, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(team.root, whole / "ml", ignore=shutil.ignore_patterns(".git"))
    init(whole)
    team.root = whole / "ml"
    team.promoted("others")
    assert team.check().code == 0
    team.forge("mallory")
    assert team.check().code == 2


def test_what_is_in_no_repository_is_said_and_a_broken_one_is_no_such(team: Team) -> None:
    shutil.rmtree(team.root / ".git")
    found = team.check()
    assert (found.code, "is not verified: nothing here is committed" in found.err) == (0, True)
    (team.root / ".git").mkdir()
    broken = team.check()
    assert (broken.code, broken.err.startswith("git rev-parse: ")) == (4, True)


def test_no_git_is_no_excuse(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    found = team.check()
    assert (found.code, "git is not installed" in found.err) == (2, True)


def test_a_replaced_commit_changes_nothing(team: Team) -> None:
    """`git replace` shows another commit under a commit's name; it can be fetched from anywhere."""
    said = team.promoted("others")
    head = git(team.root, "rev-parse", "HEAD")
    team.owner("mallory")
    git(team.root, "add", TEMPLATE)
    tree = git(team.root, "write-tree")
    for replaced, parent in ((said, f"{said}^"), (head, said)):
        git(team.root, "replace", replaced, git(team.root, "commit-tree", tree, "-p", parent, "-m", "evil"))
    team.owner("others")
    team.forge("mallory")
    assert git(team.root, "show", f"{said}:{TEMPLATE}").count("mallory") == 1
    found = team.check()
    assert (found.code, f"at commit {said[:12]} dev has release" in found.err) == (2, True)


# What no commit has


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
    place = _place(team, "commit")
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
