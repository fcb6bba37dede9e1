"""`run.py` against the development server: every end that a run can have, and every wrong command line."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from kfp_gitops.base.errors import UsageError
from kfp_gitops.devserver import DevServer
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.language.manifest import reader
from kfp_gitops.operate import runs
from project import PROJECT, Outcome

Command = Callable[..., Outcome]
IMPORTS = """apiVersion: kfp-gitops/v1
kind: PipelineManifest
metadata: {name: p, description: d, owner: o}
spec:
  parameters: {where: {type: str}}
  tasks:
    data: {importer: {uri: {param: where}, type: Dataset}}
"""


def _ids(server: DevServer) -> list[str]:
    api = KfpApi(server.url, "")
    experiment = api.experiment("hello-dev")
    return [found.id for found in api.runs(experiment.id, 20)] if experiment else []


def test_a_run_is_followed_to_success(run: Callable[..., Outcome], server: DevServer) -> None:
    outcome = run("--pipeline", "hello", "--wait")
    assert outcome.code == 0
    link, run_line, task_line, *others = outcome.out.splitlines()
    assert link == f"{server.url}/#/runs/details/{_ids(server)[0]}"
    assert re.fullmatch(r"SUCCEEDED  hello-\d{8}-\d{6}-[0-9a-f]{4} \(\d+\.\d s\)", run_line)
    assert task_line.split()[:2] == ["SUCCEEDED", "greet"]
    assert all("SKIPPED" in line for line in others)  # the stand-in runs nothing else
    assert "greet: SUCCEEDED" in outcome.err
    assert "greet: RUNNING" not in outcome.out  # as KFP tells it when it tells the run's end


def test_a_failed_run_is_exit_4_and_says_which_task(run: Callable[..., Outcome]) -> None:
    outcome = run("--pipeline", "hello", "--param", "name=fail", "--wait")
    assert outcome.code == 4
    assert "FAILED     greet" in outcome.out
    assert "error:" not in outcome.out  # KFP has no word for it: the logs do
    assert "    | ValueError: it broke" in outcome.out.splitlines()


def test_a_terminated_run_ends_the_waiting(run: Callable[..., Outcome], server: DevServer) -> None:
    api = KfpApi(server.url, "")

    def cancel() -> None:
        while not _ids(server) or api.run(_ids(server)[0]).state != "RUNNING":
            time.sleep(0.05)
        api._client.runs.run_service_terminate_run(_ids(server)[0])

    helper = threading.Thread(target=cancel)
    helper.start()
    outcome = run("--pipeline", "hello", "--param", "name=hang", "--wait", "--timeout", "30")
    helper.join()
    assert outcome.code == 4
    assert outcome.out.splitlines()[1].startswith("FAILED")


def test_a_timeout_ends_the_waiting_and_not_the_run(run: Callable[..., Outcome], server: DevServer) -> None:
    outcome = run("--pipeline", "hello", "--param", "name=hang", "--wait", "--timeout", "0.6")
    assert outcome.code == 4
    assert "it goes on" in outcome.err
    assert KfpApi(server.url, "").run(_ids(server)[0]).state == "RUNNING"


def test_runs_have_unique_names_and_are_listed_newest_first(
    run: Callable[..., Outcome], server: DevServer
) -> None:
    for _ in range(2):
        run("--pipeline", "hello", "--wait")
    listed = run("--pipeline", "hello", "--list").out.splitlines()
    assert [line.strip() for line in listed[1::2]] == _ids(server)
    assert all(len(line) <= 80 for line in listed)


def test_a_list_says_which_tasks_failed(run: Callable[..., Outcome]) -> None:
    run("--pipeline", "hello", "--param", "name=fail", "--wait")
    assert run("--pipeline", "hello", "--list").out.rstrip().endswith("  failed: greet")


def test_a_status_asked_for_right_after_the_end_is_that_of_the_end(
    run: Callable[..., Outcome], server: DevServer
) -> None:
    """The server's first word after the end of a run is of tasks that still run."""
    run("--pipeline", "hello")
    server.wait_idle()
    assert run("--status", _ids(server)[0]).out.splitlines()[1].startswith("  SUCCEEDED  greet")


