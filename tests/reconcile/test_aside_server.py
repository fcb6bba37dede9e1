"""`--as NAME` with the real commands over real HTTP: a developer's own comes, runs and goes; dev stays as it is."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import gitrepo
import pytest
from kfp_gitops.devserver import DevServer, Fault, Trouble
from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.pipelines import EVERY
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.reconcile import aside
from profiles import some
from project import PROJECT, Outcome, snapshot
from server_kit import Command, change, enable_schedule

ALICE = Owner("example-repository", "dev-as-alice")
Run = Callable[..., Outcome]


@pytest.fixture
def beside(repository: Path, command: Command, server: DevServer) -> Run:
    """`beside(apply | plan | status | down | run, name=alice)`: dev allows it by now."""
    allow(repository)

    def run(what: str, *more: object, name: str = "alice", env: str = "dev") -> Outcome:
        words = ["run"] if what == "run" else ["reconcile", what]
        where = ["--root", repository, "--env", env, "--host", server.url, "--as", name]
        return command(*words, *where, *more)

    return run


def allow(repository: Path, env: str = "dev") -> None:
    path = repository / f"environments/{env}/values.yaml"
    path.write_text(f"asides: allowed\n{path.read_text()}")


def everything(server: DevServer) -> dict[str, list[Any]]:
    """All that KFP's lists tell, byte for byte, but for when an experiment had its last run."""
    found = {}
    for kind in ("pipelines", "experiments", "recurringruns", "runs"):
        page = json.load(urlopen(f"{server.url}/apis/v2beta1/{kind}?page_size=200"))
        found[kind] = next((page[key] for key in page if isinstance(page[key], list)), [])
    for one in found["pipelines"]:
        url = f"{server.url}/apis/v2beta1/pipelines/{one['pipeline_id']}/versions?page_size=200"
        found[f"versions of {one['display_name']}"] = json.load(urlopen(url)).get("pipeline_versions", [])
    return found


def test_it_comes_changes_and_goes_and_dev_stays_byte_for_byte(
    reconcile: Run, beside: Run, server: DevServer, repository: Path
) -> None:
    enable_schedule(repository)
    assert reconcile("apply").code == 0
    before, files = everything(server), snapshot(repository)
    healthy = reconcile("status").out
    first = beside("apply")
    assert first.code == 0, first.err
    assert "create pipeline alice-hello: done" in first.out + first.err
    assert "dev-as-alice stays until" in first.err
    assert beside("plan").code == 0
    change(repository, 7)
    assert (again := beside("plan")).code == 1
    assert "create    version    alice-hello" in again.out
    assert beside("apply").code == 0
    status = beside("status")
    assert (status.code, status.out.splitlines()[-1]) == (0, "dev-as-alice: 1 pipeline, 1 healthy")
    change(repository, 3)
    assert snapshot(repository) == files
    assert reconcile("plan").code == 0, "dev tells of what is beside it"
    assert reconcile("status").out == healthy
    there = {one["display_name"] for one in everything(server)["experiments"]}
    assert "alice-hello-dev-as-alice" in there
    assert not [one for one in everything(server)["recurringruns"] if "alice" in one["display_name"]]
    down = beside("down")
    assert down.code == 0
    assert down.out == "dev-as-alice: 2 versions, 1 pipeline, 2 experiments deleted\n"
    assert everything(server) == before
    assert beside("down").out == "nothing is there of dev-as-alice\n"


def test_a_run_registers_what_differs_runs_it_and_shows_it(
    beside: Run, server: DevServer, api: KfpApi, repository: Path
) -> None:
    done = beside("run", "--pipeline", "hello", "--wait")
    assert done.code == 0, done.err
    assert "SUCCEEDED" in done.out and "create version alice-hello" in done.err
    (run,) = everything(server)["runs"]
    assert run["display_name"].startswith("alice-hello-")
    found = api.experiment("alice-hello-dev-as-alice")
    assert found is not None and run["experiment_id"] == found.id
    change(repository, 9)
    assert beside("run", "--pipeline", "hello", "--wait").code == 0
    versions = everything(server)["versions of alice-hello"]
    assert len({one["pipeline_version_id"] for one in versions}) == 2
    listed = beside("run", "--list", "--pipeline", "hello")
    assert listed.out.count("alice-hello") == 2
    shown = beside("run", "--status", run["run_id"])
    assert (shown.code, "alice-hello" in shown.out) == (0, True)
    assert beside("run", "--rerun", run["run_id"], "--wait").code == 0
    assert beside("down").out.startswith("dev-as-alice: 3 runs, 2 versions, 1 pipeline, 2 experiments")
    assert everything(server)["runs"] == []


