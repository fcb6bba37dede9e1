"""Plan and apply against the development server over real HTTP, with the real client."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from kfp_gitops.base.schema import named
from kfp_gitops.commands.reconcile import telling
from kfp_gitops.devserver import DevServer, Fault, Features, Trouble
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.reconcile.desired import load
from kfp_gitops.reconcile.events import Event, to_json
from kfp_gitops.reconcile.observe import observe
from project import PROJECT, Outcome
from server_kit import FAKE, Command, api_of, change, enable_schedule


def test_apply_creates_everything_and_a_second_apply_plans_nothing(
    reconcile: Callable[..., Outcome], server: DevServer
) -> None:
    assert reconcile("plan").code == 1
    first = reconcile("apply")
    assert first.code == 0
    assert "4 create" in first.out
    assert "create experiment hello-dev: done" in first.out + first.err  # the name that it has in KFP
    writes = [r for r in server.faults.requests if r.method != "GET"]
    again = reconcile("apply")
    assert again.code == 0
    (only,) = again.out.splitlines()
    assert re.fullmatch(r"dev: nothing to do, 1 pipeline unchanged; \d+ requests, \d+\.\d s", only)
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
    found = api_of(server).pipeline("hello")
    assert found is not None
    assert list(found.versions) == [wanted.version]
    assert found.owner == Owner("example-repository", "dev")
    version = found.versions[wanted.version]
    assert version.facts["release"] == wanted.release
    assert version.facts["source"] == "manifests/dev/pipelines/hello/pipeline.yaml"
    tags = api_of(server)._client.pipelines.pipeline_service_get_pipeline_version(found.id, version.id).tags
    assert tags["release"] == wanted.release[:63]


def test_a_change_registers_a_new_version_and_replaces_the_schedule(
    reconcile: Callable[..., Outcome], server: DevServer, repository: Path
) -> None:
    enable_schedule(repository)
    reconcile("apply")
    (before,) = api_of(server).schedules()
    change(repository, 7)
    outcome = reconcile("apply")
    assert "replace   schedule   hello-weekly  (version differs)" in outcome.out
    (after,) = api_of(server).schedules()
    assert after.id != before.id
    assert after.enabled
    assert reconcile("plan").code == 0


def test_going_back_pins_the_old_version_without_uploading_it_again(
    reconcile: Callable[..., Outcome], server: DevServer, repository: Path
) -> None:
    reconcile("apply")
    change(repository, 7)
    reconcile("apply")
    change(repository, 3)
    uploads = [r for r in server.faults.requests if "upload" in r.path]
    assert reconcile("apply").code == 0
    assert [r for r in server.faults.requests if "upload" in r.path] == uploads
    (schedule,) = api_of(server).schedules()
    wanted = load(repository / "manifests/dev", "dev", server.url).pipelines[0].version
    found = api_of(server).pipeline("hello")
    assert found is not None
    assert schedule.version_id == found.versions[wanted].id


def _fires_in(minutes: int, repository: Path) -> None:
    base, soon = repository / "environments/base.yaml", datetime.now(UTC) + timedelta(minutes=minutes)
    cron = f"cron: '{soon.second} {soon.minute} {soon.hour} * * *'"
    base.write_text(re.sub("cron: .*", cron, base.read_text("utf-8")), "utf-8")


@pytest.mark.parametrize(
    ("minutes", "writes"),
    [(5, ["recurringruns", "disable", "enable", "DELETE"]), (60, ["recurringruns", "DELETE", "enable"])],
)
def test_a_replacement_never_has_two_enabled_schedules_and_deletes_with_orphan(
    reconcile: Callable[..., Outcome], server: DevServer, repository: Path, minutes: int, writes: list[str]
) -> None:
    """What fires in more than ten minutes is deleted at once."""
    enable_schedule(repository)
    _fires_in(minutes, repository)
    reconcile("apply")
    change(repository, 9)
    start = len(server.faults.requests)
    reconcile("apply")
    swap = [
        (r.method, r.path.rsplit("/", 1)[-1].split(":")[-1], r.query)
        for r in server.faults.requests[start:]
        if r.method != "GET" and "recurringruns" in r.path
    ]
    verbs = [method if method == "DELETE" else name for method, name, _ in swap]
    assert verbs == writes
    assert all("propagation_policy=ORPHAN" in query for method, _, query in swap if method == "DELETE")


def test_a_pipeline_of_somebody_else_is_a_conflict_and_stays_as_it_is(
    reconcile: Callable[..., Outcome], server: DevServer
) -> None:
    api_of(server).create_pipeline("hello", "made by hand")
    outcome = reconcile("apply")
    assert outcome.code == 5
    assert "not marked as ours" in outcome.err
    found = api_of(server).pipeline("hello")
    assert found is not None
    assert not found.versions
    assert list(api_of(server).schedules()) == []


def test_the_same_pipeline_of_another_environment_is_a_conflict(reconcile: Callable[..., Outcome]) -> None:
    reconcile("apply", "dev")
    outcome = reconcile("apply", "prod")
    assert outcome.code == 5
    assert "owned by example-repository/dev" in outcome.err
    assert "give the environment a KFP or namespace of its own (`kfp` in its values)" in outcome.err


def test_a_schedule_paused_by_hand_shows_as_a_difference(
    reconcile: Callable[..., Outcome], server: DevServer, repository: Path
) -> None:
    enable_schedule(repository)
    reconcile("apply")
    (schedule,) = api_of(server).schedules()
    api_of(server).disable_schedule(schedule.id)
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
    first = reconcile("apply")
    if trouble is Trouble.DROP_BEFORE and nth == 4:  # of a recurring run: nobody can know that from here
        assert (first.code, "kubectl get scheduledworkflows" in first.err) == (4, True)
        assert reconcile("apply").code == 0
    else:
        assert first.code == 0
    assert reconcile("plan").code == 0
    assert len(list(api_of(server).schedules())) == 1


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
    api = api_of(server)
    wanted = load(repository / "manifests/dev", "dev", server.url)
    pipeline_id = api.pipeline_id("hello")
    theirs = api.create_schedule(
        name="by-hand",
        description="made by hand",
        pipeline_id=pipeline_id,
        version_id=api.version_id(pipeline_id, wanted.pipelines[0].version, wanted.pipelines[0].digest),
        experiment_id=api.experiment_id("hello-dev"),
        schedule=wanted.pipelines[0].schedules[0],
    ).id
    change(repository, 11)
    reconcile("apply")
    assert theirs in {item.id for item in observe(api, wanted).schedules}


def test_the_committed_environment_of_this_repository_can_be_applied(
    server: DevServer, command: Command, tmp_path: Path
) -> None:
    shutil.copytree(PROJECT / "manifests/prod", tmp_path / "prod")
    arguments = ("--env", "prod", "--host", server.url, "--manifests", tmp_path / "prod")
    assert command("reconcile", "apply", *arguments).code == 0
    assert command("reconcile", "plan", *arguments).code == 0


def test_a_plan_is_written_for_machines_and_for_pull_requests(
    reconcile: Callable[..., Outcome], tmp_path: Path
) -> None:
    outcome = reconcile("plan", "dev", "--format", "json", "--out", tmp_path / "plan.json")
    assert "+ create" in outcome.out
    data = json.loads((tmp_path / "plan.json").read_text())
    assert data["summary"] == {"create": 4}
    assert json.loads(reconcile("plan", "dev", "--format", "json").out) == data
    assert "| + create | pipeline `hello` |" in reconcile("plan", "dev", "--format", "markdown").out
    unwritable = reconcile("plan", "dev", "--out", tmp_path / "no/such/folder")
    assert (unwritable.code, "Traceback" in unwritable.err) == (2, False)


def test_an_apply_leaves_a_line_for_each_step_and_its_last_words(
    reconcile: Callable[..., Outcome], tmp_path: Path
) -> None:
    log, last = tmp_path / "steps.jsonl", tmp_path / "termination"
    assert reconcile("apply", "dev", "--log-json", log, "--termination-log", last).code == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["action"], line["kind"]) for line in lines] == [
        ("create", "pipeline"),
        ("create", "version"),
        ("create", "experiment"),
        ("create", "schedule"),
    ]
    assert {line["outcome"] for line in lines} == {"done"}
    for line in lines:
        named("step").validator.validate(line)
    assert len(last.read_bytes()) <= 4096
    told = json.loads(last.read_text())
    named("apply").validator.validate(told)
    assert told["done"]["create version"] == 1


def test_the_line_of_a_step_has_the_firings_that_it_missed_in_utc() -> None:
    event = Event(
        "p", "enable", "schedule", "p-weekly", "done", missed=(datetime(2026, 1, 5, 3, tzinfo=UTC),)
    )
    told = json.loads(to_json(event))
    named("step").validator.validate(told)
    assert told["missed"] == ["2026-01-05T03:00:00Z"]


def test_last_words_fit_into_what_kubernetes_keeps() -> None:
    data = {"environment": "dev", "failed": [f"p{n}: {'x' * 500}" for n in range(1000)], "postponed": []}
    text = telling.termination_message(data)
    assert len(text.encode()) <= 4096
    assert "more" in json.loads(text)["failed"][-1]


def test_adoption_is_asked_for_by_name(reconcile: Callable[..., Outcome], server: DevServer) -> None:
    api_of(server).create_pipeline("hello", "made by hand")
    assert reconcile("apply", "dev", "--adopt", "another").code == 5
    assert "+ adopt     pipeline   hello" in reconcile("apply", "dev", "--adopt", "hello").out
    assert reconcile("plan").code == 0


def test_schedules_are_not_refreshed_where_the_server_does_not_tell_its_version(
    tmp_path: Path, repository: Path, command: Command
) -> None:
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    with DevServer(tmp_path / "server", executor=FAKE, features=Features(version="unknown")) as server:
        target = ["--root", repository, "--env", "dev", "--host", server.url, "--refresh-stale"]
        done = command("reconcile", "plan", *target)
    assert (done.code, "does not tell its version" in done.err) == (2, True)


def test_a_status_that_would_tell_nobody_is_refused(
    reconcile: Callable[..., Outcome], server: DevServer
) -> None:
    done = reconcile("status", "dev", "--exit-zero")
    assert (done.code, "--push-gateway" in done.err) == (2, True)