def test_the_status_of_one_run_is_shown(run: Callable[..., Outcome], server: DevServer) -> None:
    run("--pipeline", "hello", "--param", "name=fail", "--wait")
    outcome = run("--status", _ids(server)[0])
    assert (outcome.code, outcome.out.split()[0]) == (4, "FAILED")
    assert "  FAILED     greet" in outcome.out
    assert run("--status", "unknown").code == 2


def test_parameters_are_checked_all_at_once_before_anything_is_sent(
    run: Callable[..., Outcome], server: DevServer
) -> None:
    before = len(server.faults.requests)
    outcome = run("--pipeline", "hello", "--param", "threshold=many", "--param", "nme=x", "--param", "y")
    assert outcome.code == 2
    assert outcome.err.splitlines() == [
        "--param threshold=many: 'many' is not a int",
        "--param nme=x: no such parameter; there are: name, threshold",
        "--param y: write key=value",
    ]
    assert len(server.faults.requests) == before


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--pipeline", "helo"), 2, "no pipeline 'helo' in dev; there are: hello"),
        ((), 2, "give --pipeline P to run it, or one of --list, --status RUN"),
        (("--pipeline", "hello", "--timeout", "soon"), 2, "'soon' is no number of seconds"),
        (("--list", "--status", "x"), 2, "--list and --status are two things"),
        (("--pipeline", "hello", "--failed"), 2, "--failed goes with --list, as in `run.py --env dev --list --failed"),
        (("--list", "--since", "12"), 2, "--since 12: write 12h, 30m, 7d"),
        (("--list", "--since", "2126-01-01"), 2, "is in the future"),
        (("--all", "--list"), 2, "--all is of all environments; leave out --env"),
        (("--terminate",), 2, "--terminate needs a run, as in `run.py --env dev --terminate RUN_ID"),
        (("--all-running",), 2, "--all-running goes with --terminate"),
        (("--backfill", "2026-01-01..2026-01-02"), 2, "--backfill of days needs --pipeline P, as in"),
        (("--list", "--schedule", "weekly"), 2, "--schedule is fired by itself"),
        (("--status", "x", "--wait"), 2, "--wait follows a run that is started or terminated"),
        (("--status", "x", "--param", "a=b"), 2, "--param is for a run that is started"),
        (("--logs", "x"), 2, "--logs needs a run and a task of it, as in `run.py --env dev --logs RUN_ID TASK`"),
        (("--logs", "x", ""), 2, "--logs is given as an empty text"),
        (("--pipeline", "hello", "--rerun", ""), 2, "--rerun is given as an empty text"),
        (("--pipeline", "hello", "--status", ""), 2, "--status is given as an empty text"),
        (("--pipeline", "hello", "--schedule", "weekly", "--backfill", ""), 2, "--backfill is given as an empty text"),
        (("--pipeline", "hello", "--schedule", ""), 2, "--schedule is given as an empty text"),
        (("--terminate", "--all-running", "--yes", "--pipeline", ""), 2, "--pipeline is given as an empty text"),
        (("--list", "--env", "x" * 300), 2, "no file or folder has one so long"),
        (("--list", "--since", "0001-01-01"), 0, ""),
        (("--pipeline", "hello", "--param", f"threshold={'[' * 60_000}"), 2, "is not a int"),
        (("--list", "--since", "0001-01-01T00:00:00+14:00"), 2, "--since 0001-01-01T00:00:00+14:00: write 12h"),
        (("--pipeline", "hello", "--backfill", "9999-12-31..9999-12-31"), 2, "write FROM..TO"),
        (("--pipeline", "hello", "--backfill", "0001-01-01T00:00:00+14:00..2026-01-01"), 2, "write FROM..TO"),
        (("--status", "x"), 2, "has no run x; this names those of the last day:\n  python scripts/run.py --env dev"),
        (("--logs", "x", "greet"), 2, "has no run x; "),
        (("--terminate", "x"), 2, "has no run x; "),
        (("--rerun", "x"), 2, "has no run x; "),
        (("--pipeline", "hello", "--backfill", "2026-01-02..2026-01-01"), 2, "it ends before it begins; "),
    ],
    ids=["unknown pipeline", "nothing to do", "timeout that is no number", "two things", "failed of a run", "since",
         "future", "all and one", "terminate nothing", "all running of nothing", "backfill of nothing",
         "schedule of a list", "wait for a status", "parameter of a status", "logs of no task", "no log", "no rerun",
         "no status", "no days", "no schedule", "no pipeline", "a long name", "since ever", "brackets",
         "before the calendar", "after the calendar", "a range before the calendar", "status of no run",
         "logs of no run", "terminate no run", "rerun of no run", "backfill backwards"],
)  # fmt: skip
def test_bad_usage(run: Callable[..., Outcome], arguments: tuple[str, ...], code: int, says: str) -> None:
    outcome = run(*arguments)
    assert outcome.code == code
    assert says in outcome.err
    assert "Traceback" not in outcome.err


