"""What was made in KFP and taken over is looked at, run and turned off as all of ours is; and it fires on meanwhile."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kfp_gitops.devserver import DevServer, Faults, ManualClock
from project import PROJECT, Outcome
from team_server import cron, plain
from ui_server import Ui

Command = Callable[..., Outcome]
FAKE = (sys.executable, "-I", "-S", str(PROJECT / "tests/devserver/fake_executor.py"))
START = datetime(2026, 11, 23, 12, 0, 5, tzinfo=UTC)
VALUES = "environments/dev/values.yaml"


@pytest.fixture(autouse=True)
def own_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def ui(tmp_path: Path, clock: ManualClock) -> Iterator[Ui]:
    with DevServer(tmp_path / "server", executor=FAKE, grace=0.3, faults=Faults(), clock=clock) as server:
        yield Ui(server)


@pytest.fixture
def dev(command: Command, repository: Path, ui: Ui) -> Command:
    """`dev(script, …)` of an environment that was imported from a server; its recurring run fires every 5 minutes."""
    made = ui.upload("Churn (team A)", plain("churn"))
    ui.recurring("Every five", made, ui.version_of(made), **cron("0 */5 * * * *"))
    common = ("--root", repository, "--env", "dev", "--host", ui.server.url)
    assert command("import", "--root", repository, "--host", ui.server.url, "--schedules").code == 0

    def run(script: str, *more: object) -> Outcome:
        return (
            command(script, *more[:1], *common, *more[1:])
            if script == "reconcile"
            else command(script, *common, *more)
        )

    return run


def _pass(ui: Ui, clock: ManualClock, seconds: int) -> None:
    for _ in range(0, seconds, 10):
        clock.advance(seconds=10)
        ui.server.tick()
    ui.server.wait_idle()


def _one(ui: Ui) -> dict[str, Any]:
    (found,) = [one for one in ui.recurring_runs() if one["display_name"] != "hello-weekly"]
    return found


def _firings(ui: Ui) -> list[str]:
    runs = ui.get("runs?page_size=200").get("runs", [])
    return sorted(run["scheduled_at"] for run in runs if run.get("recurring_run_id"))


def _status(dev: Command) -> dict[str, Any]:
    pipelines = json.loads(dev("reconcile", "status", "--json").out)["pipelines"]
    (found,) = [one for one in pipelines if one["name"] == "churn"]
    return dict(found)


def test_it_fires_on_and_status_knows_its_runs_wherever_they_are(
    dev: Command, ui: Ui, clock: ManualClock
) -> None:
    _pass(ui, clock, 600)
    assert dev("reconcile", "apply").code == 0
    _pass(ui, clock, 600)
    assert [text[11:16] for text in _firings(ui)] == ["12:05", "12:10", "12:15", "12:20"]
    found = _status(dev)
    assert (found["registered"], found["drift"], found["unhealthy"]) == (True, [], [])
    assert found["schedules"][0]["missed"] == []
    assert found["last_run"] is not None


def test_disable_and_pause_turn_it_off_without_the_manifests_word(
    dev: Command, ui: Ui, clock: ManualClock, command: Command, repository: Path
) -> None:
    dev("reconcile", "apply")
    url = ui.server.url
    off = command(
        "reconcile", "disable", "--env", "dev", "--manifests", repository / "nowhere", "--host", url, "--namespace", "",
        "--repository", "example-repository",
    )  # fmt: skip
    assert (off.code, _one(ui)["status"]) == (0, "DISABLED")
    assert dev("reconcile", "apply").code == 0
    assert _one(ui)["status"] == "ENABLED"
    for part, status in (("hello", "ENABLED"), ("churn", "DISABLED")):
        words = ("--until", "2999-01-01T00:00:00Z", "--pipeline", part)
        assert dev("reconcile", "pause", *words).code == 0
        assert _one(ui)["status"] == status


def test_a_run_by_hand_is_of_the_version_that_was_made_by_hand(dev: Command, ui: Ui) -> None:
    dev("reconcile", "apply")
    started = dev("run", "--pipeline", "churn")
    assert started.code == 0, started.err
    (run,) = ui.get("runs").get("runs", [])
    assert run["pipeline_version_reference"] == _one(ui)["pipeline_version_reference"]
    assert run["display_name"].startswith("churn-")


def test_a_backfill_knows_what_it_fired_by_itself(dev: Command, ui: Ui, clock: ManualClock) -> None:
    dev("reconcile", "apply")
    _pass(ui, clock, 900)
    words = ("--pipeline", "churn", "--backfill", "2026-11-23..2026-11-23")
    asked = dev("run", *words, "--dry-run")
    assert asked.code == 0, asked.err
    assert "2026-11-23T12:10:00Z" not in asked.out
    assert "2026-11-23T11:55:00Z" in asked.out


def test_its_runs_are_listed_shown_and_run_again_wherever_they_are(
    dev: Command, ui: Ui, clock: ManualClock
) -> None:
    dev("reconcile", "apply")
    _pass(ui, clock, 300)
    (run,) = ui.get("runs")["runs"]
    for words in (
        ["--list", "--since", "9999d"],
        ["--list", "--pipeline", "churn"],
        ["--status", run["run_id"]],
    ):
        shown = dev("run", *words)
        assert (shown.code, "churn" in shown.out, "Every five" in shown.out) == (0, True, True), shown
    assert dev("run", "--list", "--pipeline", "hello").out.strip() == "no runs"
    assert dev("run", "--rerun", run["run_id"]).code == 0
    again = [one for one in ui.get("runs")["runs"] if one["run_id"] != run["run_id"]]
    assert [one["experiment_id"] == run["experiment_id"] for one in again] == [False]
    over = dev("run", "--terminate", run["run_id"])
    assert "is in none of" not in over.err


def test_of_two_versions_of_one_second_that_one_is_imported_which_runs(
    ui: Ui, command: Command, repository: Path
) -> None:
    """KFP itself takes either for the newest."""
    for name, first in (("one", True), ("other", False)):
        made = ui.upload(name, plain(name))
        versions = {True: ui.version_of(made), False: ui.upload_version(made, "v2", plain(name, "again"))}
        ui.recurring("nightly", made, versions[first])
    done = command("import", "--root", repository, "--host", ui.server.url, "--schedules")
    assert done.code == 0, done.err
    assert "one: 'one', version 'one' (of the same second as 'v2'), equal" in done.out
    assert "other: 'other', version 'v2' (of the same second as 'other'), equal" in done.out


def test_it_leaves_with_its_pipeline(dev: Command, ui: Ui, command: Command, repository: Path) -> None:
    dev("reconcile", "apply")
    path = repository / VALUES
    path.write_text(path.read_text().replace("  churn:\n", "  churn:\n    state: absent\n"))
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    assert "- delete    schedule   churn-every-five" in dev("reconcile", "plan").out
    assert dev("reconcile", "apply").code == 0
    assert [one["display_name"] for one in ui.recurring_runs()] == ["hello-weekly"]
    assert dev("reconcile", "plan").code == 0


def test_a_run_of_the_version_that_was_made_by_hand_proves_the_release_to_promote(
    dev: Command, ui: Ui, command: Command, repository: Path
) -> None:
    dev("reconcile", "apply")
    words = (
        "--root",
        repository,
        "--from",
        "dev",
        "--to",
        "prod",
        "--pipeline",
        "churn",
        "--uncommitted",
        "--verify",
    )
    path = repository / "environments/prod/values.yaml"
    path.write_text(
        path.read_text() + "  churn:\n    values: {owner: me, parameters: {text: a, times: 1, share: 1.5}}\n"
    )
    refused = command("promote", *words, "--host", ui.server.url)
    assert (refused.code, "churn: no succeeded run of release" in refused.err) == (5, True)
    assert dev("run", "--pipeline", "churn", "--wait").code == 0
    assert command("promote", *words, "--host", ui.server.url).code == 0


_AGAIN = """\
  again:
    template: churn
    adopts: {pipeline: churn (TEAM a)}
    values: {owner: a, parameters: {text: a, times: 1, share: 1.5}}
