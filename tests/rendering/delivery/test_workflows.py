"""The workflows: by GitHub's schema and by the rules of zizmor, and each script that they run is run here, too."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from delivery.ci import run as _run
from gitrepo import commit
from kfp_gitops.devserver import DevServer
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfpapi.stub import Answer, Stub
from project import PROJECT
from shared_specs import make_earlier
from tools import missing

BIN = Path(sys.executable).parent
WORKFLOWS = sorted((PROJECT / ".github/workflows").glob("*.yaml"))
SCRIPTS = [
    *(p for p in (PROJECT / ".github/ci").iterdir() if p.suffix == ""),
    *(p for p in (PROJECT / "tests/e2e").iterdir() if p.suffix == ""),
]


def test_workflows_are_valid_by_githubs_schema() -> None:
    done = _run(BIN / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS)
    assert done.returncode == 0, done.stdout


def test_zizmor_finds_nothing() -> None:
    done = _run(BIN / "zizmor", "--offline", "--no-progress", "--pedantic", ".github/workflows")
    assert done.returncode == 0, done.stdout


def test_actionlint_finds_nothing() -> None:
    if not shutil.which("actionlint"):
        pytest.skip("actionlint is not installed; schema and zizmor are always run")
    done = _run(
        "actionlint", PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}"
    )  # it asks shellcheck of each `run`
    assert done.returncode == 0, done.stdout


def _steps(workflow: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for job in workflow["jobs"].values():
        yield from job["steps"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: str(path.stem))
def test_actions_are_by_commit_rights_are_least_and_no_foreign_code_gets_a_secret(path: Path) -> None:
    text = path.read_text("utf-8")
    workflow = yaml.safe_load(text)
    triggers = workflow[True]  # YAML 1.1 reads `on` as true
    assert "workflow_run" not in triggers
    guarded = path.stem in ("review", "preview")
    assert ("pull_request_target" in triggers) is guarded, (
        "see test_review_workflow.py, test_preview_workflow.py"
    )
    assert set(workflow["permissions"].values()) <= {"read"}
    for line in re.findall(r"uses: (.*)", text):
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", line), line
    if path.stem != "preview" and ("pull_request" in triggers or "pull_request_target" in triggers):
        assert "secrets." not in text
    for step in _steps(workflow):
        assert "${{" not in step.get("run", ""), "values reach a script by env, where they are no code"
    assert all("timeout-minutes" in job for job in workflow["jobs"].values())


def test_scripts_are_executable_and_shellcheck_finds_nothing() -> None:
    assert [path for path in SCRIPTS if not os.access(path, os.X_OK)] == []
    done = _run(BIN / "shellcheck", *SCRIPTS)
    assert done.returncode == 0, done.stdout


def test_every_script_that_a_workflow_runs_is_there() -> None:
    named = {
        name
        for path in WORKFLOWS
        for name in re.findall(r"(?:\.github/ci|tests/e2e)/[\w.-]+", path.read_text("utf-8"))
    }
    assert {name for name in named if not (PROJECT / name).is_file()} == set()
    scripts = [*(PROJECT / ".github/ci").iterdir()]
    by_others = {
        name for path in scripts for name in re.findall(r"\.github/ci/[\w.-]+", path.read_text("utf-8"))
    }
    assert {f".github/ci/{path.name}" for path in scripts} <= named | by_others


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_the_plan_of_a_pull_request_is_a_comment_that_ends_with_its_identity(
    clone: Path, tmp_path: Path
) -> None:
    out, head, summary = tmp_path / "plan.md", tmp_path / "head", tmp_path / "summary"
    shutil.copytree(clone / "manifests/prod", head)
    with DevServer(tmp_path / "server") as server:
        script = (".github/ci/plan-comment", "prod", server.url, head, out)
        done = _run(*script, cwd=clone, GITHUB_STEP_SUMMARY=str(summary))
        assert done.returncode == 0, done.stderr
        text = out.read_text("utf-8")
        assert "### Plan for `prod`" in text
        assert re.fullmatch(r"`plan [0-9a-f]{12}`", text.splitlines()[-1])
        assert summary.read_text("utf-8") == text
        (head / "versions.lock.yaml").write_text(
            (clone / "manifests/dev/versions.lock.yaml").read_text("utf-8")
        )
        broken = _run(*script, cwd=clone)
    assert broken.returncode == 5
    assert "**This cannot be applied as it is** (exit code 5)" in out.read_text("utf-8")
    assert "run `python" not in out.read_text("utf-8").split("```text")[1], "no backtick ends the block"


def test_a_stranger_s_folder_name_is_one_argument(clone: Path) -> None:
    for name in ("*", "a b", "--host=x"):
        (clone / "manifests/dev/pipelines" / name).mkdir()
        (clone / "manifests/dev/pipelines" / name / "x").write_text("")
    assert _run("git", "add", "manifests", cwd=clone).returncode == 0
    done = _run(".github/ci/local-runs", "HEAD", cwd=clone, PYTHON="echo")
    told = re.findall(r"--pipeline(.*) --local", done.stdout)
    assert (done.returncode, sorted(told)) == (0, ["=*", "=--host=x", "=a b"])


def test_only_the_pipelines_that_changed_are_run(clone: Path) -> None:
    none = _run(".github/ci/local-runs", "HEAD", cwd=clone)
    assert (none.returncode, none.stdout) == (0, "no pipeline of dev changed\n")
    _edit(clone / "templates/pipelines/quickstart/pipeline.yaml.j2", "The smallest", "A small")
    assert _run(sys.executable, "scripts/render.py", "--env", "dev", "--lock", cwd=clone).returncode == 0
    done = _run(".github/ci/local-runs", "HEAD", cwd=clone, PYTHONPATH="scripts:components/src")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"::group::(\S+)", done.stdout) == ["quickstart"]
    assert "SUCCEEDED  summarize" in done.stdout


def test_a_change_of_a_component_runs_the_pipelines_that_use_it(clone: Path) -> None:
    """No file in their folders changes; and where specs stand is no change at all."""
    make_earlier(clone, "dev")
    commit(clone, "each pipeline with specs of its own")
    for component, uses in (
        ("", []),
        ("summarize_usage", ["quickstart"]),
        ("train_model", ["per-service-training", "predictive-scaling", "quickstart"]),
    ):
        if component:
            _edit(clone / f"components/{component}/component.yaml", "import kfp", "import kfp  # again")
        assert _run(sys.executable, "scripts/render.py", "--env", "dev", "--lock", cwd=clone).returncode == 0
        assert _run("git", "add", "manifests", cwd=clone).returncode == 0
        done = _run(".github/ci/local-runs", "HEAD", cwd=clone, PYTHON="echo")
        assert (done.returncode, re.findall(r"--pipeline=(\S+) --local", done.stdout)) == (0, uses)


@pytest.mark.parametrize("name", ["drift", "status"])
def test_environments_of_previews_are_not_looked_at(name: str, clone: Path, tmp_path: Path) -> None:
    if not shutil.which("jq"):
        missing("jq")
    (clone / "environments/teams").mkdir()
    (clone / "environments/teams/churn.yaml").write_text("pipelines: {}\n")
    listing = next(
        step["run"]
        for step in _steps(yaml.safe_load((PROJECT / f".github/workflows/{name}.yaml").read_text("utf-8")))
        if step.get("id") == "list"
    )
    done = _run("bash", "-ec", listing, cwd=clone, GITHUB_OUTPUT=str(tmp_path / "output"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "output").read_text() == 'names=["dev","prod"]\n'


def test_parameters_of_local_runs_are_of_pipelines_that_there_are() -> None:
    for path in (PROJECT / ".github/local-runs").iterdir():
        manifest = yaml.safe_load(
            (PROJECT / f"manifests/dev/pipelines/{path.name}/pipeline.yaml").read_text()
        )
        given = {line.split("=")[0] for line in path.read_text("utf-8").split()}
        assert given <= set(manifest["spec"]["parameters"])


GH = """#!/usr/bin/env bash
echo "$*" >> "$GH_LOG"
case "$1 $2" in "pr view") exit 1 ;; esac
"""


def test_new_images_become_a_pull_request_for_dev(clone: Path, tmp_path: Path) -> None:
    remote, tools, log = tmp_path / "remote.git", tmp_path / "bin", tmp_path / "gh.log"
    assert _run("git", "clone", "--quiet", "--bare", clone, remote).returncode == 0
    assert _run("git", "remote", "set-url", "origin", remote, cwd=clone).returncode == 0
    tools.mkdir()
    (tools / "gh").write_text(GH)
    (tools / "gh").chmod(0o755)
    environment = {"PATH": f"{tools}:{os.environ['PATH']}", "GH_LOG": str(log), "BUILT_FROM": "abc123"}
    images = [
        f"{name}=ghcr.io/example/{name}@sha256:{'7' * 64}" for name in ("predictive-scaling", "reconciler")
    ]
    done = _run(".github/ci/set-images", *images, cwd=clone, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    release = _run("git", "show", "images/dev:environments/dev/release.yaml", cwd=remote).stdout
    assert all(image.replace("=", ": ", 1) in release for image in images)
    assert (
        _run("git", "diff", "--quiet", "main", "images/dev", "--", "environments/prod", cwd=remote).returncode
        == 0
    )
    assert "pr create --head images/dev" in log.read_text()
    assert "abc123" in _run("git", "log", "-1", "--format=%B", "images/dev", cwd=remote).stdout
    again = _run(".github/ci/set-images", *images, cwd=clone, **environment)
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, "dev has these images already")


def test_the_drift_report_ends_as_plan_does(clone: Path, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    with DevServer(tmp_path / "server") as server:
        before = _run(
            ".github/ci/drift-report", "dev", server.url, cwd=clone, GITHUB_STEP_SUMMARY=str(summary)
        )
        apply = ["scripts/reconcile.py", "apply", "--env", "dev", "--host", server.url]
        assert _run(sys.executable, *apply, cwd=clone).returncode == 0
        after = _run(
            ".github/ci/drift-report", "dev", server.url, cwd=clone, GITHUB_STEP_SUMMARY=str(summary)
        )
        assert "```diff" not in summary.read_text()
        api = KfpApi(server.url, "")
        turned = next(found for found in api.schedules() if not found.enabled)
        api.enable_schedule(turned.id)
        changed = _run(
            ".github/ci/drift-report", "dev", server.url, cwd=clone, GITHUB_STEP_SUMMARY=str(summary)
        )
    # One that answers nothing would be waited for, as a restart is.
    with Stub(lambda _: Answer(403)) as closed:
        refused = _run(".github/ci/drift-report", "dev", closed.url, cwd=clone)
    assert (before.returncode, after.returncode, changed.returncode, refused.returncode) == (1, 0, 1, 4)
    assert re.findall("^## (.*)$", summary.read_text(), re.MULTILINE) == [
        "dev: KFP is not as Git says",
        "dev: KFP is as Git says",
        "dev: KFP is not as Git says",
    ]
    edit = summary.read_text().split("### The same as a change of Git\n\n```diff\n")[1]
    assert edit.startswith("--- a/environments/dev/values.yaml")
    assert "+        enabled: true" in edit


def test_the_status_page_is_made_of_what_each_environment_was_looked_at(clone: Path, tmp_path: Path) -> None:
    summary, parts, page = tmp_path / "summary.md", tmp_path / "parts", tmp_path / "page"
    script, env = ".github/ci/status-page", {"EVERY": "3600", "GITHUB_STEP_SUMMARY": str(summary)}
    nothing = _run(script, "page", parts, page, cwd=clone, **env)
    assert (nothing.returncode, page.exists()) == (0, False)
    with DevServer(tmp_path / "server") as server, Stub(lambda _: Answer(403)) as closed:
        for name, host, warns in (("dev", server.url, False), ("prod", closed.url, True)):
            done = _run(script, "look", name, host, parts, cwd=clone, **env)
            assert done.returncode == 0, done.stderr
            assert ("::warning" in done.stdout) == warns
    done = _run(script, "page", parts, page, cwd=clone, **env)
    assert done.returncode == 0, done.stderr
    assert "Status of dev, prod" in (page / "index.html").read_text("utf-8")
    assert "prod: not reached since" in summary.read_text("utf-8")
    assert _run(script, "look", "nope", "http://127.0.0.1:9", parts, cwd=clone, **env).returncode == 2


@pytest.mark.timeout(1200)  # a minute where nothing else runs; a busy machine takes many
def test_the_whole_way_on_the_development_server(clone: Path) -> None:
    if not shutil.which("awk") or not shutil.which("sed"):
        missing("awk and sed")
    done = _run("tests/e2e/scenario", "devserver", cwd=clone)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.rstrip().endswith("== all of it went through")


def test_the_inputs_of_the_run_on_kind_render_for_two_clusters(clone: Path) -> None:
    """Of tests/e2e/kind itself only this part can run without a container engine."""
    assert _run("tests/e2e/kind", "inputs", cwd=clone).returncode == 0
    done = _run(sys.executable, "scripts/render.py", "--all", cwd=clone)
    assert done.returncode == 0, done.stderr
    project = yaml.safe_load((clone / "argocd/project.yaml").read_text("utf-8"))["spec"]
    assert {entry["server"] for entry in project["destinations"]} == {
        "https://kubernetes.default.svc",
        "https://prod-control-plane:6443",
    }
    assert project["sourceRepos"][0].startswith("http://gitea.")
    assert "syncWindows" not in project
    applications = yaml.safe_load((clone / "argocd/applicationset.yaml").read_text("utf-8"))["spec"]
    usual, elsewhere = "https://kubernetes.default.svc", "https://prod-control-plane:6443"
    assert applications["template"]["spec"]["destination"]["server"] == (
        f'{{{{ get (dict "prod" "{elsewhere}") .path.basename | default "{usual}" }}}}'
    )
    assert _run(sys.executable, "scripts/policy.py", cwd=clone).returncode == 2, (
        "the registry list was changed"
    )
