"""Turning an environment's schedules off, for good or for a while."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest
from kfp_gitops.base import charset
from kfp_gitops.base.errors import UsageError
from kfp_gitops.checking import limits
from kfp_gitops.devserver import DevServer, Fault, Trouble
from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.operate.operations import pause
from project import PROJECT, Outcome

Command = Callable[..., Outcome]
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
OWNER = Owner("example-repository", "dev")


def _enabled(api: KfpApi) -> list[bool]:
    """Ours first."""
    found = sorted(api.schedules(), key=lambda schedule: schedule.owner is None)
    return [schedule.enabled for schedule in found]


def _theirs(api: KfpApi) -> None:
    """A schedule of somebody else, enabled, with the same pipeline."""
    (ours,) = api.schedules()
    raw = api._client.recurring_runs
    told = raw.recurring_run_service_get_recurring_run(ours.id)
    shown = ("recurring_run_id", "status", "created_at", "updated_at", "namespace")
    body = {key: value for key, value in told._found.items() if key not in shown}
    raw.recurring_run_service_create_recurring_run({**body, "description": "made by hand", "mode": "ENABLE"})


def test_a_pause_whose_end_somebody_damaged_stays_until_it_is_ended(reconcile: Command, api: KfpApi) -> None:
    assert reconcile("apply").code == 0
    api.create_experiment("kfp-gitops-paused-x", ownership.describe(OWNER, "why", until="soon", by="x"))
    (found,) = pause.standing(api, OWNER)
    assert found.until > NOW + timedelta(days=365_000)
    planned = reconcile("plan")
    assert planned.code == 1
    assert "disable   schedule   hello-weekly" in planned.out
    assert reconcile("resume").code == 0
    assert reconcile("plan").code == 0


def test_disable_turns_off_what_is_ours_and_deletes_nothing(reconcile: Command, api: KfpApi) -> None:
    assert reconcile("apply").code == 0
    _theirs(api)
    assert _enabled(api) == [True, True]
    assert reconcile("disable").code == 0
    assert _enabled(api) == [False, True]
    again = reconcile("disable")
    assert again.code == 0
    assert "no schedule of this environment is enabled" in again.out


def test_disable_needs_no_manifest_where_it_is_told_who_and_where(
    reconcile: Command, api: KfpApi, repository: Path, server: DevServer
) -> None:
    assert reconcile("apply").code == 0
    for path in (repository / "manifests/dev/pipelines").rglob("*.yaml"):
        path.unlink()
    assert reconcile("disable").code == 0  # environment.yaml is left: the Job mounts nothing else
    assert _enabled(api) == [False]
    (repository / "manifests/dev/environment.yaml").unlink()
    without = reconcile("disable")
    assert without.code == 2
    assert (
        "environment.yaml: no such file; without it give --repository, --host and --namespace" in without.err
    )
    assert reconcile("disable", "--repository", "example-repository", "--namespace", "").code == 0


@pytest.mark.usefixtures("impatient")
def test_disable_says_what_it_could_not_do(reconcile: Command, server: DevServer) -> None:
    assert reconcile("apply").code == 0
    server.faults.add(Fault("POST", ":disable", Trouble.ANSWER, nth=0, status=400))
    outcome = reconcile("disable")
    assert outcome.code == 4
    assert "hello-weekly" in outcome.err


@pytest.mark.parametrize("option", ["--reason", "--why"])  # the second one as it was called once
def test_a_pause_leaves_a_note_and_turns_schedules_off(reconcile: Command, api: KfpApi, option: str) -> None:
    assert reconcile("apply").code == 0
    outcome = reconcile("pause", "--until", "8h", "--by", "night shift", option, "the data base is moved")
    assert outcome.code == 0
    assert _enabled(api) == [False]
    (note,) = pause.standing(api, OWNER)
    assert (note.by, note.why) == ("night-shift", "the data base is moved")
    assert timedelta(hours=7.9) < note.until - datetime.now(UTC) <= timedelta(hours=8)
    assert pause.standing(api, Owner("example-repository", "prod")) == []
    assert pause.in_force([note], datetime.now(UTC)) == [note]
    assert pause.in_force([note], datetime.now(UTC) + timedelta(hours=9)) == []


def test_a_pause_says_how_it_ends_and_one_without_an_end_how_it_is_written(
    reconcile: Command, api: KfpApi
) -> None:
    assert reconcile("apply").code == 0
    without = reconcile("pause", "--reason", "x")
    assert (without.code, "until when? Add --until 8h, as in `pause" in without.err) == (2, True)
    assert _enabled(api) == [True]
    outcome = reconcile("pause", "--until", "8h", "--pipeline", "hello")
    assert outcome.code == 0
    assert "runs that are under way go on" in outcome.err
    assert "resume --env dev" in outcome.err
    assert shlex.split(outcome.err.replace("\\\n", ""))[-2:] == ["--pipeline", "hello"]


def test_a_status_says_who_paused_until_when_and_why(reconcile: Command) -> None:
    assert reconcile("apply").code == 0
    reconcile("pause", "--until", "8h", "--pipeline", "hel*", "--by", "ann", "--reason", "its table is late")
    found = json.loads(reconcile("status", "--json").out)
    schema = json.loads((PROJECT / "scripts/kfp_gitops/language/schemas/status.schema.json").read_text())
    jsonschema.validate(found, schema)
    assert found["pipelines"][0]["paused_why"] == "by ann: its table is late"
    (finding,) = found["findings"]
    assert finding["cause"].endswith(", by ann: its table is late")
    assert finding["command"].endswith("--pipeline 'hel*'")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("30m", NOW + timedelta(minutes=30)), ("2d", NOW + timedelta(days=2)),
        ("2026-11-24T09:00:00Z", NOW + timedelta(hours=6)), ("2026-11-24T09:00:00+02:00", NOW + timedelta(hours=4)),
    ],
)  # fmt: skip
def test_ends_of_pauses(text: str, wanted: datetime) -> None:
    assert pause.until(text, NOW) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8",
        "8w",
        "0h",
        "tomorrow",
        "2026-11-24T01:00:00Z",
        "2026-11-25T09:00:00",
        "99999h",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_ends_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="--until"):
        pause.until(text, NOW)


@pytest.mark.parametrize("by", ["me", "n" * 300])
@pytest.mark.parametrize("why", ["", "because", "w" * 1000, "the cluster is on fire 🔥" * 30])
def test_a_reason_of_any_length_fits_into_what_kfp_keeps(by: str, why: str) -> None:
    owner = Owner("r" * 40, "e" * 32)
    asked = pause.Pause("", NOW + timedelta(hours=8), by, why)
    note = pause.note_of(owner, asked)
    assert len(note) <= limits.EXPERIMENT_DESCRIPTION.maximum
    assert charset.refused(note) is None
    assert ownership.owner(note) == owner
    assert ownership.facts(note)["by"][:2] == by[:2]
    assert note.startswith(charset.without(why)[:60])
    assert len(note) == 255 or len(why) < 255


def test_a_pause_with_a_long_reason_does_not_fail(reconcile: Command, api: KfpApi) -> None:
    assert reconcile("apply").code == 0
    assert reconcile("pause", "--until", "8h", "--reason", "all is down 🔥 " * 100).code == 0
    (note,) = pause.standing(api, OWNER)
    assert note.why.startswith("all is down \ufffd all is down")
    assert note.why.endswith("…")
