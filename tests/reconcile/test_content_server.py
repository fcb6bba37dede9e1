"""Content, not names: what somebody put under our names on a server is found out, over real HTTP, and refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kfp_gitops.compiling import ir
from kfp_gitops.devserver import DevServer
from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.reconcile.desired import load
from kfp_gitops.reconcile.records import DesiredPipeline
from project import Outcome
from server_kit import Command, api_of, change, enable_schedule

OWNER = Owner("example-repository", "dev")
OTHER = Owner("another-repository", "dev")


@pytest.fixture
def api(server: DevServer) -> KfpApi:
    return api_of(server)


def _wanted(repository: Path, server: DevServer) -> DesiredPipeline:
    return load(repository / "manifests/dev", "dev", server.url).pipelines[0]


def _squat(api: KfpApi, wanted: DesiredPipeline, owner: Owner = OWNER, ir_text: str = "") -> None:
    """Somebody was first: our pipeline, our version's name and marker, an image of theirs."""
    pipeline = api.create_pipeline("hello", ownership.describe(owner, "d"))
    text = ir_text or wanted.ir.replace("image: ", "image: evil.example/", 1)
    assert text != wanted.ir or ir_text
    facts = {"release": wanted.release, "digest": wanted.digest}
    api.upload_version(pipeline.id, wanted.version, text, ownership.describe(owner, **facts))


def _writes(server: DevServer) -> list[str]:
    return [f"{r.method} {r.path}" for r in server.faults.requests if r.method != "GET"]


@contextmanager
def _nothing_is_written(server: DevServer) -> Iterator[None]:
    before = _writes(server)
    yield
    assert _writes(server) == before


def test_a_squatted_version_is_refused(
    reconcile: Callable[..., Outcome], command: Command, server: DevServer, repository: Path, api: KfpApi
) -> None:
    reconcile("plan")  # renders
    wanted = _wanted(repository, server)
    _squat(api, wanted)
    with _nothing_is_written(server):
        for what in ("plan", "apply"):
            found = reconcile(what)
            assert found.code == 5
            assert f"version {wanted.version}: holds another IR than was reviewed: sha256:" in found.err
            assert f"{wanted.digest} in the lock" in found.err
        shown = command("reconcile", "status", "--root", repository, "--env", "dev", "--host", server.url)
        assert shown.code == 1
        assert "holds another IR than was reviewed" in shown.out
        started = command(
            "run", "--pipeline", "hello", "--root", repository, "--env", "dev", "--host", server.url
        )
        assert started.code == 5, started
        assert "holds another IR than was reviewed" in started.err


def test_a_version_of_the_same_content_that_somebody_else_marked_is_not_used(
    reconcile: Callable[..., Outcome], server: DevServer, repository: Path, api: KfpApi
) -> None:
    reconcile("plan")
    wanted = _wanted(repository, server)
    pipeline = api.create_pipeline("hello", ownership.describe(OWNER, "d"))
    api.upload_version(pipeline.id, wanted.version, wanted.ir, ownership.describe(OTHER))
    with _nothing_is_written(server):
        found = reconcile("apply")
    assert found.code == 5
    assert "owned by another-repository/dev" in found.err


def test_our_own_version_of_a_killed_apply_is_used_and_not_uploaded_again(
    reconcile: Callable[..., Outcome], server: DevServer, repository: Path, api: KfpApi
) -> None:
    reconcile("plan")
    wanted = _wanted(repository, server)
    _squat(api, wanted, OWNER, wanted.ir)
    before = len([line for line in _writes(server) if "upload_version" in line])
    assert reconcile("apply").code == 0
    assert len([line for line in _writes(server) if "upload_version" in line]) == before
    assert reconcile("plan").code == 0


@pytest.mark.parametrize("owner", [OWNER, OTHER])
def test_who_is_first_between_plan_and_apply_is_not_adopted(
    reconcile: Callable[..., Outcome],
    server: DevServer,
    repository: Path,
    api: KfpApi,
    monkeypatch: pytest.MonkeyPatch,
    owner: Owner,
) -> None:
    """The upload is answered by 409; what is there then has our name, and even our mark."""
    reconcile("plan")
    wanted = _wanted(repository, server)
    real = KfpApi.create_pipeline

    def after_somebody(self: KfpApi, name: str, description: str) -> Any:
        if name == "hello" and api.pipeline("hello") is None:
            real(api, "hello", ownership.describe(owner, "d"))
            found = api.pipeline("hello")
            assert found
            evil = wanted.ir.replace("image: ", "image: evil.example/", 1)
            api.upload_version(found.id, wanted.version, evil, ownership.describe(owner))
        return real(self, name, description)

    monkeypatch.setattr(KfpApi, "create_pipeline", after_somebody)
    found = reconcile("apply")
    assert found.code == 5, found
    assert not list(api.schedules())
    assert ("holds another IR" if owner == OWNER else "owned by another-repository/dev") in found.err


