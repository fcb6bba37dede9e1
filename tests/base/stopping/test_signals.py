"""SIGTERM and SIGINT to a command that is PID 1: it ends within 5 s, whatever it waits for, and unlocks."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import kubeconfig
import pytest
import yaml
from first import PROMISE, Silent, running, until
from kfp_gitops.devserver import DevServer, Faults
from kfp_gitops.reconcile.desired import load
from kfp_gitops.reconcile.locking import filelock
from kfpapi.stub import Answer, Seen, Stub
from locking.fake_leases import FakeLeases
from project import Outcome

Command = Callable[..., Outcome]
LEASE = "--lease=team/dev"


@pytest.fixture
def cluster() -> Iterator[FakeLeases]:
    with (found := FakeLeases()).stub:
        yield found


@pytest.fixture
def rendered(repository: Path, command: Command) -> Path:
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    return repository


@pytest.fixture
def silent() -> Iterator[Silent]:
    with Silent() as found:
        yield found


def script(name: str, root: Path, *arguments: object) -> list[object]:
    """`python -m kfp_gitops <name>` of a repository, as the image starts it."""
    first_words, *more = name.split()
    return ["-m", "kfp_gitops", first_words, *more, "--root", root, "--env", "dev", *arguments]


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("reconcile plan", []),
        ("reconcile apply", []),
        ("reconcile apply", [LEASE]),
        ("reconcile status", []),
        ("reconcile disable", [LEASE]),
        ("run", ["--pipeline=hello", "--wait"]),
        ("run", ["--pipeline=hello", "--list"]),
        ("run", ["--pipeline=hello", "--backfill=2026-01-01..2026-01-31"]),
        ("doctor", []),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value) or "alone",
)
def test_in_a_blocked_read_it_ends_in_time_and_gives_the_lease_back(
    rendered: Path, tmp_path: Path, cluster: FakeLeases, silent: Silent, name: str, more: list[str]
) -> None:
    words = script(name, rendered, "--host", silent.url, *more)
    with running(words, tmp_path, KUBECONFIG=str(kubeconfig.written(tmp_path, cluster.stub.url))) as process:
        until(silent.asked.is_set, process.process)
        ended = process.stop()
    assert (ended.code, ended.seconds < PROMISE) == (143, True), ended
    assert "stopped by SIGTERM" in ended.err and "Traceback" not in ended.err
    if LEASE in more:
        assert cluster.holder("dev") == ""


def test_a_write_that_nobody_answered_keeps_others_out_until_the_lease_expires(
    rendered: Path, tmp_path: Path, cluster: FakeLeases, silent: Silent
) -> None:
    """It may take effect when another one is at work already: a schedule enabled late could fire twice."""
    words = script("reconcile pause", rendered, "--host", silent.url, LEASE, "--until=8h")
    with running(words, tmp_path, KUBECONFIG=str(kubeconfig.written(tmp_path, cluster.stub.url))) as process:
        until(silent.asked.is_set, process.process)
        ended = process.stop()
    assert (ended.code, ended.seconds < PROMISE) == (143, True), ended
    assert cluster.holder("dev") != ""
    assert "the lease dev is left to expire in 45 s" in ended.err


def test_sigint_ends_it_with_130(rendered: Path, tmp_path: Path, cluster: FakeLeases, silent: Silent) -> None:
    words = script("reconcile apply", rendered, "--host", silent.url, LEASE)
    with running(words, tmp_path, KUBECONFIG=str(kubeconfig.written(tmp_path, cluster.stub.url))) as process:
        until(silent.asked.is_set, process.process)
        ended = process.stop(signal.SIGINT)
    assert (ended.code, ended.seconds < PROMISE) == (130, True), ended
    assert cluster.holder("dev") == ""


def test_in_a_pause_between_two_tries(rendered: Path, tmp_path: Path, cluster: FakeLeases) -> None:
    busy = Answer(503, b"{}", headers={"Retry-After": "20"})
    words = script("reconcile apply", rendered, LEASE)
    with Stub(lambda _: busy) as kfp:
        where = str(kubeconfig.written(tmp_path, cluster.stub.url))
        with running([*words, "--host", kfp.url], tmp_path, KUBECONFIG=where) as process:
            until(lambda: kfp.seen, process.process)
            time.sleep(0.3)
            ended = process.stop()
    assert (ended.code, ended.seconds < PROMISE) == (143, True), ended
    assert cluster.holder("dev") == ""


def test_while_it_waits_for_somebody_elses_lease(rendered: Path, tmp_path: Path, cluster: FakeLeases) -> None:
    spec = {
        "holderIdentity": "another",
        "leaseDurationSeconds": 45,
        "renewTime": "2026-11-23T12:00:00.000001Z",
    }
    cluster.leases["team", "dev"] = {"metadata": {"name": "dev", "resourceVersion": "7"}, "spec": spec}
    words = script("reconcile apply", rendered, LEASE, "--host", "http://127.0.0.1:1")
    where = str(kubeconfig.written(tmp_path, cluster.stub.url))
    with running(words, tmp_path, KUBECONFIG=where) as process:
        until(lambda: cluster.stub.seen, process.process)
        ended = process.stop()
    assert (ended.code, ended.seconds < PROMISE) == (143, True), ended
    assert cluster.holder("dev") == "another"


def test_while_kubernetes_does_not_answer(rendered: Path, tmp_path: Path, silent: Silent) -> None:
    words = script("reconcile apply", rendered, LEASE, "--host", "http://127.0.0.1:1")
    with running(words, tmp_path, KUBECONFIG=str(kubeconfig.written(tmp_path, silent.url))) as process:
        until(silent.asked.is_set, process.process)
        ended = process.stop()
    assert (ended.code, ended.seconds < PROMISE) == (143, True), ended


def test_while_it_waits_for_another_process_of_this_machine(
    rendered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    host = "http://127.0.0.1:1"
    words = script("reconcile apply", rendered, "--host", host)
    repository = yaml.safe_load((rendered / "environments/base.yaml").read_text())["repository"]["id"]
    with (
        filelock.hold(filelock.spot((host, "", repository, "dev")), 0, lambda _: None),
        running(words, tmp_path, XDG_CACHE_HOME=str(tmp_path / "cache")) as process,
    ):
        assert process.process.stderr is not None
        assert "waiting for" in process.process.stderr.readline()
        ended = process.stop()
    assert (ended.code, ended.seconds < PROMISE) == (143, True), ended


def test_while_the_pushgateway_does_not_answer(rendered: Path, tmp_path: Path, silent: Silent) -> None:
    with DevServer(tmp_path / "server", faults=Faults()) as kfp:
        words = script("reconcile plan", rendered, "--host", kfp.url, "--push-gateway", silent.url)
        with running(words, tmp_path) as process:
            until(silent.asked.is_set, process.process)
            ended = process.stop()
    assert (ended.code, ended.seconds < PROMISE) == (143, True), ended


def test_a_pushgateway_hears_of_the_end_if_it_answers(rendered: Path, tmp_path: Path, silent: Silent) -> None:
    with Stub(lambda _: Answer(202)) as gateway:
        words = script("reconcile status", rendered, "--host", silent.url, "--push-gateway", gateway.url)
        with running(words, tmp_path) as process:
            until(silent.asked.is_set, process.process)
            ended = process.stop()
    assert (ended.code, ended.seconds < PROMISE) == (143, True), ended
    assert b"kfp_gitops_exit_code 143.0" in gateway.seen[-1].body


def test_while_a_run_is_followed_it_goes_on_and_is_named(rendered: Path, tmp_path: Path) -> None:
    run = {"run_id": "r1", "display_name": "hello-1", "state": "RUNNING"}
    (wanted,) = load(rendered / "manifests/dev", "dev").pipelines
    listed = {
        "pipelines": [{"pipeline_id": "p1", "name": "hello", "display_name": "hello"}],
        "experiments": [{"experiment_id": "e1", "display_name": "hello-dev"}],
        "pipeline_versions": [
            {
                "pipeline_version_id": "v1",
                "name": wanted.version,
                "pipeline_spec": yaml.safe_load(str(wanted.ir)),
            }
        ],
    }

    def answer(request: Seen) -> Answer:
        one = "/runs/" in request.path or (request.method, request.path) == ("POST", "/apis/v2beta1/runs")
        found = listed["pipelines"][0] if "/names/" in request.path else run if one else listed
        return Answer(200, json.dumps(found).encode())

    with Stub(answer) as kfp:
        words = script("run", rendered, "--host", kfp.url, "--pipeline=hello", "--wait")
        with running(words, tmp_path) as process:
            until(lambda: sum("/runs/r1" in seen.path for seen in kfp.seen) > 2, process.process)
            ended = process.stop()
    assert (ended.code, ended.seconds < PROMISE) == (143, True), ended
    assert "r1" in ended.out
