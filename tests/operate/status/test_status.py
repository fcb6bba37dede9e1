"""Status: over HTTP against the development server."""

from __future__ import annotations

import json
import re
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from kfp_gitops.devserver import DevServer, Faults
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from project import PROJECT, Outcome

FAKE = (sys.executable, "-I", "-S", str(PROJECT / "tests/operate/runs/fake_run.py"))
Command = Callable[..., Outcome]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DevServer]:
    with DevServer(tmp_path / "server", executor=FAKE, grace=0.3, faults=Faults()) as found:
        yield found


@pytest.fixture
def reconcile(repository: Path, command: Command, server: DevServer) -> Command:
    base = repository / "environments/base.yaml"
    base.write_text(base.read_text().replace("enabled: false", "enabled: true"))
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    common = ("--root", repository, "--env", "dev", "--host", server.url)
    return lambda what, *options: command("reconcile", what, *common, *options)


def _json(outcome: Outcome) -> dict[str, Any]:
    document = json.loads(outcome.out)
    schema = json.loads((PROJECT / "scripts/kfp_gitops/language/schemas/status.schema.json").read_text())
    jsonschema.validate(document, schema)
    return dict(document)


def _pipeline(outcome: Outcome) -> dict[str, Any]:
    (found,) = _json(outcome)["pipelines"]
    return dict(found)


def test_before_the_first_apply_everything_is_missing(reconcile: Command) -> None:
    outcome = reconcile("status")
    assert outcome.code == 1
    assert "(not registered)" in reconcile("status", "--all").out
    assert "hello  create pipeline hello: does not exist yet; and 3 more" in outcome.out


def test_after_apply_all_is_well_and_nothing_was_written_or_compiled(
    reconcile: Command, server: DevServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reconcile("apply", "--commit", "0123456789abcdef").code == 0
    before = len(server.faults.requests)
    monkeypatch.setattr("kfp_gitops.compiling.compiler.compile_all", None)
    outcome = reconcile("status", "--json")
    assert outcome.code == 0
    found = _pipeline(outcome)
    assert found["commit"] == "0123456789abcdef"
    assert str(found["release"]).startswith("sha256:")
    (schedule,) = found["schedules"]
    assert (schedule["enabled"], schedule["missed"]) == (True, [])
    assert schedule["next_firing"].endswith("T03:00:00Z")
    assert {r.method for r in server.faults.requests[before:]} == {"GET"}


def test_people_read_a_table_where_it_fits(reconcile: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    reconcile("apply")
    monkeypatch.setenv("COLUMNS", "180")
    head, row, _, total = reconcile("status", "--all").out.splitlines()
    assert re.fullmatch(r"dev: 1 pipeline, 1 healthy; next firing \S+ 03:00 UTC", total)
    assert reconcile("status").out == f"{total}\n"
    assert head.split("  ")[0] == "PIPELINE"
    assert row.split()[0] == "hello"
    assert "cron 0 0 3 * * 1" in row
    assert row.endswith("ok")


def test_a_schedule_that_somebody_switched_off_is_drift(reconcile: Command, server: DevServer) -> None:
    reconcile("apply")
    api = KfpApi(server.url, "")
    (schedule,) = api.schedules()
    api.disable_schedule(schedule.id)
    outcome = reconcile("status")
    assert outcome.code == 1
    assert "DIFFERENT (1):" in outcome.out
    assert "hello  enable schedule hello-weekly: is disabled, shall be enabled" in outcome.out


def test_a_failed_last_run_is_unhealthy_until_one_succeeds(
    reconcile: Command, command: Command, repository: Path, server: DevServer
) -> None:
    reconcile("apply")
    common = ("--root", repository, "--env", "dev", "--host", server.url, "--pipeline", "hello", "--wait")
    assert command("run", *common, "--param", "name=fail").code == 4
    outcome = reconcile("status", "--json")
    assert outcome.code == 1
    found = _pipeline(outcome)
    assert found["last_finished"]["id"] in found["unhealthy"][0]
    time.sleep(1.1)  # KFP tells times to the second
    assert command("run", *common).code == 0
    assert reconcile("status").code == 0


def _commands(outcome: Outcome) -> list[list[str]]:
    """The commands of a status, as a shell would take them."""
    joined = outcome.out.replace(" \\\n", " ")
    return [shlex.split(line)[1:] for line in joined.splitlines() if line.strip().startswith("python ")]


def test_the_commands_of_a_status_can_be_carried_out(
    reconcile: Command, command: Command, repository: Path, server: DevServer
) -> None:
    reconcile("apply")
    common = ("--root", repository, "--env", "dev", "--host", server.url, "--pipeline", "hello", "--wait")
    assert command("run", *common, "--param", "name=fail").code == 4
    api = KfpApi(server.url, "")
    (schedule,) = api.schedules()
    eight_days_ago = int((datetime.now(UTC) - timedelta(days=8)).timestamp())
    now = int(datetime.now(UTC).timestamp())
    server._store.recurring_runs.update(schedule.id, created=eight_days_ago, last_fired=now)
    api.disable_schedule(schedule.id)
    found = _commands(reconcile("status"))
    codes = {"--status": 4, "--backfill": 0, "plan": 1}  # the run failed, and something is to do
    assert len(found) == len(codes)
    for script, *arguments in found:
        (wanted,) = (code for word, code in codes.items() if word in arguments)
        assert command(Path(script).stem, *arguments).code == wanted, arguments
    assert "MISSED" not in reconcile("status").out


def test_a_firing_without_a_run_is_missed(reconcile: Command, server: DevServer) -> None:
    reconcile("apply")
    (schedule,) = server._store.recurring_runs.where("1 = 1")
    eight_days_ago = int((datetime.now(UTC) - timedelta(days=8)).timestamp())
    # As if it had been there for a week, with last_fired so that nothing is made up for.
    now = int(datetime.now(UTC).timestamp())
    server._store.recurring_runs.update(schedule.id, created=eight_days_ago, last_fired=now)
    found = _pipeline(reconcile("status", "--json"))
    assert len(found["schedules"][0]["missed"]) == 1
    assert "missed 1 firing (outage)" in found["unhealthy"][0]


# a pause, as plan, apply and status see it


def test_a_pause_is_shown_respected_and_ended(reconcile: Command, server: DevServer) -> None:
    reconcile("apply")
    api = KfpApi(server.url, "")
    assert reconcile("pause", "--until", "8h", "--by", "night-shift").code == 0
    plan = reconcile("plan")
    assert plan.code == 0
    assert "paused by night-shift" in plan.err
    assert reconcile("apply").code == 0
    assert [s.enabled for s in api.schedules()] == [False]
    status = reconcile("status")
    assert (status.code, status.out.splitlines()[-1]) == (0, "dev: 1 pipeline, 1 healthy, 1 paused")
    assert "python scripts/reconcile.py resume --env dev" in status.out
    resumed = reconcile("resume")
    assert resumed.code == 0
    assert "no longer paused by night-shift" in resumed.err
    assert [s.enabled for s in api.schedules()] == [True]
    assert reconcile("status").code == 0


def test_a_pause_that_is_over_shows_as_drift(
    reconcile: Command, server: DevServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    reconcile("apply")
    assert reconcile("pause", "--until", "1m").code == 0
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=2)
    monkeypatch.setattr(KfpApi, "now", lambda _self: later)
    assert reconcile("plan").code == 1