def test_an_upload_that_somebody_was_first_at_is_not_used(
    reconcile: Callable[..., Outcome],
    server: DevServer,
    repository: Path,
    api: KfpApi,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reconcile("plan")
    wanted = _wanted(repository, server)
    real = KfpApi.upload_version

    def after_somebody(
        self: KfpApi, pipeline_id: str, name: str, ir: str, text: str, tags: Any = None
    ) -> Any:
        real(api, pipeline_id, name, ir.replace("image: ", "image: evil.example/", 1), text)
        return real(self, pipeline_id, name, ir, text, tags)

    monkeypatch.setattr(KfpApi, "upload_version", after_somebody)
    found = reconcile("apply")
    assert found.code == 5, found
    assert f"version {wanted.version} holds another IR than was reviewed" in found.err
    assert not list(api.schedules())


def test_a_version_whose_name_kfp_takes_for_ours_is_refused(
    reconcile: Callable[..., Outcome], server: DevServer, repository: Path, api: KfpApi
) -> None:
    reconcile("plan")
    wanted = _wanted(repository, server)
    pipeline = api.create_pipeline("hello", ownership.describe(OWNER, "d"))
    api.upload_version(pipeline.id, wanted.version.upper(), wanted.ir, ownership.describe(OWNER))
    for what in ("plan", "apply"):
        found = reconcile(what)
        assert found.code == 5
        assert f"exists as '{wanted.version.upper()}', which KFP takes for the same name" in found.err


@pytest.mark.parametrize("description", ["", ownership.describe(OTHER, "Runs of hello")])
def test_an_experiment_of_somebody_else_is_never_used(
    reconcile: Callable[..., Outcome], api: KfpApi, server: DevServer, description: str
) -> None:
    api.create_experiment("hello-dev", description)
    with _nothing_is_written(server):
        found = reconcile("apply")
    assert found.code == 5
    assert "experiment hello-dev: exists and is" in found.err


def test_an_experiment_goes_with_a_pipeline_that_is_adopted(
    reconcile: Callable[..., Outcome], api: KfpApi
) -> None:
    api.create_pipeline("hello", "made by hand")
    api.create_experiment("hello-dev", "")
    assert reconcile("apply").code == 5
    assert reconcile("apply", "dev", "--adopt", "hello").code == 0
    assert reconcile("plan").code == 0  # from now on without being told so


def test_an_experiment_made_between_plan_and_apply_is_not_adopted(
    reconcile: Callable[..., Outcome], api: KfpApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = KfpApi.create_experiment

    def after_somebody(self: KfpApi, name: str, description: str) -> Any:
        real(api, name, "of somebody else")
        return real(self, name, description)

    monkeypatch.setattr(KfpApi, "create_experiment", after_somebody)
    found = reconcile("apply")
    assert found.code == 5, found
    assert "experiment hello-dev exists and is not marked as ours" in found.err
    assert not list(api.schedules())


# recurring runs

_HIJACKS: dict[str, dict[str, Any]] = {
    "serviceAccount": {"service_account": "cluster-admin"},
    "pipelineRoot": {"runtime_config": {"parameters": {}, "pipeline_root": "s3://theirs/"}},
    "experiment": {"experiment_id": "theirs"},
    "pipelineSpec": {"pipeline_spec": "evil", "pipeline_version_reference": None},
    "cron": {"trigger": {"cron_schedule": {"cron": "0 0 4 1 1 *"}}},
    "maxConcurrency": {"max_concurrency": "10"},
}


@pytest.mark.parametrize("field", _HIJACKS)
def test_a_hijacked_recurring_run_is_found_out_and_replaced(
    reconcile: Callable[..., Outcome], server: DevServer, repository: Path, api: KfpApi, field: str
) -> None:
    """Deleted and made anew by somebody, with our name and our mark."""
    enable_schedule(repository)
    reconcile("apply")
    (ours,) = api.schedules()
    service = api._client.recurring_runs
    body = _body_of(api, ours.id)
    body |= _forged(api, _HIJACKS[field], _wanted(repository, server))
    body = {key: value for key, value in body.items() if value is not None}
    service.recurring_run_service_delete_recurring_run(ours.id)
    made = service.recurring_run_service_create_recurring_run(body)
    assert made.status == "ENABLED"
    planned = reconcile("plan")
    assert planned.code == 1
    assert "~ replace   schedule   hello-weekly" in planned.out
    assert f"      {field}: " in planned.out
    assert reconcile("apply").code == 0
    (left,) = api.schedules()
    assert left.id != made.recurring_run_id
    assert replace(left, id="", created=ours.created, facts={}) == replace(ours, id="", facts={})
    assert reconcile("plan").code == 0


def _body_of(api: KfpApi, run_id: str) -> dict[str, Any]:
    """What makes another one like it: on a server for one user the namespace that it tells is refused."""
    found = api._client.recurring_runs.recurring_run_service_get_recurring_run(run_id)._found
    return {key: value for key, value in found.items() if key != "namespace"}


def _forged(api: KfpApi, change_: dict[str, Any], wanted: DesiredPipeline) -> dict[str, Any]:
    forged = dict(change_)
    if forged.get("experiment_id"):
        forged["experiment_id"] = api.create_experiment("theirs", "").id
    if forged.get("pipeline_spec"):
        forged["pipeline_spec"] = ir.documents(wanted.ir.replace("image: ", "image: evil.example/", 1))[0]
    return forged


def test_a_server_with_a_default_of_its_own_needs_it_declared(
    reconcile: Callable[..., Outcome],
    repository: Path,
    api: KfpApi,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kfp_gitops.devserver.sources.SERVICE_ACCOUNT", "team-runner")
    refused = reconcile("apply")
    assert refused.code == 4
    assert "write `kfp.serviceAccount: team-runner` in the environment's values" in refused.err
    assert not list(api.schedules())
    base = repository / "environments/base.yaml"
    base.write_text(
        base.read_text("utf-8").replace("kfp:\n", "kfp:\n  serviceAccount: team-runner\n"), "utf-8"
    )
    assert reconcile("apply").code == 0
    assert [found.service_account for found in api.schedules()] == ["team-runner"]
    assert reconcile("plan").code == 0
    base.write_text(base.read_text("utf-8").replace("team-runner", "others"), "utf-8")
    assert 'serviceAccount: "team-runner" → "others"' in reconcile("plan").out
    assert reconcile("apply").code == 0
    assert [found.service_account for found in api.schedules()] == ["others"]


# what is not ours stays, and what is ours is told


def test_deleting_versions_leaves_those_of_others(
    reconcile: Callable[..., Outcome], server: DevServer, repository: Path, api: KfpApi
) -> None:
    reconcile("apply")
    wanted = _wanted(repository, server)
    found = api.pipeline("hello")
    assert found
    api.upload_version(found.id, "by-hand", wanted.ir, "made by hand")
    _say(repository, "{state: absent, delete: versions}")
    assert reconcile("apply", "dev", "--allow-empty").code == 0
    left = api.pipeline("hello")
    assert left
    assert list(left.versions) == ["by-hand"]
    _say(repository, "{state: absent, delete: pipeline}")
    with _nothing_is_written(server):
        refused = reconcile("apply", "dev", "--allow-empty")
    assert refused.code == 5
    assert "version by-hand: is in this pipeline and is not marked as ours" in refused.err


def test_a_pipeline_that_left_the_values_is_told_whatever_its_schedules_are(
    reconcile: Callable[..., Outcome], repository: Path
) -> None:
    reconcile("apply")  # its schedule is disabled
    _say(repository, "null")
    planned = reconcile("plan", "dev", "--allow-empty")
    assert planned.code == 0
    assert "= unchanged pipeline   hello  (is ours and in no manifest any more)" in planned.out
    assert "= unchanged schedule   hello-weekly  (disabled, and" in planned.out
    assert (
        "note: pipeline hello is ours and in no manifest any more, with 1 schedules, 0 of them on"
        in planned.out
    )
    assert "pipeline hello is ours" in reconcile("plan", "dev", "--allow-empty", "--format", "markdown").out
    rows = json.loads(reconcile("plan", "dev", "--allow-empty", "--format", "json").out)
    assert [row["action"] for row in rows["changes"]] == ["unchanged", "unchanged"]


def _say(repository: Path, entry: str) -> None:
    values = repository / "environments/dev/values.yaml"
    values.write_text(f"follows: sources\npipelines:\n  hello: {entry}\n", "utf-8")


def test_damaged_markers_and_dates_are_warnings(
    reconcile: Callable[..., Outcome], repository: Path, api: KfpApi
) -> None:
    enable_schedule(repository)
    reconcile("apply")
    (ours,) = api.schedules()
    service = api._client.recurring_runs
    body = _body_of(api, ours.id)
    marker = ownership.describe(OTHER, covered="yesterday", start="0000")
    service.recurring_run_service_create_recurring_run(
        {**body, "display_name": "theirs", "description": marker}
    )
    service.recurring_run_service_create_recurring_run(
        {**body, "display_name": "broken", "description": "kfp-gitops repository= environment"}
    )
    planned = reconcile("plan")
    assert planned.code == 0, planned
    assert "recurring run theirs: covered, start cannot be read (not ours, passed over)" in planned.out
    service.recurring_run_service_delete_recurring_run(ours.id)
    damaged = ownership.describe(OWNER, covered="2026-99-99", kfp="x")
    service.recurring_run_service_create_recurring_run({**body, "description": damaged})
    planned = reconcile("plan")
    assert "recurring run hello-weekly: covered cannot be read (ours, which is not trusted)" in planned.out
    change(repository, 9)
    assert reconcile("apply").code == 0
    assert reconcile("plan").code == 0
