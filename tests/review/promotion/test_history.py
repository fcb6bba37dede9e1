"""How a release got into the history: by merges, by squashing, by other promotions, in clones and folders."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from gitrepo import commit, git, init
from promotion_kit import PROMOTE, TEMPLATE, Team, place_of


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
    assert f"{place_of(team, 'digest')}: dev never released sha256:" in found.err


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


def test_what_a_branch_had_on_its_way_was_never_released_whatever_else_it_brings(team: Team) -> None:
    git(team.root, "switch", "--quiet", "--create", "mallory")
    evil = team.merged("mallory")
    assert team.run(*PROMOTE).code == 0
    commit(team.root, "prod: mallory")
    team.merged("harmless")
    git(team.root, "switch", "--quiet", "main")
    git(team.root, "merge", "--quiet", "--no-ff", "--message", "merge it", "mallory")
    assert team.entry["commit"] == evil
    found = team.check()
    assert found.code == 2
    assert f"{place_of(team, 'digest')}: dev never released sha256:" in found.err


def test_what_main_released_is_known_to_a_branch_that_takes_main_in(team: Team) -> None:
    git(team.root, "switch", "--quiet", "--create", "ours")
    (team.root / "more.txt").write_text("more\n")
    commit(team.root, "more")
    git(team.root, "switch", "--quiet", "main")
    team.promoted("others")
    team.merged("later")
    git(team.root, "switch", "--quiet", "ours")
    git(team.root, "merge", "--quiet", "--no-ff", "--message", "take main in", "main")
    found = team.check()
    assert (found.code, found.err) == (0, "")
