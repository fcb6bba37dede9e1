"""SIGTERM and SIGINT to a command that is PID 1: it ends within 5 s, whatever it waits for, and unlocks."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import first
import pytest
import yaml
from first import PROMISE, Silent, running, until
from kfp_gitops.devserver import DevServer, Faults
from kfp_gitops.reconcile.locking import filelock
from kfpapi.stub import Answer, Seen, Stub
from locking.fake_leases import FakeLeases
from project import PROJECT, Outcome

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
    with running(words, tmp_path, KUBECONFIG=first.kubeconfig(tmp_path, cluster.stub.url)) as process:
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
    with running(words, tmp_path, KUBECONFIG=first.kubeconfig(tmp_path, cluster.stub.url)) as process:
        until(silent.asked.is_set, process.process)
        ended = process.stop()
    assert (ended.code, ended.seconds < PROMISE) == (143, True), ended
    assert cluster.holder("dev") != ""
    assert "the lease dev is left to expire in 45 s" in ended.err


def test_sigint_ends_it_with_130(rendered: Path, tmp_path: Path, cluster: FakeLeases, silent: Silent) -> None:
    words = script("reconcile apply", rendered, "--host", silent.url, LEASE)
    with running(words, tmp_path, KUBECONFIG=first.kubeconfig(tmp_path, cluster.stub.url)) as process:
        until(silent.asked.is_set, process.process)
        ended = process.stop(signal.SIGINT)
    assert (ended.code, ended.seconds < PROMISE) == (130, True), ended
    assert cluster.holder("dev") == ""


def test_in_a_pause_between_two_tries(rendered: Path, tmp_path: Path, cluster: FakeLeases) -> None:
    busy = Answer(503, b"{}", headers={"Retry-After": "20"})
    words = script("reconcile apply", rendered, LEASE)
    with Stub(lambda _: busy) as kfp:
        where = first.kubeconfig(tmp_path, cluster.stub.url)
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
    where = first.kubeconfig(tmp_path, cluster.stub.url)
    with running(words, tmp_path, KUBECONFIG=where) as process:
        until(lambda: cluster.stub.seen, process.process)
        ended = process.stop()
    assert (ended.code, ended.seconds < PROMISE) == (143, True), ended
    assert cluster.holder("dev") == "another"


def test_while_kubernetes_does_not_answer(rendered: Path, tmp_path: Path, silent: Silent) -> None:
    words = script("reconcile apply", rendered, LEASE, "--host", "http://127.0.0.1:1")
    with running(words, tmp_path, KUBECONFIG=first.kubeconfig(tmp_path, silent.url)) as process:
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
        filelock.hold(filelock.path((host, "", repository, "dev")), 0, lambda _: None),
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
    lock = (rendered / "manifests/dev/versions.lock.yaml").read_text("utf-8")
    listed = {
        "pipelines": [{"pipeline_id": "p1", "name": "hello", "display_name": "hello"}],
        "experiments": [{"experiment_id": "e1", "display_name": "hello-dev"}],
        "pipeline_versions": [{"pipeline_version_id": "v1", "name": lock.split("version: ")[1].split()[0]}],
    }

    def answer(request: Seen) -> Answer:
        return Answer(200, json.dumps(run if "/runs" in request.path else listed).encode())

    with Stub(answer) as kfp:
        words = script("run", rendered, "--host", kfp.url, "--pipeline=hello", "--wait")
        with running(words, tmp_path) as process:
            until(lambda: sum("/runs/r1" in seen.path for seen in kfp.seen) > 2, process.process)
            ended = process.stop()
    assert (ended.code, ended.seconds < PROMISE) == (143, True), ended
    assert "r1" in ended.out


_WORKERS = """
import sys, time
from pathlib import Path
from kfp_gitops.base import processes, stopping

def slow(number):
    Path(sys.argv[1], str(number)).touch()
    time.sleep(60)
    return ""