def test_of_a_developers_own_what_is_there_is_judged(beside: Run, repository: Path) -> None:
    """Whoever registered one pipeline of many is not told of the others as differences."""
    values = repository / "environments/dev/values.yaml"
    given = "{name: x, items: [a], threshold: 3, schedule: {cron: '0 0 3 * * 1', enabled: false}}"
    second = f"  second: {{template: hello, values: {given}}}\n"
    values.write_text(values.read_text("utf-8").replace("pipelines:\n", f"pipelines:\n{second}"), "utf-8")
    nothing = beside("status")
    assert (nothing.code, nothing.out) == (0, "dev-as-alice: 0 pipelines, 0 healthy\n"), nothing.err
    assert "2 of 2 pipelines of dev are not registered as alice's own" in nothing.err
    assert beside("apply", "--pipeline", "hello").code == 0
    one = beside("status")
    assert (one.code, one.out) == (0, "dev-as-alice: 1 pipeline, 1 healthy\n")
    assert "1 of 2 pipelines of dev is not registered as alice's own" in one.err
    assert beside("plan").code == 1


def test_what_is_shown_can_be_typed(beside: Run, repository: Path) -> None:
    """The names that KFP knows select as well."""
    assert beside("plan", "--pipeline", "alice-hello").code == 1
    assert beside("run", "--pipeline", "alice-hello", "--wait").code == 0
    change(repository, 7)
    different = beside("status")
    assert different.code == 1
    words = " ".join(different.out.replace("\\\n", " ").split())
    assert "plan --env dev --as alice" in words and "--pipeline alice-hello" in words
    change(repository, 3)
    assert beside("status", "--pipeline", "alice-*").code == 0
    assert "of dev-as-alice" in beside("run", "--terminate", "--all-running").out


def test_nothing_is_warned_of_triggers_that_it_has_not(
    beside: Run, repository: Path, command: Command
) -> None:
    template = repository / "templates/pipelines/hello/pipeline.yaml.j2"
    trigger = "{name: t, runOn: {pipeline: hello}, parameters: {name: {output: greet-few.greeting}}}"
    said = f"{{% if pipeline == 'second' %}}triggers: [{trigger}]{{% endif %}}\n"
    template.write_text(f"{template.read_text('utf-8').rstrip()}\n{said}", "utf-8")
    values = repository / "environments/dev/values.yaml"
    given = "{name: x, items: [a], threshold: 3, schedule: {cron: '0 0 3 * * 1', enabled: false}}"
    second = f"  second: {{template: hello, values: {given}}}\n"
    values.write_text(values.read_text("utf-8").replace("pipelines:\n", f"pipelines:\n{second}"), "utf-8")
    rendered = command("render", "--root", repository, "--env", "dev")
    assert (rendered.code, "is in a condition" in rendered.err) == (0, True), rendered.err
    outcome = beside("plan", "--pipeline", "second")
    assert (outcome.code, "warning" in outcome.err) == (1, False), outcome.err


def test_a_wrong_parameter_is_told_before_anything_is_registered(beside: Run, api: KfpApi) -> None:
    wrong = beside("run", "--pipeline", "hello", "--param", "nme=x")
    assert wrong.code == 2
    assert "no such parameter" in wrong.err
    assert not api.marked()


def test_a_run_under_way_is_killed_when_it_is_taken_down(beside: Run, server: DevServer) -> None:
    assert beside("run", "--pipeline", "hello").code == 0
    assert beside("down").code == 0
    assert everything(server)["runs"] == []


@pytest.mark.parametrize("trouble", [Trouble.DROP_BEFORE, Trouble.DROP_AFTER])
@pytest.mark.parametrize(("what", "method"), [("apply", "POST"), ("down", "DELETE"), ("down", "GET")])
def test_broken_off_at_any_request_it_is_begun_again(
    reconcile: Run, beside: Run, server: DevServer, trouble: Trouble, what: str, method: str
) -> None:
    assert reconcile("apply").code == 0
    before = everything(server)
    for nth in range(1, 40):
        beside("run", "--pipeline", "hello") if what == "down" else None
        server.faults.add(Fault(method, "/apis/", trouble, nth))
        broken = beside(what, "--patience", "0")
        server.faults.clear()
        assert broken.code in (0, 4), broken.err
        assert beside(what).code == 0
        assert beside("down").code == 0
        assert everything(server) == before, f"{what} broken off at {method} {nth}"
        if broken.code == 0:
            return
    pytest.fail("it never ran through")


