"""The workflow of previews, run as it stands: who is previewed, what code runs where, and that nothing is left."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from delivery.actions_kit import Actions, evaluate
from delivery.ci import run
from gitrepo import commit, git
from kfp_gitops.devserver import DevServer
from kfp_gitops.devserver.executor import LOCALRUN
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfpapi.stub import Answer, Seen, Stub
from project import PROJECT
from servers.prepared import Prepared

WORKFLOW = yaml.safe_load((PROJECT / ".github/workflows/preview.yaml").read_text("utf-8"))
JOBS = WORKFLOW["jobs"]
WITH_SECRETS = {"preview", "down", "gc"}
TEMPLATE = "templates/pipelines/quickstart/pipeline.yaml.j2"
BASE_SHA = "${{ github.event.pull_request.base.sha }}"


# What the workflow may do


def test_only_jobs_that_never_see_the_pull_request_have_a_secret() -> None:
    assert {name for name, job in JOBS.items() if "secrets." in json.dumps(job)} == WITH_SECRETS
    for name in WITH_SECRETS:
        assert JOBS[name]["environment"] == "preview"
        assert JOBS[name]["permissions"] == {"contents": "read"}
    for name, job in JOBS.items():
        refs = [
            step["with"].get("ref", "main") for step in job["steps"] if "checkout" in step.get("uses", "")
        ]
        strangers = [ref for ref in refs if ref not in (BASE_SHA, "main")]
        assert strangers == (["${{ github.event.pull_request.head.sha }}"] if name == "render" else []), name
        assert "environment" in job or name not in WITH_SECRETS


def test_who_writes_has_no_secret_and_the_rest_only_reads() -> None:
    assert WORKFLOW["permissions"] == {}
    writers = {name for name, job in JOBS.items() if "write" in job["permissions"].values()}
    assert writers == {"allow", "comment"}
    assert all(
        JOBS[name]["permissions"] == {"contents": "read", "pull-requests": "write"} for name in writers
    )


def test_nothing_of_the_pull_request_is_run_and_no_cache_is_kept() -> None:
    for name, job in JOBS.items():
        for step in job["steps"]:
            assert "working-directory" not in step
            assert "cache" not in json.dumps(step)
            if "checkout" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False
            if "run" in step:
                begin = "base/.github/ci/" if name == "render" else ".github/ci/"
                assert step["run"].startswith(begin), step["run"]


def test_what_has_begun_goes_on_and_another_label_is_in_nobodys_way() -> None:
    assert WORKFLOW["concurrency"]["cancel-in-progress"] is False
    parts = re.findall(r"\$\{\{(.*?)\}\}", WORKFLOW["concurrency"]["group"])

    def group(action: str, label: str = "") -> list[Any]:
        event = {"action": action, "pull_request": {"number": 7}, "label": {"name": label}}
        return [evaluate(part, {"github": {"event": event, "run_id": "11"}}) for part in parts]

    assert group("synchronize") == group("closed") == group("labeled", "preview") == [7, "all"]
    assert group("labeled", "bug") == [7, "11"]


@pytest.mark.parametrize("action", ["closed", "labeled"])
def test_the_newest_event_of_a_closed_one_takes_it_down_whichever_it_is(action: str) -> None:
    """Of those that wait for a run that goes on GitHub keeps the newest: the label's takes the place of the close's."""

    def begun(state: str, label: str) -> set[str]:
        event = {"action": action, "label": {"name": label}, "pull_request": {"number": 7, "state": state}}
        known = {
            "github": {"event": event, "event_name": "pull_request_target"},
            "vars": {"PREVIEWS": "true"},
        }
        return {name for name in ("allow", "down") if evaluate(JOBS[name]["if"], known)}

    assert begun("closed", "preview") == {"down"}
    if action == "labeled":
        assert begun("closed", "bug") == begun("open", "bug") == set()
        assert begun("open", "preview") == {"allow"}


# The whole of it


class Forge:
    """GitHub's API: one pull request, its label, its comments, and who may do what."""

    def __init__(self) -> None:
        self.head, self.state = "", "open"
        self.comments: list[dict[str, Any]] = []
        self.labels = {"preview"}
        self.rights = {"maintainer": "write", "owner": "admin", "helper": "read"}
        self.stub = Stub(self._answer)

    def _answer(self, seen: Seen) -> Answer:
        path = seen.path.removeprefix("/repos/example/repository/").partition("?")[0]
        match seen.method, path.split("/"):
            case "GET", ["pulls", "7"]:
                return _reply({"head": {"sha": self.head}, "state": self.state})
            case "GET", ["collaborators", who, "permission"]:
                return _reply({"permission": self.rights.get(who, "none")})
            case "DELETE", ["issues", "7", "labels", label]:
                there = label in self.labels
                self.labels.discard(label)
                return _reply([]) if there else Answer(404)
            case "GET", ["issues", "7", "comments"]:
                return _reply(self.comments)
            case "POST", ["issues", "7", "comments"]:
                body = json.loads(seen.body)["body"]
                self.comments.append({"id": 1, "body": body, "user": {"login": "github-actions[bot]"}})
                return _reply({"id": 1})
            case "PATCH", ["issues", "comments", _]:
                self.comments[0]["body"] = json.loads(seen.body)["body"]
                return _reply({})
        raise AssertionError(seen)