with stopping.heeded():
    try:
        processes.cores = lambda: 4
        processes.spread(slow, range(64))
    except stopping.Stopped as stopped:
        sys.exit(stopped.exit_code)
"""
_DEAF = """
import ctypes, sys
from pathlib import Path
from kfp_gitops.base import stopping

with stopping.heeded():
    stopping.listen()
    stopping.at_last(lambda: Path(sys.argv[1], "released").touch())
    lock, libc = ctypes.create_string_buffer(64), ctypes.CDLL(None)
    libc.pthread_mutex_lock(lock)
    Path(sys.argv[1], "0").touch()
    libc.pthread_mutex_lock(lock)  # no signal ends that, as none ends the look-up of a name
"""
_THREADS = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from kfp_gitops.base import stopping

def waits():
    Path(sys.argv[1], "0").touch()
    try:
        stopping.sleep(60)
    except stopping.Stopped:
        Path(sys.argv[1], "told").touch()

with stopping.heeded(), ThreadPoolExecutor() as pool:
    try:
        pool.submit(waits).result()
    except stopping.Stopped as stopped:
        sys.exit(stopped.exit_code)
"""


@pytest.mark.parametrize(
    ("code", "leaves"),
    [(_WORKERS, []), (_DEAF, ["released"]), (_THREADS, ["told"])],
    ids=["worker processes", "a call that no signal ends", "a pause in another thread"],
)
def test_nothing_that_a_process_may_do_keeps_it(tmp_path: Path, code: str, leaves: list[str]) -> None:
    with running(["-c", code, tmp_path], tmp_path) as process:
        until((tmp_path / "0").exists, process.process)
        time.sleep(0.2)
        ended = process.stop()
    assert (ended.code, ended.seconds < PROMISE) == (143, True), ended
    for name in leaves:
        assert (tmp_path / name).exists()


_IGNORED = """
import os, signal, sys
if len(sys.argv) == 1:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.execv(sys.executable, [sys.executable, __file__, "again"])
from kfp_gitops.base import stopping
with stopping.heeded():
    print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)
"""


def test_a_signal_that_was_ignored_from_outside_stays_so(tmp_path: Path) -> None:
    """As a shell starts background processes: with SIGINT ignored."""
    (tmp_path / "ignored.py").write_text(_IGNORED, "utf-8")
    with running([tmp_path / "ignored.py"], tmp_path) as process:
        out, err = process.process.communicate(timeout=60)
    assert out.strip() == "True", err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_the_library_of_the_steps_ends_too(
    tmp_path: Path, silent: Silent, number: signal.Signals, code: int
) -> None:
    words = ["-m", "predictive_scaling", "fetch", "--url", silent.url, "--output", tmp_path / "usage.csv.gz"]
    with running(words, tmp_path, PYTHONPATH=str(PROJECT / "components/src")) as process:
        until(silent.asked.is_set, process.process)
        ended = process.stop(number)
    assert (ended.code, ended.seconds < PROMISE) == (code, True), ended
    assert "Traceback" not in ended.err and not (tmp_path / "usage.csv.gz").exists()


_TRAINING = """
import sys, time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from predictive_scaling.base import stopping

def slow(place):
    Path(place).touch()
    time.sleep(60)

if __name__ == "__main__":
    stopping.heed()
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(slow, [sys.argv[1] + "/0"] * 2))
"""


def test_the_library_of_the_steps_leaves_no_worker(tmp_path: Path) -> None:
    (tmp_path / "training.py").write_text(_TRAINING, "utf-8")
    with running(
        [tmp_path / "training.py", tmp_path], tmp_path, PYTHONPATH=str(PROJECT / "components/src")
    ) as process:
        until((tmp_path / "0").exists, process.process)
        time.sleep(0.3)
        ended = process.stop()
    assert (ended.code, ended.seconds < PROMISE) == (143, True), ended
