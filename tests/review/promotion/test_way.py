"""Releases go the declared way: dev → staging → prod, step by step, and what skips a step is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml
from gitrepo import commit, git
from project import snapshot
from promotion_kit import PROD, STAGING, Chain, Team


def test_two_steps_carry_one_release(chain: Chain) -> None:
    sources = chain.merged("others")
    image = "environments/dev/release.yaml"
    text = (chain.root / image).read_text("utf-8")
    (chain.root / image).write_text(text.replace("1" * 64, "5" * 64).replace("2" * 64, "7" * 64), "utf-8")
    chain.run("render", "--env", "dev", "--lock")
    sources = commit(chain.root, "dev: new images")
    staged = chain.step("staging")
    chain.step("prod")
    first, second = chain.said(STAGING), chain.said(PROD)
    assert (first["from"], first["commit"], "sources" in first) == ("dev", sources, False)
    assert (second["from"], second["commit"], second["sources"]) == ("staging", staged, sources)
    assert (first["digest"], first["images"]) == (second["digest"], second["images"])
    assert "5" * 64 in str(second["images"])
    pinned = [snapshot(chain.root / f"environments/{name}/pinned") for name in ("staging", "prod")]
    assert pinned[0] == pinned[1]
    images = [
        yaml.safe_load((chain.root / path).read_text("utf-8"))["images"] for path in (image, STAGING, PROD)
    ]
    assert [found["reconciler"][-64:] for found in images] == ["7" * 64] * 3
    delivered = yaml.safe_load((chain.root / "manifests/prod/environment.yaml").read_text("utf-8"))
    assert delivered["promotesFrom"] == "staging"
    assert delivered["pipelines"][0]["commit"] == sources
    found = chain.check()
    assert (found.code, found.err) == (0, "")


def test_past_the_way_is_refused_with_the_way(chain: Chain) -> None:
    chain.merged("others")
    before = snapshot(chain.root / "environments")
    found = chain.run("promote", "--from", "dev", "--to", "prod")
    assert found.code == 5
    assert found.err == (
        "environments/prod/values.yaml:1:15: prod is promoted from staging, and not from dev: dev → staging → prod; "
        "promote on this way: `python scripts/promote.py --to staging`, once that is merged --to prod; what cannot "
        "wait for that needs another `promotesFrom` there, reviewed with it\n"
    )
    assert snapshot(chain.root / "environments") == before
    back = chain.run("promote", "--from", "prod", "--to", "staging")
    assert back.code == 5
    assert "promote on this way: `python scripts/promote.py --to staging`; what" in back.err


def test_who_does_not_say_from_where_is_told_what_to_write(team: Team) -> None:
    found = team.run("promote", "--to", "prod")
    assert found.code == 2
    assert found.err == (
        "environments/prod/values.yaml: it does not say from where prod is promoted; write `promotesFrom: ENV` there "
        "(one of: dev), or give --from\n"
    )
    assert "dev follows the sources" in team.run("promote", "--to", "dev").err


def test_a_step_that_was_skipped_by_hand_is_told_by_all_that_check(chain: Chain) -> None:
    chain.merged("others")
    chain.step("staging")
    chain.merged("more")
    hotfix = chain.root / "environments/prod/values.yaml"
    as_it_was = hotfix.read_text("utf-8")
    chain.declare("prod", "dev")
    assert chain.run("promote", "--to", "prod").code == 0
    hotfix.write_text(as_it_was, "utf-8")  # the statement is taken back before anybody sees it
    chain.run("render", "--env", "prod", "--lock")
    for state in ("as it lies there", "committed"):
        if state == "committed":
            commit(chain.root, "sneaked past")
        for name, arguments in (
            ("render", ["--all", "--check"]),
            ("policy", []),
            ("diff", ["--env", "prod"]),
        ):
            found = chain.run(name, *arguments)
            assert found.code == 2, name
            said = found.out + found.err
            assert (
                f"{PROD}:12:11: hello came from dev, and prod is promoted from staging: dev → staging → prod"
                in said
            )
            assert (
                "promote.py --to staging --pipeline hello`, once that is merged --to prod --pipeline hello"
                in said
            )


def test_a_way_that_a_branch_takes_back_was_never_the_way(chain: Chain) -> None:
    """Of a merge request the branch's own head is checked; the way back hides the way there from who reviews it."""
    chain.merged("others")
    chain.step("staging")
    chain.merged("more")
    git(chain.root, "branch", "-M", "main")
    git(chain.root, "checkout", "-q", "-b", "sneaked")
    chain.declare("prod", "dev")
    chain.step("prod")
    chain.declare("prod", "staging")
    chain.run("render", "--env", "prod", "--lock")
    commit(chain.root, "as if nothing had been")
    for name, arguments in (("render", ["--all", "--check"]), ("policy", []), ("diff", ["--env", "prod"])):
        found = chain.run(name, *arguments)
        assert found.code == 2, name
        assert "hello came from dev, and prod is promoted from staging" in found.out + found.err