def _reply(value: Any) -> Answer:
    return Answer(body=json.dumps(value).encode())


class World:
    """A repository on a forge, a pull request of it, and KFP."""

    def __init__(self, clone: Path, tmp_path: Path, forge: Forge, server: DevServer) -> None:
        self.clone, self.forge, self.server = clone, forge, server
        self.api = KfpApi(server.url, "")
        (tmp_path / "actions").mkdir()
        own = {"preview": {"KFP_HOST": server.url, "KFP_TOKEN": "a-secret-token"}}
        self.actions = Actions(clone, tmp_path / "actions", own, forge.stub.url, {"PREVIEWS": "true"})
        self.work = tmp_path / "work"
        git(tmp_path, "clone", "--quiet", str(clone), "work")

    def push(self, message: str) -> str:
        """The pull request's next commit."""
        git(self.work, "config", "user.email", "mallory@example.com")
        self.forge.head = commit(self.work, message)
        git(self.work, "push", "--quiet", "--force", "origin", "HEAD:refs/pull/7/head")
        return self.forge.head

    def event(
        self, action: str, *, fork: bool = False, sender: str = "mallory", **more: Any
    ) -> dict[str, str]:
        """What GitHub sends, and what the workflow makes of it."""
        repository = {
            "full_name": "mallory/repository" if fork else "example/repository",
            "pushed_at": more.pop("pushed", "2026-11-29T10:00:00Z"),
        }
        pull: dict[str, Any] = {
            "number": 7, "updated_at": "2026-11-29T11:00:00Z",
            "head": {"sha": more.pop("head", self.forge.head), "repo": repository},
            "base": {"sha": git(self.clone, "rev-parse", "main")},
        }  # fmt: skip
        self.forge.state = pull["state"] = "closed" if action == "closed" else "open"
        label = {"label": {"name": more.pop("label")}} if "label" in more else {}
        event = {"action": action, "pull_request": pull, "sender": {"login": sender}, **label}
        return self.actions.send("preview", "pull_request_target", event)

    def there(self) -> list[str]:
        return sorted(one.name for one in self.api.marked() if one.owner.environment == "pr-7")


@pytest.fixture
def world(clone: Path, tmp_path: Path, localrun: Prepared) -> Iterator[World]:
    forge = Forge()
    with forge.stub, DevServer(tmp_path / "server", executor=localrun.python(*LOCALRUN[1:])) as server:
        yield World(clone, tmp_path, forge, server)


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


@pytest.mark.timeout(600)
def test_a_branch_is_previewed_updated_and_taken_down(world: World) -> None:
    _edit(world.work / TEMPLATE, "The smallest", "A tiny")
    head = world.push("a change")
    done = world.event("opened")
    assert done == {
        "allow": "success", "render": "success", "preview": "success", "down": "skipped", "comment": "success",
        "gc": "skipped",
    }, world.actions.said  # fmt: skip
    (comment,) = world.forge.comments
    assert comment["body"].startswith("<!-- kfp-gitops preview -->\n## Preview\n\nOf " + head)
    assert f"1 pipeline of `{head[:12]}`" in comment["body"]
    assert "| [SUCCEEDED](" in comment["body"]
    assert "pr-7-quickstart" in world.there()
    (version,) = world.api.versions(world.api.pipeline_id("pr-7-quickstart")).values()
    assert version.facts["commit"] == head
    git(world.work, "revert", "--no-edit", "HEAD")
    (world.work / "docs/more.md").write_text("more\n")
    world.push("turned round")
    assert world.event("synchronize")["comment"] == "success"
    assert "Nothing that runs changes" in world.forge.comments[0]["body"]
    assert world.there() == []
    _edit(world.work / TEMPLATE, "The smallest", "A tiny")
    world.push("again")
    world.event("synchronize")
    assert "pr-7-quickstart" in world.there()
    assert world.event("closed")["down"] == "success", world.actions.said
    assert "Taken down: it was closed." in world.forge.comments[0]["body"]
    assert (world.there(), len(world.forge.comments)) == ([], 1)
    assert world.api.marked() == []


