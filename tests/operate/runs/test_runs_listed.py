"""`run.py --list`: the runs of many pipelines and environments, over HTTP."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from kfp_gitops.devserver import DevServer
from kfp_gitops.devserver.records import Experiment, Run
from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.operate.following import Late, Watch
from kfp_gitops.operate.runlook import rows
from project import PROJECT, Outcome

Command = Callable[..., Outcome]
SCHEMA = json.loads((PROJECT / "scripts/kfp_gitops/language/schemas/runs.schema.json").read_text())
OURS = Owner("theirs-and-ours", "prod")
COUNT = 1000


def _told(outcome: Outcome) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = json.loads(outcome.out)
    jsonschema.validate(found, SCHEMA)
    return found


def test_only_those_that_failed_since_then_are_listed_with_who_started_them(run: Command) -> None:
    run("--pipeline", "hello", "--wait")
    run("--pipeline", "hello", "--param", "name=fail", "--wait")
    (found,) = _told(run("--list", "--failed", "--since", "1h", "--json"))["runs"]
    assert (found["state"], found["tasks"], found["pipeline"]) == ("FAILED", ["greet"], "hello")
    assert (found["started_by"]["kind"], bool(found["started_by"]["by"])) == ("hand", True)
    assert len(_told(run("--list", "--since", "1h", "--json"))["runs"]) == 2
    assert _told(run("--list", "--pipeline", "hel*", "--json"))["more"] is False
    assert run("--list", "--failed").out.splitlines()[0].startswith("FAILED")


def test_what_a_backfill_a_rerun_and_a_schedule_started_is_told(
    run: Command, api: KfpApi, server: DevServer
) -> None:
    run("--pipeline", "hello", "--backfill", "2026-01-05..2026-01-05")
    first = api.runs_named(api.experiments_like("hello-dev")[0].id, "")[0]
    run("--rerun", first.id)
    run("--pipeline", "hello", "--schedule", "weekly")
    server.wait_idle()
    told = [one["started_by"] for one in _told(run("--list", "--json"))["runs"]]
    assert sorted(one["kind"] for one in told) == ["backfill", "fired", "rerun"]
    by_kind = {one["kind"]: one for one in told}
    assert by_kind["backfill"]["name"] == "hello-weekly"
    tick = datetime.fromisoformat(by_kind["backfill"]["tick"])
    assert f"{tick:%Y%m%dT%H%M%SZ}" == first.name.rpartition("-")[2]
    assert by_kind["rerun"]["name"] == first.id


@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_a_list_reads_well_at_every_width(
    run: Command, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    run("--pipeline", "hello", "--param", "name=fail", "--wait")
    monkeypatch.setenv("COLUMNS", columns)
    lines = run("--list").out.splitlines()
    assert max(map(len, lines)) <= int(columns)
    assert any("failed: greet" in line for line in lines)


def test_an_environment_that_does_not_answer_hides_no_other(
    run: Command, repository: Path, command: Command, server: DevServer
) -> None:
    run("--pipeline", "hello", "--wait")
    there = repository / "manifests/prod"
    shutil.copytree(repository / "manifests/dev", there, dirs_exist_ok=True)
    text = (there / "environment.yaml").read_text()
    (there / "environment.yaml").write_text(text.replace("environment: dev\n", "environment: prod\n"))
    hosts = ("--host", f"dev={server.url}", "--host", "prod=http://127.0.0.1:1")
    every = ("run", "--root", repository, "--all", "--list", "--patience", "0", *hosts)
    outcome = command(*every, "--json")
    assert outcome.code == 4
    found = _told(outcome)
    assert [one["environment"] for one in found["runs"]] == ["dev"]
    assert [one["environment"] for one in found["unreachable"]] == ["prod"]
    text = command(*every)
    assert "dev/hello" in text.out
    assert "prod: http://127.0.0.1:1: cannot be reached" in text.err
    nothing = command(*every, "--failed")
    assert (nothing.code, nothing.out) == (4, "no runs where it could be asked\n")
    nowhere = ("--host", "dev=http://127.0.0.1:1", "--host", "prod=http://127.0.0.1:1")
    silent = command(*every[:-4], *nowhere)
    assert (silent.code, silent.out) == (4, "")
    whose = command("run", "--root", repository, "--all", "--list", "--host", server.url)
    assert (whose.code, "as in --host dev=http" in whose.err) == (2, True)


def test_a_misspelt_pipeline_is_exit_2_and_names_those_that_there_are(run: Command) -> None:
    outcome = run("--list", "--pipeline", "hallo")
    assert (outcome.code, "there are: hello" in outcome.err) == (2, True)


@pytest.fixture
def fleet(server: DevServer) -> DevServer:
    """A thousand pipelines of ours with a run each, and as many runs of somebody else between them."""
    now = int(datetime.now(UTC).timestamp())
    store = server._store
    text = ownership.describe(OURS, "Runs.")
    with store.transaction():
        store.experiments.insert(Experiment("theirs", "theirs", "", "", now))
        for n in range(COUNT):
            store.experiments.insert(Experiment(f"e{n}", f"p-{n:04}-prod", text, "", now))
            store.runs.insert(_run(f"ours-{n}", f"e{n}", now - n))
            store.runs.insert(_run(f"theirs-{n}", "theirs", now - n))
    return server


def _run(name: str, experiment: str, at: int) -> Run:
    return Run(
        id=name, display_name=name, description="", namespace="", experiment_id=experiment, pipeline_id="p",
        version_id="v", recurring_run_id="", service_account="", created=at, scheduled=at, spec={},
        runtime_config={}, state="SUCCEEDED", finished=at + 1,
    )  # fmt: skip


def test_a_thousand_pipelines_are_a_few_requests_and_no_run_of_others_is_among_them(
    fleet: DevServer,
) -> None:
    api = KfpApi(fleet.url, "")
    asked = rows.Asked(since=datetime.now(UTC) - timedelta(days=1), most=COUNT)
    found = rows.listing(Watch(api, Late(lambda: pytest.fail("no manifest is needed"))), OURS, asked)
    assert len(found.rows) == COUNT
    assert {row.run.experiment_id for row in found.rows}.isdisjoint({"theirs"})
    assert api.sent <= 20
