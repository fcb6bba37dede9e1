"""Content, not names: what somebody put under our names on a server is found out, over real HTTP, and refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from content_kit import OTHER, OWNER, nothing_is_written, wanted_pipeline, writes
from kfp_gitops.devserver import DevServer
from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.reconcile.records import DesiredPipeline
from project import Outcome
from server_kit import Command


def _squat(api: KfpApi, wanted: DesiredPipeline, owner: Owner = OWNER, ir_text: str = "") -> None:
    """Somebody was first: our pipeline, our version's name and marker, an image of theirs."""
    pipeline = api.create_pipeline("hello", ownership.describe(owner, "d"))
    text = ir_text or str(wanted.ir).replace("image: ", "image: evil.example/", 1)
    assert text != str(wanted.ir) or ir_text
    facts = {"release": wanted.release, "digest": wanted.digest}
    api.upload_version(pipeline.id, wanted.version, text, ownership.describe(owner, **facts))


def test_a_squatted_version_is_refused(
    reconcile: Callable[..., Outcome], command: Command, server: DevServer, repository: Path, api: KfpApi
) -> None:
    reconcile("plan")  # renders
    wanted = wanted_pipeline(repository, server)
    _squat(api, wanted)
    with nothing_is_written(server):
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
    wanted = wanted_pipeline(repository, server)
    pipeline = api.create_pipeline("hello", ownership.describe(OWNER, "d"))
    api.upload_version(pipeline.id, wanted.version, str(wanted.ir), ownership.describe(OTHER))
    with nothing_is_written(server):
        found = reconcile("apply")
    assert found.code == 5
    assert "owned by another-repository/dev" in found.err


def test_our_own_version_of_a_killed_apply_is_used_and_not_uploaded_again(
    reconcile: Callable[..., Outcome], server: DevServer, repository: Path, api: KfpApi
) -> None:
    reconcile("plan")
    wanted = wanted_pipeline(repository, server)
    _squat(api, wanted, OWNER, str(wanted.ir))
    before = len([line for line in writes(server) if "upload_version" in line])
    assert reconcile("apply").code == 0
    assert len([line for line in writes(server) if "upload_version" in line]) == before
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
    wanted = wanted_pipeline(repository, server)
    real = KfpApi.create_pipeline

    def after_somebody(self: KfpApi, name: str, description: str) -> Any:
        if name == "hello" and api.pipeline("hello") is None:
            real(api, "hello", ownership.describe(owner, "d"))
            found = api.pipeline("hello")
            assert found
            evil = str(wanted.ir).replace("image: ", "image: evil.example/", 1)
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
    wanted = wanted_pipeline(repository, server)
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
    wanted = wanted_pipeline(repository, server)
    pipeline = api.create_pipeline("hello", ownership.describe(OWNER, "d"))
    api.upload_version(pipeline.id, wanted.version.upper(), str(wanted.ir), ownership.describe(OWNER))
    for what in ("plan", "apply"):
        found = reconcile(what)
        assert found.code == 5
        assert f"exists as '{wanted.version.upper()}', which KFP takes for the same name" in found.err


@pytest.mark.parametrize("description", ["", ownership.describe(OTHER, "Runs of hello")])
def test_an_experiment_of_somebody_else_is_never_used(
    reconcile: Callable[..., Outcome], api: KfpApi, server: DevServer, description: str
) -> None:
    api.create_experiment("hello-dev", description)
    with nothing_is_written(server):
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


# what is not ours stays, and what is ours is told


def test_deleting_versions_leaves_those_of_others(
    reconcile: Callable[..., Outcome], server: DevServer, repository: Path, api: KfpApi
) -> None:
    reconcile("apply")
    wanted = wanted_pipeline(repository, server)
    found = api.pipeline("hello")
    assert found
    api.upload_version(found.id, "by-hand", str(wanted.ir), "made by hand")
    _say(repository, "{state: absent, delete: versions}")
    assert reconcile("apply", "dev", "--allow-empty").code == 0
    left = api.pipeline("hello")
    assert left
    assert list(left.versions) == ["by-hand"]
    _say(repository, "{state: absent, delete: pipeline}")
    with nothing_is_written(server):
        refused = reconcile("apply", "dev", "--allow-empty")
    assert refused.code == 5
    assert "version by-hand: is in this pipeline and is not marked as ours" in refused.err


def test_a_pipeline_that_left_the_values_is_told_whatever_its_schedules_are(
    reconcile: Callable[..., Outcome], repository: Path
) -> None:
    reconcile("apply")  # its schedule is disabled
    _say(repository, "null")
    planned = reconcile("plan", "dev", "--allow-empty", "--all")
    assert planned.code == 0
    assert "= unchanged pipeline   hello  (is ours and in no manifest any more)" in planned.out
    assert "= unchanged schedule   hello-weekly (disabled, and" in " ".join(planned.out.split("\n")).replace(
        "      ", ""
    )
    assert "nothing to do; 2 objects of 1 pipeline unchanged" in planned.out
    quiet = reconcile("plan", "dev", "--allow-empty").out
    assert "unchanged schedule" not in quiet
    note = "note: pipeline hello is ours and in no manifest any more, with 1 schedules, 0 of them on"
    assert all(note in " ".join(text.split()) for text in (planned.out, quiet))
    assert "pipeline hello is ours" in reconcile("plan", "dev", "--allow-empty", "--format", "markdown").out
    rows = json.loads(reconcile("plan", "dev", "--allow-empty", "--format", "json").out)
    assert [row["action"] for row in rows["changes"]] == ["unchanged", "unchanged"]


def _say(repository: Path, entry: str) -> None:
    values = repository / "environments/dev/values.yaml"
    values.write_text(f"follows: sources\npipelines:\n  hello: {entry}\n", "utf-8")