def test_two_developers_at_once_in_processes_of_their_own(
    reconcile: Run, server: DevServer, repository: Path, tmp_path: Path
) -> None:
    allow(repository)
    assert reconcile("apply").code == 0
    before, names = everything(server), ["alice", "bob"]

    def at_once(what: str, *more: str) -> list[int]:
        where = ["--root", str(repository), "--env", "dev", "--host", server.url, *more]
        begun = [_process([*what.split(), *where, "--as", name], tmp_path) for name in names]
        return [one.wait(120) for one in begun]

    assert at_once("run", "--pipeline", "hello", "--wait") == [0, 0]
    there = {one["display_name"] for one in everything(server)["pipelines"]}
    assert {"hello", "alice-hello", "bob-hello"} <= there
    assert at_once("reconcile down") == [0, 0]
    assert everything(server) == before


def test_one_name_in_two_environments_is_two(
    beside: Run, server: DevServer, repository: Path, api: KfpApi
) -> None:
    """In one namespace of KFP the second one's pipeline of the same name is another's, and is refused."""
    stage = repository / "environments/stage"
    stage.mkdir()
    for name in ("values.yaml", "release.yaml"):
        (stage / name).write_text((repository / "environments/dev" / name).read_text())
    assert beside("apply").code == 0
    second = beside("apply", env="stage")
    assert second.code == 5
    assert "owned by example-repository/dev-as-alice" in second.out
    assert beside("down", env="stage").code == 0
    assert api.pipeline("alice-hello") is not None
    assert beside("plan").code == 0


def test_where_it_is_not_allowed_nothing_is_asked_of_kfp(
    repository: Path, command: Command, server: DevServer
) -> None:
    where = ["--root", repository, "--env", "dev", "--host", server.url, "--as", "alice"]
    for words in (["reconcile", "apply"], ["reconcile", "plan"], ["run", "--pipeline", "hello"]):
        done = command(words[0], *words[1:], *where)
        assert done.code == 5
        assert "environments/dev/values.yaml: dev lets nobody" in done.err and "asides: allowed" in done.err
    assert server.faults.requests == []


def test_the_lock_of_the_environment_is_neither_needed_nor_taken(
    beside: Run, server: DevServer, repository: Path
) -> None:
    from kfp_gitops.reconcile import locking

    key = (server.url, "", "example-repository", "dev")
    with locking.hold(None, key, 5, print):
        assert beside("apply", "--lock-timeout", "1").code == 0
        assert beside("down", "--lock-timeout", "1").code == 0


def test_after_it_was_taken_down_it_comes_again_without_a_word_of_loss(beside: Run) -> None:
    for _ in range(2):
        done = beside("apply")
        assert done.code == 0
        assert "lost" not in done.err
        assert beside("down").code == 0


def test_what_is_over_is_taken_down_by_anybody_and_what_is_not_stays(
    beside: Run, command: Command, server: DevServer, repository: Path, api: KfpApi
) -> None:
    assert beside("apply", "--until", "1d").code == 0
    wanted = api.marked()
    note = next(one for one in wanted if aside.is_note(one))
    bob = Owner("example-repository", "dev-as-bob")
    text = ownership.describe(bob, aside="dev", over="2020-01-01T00:00:00Z")
    pipeline = api.create_pipeline("bob-hello", text)
    api.upload_version(pipeline.id, "v", _IR, text)
    down = command("reconcile", "down", "--root", repository, "--env", "dev", "--host", server.url, "--over")
    assert (down.code, down.out) == (0, "dev-as-bob: 1 version, 1 pipeline deleted\n"), down.err
    assert {one.owner for one in api.marked()} == {note.owner}


_IR = json.dumps({
    "pipelineInfo": {"name": "bob-hello"}, "schemaVersion": "2.1.0", "sdkVersion": "kfp-2.17.0",
    "root": {"dag": {"tasks": {"t": {"componentRef": {"name": "c"}, "taskInfo": {"name": "t"}}}}},
    "components": {"c": {"executorLabel": "e"}},
    "deploymentSpec": {"executors": {"e": {"container": {"image": "i", "command": ["true"]}}}},
})  # fmt: skip


def test_what_somebody_else_uses_stays_and_is_told(beside: Run, server: DevServer, api: KfpApi) -> None:
    assert beside("apply").code == 0
    found = api.pipeline("alice-hello")
    assert found is not None
    theirs = api.upload_version(found.id, "by-hand", _IR, "")
    down = beside("down")
    assert down.code == 1
    assert "pipeline alice-hello stays: version by-hand of it was made by somebody else" in down.err
    assert [one.name for one in api.versions(found.id).values()] == ["by-hand"]
    api.delete_version(found.id, theirs.id)
    assert beside("down").code == 0
    assert not api.marked()


