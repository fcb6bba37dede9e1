"""Plan and apply against the development server over real HTTP, with the real client."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kfp_gitops.devserver import DevServer, Fault, Faults, Trouble
from kfp_gitops.kfpapi.client import KfpApi
from kfp_gitops.ownership import Owner
from kfp_gitops.reconcile.desired import load
from kfp_gitops.reconcile.observe import observe
from project import PROJECT, Outcome

Command = Callable[..., Outcome]
FAKE = (sys.executable, "-I", "-S", str(PROJECT / "tests/devserver/fake_executor.py"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DevServer]:
    with DevServer(tmp_path / "server", executor=FAKE, grace=0.3, faults=Faults()) as found:
        yield found


@pytest.fixture
def reconcile(repository: Path, command: Command, server: DevServer) -> Callable[..., Outcome]:
    """`reconcile(plan | apply, env=dev)` of what the small repository renders to now."""

    def run(what: str, env: str = "dev") -> Outcome:
        assert command("render", "--root", repository, "--env", env, "--lock").code == 0
        return command("reconcile", what, "--root", repository, "--env", env, "--host", server.url)

    return run


def _api(server: DevServer) -> KfpApi:
    return KfpApi(server.url, "")


def _enable_schedule(repository: Path) -> None:
    base = repository / "environments/base.yaml"
    base.write_text(base.read_text().replace("enabled: false", "enabled: true"))


def _change(repository: Path, threshold: int) -> None:
    base = repository / "environments/base.yaml"
    text = base.read_text()
    before = text.split("threshold: ")[1].split("\n")[0]
    base.write_text(text.replace(f"threshold: {before}", f"threshold: {threshold}"))


def test_apply_creates_everything_and_a_second_apply_plans_nothing(
    reconcile: Callable[..., Outcome], server: DevServer
) -> None:
    assert reconcile("plan").code == 1
    first = reconcile("apply")
    assert first.code == 0
    assert "4 create" in first.out
    writes = [r for r in server.faults.requests if r.method != "GET"]
    again = reconcile("apply")
    assert again.code == 0
    assert "4 unchanged" in again.out.splitlines()
    assert again.out.splitlines()[-1].endswith("nothing to do; 0 failed, 0 postponed")
    assert [r for r in server.faults.requests if r.method != "GET"] == writes
    assert reconcile("plan").code == 0


def test_plan_changes_nothing(reconcile: Callable[..., Outcome], server: DevServer) -> None:
    reconcile("plan")
    assert {r.method for r in server.faults.requests} == {"GET"}


def test_the_version_is_named_after_its_content_and_says_where_it_is_from(
    reconcile: Callable[..., Outcome], server: DevServer, repository: Path
) -> None:
    reconcile("apply")
    wanted = load(repository / "manifests/dev", "dev", server.url).pipelines[0]
    found = _api(server).pipeline("hello")
    assert found is not None
    assert list(found.versions) == [wanted.version]
    assert found.owner == Owner("example-repository", "dev")
    version = found.versions[wanted.version]
    assert version.facts["release"] == wanted.release
    assert version.facts["source"] == "manifests/dev/pipelines/hello/pipeline.yaml"
    tags = _api(server)._client.pipelines.pipeline_service_get_pipeline_version(found.id, version.id).tags
    assert tags["release"] == wanted.release[:63]


def test_a_change_registers_a_new_version_and_replaces_the_schedule(
    reconcile: Callable[..., Outcome], server: DevServer, repository: Path
) -> None:
    _enable_schedule(repository)
    reconcile("apply")
    (before,) = _api(server).schedules()
    _change(repository, 7)
    outcome = reconcile("apply")
    assert "replace   schedule   hello-weekly  (version differs)" in outcome.out
    (after,) = _api(server).schedules()
    assert after.id != before.id
    assert after.enabled
    assert reconcile("plan").code == 0


def test_going_back_pins_the_old_version_without_uploading_it_again(
    reconcile: Callable[..., Outcome], server: DevServer, repository: Path
) -> None:
    reconcile("apply")
    _change(repository, 7)
    reconcile("apply")
    _change(repository, 3)
    uploads = [r for r in server.faults.requests if "upload" in r.path]
    assert reconcile("apply").code == 0
    assert [r for r in server.faults.requests if "upload" in r.path] == uploads
    (schedule,) = _api(server).schedules()
    wanted = load(repository / "manifests/dev", "dev", server.url).pipelines[0].version
    found = _api(server).pipeline("hello")
    assert found is not None
    assert schedule.version_id == found.versions[wanted].id


def test_a_replacement_never_has_two_enabled_schedules_and_deletes_with_orphan(
    reconcile: Callable[..., Outcome], server: DevServer, repository: Path
) -> None:
    _enable_schedule(repository)
    reconcile("apply")
    _change(repository, 9)
    start = len(server.faults.requests)
    reconcile("apply")
    swap = [
        (r.method, r.path.rsplit("/", 1)[-1].split(":")[-1], r.query)
        for r in server.faults.requests[start:]
        if r.method != "GET" and "recurringruns" in r.path
    ]
    verbs = [method if method == "DELETE" else name for method, name, _ in swap]
    assert verbs == ["recurringruns", "disable", "enable", "DELETE"]
    assert "propagation_policy=ORPHAN" in swap[-1][2]


def test_a_pipeline_of_somebody_else_is_a_conflict_and_stays_as_it_is(
    reconcile: Callable[..., Outcome], server: DevServer
) -> None:
    _api(server).create_pipeline("hello", "made by hand")
    outcome = reconcile("apply")
    assert outcome.code == 5
    assert "not marked as ours" in outcome.err
    found = _api(server).pipeline("hello")
    assert found is not None
    assert not found.versions
    assert list(_api(server).schedules()) == []


def test_the_same_pipeline_of_another_environment_is_a_conflict(reconcile: Callable[..., Outcome]) -> None:
    reconcile("apply", "dev")
    outcome = reconcile("apply", "prod")
    assert outcome.code == 5
    assert "owned by example-repository/dev" in outcome.err


def test_a_schedule_paused_by_hand_shows_as_a_difference(
    reconcile: Callable[..., Outcome], server: DevServer, repository: Path
) -> None:
    _enable_schedule(repository)
    reconcile("apply")
    (schedule,) = _api(server).schedules()
    _api(server).disable_schedule(schedule.id)
    outcome = reconcile("plan")
    assert outcome.code == 1
    assert "~ enable    schedule   hello-weekly  (is disabled, shall be enabled)" in outcome.out
    assert "enabled: false → true" in outcome.out


@pytest.mark.parametrize("trouble", [Trouble.DROP_BEFORE, Trouble.DROP_AFTER])
@pytest.mark.parametrize("nth", range(1, 5))
@pytest.mark.usefixtures("impatient")
def test_a_connection_lost_at_any_write_is_made_good_without_making_anything_twice(
    reconcile: Callable[..., Outcome], server: DevServer, trouble: Trouble, nth: int
) -> None:
    server.faults.add(Fault("POST", ".*", trouble, nth=nth))
    assert reconcile("apply").code == 0
    assert reconcile("plan").code == 0
    assert len(list(_api(server).schedules())) == 1


@pytest.mark.usefixtures("impatient")
def test_reads_are_tried_again_when_the_server_is_overloaded(
    reconcile: Callable[..., Outcome], server: DevServer
) -> None:
    server.faults.add(Fault("GET", "recurringruns", Trouble.ANSWER, nth=1, status=503))
    server.faults.add(Fault("GET", "pipelines$", Trouble.ANSWER, nth=1, status=429))
    assert reconcile("apply").code == 0


def test_what_others_made_is_seen_and_left_alone(
    reconcile: Callable[..., Outcome], server: DevServer, repository: Path
) -> None:
    reconcile("apply")
    api = _api(server)
    wanted = load(repository / "manifests/dev", "dev", server.url)
    pipeline_id = api.pipeline_id("hello")
    theirs = api.create_schedule(
        name="by-hand",
        description="made by hand",
        pipeline_id=pipeline_id,
        version_id=api.version_id(pipeline_id, wanted.pipelines[0].version),
        experiment_id=api.experiment_id("hello-dev"),
        schedule=wanted.pipelines[0].schedules[0],
    ).id
    _change(repository, 11)
    reconcile("apply")
    assert theirs in {item.id for item in observe(api, wanted).schedules}


def test_the_committed_environment_of_this_repository_can_be_applied(
    server: DevServer, command: Command, tmp_path: Path
) -> None:
    shutil.copytree(PROJECT / "manifests/prod", tmp_path / "prod")
    arguments = ("--env", "prod", "--host", server.url, "--manifests", tmp_path / "prod")
    assert command("reconcile", "apply", *arguments).code == 0
    assert command("reconcile", "plan", *arguments).code == 0
