"""`run.py --terminate`: over HTTP, with replies that are lost and answers that come too late."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

import pytest
from kfp_gitops.devserver import DevServer, Fault, Trouble
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from project import Outcome

Command = Callable[..., Outcome]


def _states(api: KfpApi) -> list[str]:
    return [run.state for run in api.runs(api.experiments_like("hello-dev")[0].id, 20)]


def _hanging(run: Command, api: KfpApi) -> str:
    assert run("--pipeline", "hello", "--param", "name=hang").code == 0
    return api.runs(api.experiments_like("hello-dev")[0].id, 1)[0].id


def test_a_run_is_stopped_and_once_more_is_no_error(run: Command, api: KfpApi, server: DevServer) -> None:
    run_id = _hanging(run, api)
    outcome = run("--terminate", run_id)
    assert outcome.code == 0
    assert "CANCELING, then FAILED, and its exit task does not run" in outcome.out
    again = run("--terminate", run_id)
    assert (again.code, "already" in again.out) == (0, True)
    server.wait_idle()
    assert run("--terminate", run_id).out == f"run {run_id} has ended already: FAILED\n"
    assert "it was terminated" in run("--status", run_id).out


@pytest.mark.parametrize("trouble", [Trouble.DROP_BEFORE, Trouble.DROP_AFTER])
def test_a_lost_reply_ends_in_one_termination(
    run: Command, api: KfpApi, server: DevServer, trouble: Trouble
) -> None:
    run_id = _hanging(run, api)
    server.faults.add(Fault("POST", ":terminate$", trouble))
    assert run("--terminate", run_id).code == 0
    server.wait_idle()
    assert _states(api) == ["FAILED"]


def test_a_run_of_somebody_else_is_not_stopped(run: Command, api: KfpApi) -> None:
    run_id = _hanging(run, api)
    source = api.source(run_id)
    api.create_experiment("theirs-dev", "")
    theirs = api.create_run(
        name="theirs", pipeline_id=source.pipeline_id, version_id=source.version_id,
        experiment_id=api.experiment_id("theirs-dev"), parameters={"name": "hang"},
    )  # fmt: skip
    outcome = run("--terminate", theirs)
    assert (outcome.code, "none of dev's experiments" in outcome.err) == (5, True)
    assert run("--terminate", "--all-running", "--yes").code == 0
    assert api.run(theirs).state in ("PENDING", "RUNNING")
    assert run("--terminate", "unknown").code == 2


class _Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_all_that_run_are_stopped_after_a_yes(
    run: Command, api: KfpApi, server: DevServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("--terminate", "--all-running", "--yes").out == "no run of dev is under way\n"
    _hanging(run, api)
    _hanging(run, api)
    refused = run("--terminate", "--all-running")
    assert (refused.code, "add --yes" in refused.err) == (5, True)
    monkeypatch.setattr("sys.stdin", _Terminal("n\n"))
    no = run("--terminate", "--all-running")
    assert (no.code, "nothing was terminated" in no.err) == (5, True)
    assert "FAILED" not in _states(api)
    monkeypatch.setattr("sys.stdin", _Terminal("y\n"))
    assert run("--terminate", "--all-running", "--yes", "--pipeline", "other-*").out.startswith("no run")
    outcome = run("--terminate", "--all-running")
    assert (outcome.code, outcome.out.splitlines()[-1]) == (0, "2 runs terminated, 0 not")
    server.wait_idle()
    assert _states(api) == ["FAILED", "FAILED"]


def test_one_that_cannot_be_stopped_hides_no_other(run: Command, api: KfpApi, server: DevServer) -> None:
    _hanging(run, api)
    _hanging(run, api)
    server.faults.add(Fault("POST", ":terminate$", Trouble.ANSWER, status=403))
    outcome = run("--terminate", "--all-running", "--yes")
    assert (outcome.code, outcome.out.splitlines()[-1]) == (4, "1 run terminated, 1 not")
    again = run("--terminate", "--all-running", "--yes")
    assert again.code == 0
    server.wait_idle()
    assert _states(api) == ["FAILED", "FAILED"]


def test_one_that_is_waited_for_has_ended(run: Command, api: KfpApi) -> None:
    run_id = _hanging(run, api)
    outcome = run("--terminate", run_id, "--wait", "--timeout", "60")
    assert (outcome.code, outcome.out.splitlines()[-1]) == (0, f"run {run_id} has ended: FAILED")
    assert _states(api) == ["FAILED"]