def test_an_entry_that_names_an_older_commit_is_told_too(chain: Chain) -> None:
    """Of the time when dev was the way; but it is not since then that prod has that release."""
    chain.merged("others")
    chain.forge("others")
    chain.say(**{"from": "dev", "commit": git(chain.root, "rev-parse", "HEAD")})
    assert "hello came from dev, and prod is promoted from staging" in chain.check().err


def test_what_went_the_way_when_it_was_another_stays(chain: Chain) -> None:
    assert chain.said(PROD)["from"] == "dev"
    found = chain.check()
    assert (found.code, found.err) == (0, "")
    assert "hello came from" not in chain.run("policy").err


def test_a_shallow_clone_does_not_know_which_way_it_was(chain: Chain, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{chain.root}", "shallow")
    chain.root = tmp_path / "shallow"
    for name, arguments in (("render", ["--all", "--check"]), ("policy", [])):
        found = chain.run(name, *arguments)
        assert found.code == 2
        assert (
            "hello came from dev, and prod is promoted from staging: dev → staging → prod; it cannot be"
            in found.err
        )
        assert "`git fetch --unshallow`" in found.err


def test_a_rollback_is_a_revert(chain: Chain) -> None:
    """Also to a release of the time when the way was another one."""
    before = chain.said(PROD)
    chain.merged("others")
    chain.step("staging")
    chain.step("prod")
    git(chain.root, "revert", "--no-edit", "HEAD")
    assert chain.said(PROD) == before
    found = chain.check()
    assert (found.code, found.err) == (0, "")


def test_a_hotfix_goes_by_a_reviewed_statement_and_stays_when_it_is_taken_back(chain: Chain) -> None:
    chain.merged("hotfix")
    chain.declare("prod", "dev")
    chain.run("render", "--env", "prod", "--lock")
    shown = chain.run("diff", "--env", "prod")
    assert shown.code == 1
    assert "prod is promoted from dev now, no longer from staging" in shown.out
    chain.step("prod")
    assert chain.check().code == 0
    chain.declare("prod", "staging")
    chain.run("render", "--env", "prod", "--lock")
    commit(chain.root, "staging lies between again")
    assert chain.check().code == 0
    assert chain.run("policy").err.count("came from") == 0


def test_the_commit_of_the_sources_cannot_be_made_up(chain: Chain) -> None:
    chain.merged("others")
    chain.step("staging")
    chain.step("prod")
    chain.say(sources=git(chain.root, "rev-parse", "HEAD"))
    found = chain.check()
    assert found.code == 2
    assert "staging had hello from " in found.err
    assert f"write `sources: '{chain.said(STAGING)['commit']}'`" in found.err


def test_uncommitted_sources_stay_uncommitted_however_far(chain: Chain) -> None:
    chain.owner("others")
    chain.run("render", "--env", "dev", "--lock")
    assert chain.run("promote", "--to", "staging", "--uncommitted").code == 0
    commit(chain.root, "to staging, from nowhere")
    chain.run("promote", "--to", "prod", "--uncommitted")
    assert "+changes" in chain.said(PROD)["commit"] + chain.said(PROD).get("sources", "")


def test_without_git_it_is_a_warning(chain: Chain) -> None:
    shutil.rmtree(chain.root / ".git")
    found = chain.check()
    assert found.code == 0
    assert ": warning: hello came from dev, and prod is promoted from staging" in found.err
