"""Plan and apply against the development server over real HTTP, with the real client."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from kfp_gitops.commands.reconcile import telling
from kfp_gitops.devserver import DevServer, Fault, Faults, Features, Trouble
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.reconcile.desired import load
from kfp_gitops.reconcile.observe import observe
from project import PROJECT, Outcome

Command = Callable[..., Outcome]
FAKE = (sys.executable, "-I", "-S", str(PROJECT / "tests/devserver/fake_executor.py"))


@pytest.fixture(autouse=True)
def own_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock remembers, by the server's address, what was applied; another test's server may have had that port."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DevServer]:
    with DevServer(tmp_path / "server", executor=FAKE, grace=0.3, faults=Faults()) as found:
        yield found


@pytest.fixture
def reconcile(repository: Path, command: Command, server: DevServer) -> Callable[..., Outcome]:
    """`reconcile(plan | apply, env=dev)` of what the small repository renders to now."""

    def run(what: str, env: str = "dev", *more: object) -> Outcome:
        assert command("render", "--root", repository, "--env", env, "--lock").code == 0
        return command("reconcile", what, "--root", repository, "--env", env, "--host", server.url, *more)

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
    assert "create experiment hello-dev: done" in first.out + first.err  # the name that it has in KFP
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
    _enable_schedule(repository)
    _fires_in(minutes, repository)
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
    assert verbs == writes
    assert all("propagation_policy=ORPHAN" in query for method, _, query in swap if method == "DELETE")


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
    assert "give the environment a KFP or namespace of its own (`kfp` in its values)" in outcome.err


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
    first = reconcile("apply")
    if trouble is Trouble.DROP_BEFORE and nth == 4:  # of a recurring run: nobody can know that from here
        assert (first.code, "kubectl get scheduledworkflows" in first.err) == (4, True)
        assert reconcile("apply").code == 0
    else:
        assert first.code == 0
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


def _in_dev(repository: Path, text: str) -> None:
    values = repository / "environments/dev/values.yaml"
    values.write_text(values.read_text() + text)


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
    assert len(last.read_bytes()) <= 4096
    assert json.loads(last.read_text())["done"]["create version"] == 1


def test_last_words_fit_into_what_kubernetes_keeps() -> None:
    data = {"environment": "dev", "failed": [f"p{n}: {'x' * 500}" for n in range(1000)], "postponed": []}
    text = telling.termination_message(data)
    assert len(text.encode()) <= 4096
    assert "more" in json.loads(text)["failed"][-1]


def test_a_tombstone_in_the_values_is_planned_guarded_and_applied(
    reconcile: Callable[..., Outcome], server: DevServer, repository: Path
) -> None:
    reconcile("apply")
    _in_dev(repository, "    state: absent\n    delete: pipeline\n")
    refused = reconcile("apply")
    assert (refused.code, "--allow-empty" in refused.err) == (5, True)
    assert reconcile("apply", "dev", "--allow-empty", "--max-delete", "0").code == 5
    assert reconcile("apply", "dev", "--allow-empty", "--protect", "hello").code == 5
    assert len(list(_api(server).schedules())) == 1
    assert reconcile("apply", "dev", "--allow-empty").code == 0
    assert list(_api(server).schedules()) == []
    assert _api(server).pipeline("hello") is None


def test_a_pause_in_the_values_disables_until_it_is_over(
    reconcile: Callable[..., Outcome], server: DevServer, repository: Path
) -> None:
    _enable_schedule(repository)
    reconcile("apply")
    _in_dev(repository, "    state: paused\n    until: '2999-01-01T00:00:00Z'\n")
    assert "note: hello is paused until 2999-01-01T00:00:00Z" in reconcile("apply").out
    (schedule,) = _api(server).schedules()
    assert not schedule.enabled
    assert reconcile("plan").code == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("    state: paused\n", "lacks 'until'"),
        ("    until: '2026-01-01T00:00:00Z'\n", "`until` goes with `state: paused`"),
        ("    state: paused\n    until: '2026-02-30T00:00:00Z'\n", "write a real instant"),
        ("    delete: pipeline\n", "`delete` goes with `state: absent`"),
        ("    state: gone\n", "state"),
    ],
)
def test_a_state_that_makes_no_sense_is_refused_with_its_position(
    repository: Path, command: Command, text: str, says: str
) -> None:
    _in_dev(repository, text)
    outcome = command("render", "--root", repository, "--env", "dev")
    assert outcome.code == 2
    assert says in outcome.err
    assert outcome.err.startswith("environments/dev/values.yaml:")


def test_adoption_is_asked_for_by_name(reconcile: Callable[..., Outcome], server: DevServer) -> None:
    _api(server).create_pipeline("hello", "made by hand")
    assert reconcile("apply", "dev", "--adopt", "another").code == 5
    assert "+ adopt     pipeline   hello" in reconcile("apply", "dev", "--adopt", "hello").out
    assert reconcile("plan").code == 0


def _with_trigger(repository: Path) -> None:
    template = repository / "templates/pipelines/hello/pipeline.yaml.j2"
    template.write_text(template.read_text() + "triggers:\n- name: changed\n  runOn: change\n")


def test_a_lost_database_starts_no_trigger_again(
    repository: Path, command: Command, tmp_path: Path, reconcile: Callable[..., Outcome], server: DevServer
) -> None:
    _with_trigger(repository)
    first = reconcile("apply")
    assert "start run hello-changed-" in first.out
    assert "start run" not in reconcile("apply").out
    port = int(server.url.rsplit(":", 1)[1])
    server.close()
    with DevServer(tmp_path / "anew", executor=FAKE, grace=0.3, port=port) as anew:
        again = reconcile("apply")
        assert again.code == 0
        assert "seems to have lost its database" in again.err
        assert "start run" not in again.out
        assert "create version" in again.out
        assert "start run" not in reconcile("apply").out
        assert not KfpApi(anew.url, "").runs_called_like("hello")
    server.start()


def test_a_lost_database_is_remembered_until_an_apply_has_run_through(
    repository: Path, command: Command, tmp_path: Path, reconcile: Callable[..., Outcome], server: DevServer
) -> None:
    """KFP comes back slowly: the first apply registers a part of all, and the second must start nothing either."""
    _with_trigger(repository)
    assert "start run hello-changed-" in reconcile("apply").out
    port = int(server.url.rsplit(":", 1)[1])
    server.close()
    upload = Fault("POST", "pipelines/upload_version", Trouble.ANSWER, nth=1, status=400)
    with DevServer(tmp_path / "anew", executor=FAKE, grace=0.3, port=port, faults=Faults(upload)) as anew:
        assert reconcile("apply").code == 4
        assert KfpApi(anew.url, "").pipeline("hello") is not None
        again = reconcile("apply")
        assert again.code == 0
        assert "create version" in again.out
        assert "start run" not in again.out
    server.start()


def test_a_lost_database_is_noticed_where_no_apply_ever_ran_through_whole(
    repository: Path, command: Command, tmp_path: Path, reconcile: Callable[..., Outcome], server: DevServer
) -> None:
    _with_trigger(repository)
    server.faults.add(Fault("POST", "recurringruns$", Trouble.ANSWER, nth=0, status=400))
    for _ in range(2):
        assert reconcile("apply").code == 4
    port = int(server.url.rsplit(":", 1)[1])
    server.close()
    with DevServer(tmp_path / "anew", executor=FAKE, grace=0.3, port=port) as anew:
        assert "start run" not in reconcile("apply").out
        assert not KfpApi(anew.url, "").runs_called_like("hello")
    server.start()


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


def test_an_apply_that_registered_nothing_makes_no_later_one_believe_in_a_loss(
    reconcile: Callable[..., Outcome], repository: Path
) -> None:
    values = repository / "environments/dev/values.yaml"
    whole = values.read_text()
    _with_trigger(repository)
    values.write_text(_without_hello(whole))
    assert reconcile("apply", "dev", "--allow-empty").code == 0
    values.write_text(whole)
    first = reconcile("apply")
    assert "lost its database" not in first.err
    assert "start run hello-changed-" in first.out


def test_a_pipeline_that_left_the_manifests_is_no_lost_database(
    reconcile: Callable[..., Outcome], repository: Path
) -> None:
    values = repository / "environments/dev/values.yaml"
    whole = values.read_text()
    _with_trigger(repository)
    assert "start run hello-changed-" in reconcile("apply").out
    values.write_text(whole + "    state: absent\n")  # its schedules are deleted, all else stays
    assert reconcile("apply", "dev", "--allow-empty").code == 0
    values.write_text(_without_hello(whole))
    for _ in range(2):
        assert "lost its database" not in reconcile("apply", "dev", "--allow-empty").err


def _without_hello(values: str) -> str:
    return values[: values.index("  hello:")] + "  hello: null\n"


def test_two_repositories_have_a_lock_and_a_memory_each_and_one_has_one(
    repository: Path, command: Command, server: DevServer, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(repository, other)
    base = other / "environments/base.yaml"
    base.write_text(base.read_text().replace("id: example-repository", "id: another-repository"))
    for root in (repository, other):
        assert command("render", "--root", root, "--env", "dev", "--lock").code == 0
    common = ("--env", "dev", "--host", server.url)
    assert command("reconcile", "apply", "--root", repository, *common).code == 0
    assert len(_locks(tmp_path)) == 1
    found = command("reconcile", "apply", "--root", other, *common)
    assert (found.code, "lost its database" in found.err) == (5, False)  # the names are taken
    assert len(_locks(tmp_path)) == 2
    assert command("reconcile", "disable", "--root", repository, *common).code == 0
    assert len(_locks(tmp_path)) == 2


def _locks(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "cache/kfp-gitops/locks").glob("*.lock"))