"""
_GONE = """\
  gone:
    state: absent
    delete: pipeline
    adopts: {pipeline: Churn (team A)}
"""
_OF_ANOTHER = """\
  gone:
    state: absent
    delete: pipeline
    adopts: {pipeline: Hello}
"""
_OTHER = "        other: {recurringRun: Every five}\n"
_EVERY = "        every-five:\n"


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("every-five:\n", "every-six:\n", "'churn' has no schedule 'every-six'"),
        ("  churn:\n", f"{_AGAIN}  churn:\n", "are both the pipeline 'Churn (team A)' of KFP"),
        (
            "  churn:\n",
            f"{_GONE}  churn:\n",
            "'churn' and 'gone' are both the pipeline 'Churn (team A)' of KFP",
        ),
        ("  churn:\n", f"{_OF_ANOTHER}  churn:\n", "'hello' and 'gone' are both the pipeline 'Hello' of KFP"),
        (_EVERY, f"{_OTHER}{_EVERY}", "are both the recurring run 'Every five'"),
    ],
)
def test_what_git_says_of_it_is_one_thing_each(
    dev: Command, command: Command, repository: Path, old: str, new: str, what: str
) -> None:
    path = repository / VALUES
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    refused = command("render", "--root", repository, "--env", "dev")
    assert (refused.code, what in refused.err) == (2, True), refused.err