def test_a_version_that_is_not_registered_says_what_to_do(
    repository: Path, command: Command, server: DevServer
) -> None:
    command("render", "--root", repository, "--env", "dev", "--lock")
    outcome = command(
        "run", "--root", repository, "--env", "dev", "--host", server.url, "--pipeline", "hello"
    )
    assert outcome.code == 4
    assert "run `python scripts/reconcile.py apply --env ENV`" in outcome.err


def test_quickstart_really_runs(tmp_path: Path, command: Command) -> None:
    with DevServer(tmp_path / "server", python_path=[PROJECT / "components/src"]) as server:
        common = ("--root", PROJECT, "--env", "dev", "--host", server.url)
        assert command("reconcile", "apply", *common).code == 0
        outcome = command("run", *common, "--pipeline", "quickstart", "--wait", "--timeout", "120")
        assert outcome.code == 0, outcome.out
        (run,) = (tmp_path / "server/runs").iterdir()
        (log,) = (run / "logs").glob("*summarize*")
        assert "smd-1-6" in log.read_text()


@pytest.mark.parametrize("text", ["go 🚀", "\udcff"])
def test_a_parameter_that_kfp_cannot_store_is_refused_before_anything_is_sent(
    run: Callable[..., Outcome], server: DevServer, text: str
) -> None:
    outcome = run("--pipeline", "hello", "--param", f"name={text}")
    assert outcome.code == 2
    assert "--param name: a text with U+" in outcome.err
    assert _ids(server) == []


def test_a_parameter_that_would_break_the_run_is_exit_2_and_nothing_is_sent(
    run: Callable[..., Outcome], server: DevServer
) -> None:
    before = len(server.faults.requests)
    for more in ((), ("--backfill", "2026-01-01..2026-01-02")):
        outcome = run("--pipeline", "hello", "--param", "name={{workflow.name}}", *more)
        assert outcome.code == 2
        assert "--param name: Argo takes '{{workflow.name}}' for a placeholder of its own" in outcome.err
    assert len(server.faults.requests) == before


def test_a_file_of_this_machine_is_named_whole_for_the_server_is_in_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data.csv").write_text("a\n")
    monkeypatch.chdir(tmp_path)
    manifest, host = reader.read(IMPORTS, "m.yaml"), "http://127.0.0.1:8888"
    with pytest.raises(
        UsageError, match=rf"the whole path of a file of this machine, here {tmp_path}/data\.csv$"
    ):
        runs.refuse_unsound(manifest, {}, {"where": "data.csv"}, host)
    with pytest.raises(UsageError, match=r"the whole path of a file of this machine$"):
        runs.refuse_unsound(manifest, {}, {"where": "sample:x"}, host)


def test_the_development_server_imports_files_of_this_machine_and_no_other_kfp_does(tmp_path: Path) -> None:
    manifest = reader.read(IMPORTS, "m.yaml")
    here = tmp_path / "data.csv"
    here.write_text("a\n")
    runs.refuse_unsound(manifest, {}, {"where": str(here)}, "http://127.0.0.1:8888")
    for host, where in (("http://kfp.example.com", here), ("http://127.0.0.1:8888", tmp_path / "none")):
        with pytest.raises(UsageError, match="KFP reads no URI"):
            runs.refuse_unsound(manifest, {}, {"where": str(where)}, host)
