"""Logs: by the endpoint that KFP has for them, and what is said where it gives none."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import jsonschema
import kubeconfig
import pytest
from kfp_gitops.devserver import DevServer, Fault, Trouble
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.runtree.pods import Pod
from kfp_gitops.operate.runlook import podlogs, reason, workflow
from kfpapi.stub import Answer, Seen, Stub
from project import PROJECT, Outcome

Command = Callable[..., Outcome]
SCHEMA = json.loads((PROJECT / "scripts/kfp_gitops/language/schemas/run.schema.json").read_text())
POD = Pod("wf-system-container-impl-7", "wf-7", 1, "FAILED")
MISSING = (
    b'{"error_message":"Failed to read logs for run r: pods \\"x\\" not found","error_details":"a stack"}'
)


def _newest(api: KfpApi) -> str:
    return api.runs(api.experiments_like("hello-dev")[0].id, 1)[0].id


def test_the_end_of_a_log_is_shown_without_secrets_and_without_what_a_terminal_obeys(
    run: Command, api: KfpApi, server: DevServer
) -> None:
    run("--pipeline", "hello", "--param", "name=fail", "--wait")
    outcome = run("--logs", _newest(api), "greet")
    assert outcome.code == 0
    assert outcome.out.splitlines()[0] == "it began"
    assert "hunter2" not in outcome.out
    assert "\x1b" not in outcome.out
    assert run("--logs", _newest(api), "greet", "--lines", "1").out == "ValueError: it broke\n"
    assert run("--logs", _newest(api), "greet", "--lines", "9" * 30).code == 0


def test_each_attempt_has_its_log(run: Command, api: KfpApi) -> None:
    run("--pipeline", "hello", "--param", "name=retry", "--wait")
    for more in ((), ("--lines", "0")):
        lines = run("--logs", _newest(api), "greet", *more).out.splitlines()
        assert lines == [
            "==> greet, attempt 1: FAILED <==",
            "the first time",
            "==> greet, attempt 2: SUCCEEDED <==",
            "the second time",
        ]


def test_a_log_that_kfp_does_not_give_is_the_line_that_does(
    run: Command, api: KfpApi, server: DevServer
) -> None:
    run("--pipeline", "hello", "--param", "name=fail", "--wait")
    run_id = _newest(api)
    for status in (404, 500):
        server.faults.add(Fault("GET", "/log$", Trouble.ANSWER, nth=0, status=status))
        outcome = run("--logs", run_id, "greet", "--patience", "0")
        assert outcome.code == 4
        assert f"kubectl logs -n kubeflow {_pod(run, run_id)} -c main" in outcome.err
        began = time.monotonic()
        shown = run("--status", run_id)
        assert time.monotonic() - began < 30  # the run itself was told: its log is not waited for
        assert "which KFP does not give" in shown.out
        assert "kubectl logs" in shown.out
        server.faults.clear()


def _pod(run: Command, run_id: str) -> str:
    found = json.loads(run("--status", run_id, "--json").out)
    jsonschema.validate(found, SCHEMA)
    name: str = found["tasks"][0]["attempts"][0]["pod"]
    return name


@pytest.mark.parametrize(
    ("task", "says"),
    [
        ("gret", "did you mean 'greet'?"),
        ("each", "'each' is a group of run"),
        ("greet-item", "has no pod: it did not begin"),
    ],
)
def test_a_task_that_is_none_says_which_there_are(run: Command, api: KfpApi, task: str, says: str) -> None:
    run("--pipeline", "hello", "--param", "name=fail", "--wait")
    outcome = run("--logs", _newest(api), task)
    assert (outcome.code, says in outcome.err) == (0 if "no pod" in says else 2, True)


def test_a_status_tells_version_release_parameters_and_the_reason(
    run: Command, api: KfpApi, repository: Path
) -> None:
    run("--pipeline", "hello", "--param", "name=fail", "--wait")
    run_id = _newest(api)
    found = json.loads(run("--status", run_id, "--json").out)
    jsonschema.validate(found, SCHEMA)
    assert found["version"].startswith("sha-")
    assert found["release"].startswith("sha256:")
    assert (found["parameters"], found["defaults"]) == ({"name": "fail"}, {"threshold": 3})
    assert found["reason"]["task"] == "greet"
    assert found["reason"]["log"][-1] == "ValueError: it broke"
    text = run("--status", run_id).out
    assert f'parameters  name="fail"\n{" " * 12}threshold=3 (default)' in text
    assert f"--logs {run_id} greet" in text.replace(" \\\n     ", "")


# --- what an answer may be


def _read(*parts: bytes) -> tuple[list[str], str]:
    lines: list[str] = []
    taker = podlogs.Lines(lines.append)
    for part in parts:
        taker.feed(part)
    taker.close()
    return lines, taker.failure


@pytest.mark.parametrize(
    ("parts", "lines", "failed"),
    [
        ([b""], [], False),
        ([b"a\nb"], ["a", "b"], False),
        ([b"a\r\n", b"b\n"], ["a", "b"], False),
        ([b"caf\xc3", b"\xa9\n\xff\n"], ["café", "\ufffd"], False),
        ([MISSING], [], True),
        ([b"a\nhalf", MISSING[:20], MISSING[20:]], ["a", "half"], True),
        ([b'{"error_message":"of the step itself"}\n'], ['{"error_message":"of the step itself"}'], False),
    ],
    ids=["nothing", "no end", "windows", "cut letters", "no log", "broken off", "json of a step"],
)
def test_lines_of_a_log_and_what_the_server_says_behind_it(
    parts: Iterable[bytes], lines: list[str], failed: bool
) -> None:
    found, failure = _read(*parts)
    assert (found, bool(failure)) == (lines, failed)
    assert not failed or "a stack" not in failure


def test_a_line_without_an_end_is_cut_and_takes_no_memory() -> None:
    (line,), failure = _read(*[b"x" * 100_000] * 50)
    assert (len(line) < 5000, line.endswith("… (cut)"), failure) == (True, True, "")


def test_a_pod_is_asked_for_by_its_name_and_an_archive_by_the_node() -> None:
    def answer(request: Seen) -> Answer:
        found = b"from the archive\n" if request.path.endswith("/nodes/wf-7/log") else MISSING
        return Answer(200, found, "text/plain; charset=utf-8")

    with Stub(answer) as stub:
        found = podlogs.last(KfpApi(stub.url, ""), "r", POD, 10)
        assert found == (["from the archive"], "")
        assert [seen.path.rpartition("/nodes/")[2] for seen in stub.seen] == [f"{POD.name}/log", "wf-7/log"]


def test_a_login_page_is_no_log() -> None:
    with Stub(lambda _: Answer(200, b"<!DOCTYPE html><title>Log in</title>", "text/html")) as stub:
        lines, failure = podlogs.last(KfpApi(stub.url, ""), "r", POD, 10)
    assert lines == []
    assert "web page" in failure


# --- what Argo says, where Kubernetes can be asked


@pytest.mark.parametrize(
    ("label", "status", "says"),
    [("r", 200, "OOMKilled (exit code 137)"), ("another", 200, ""), ("r", 404, ""), ("r", 500, "")],
    ids=["ours", "another cluster's", "gone", "broken"],
)
def test_what_argo_says_of_the_end_of_a_pod_is_told_of_this_run_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, label: str, status: int, says: str
) -> None:
    found = {
        "metadata": {"labels": {"pipeline/runid": label}},
        "status": {"nodes": {"wf-7": {"message": "OOMKilled\n(exit code 137)"}}},
    }
    with Stub(lambda _: Answer(status, json.dumps(found).encode())) as stub:
        where = str(kubeconfig.written(tmp_path, stub.url))
        read_when_imported = "kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION"
        monkeypatch.setattr(read_when_imported, where)
        given = {"KUBECONFIG": where}
        assert workflow.message(KfpApi("http://kfp", "team"), "r", POD, given) == says
        (seen,) = stub.seen
        assert seen.path == "/apis/argoproj.io/v1alpha1/namespaces/team/workflows/wf"


def test_without_a_kubeconfig_that_was_given_no_cluster_is_asked() -> None:
    assert workflow.message(KfpApi("http://kfp", ""), "r", POD, {"HOME": "/root"}) == ""


# --- what is shown of a log as the reason


_ABSL = "E1128 16:50:30.123456 1 train.py:8] loss is nan"
_KLOG = "F1128 16:50:30.123456       1 main.go:55] failed to execute component: exit status 1"


@pytest.mark.parametrize(
    ("log", "wanted"),
    [
        (["a", "", "ValueError: x", _KLOG], ["a", "ValueError: x"]),
        ([_KLOG], [_KLOG]),
        ([_ABSL, _KLOG], [_ABSL]),
        ([str(number) for number in range(100)], [str(number) for number in range(88, 100)]),
        (
            ["[KFP Executor 14:32:56,149 INFO]: Got executor_input:", "{", '    "a": {', "    }", "}", "why"],
            ["why"],
        ),
        (["[KFP Executor x INFO]: Got executor_input:", "{", '    "a": 1', "cut off"], ["{", '    "a": 1', "cut off"]),
    ],
    ids=[
        "a launcher's line", "a driver's log", "a step that logs likewise", "long", "the executor's input",
        "an input without an end",
    ],
)  # fmt: skip
def test_the_reason_is_what_the_step_wrote_last(log: list[str], wanted: list[str]) -> None:
    assert reason._end(log) == wanted
