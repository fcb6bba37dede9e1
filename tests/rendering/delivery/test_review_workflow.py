"""The review of a pull request: nothing of it is run, and what is told is the diff of the merge."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import yaml
from delivery.ci import run
from gitrepo import commit, git
from project import PROJECT

WORKFLOW = yaml.safe_load((PROJECT / ".github/workflows/review.yaml").read_text("utf-8"))
COMPUTE, COMMENT = (WORKFLOW["jobs"][name] for name in ("compute", "comment"))
TEMPLATE = "templates/pipelines/quickstart/pipeline.yaml.j2"


# What the workflow may do


def test_the_job_that_reads_the_pull_request_has_no_rights_and_no_secrets() -> None:
    assert WORKFLOW["permissions"] == {}
    assert COMPUTE["permissions"] == {"contents": "read"}
    text = json.dumps(COMPUTE)
    assert "secrets" not in text
    assert "token" not in text
    assert "cache" not in text


def test_the_job_that_writes_never_sees_the_pull_request() -> None:
    assert COMMENT["permissions"] == {"contents": "read", "pull-requests": "write"}
    (checkout,) = (step for step in COMMENT["steps"] if "checkout" in step.get("uses", ""))
    assert checkout["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert [step["run"] for step in COMMENT["steps"] if "run" in step] == [
        '.github/ci/comment.py "$RUNNER_TEMP/review"'
    ]


def test_the_pull_request_is_put_where_nothing_is_run() -> None:
    placed = {
        step["with"]["path"]: step["with"]["ref"]
        for step in COMPUTE["steps"]
        if "checkout" in step.get("uses", "")
    }
    assert placed == {
        "base": "${{ github.event.pull_request.base.sha }}",
        "proposed": "${{ github.event.pull_request.head.sha }}",
    }
    run_by = [step["run"] for step in COMPUTE["steps"] if "run" in step]
    assert [line for line in run_by if "proposed" in line] == [
        'base/.github/ci/semantic-diff proposed "$BASE" "$HEAD" review'
    ]
    assert all(line.startswith(("base/.github/ci/", "[ ! -d review ] || cat ")) for line in run_by)
    for step in (*COMPUTE["steps"], *COMMENT["steps"]):
        assert "working-directory" not in step
        if "checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False


def test_a_later_run_ends_an_earlier_one_and_a_failed_diff_is_commented_all_the_same() -> None:
    assert WORKFLOW["concurrency"]["cancel-in-progress"] is True
    assert "pull_request.number" in WORKFLOW["concurrency"]["group"]
    assert COMMENT["needs"] == "compute"
    assert "!cancelled()" in COMMENT["if"]


def test_the_page_is_an_artifact_of_its_own_that_the_comment_links_to() -> None:
    uploads = [step for step in COMPUTE["steps"] if "upload-artifact" in step.get("uses", "")]
    diff, page = (step["with"] for step in uploads)
    assert "!review/page.html" in diff["path"].split()
    assert page["path"] == "review/page.html"
    (download,) = (step for step in COMMENT["steps"] if "download-artifact" in step.get("uses", ""))
    assert not page["name"].startswith(download["with"]["pattern"].rstrip("*"))
    assert COMPUTE["outputs"] == {"page": f"${{{{ steps.{uploads[1]['id']}.outputs.artifact-url }}}}"}
    assert COMMENT["steps"][-1]["env"]["PAGE"] == "${{ needs.compute.outputs.page }}"


# The diff of what merging makes, by the scripts of the base


@pytest.fixture
def proposed(clone: Path, tmp_path: Path) -> Path:
    """A clone, as the workflow has it beside the base."""
    folder = tmp_path / "proposed"
    git(tmp_path, "clone", "--quiet", clone.as_uri(), "proposed")
    git(folder, "config", "user.name", "mallory")
    git(folder, "config", "user.email", "mallory@example.com")
    return folder


def _diff(clone: Path, proposed: Path, head: str, out: Path) -> CompletedProcess[str]:
    base = git(clone, "rev-parse", "HEAD")
    return run(clone / ".github/ci/semantic-diff", proposed, base, head, out, cwd=out.parent)


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def _render(folder: Path) -> None:
    done = run(sys.executable, "scripts/render.py", "--all", "--lock", cwd=folder)
    assert done.returncode == 0, done.stderr


def test_the_diff_is_of_the_merge_and_not_of_the_branch(clone: Path, proposed: Path, tmp_path: Path) -> None:
    _edit(proposed / "environments/dev/values.yaml", "headroom: 1.15", "headroom: 1.21")
    _render(proposed)
    head = commit(proposed, "more headroom")
    (clone / "docs/more.md").write_text("what somebody else merged meanwhile\n")
    commit(clone, "meanwhile")
    git(proposed, "fetch", "--quiet", "origin")
    done = _diff(clone, proposed, head, tmp_path / "review")
    assert done.returncode == 0, done.stderr
    said = (tmp_path / "review/diff.md").read_text("utf-8")
    assert "headroom" in said
    assert "1.21" in said
    page = (tmp_path / "review/page.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert "headroom" in page
    assert "1.21" in page
    assert "docs/more.md" not in page
    assert sorted(path.name for path in (tmp_path / "review").iterdir()) == [
        "diff.md",
        "notes.txt",
        "page.html",
    ]


def test_nothing_that_differs_is_said_as_such(clone: Path, proposed: Path, tmp_path: Path) -> None:
    (proposed / "docs/more.md").write_text("more\n")
    assert _diff(clone, proposed, commit(proposed, "docs"), tmp_path / "review").returncode == 0
    assert (tmp_path / "review/diff.md").read_text("utf-8").strip()
    assert "no semantic change" in (tmp_path / "review/page.html").read_text("utf-8")


def test_scripts_hooks_and_filters_of_the_pull_request_are_not_run(
    clone: Path, proposed: Path, tmp_path: Path
) -> None:
    touched = tmp_path / "touched"
    evil = f"open({str(touched)!r}, 'w').close()\n"
    for path in (proposed / "scripts").rglob("*.py"):
        path.write_text(evil)
    for name in ("sitecustomize.py", "yaml.py", "jinja2.py"):
        (proposed / name).write_text(evil)
        (proposed / "scripts" / name).write_text(evil)
    for path in (proposed / ".github/ci").iterdir():
        path.write_text(f"#!/bin/sh\ntouch {touched}\n")
    (proposed / ".gitattributes").write_text("* filter=evil\n")
    (proposed / "hooks").mkdir()
    for name in ("post-checkout", "pre-merge-commit", "commit-msg", "post-merge", "reference-transaction"):
        (proposed / "hooks" / name).write_text(f"#!/bin/sh\ntouch {touched}\n")
        (proposed / "hooks" / name).chmod(0o755)
    head = commit(proposed, "evil")
    # A clone configures no hooks of a repository; one that did would not run them either.
    git(proposed, "config", "core.hooksPath", "hooks")
    touched.unlink(missing_ok=True)
    done = _diff(clone, proposed, head, tmp_path / "review")
    assert not touched.exists()
    assert done.returncode == 2
    assert ".gitattributes:1:3: attribute filter=evil of *" in (tmp_path / "review/notes.txt").read_text()
    assert ".gitattributes:1:3: attribute filter=evil of *" in (tmp_path / "review/page.html").read_text()
    assert "The scripts change here, too" in (tmp_path / "review/diff.md").read_text()


def test_what_does_not_merge_is_said(clone: Path, proposed: Path, tmp_path: Path) -> None:
    _edit(proposed / TEMPLATE, "The smallest", "A tiny")
    head = commit(proposed, "theirs")
    _edit(clone / TEMPLATE, "The smallest", "A small")
    commit(clone, "ours")
    git(proposed, "fetch", "--quiet", "origin")
    done = _diff(clone, proposed, head, tmp_path / "review")
    assert done.returncode == 2
    assert f"{head} does not merge" in (tmp_path / "review/notes.txt").read_text()
    assert _diff(clone, proposed, "f" * 40, tmp_path / "review").returncode == 2


def test_a_forged_promotion_fails_the_review(clone: Path, proposed: Path, tmp_path: Path) -> None:
    release = proposed / "environments/prod/release.yaml"
    release.write_text(
        release.read_text().replace("    from: dev\n", f"    from: dev\n    commit: {'a1' * 20}\n")
    )
    _render(proposed)
    done = _diff(clone, proposed, commit(proposed, "forged"), tmp_path / "review")
    assert done.returncode == 2
    notes = (tmp_path / "review/notes.txt").read_text()
    assert re.search(rf"environments/prod/release\.yaml:\d+:13: there is no commit {'a1' * 20}", notes)
