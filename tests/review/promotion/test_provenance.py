"""A promotion is what release.yaml says of it, by Git: that environment's release, at that commit."""

from __future__ import annotations

import shutil

import pytest
from gitrepo import commit, git
from kfp_gitops.sources import release as releases
from project import snapshot
from promotion_kit import NO_COMMIT, PROMOTE, TEMPLATE, Team, place_of


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
    place = place_of(team, "commit")
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
    assert f"{place_of(team, 'commit')}: at commit {head[:12]} dev has release sha256:" in found.err
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
    team.say(digest=forged.digest, images={"steps": image})
    assert "at commit" in team.check().err


def test_a_digest_that_dev_never_released(team: Team) -> None:
    team.forge("mallory")
    assert "commit" not in team.entry
    found = team.check()
    assert found.code == 2
    assert (
        f"{place_of(team, 'digest')}: no commit of this history has that release of hello in dev" in found.err
    )


def test_an_environment_that_it_never_came_from(team: Team) -> None:
    team.promoted("others")
    team.say(**{"from": "stage"})
    assert "stage has no release of hello" in team.check().err
    team.say(**{"from": None})
    found = team.check()
    assert (found.code, "names no environment it came from" in found.err) == (2, True)


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
    assert found.err.startswith(f"{place_of(team, 'digest')}: no commit of this history has that release")
    assert snapshot(team.root / "environments") == before


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
