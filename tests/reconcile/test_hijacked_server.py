"""A recurring run that somebody made under our name is found out by what it does, over real HTTP, and replaced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from content_kit import OTHER, OWNER, wanted_pipeline
from kfp_gitops.compiling import ir
from kfp_gitops.devserver import DevServer
from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.reconcile.records import DesiredPipeline
from project import Outcome
from server_kit import change, enable_schedule

_HIJACKS: dict[str, dict[str, Any]] = {
    "serviceAccount": {"service_account": "cluster-admin"},
    "pipelineRoot": {"runtime_config": {"parameters": {}, "pipeline_root": "s3://theirs/"}},
    "experiment": {"experiment_id": "theirs"},
    "pipelineSpec": {"pipeline_spec": "evil", "pipeline_version_reference": None},
    "cron": {"trigger": {"cron_schedule": {"cron": "0 0 4 1 1 *"}}},
    "maxConcurrency": {"max_concurrency": "10"},
}


def _unfolded(outcome: Outcome) -> str:
    return " ".join(outcome.out.split())


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
    body |= _forged(api, _HIJACKS[field], wanted_pipeline(repository, server))
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
        forged["pipeline_spec"] = ir.documents(str(wanted.ir).replace("image: ", "image: evil.example/", 1))[
            0
        ]
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
    assert "recurring run theirs: covered, start cannot be read (not ours, passed over)" in _unfolded(planned)
    service.recurring_run_service_delete_recurring_run(ours.id)
    damaged = ownership.describe(OWNER, covered="2026-99-99", kfp="x")
    service.recurring_run_service_create_recurring_run({**body, "description": damaged})
    planned = reconcile("plan")
    assert "recurring run hello-weekly: covered cannot be read (ours, which is not trusted)" in _unfolded(
        planned
    )
    change(repository, 9)
    assert reconcile("apply").code == 0
    assert reconcile("plan").code == 0