def test_a_version_says_that_it_is_of_what_is_not_committed(
    beside: Run, api: KfpApi, repository: Path
) -> None:
    allow(repository, "prod")
    head = gitrepo.init(repository)
    assert "not committed" not in beside("apply").err
    change(repository, 8)
    assert "and is of what is not committed, too" in beside("apply").err
    found = api.pipeline("alice-hello")
    assert found is not None
    said = {version.facts["commit"] for version in found.versions.values()}
    assert said == {head, f"{head}+changes"}
    assert {version.facts["aside"] for version in found.versions.values()} == {"dev"}


def test_doctor_lists_what_is_beside_and_what_of_it_is_left_over(
    reconcile: Run, beside: Run, command: Command, api: KfpApi, repository: Path, server: DevServer
) -> None:
    assert reconcile("apply").code == 0
    where = ["--root", repository, "--env", "dev", "--host", server.url]
    assert re.search(r"^ok +asides +none$", command("doctor", *where).out, re.MULTILINE)
    assert beside("apply").code == 0
    text = ownership.describe(
        Owner("example-repository", "dev-as-bob"), aside="dev", over="2020-01-01T00:00:00Z"
    )
    api.create_experiment("kfp-gitops-aside-0-0", text)
    api.create_experiment("kfp-gitops-aside-1-0", text.replace("example", "another"))
    told = command("doctor", *where)
    assert told.code == 0, told.out
    assert "dev-as-alice (1 pipeline) until " in told.out
    assert "dev-as-bob (0 pipelines) left over, was until 2020-01-01 00:00 UTC" in told.out
    assert "→ python scripts/reconcile.py down --env dev --over" in told.out
    assert told.out.count("dev-as-bob") == 1, "of another repository"


def test_in_an_environment_of_previews_a_place_of_ones_own_is_ones_name(
    beside: Run, api: KfpApi, repository: Path
) -> None:
    (repository / "environments/preview").mkdir()
    values = "previewOf: dev\npipelines:\n  hello:\n    values:\n      name: for-{preview}\n"
    (repository / "environments/preview/values.yaml").write_text(values)
    done = beside("apply", env="preview")
    assert done.code == 0, done.err
    found = api.pipeline("alice-hello", EVERY)
    assert found is not None
    (version,) = found.versions.values()
    assert "for-alice" in json.dumps(api.compiled(found.id, version.id).spec)  # type: ignore[union-attr]  # it is there
    assert beside("down", env="preview").code == 0
    assert not api.marked()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("apply", "--lease", "a/b"), "--as alice goes not with --lease"),
        (("apply", "--adopt", "hello"), "goes not with --adopt"),
        (("plan", "--approve"), "goes not with --approve"),
        (("run", "--pipeline", "hello", "--local"), "--as goes not with --local"),
        (("run", "--pipeline", "hello", "--schedule", "weekly"), "--as goes not with --schedule"),
        (("apply", "--until", "yesterday"), "--until yesterday: write 8h"),
        (("apply", "--pipeline", "helo"), "has none of that name"),
    ],
)
def test_what_goes_not_with_it_is_told(beside: Run, words: tuple[str, ...], said: str) -> None:
    done = beside(*words)
    assert done.code == 2
    assert said in done.err


@pytest.mark.parametrize("what", ["run --pipeline hello --wait", "reconcile apply", "reconcile down"])
def test_killed_at_any_moment_it_is_begun_again_and_nothing_is_left(
    reconcile: Run, beside: Run, server: DevServer, repository: Path, tmp_path: Path, what: str
) -> None:
    """A process of its own, killed as soon as KFP has seen so many requests of it."""
    assert reconcile("apply").code == 0
    before, killed = everything(server), []
    for most in some(range(2, 40, 4), len(what) % 2):
        if what == "reconcile down":
            assert beside("run", "--pipeline", "hello").code == 0
        server.faults.clear()
        where = ["--root", repository, "--env", "dev", "--host", server.url, "--as", "alice"]
        process = _process(what.split() + [str(word) for word in where], tmp_path)
        while process.poll() is None and len(server.faults.requests) < most:
            time.sleep(0.002)
        process.kill()
        killed.append(process.wait(60) != 0)
        assert beside("down").code == 0
        assert everything(server) == before, f"killed at request {most}"
        if not killed[-1]:
            break
    assert any(killed)


def _process(words: list[str], cwd: Path) -> subprocess.Popen[bytes]:
    env = {**os.environ, "PYTHONPATH": str(PROJECT / "scripts")}
    quiet = subprocess.DEVNULL
    return subprocess.Popen(
        [sys.executable, "-m", "kfp_gitops", *words], env=env, cwd=cwd, stdout=quiet, stderr=quiet
    )