@pytest.mark.timeout(600)
def test_a_fork_is_previewed_for_the_commit_alone_at_which_a_maintainer_gave_the_label(world: World) -> None:
    _edit(world.work / TEMPLATE, "The smallest", "A tiny")
    seen = world.push("a change")
    nothing = {"allow": "success", **dict.fromkeys(("render", "preview", "down", "comment", "gc"), "skipped")}
    for event in (
        {"action": "opened"},
        {"action": "reopened"},
        {"action": "synchronize", "sender": "maintainer"},
        {"action": "labeled", "label": "preview", "sender": "helper"},
        {"action": "labeled", "label": "preview", "sender": "nobody"},
        {"action": "labeled", "label": "preview", "sender": "maintainer", "pushed": "2026-11-29T10:59:30Z"},
        {"action": "labeled", "label": "preview", "sender": "maintainer", "head": "a" * 40},
    ):
        assert world.event(**event, fork=True) == nothing, (event, world.actions.said)
    assert set(world.event("labeled", label="bug", sender="owner", fork=True).values()) == {"skipped"}
    assert (world.there(), world.forge.comments) == ([], [])
    assert world.event("labeled", label="preview", sender="maintainer", fork=True)["preview"] == "success"
    assert "pr-7-quickstart" in world.there()
    # A label that is there counts for no later commit, and is taken off.
    world.forge.labels = {"preview"}
    _edit(world.work / TEMPLATE, "A tiny", "A wicked")
    world.push("what nobody has seen")
    assert world.event("synchronize", fork=True) == nothing
    assert world.forge.labels == set()
    (version,) = world.api.versions(world.api.pipeline_id("pr-7-quickstart")).values()
    assert version.facts["commit"] == seen
    # Nor does a run of the first event that is run again.
    assert world.event("labeled", label="preview", sender="maintainer", fork=True, head=seen) == nothing
    assert world.event("closed", fork=True)["down"] == "success"
    assert world.there() == []


def test_scripts_hooks_and_filters_of_the_pull_request_are_not_run(world: World, tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    evil = f"open({str(touched)!r}, 'w').close()\n"
    for path in (world.work / "scripts").rglob("*.py"):
        path.write_text(evil)
    for name in ("sitecustomize.py", "yaml.py", "jinja2.py", "kfp.py"):
        (world.work / name).write_text(evil)
        (world.work / "scripts" / name).write_text(evil)
    for path in (world.work / ".github/ci").iterdir():
        path.write_text(f"#!/bin/sh\ntouch {touched}\n")
    for path in (world.work / "components").glob("*/component.py"):
        path.write_text(evil)
    (world.work / "components/src/more.py").write_text(evil)
    _edit(world.work / TEMPLATE, "The smallest", "A tiny")
    world.push("evil")
    assert world.event("opened")["preview"] == "success", world.actions.said
    assert not touched.exists()
    assert "It changes what is in images (" in world.forge.comments[0]["body"]


def test_who_the_objects_are_of_and_where_is_the_bases_to_say(world: World) -> None:
    _edit(world.work / "environments/base.yaml", "id: kfp-gitops-example-1", "id: somebody-elses-1")
    _edit(world.work / "environments/base.yaml", "namespace: ''", "namespace: kube-system")
    world.push("another's")
    assert world.event("opened")["preview"] == "success", world.actions.said
    assert {one.owner.repository for one in world.api.marked()} <= {"kfp-gitops-example-1"}


def test_what_the_policy_of_the_base_refuses_is_not_registered(world: World) -> None:
    _edit(world.work / "environments/policy.yaml", "registry\\.example\\.com", "evil\\.example\\.com")
    _edit(world.work / "environments/dev/release.yaml", "registry.example.com/pred", "evil.example.com/pred")
    world.push("an image from elsewhere")
    assert world.event("opened")["preview"] == "failure"
    assert world.there() == []
    body = world.forge.comments[0]["body"]
    assert "## The preview failed" in body
    assert "policy image-registry" in body


def test_what_does_not_merge_or_render_is_said(world: World) -> None:
    _edit(world.work / TEMPLATE, "apiVersion", "apiVersions")
    world.push("broken")
    done = world.event("opened")
    assert (done["render"], done["preview"], done["comment"]) == ("failure", "skipped", "success")
    assert "## The preview failed" in world.forge.comments[0]["body"]
    assert "pipeline.yaml.j2:1" in world.forge.comments[0]["body"]


def test_nothing_happens_until_it_is_switched_on(world: World) -> None:
    world.actions.variables = {}
    world.forge.head = git(world.clone, "rev-parse", "main")
    assert set(world.event("opened").values()) == {"skipped"}
    assert set(world.event("closed").values()) == {"skipped"}


def test_the_clock_takes_down_what_has_no_time_left(world: World) -> None:
    _edit(world.work / TEMPLATE, "The smallest", "A tiny")
    up = ("scripts/preview.py", "--root", world.work, "up", "--pr", 7, "--base", "HEAD", "--hours", 0)
    done = run(sys.executable, *up, "--host", world.server.url, cwd=world.clone)
    assert done.returncode == 0, done.stderr
    assert world.actions.send("preview", "schedule", {})["gc"] == "success", world.actions.said
    assert world.api.marked() == []
