"""Kubernetes and the Pushgateway, and whoever answers in their place: it ends in time, as the other side's failure."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import kubeconfig
import pytest
from kfp_gitops.base import cluster, metrics, replies
from kfp_gitops.base.errors import ExitCode, GarbledError, RemoteError, TemporaryError
from kfp_gitops.operate.doctor import kubernetes
from kfp_gitops.operate.doctor.check import Status
from kfp_gitops.reconcile import locking
from kfp_gitops.reconcile.locking import leases
from servers import misbehaving
from servers.misbehaving import Misbehaving, Pieces, reply

SLOW = [misbehaving.slow_body, misbehaving.slow_headers, misbehaving.slow_chunks, misbehaving.slow_interim]
HTML = b"<!DOCTYPE html><html>Log in</html>"
OTHERS: list[bytes | dict[str, object]] = [
    {"error": "late", "code": 4},
    {},
    HTML,
    b"OK",
    b"[1]",
    b"\xff",
    b"null",
]


@contextmanager
def _soon(seconds: float = 5.0) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


@pytest.fixture
def led_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Misbehaving], None]:
    """KUBECONFIG leads to a server."""

    def lead(server: Misbehaving) -> None:
        where = "kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION"  # read when it is imported
        monkeypatch.setattr(where, str(kubeconfig.written(tmp_path, server.url)))
        monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)

    return lead


@pytest.mark.parametrize("slow", SLOW)
def test_a_lease_is_not_waited_for_when_its_reply_trickles(
    slow: Callable[[], Pieces], led_to: Callable[[Misbehaving], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "_TIMEOUT", (0.2, 0.4))
    with Misbehaving(lambda _: slow()) as server:
        led_to(server)
        with _soon(), pytest.raises(TemporaryError):
            leases.Leases("team").get("dev")


@pytest.mark.parametrize("body", OTHERS, ids=str)
def test_what_is_no_lease_is_no_lock(
    body: bytes | dict[str, object], led_to: Callable[[Misbehaving], None]
) -> None:
    with Misbehaving(lambda _: reply(body)) as server:
        led_to(server)
        with (
            pytest.raises(RemoteError, match=r"Kubernetes: answered what its API does not") as caught,
            locking.hold("team/dev", ("h", "", "dev"), 0, lambda _: None),
        ):
            pytest.fail("it is held")
    assert caught.value.exit_code == ExitCode.REMOTE_FAILED


def test_a_packed_reply_of_kubernetes_is_bounded(
    led_to: Callable[[Misbehaving], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replies.whole, "__defaults__", (1 << 20,))
    packed = misbehaving.bomb(50)
    with Misbehaving(lambda _: packed) as server:
        led_to(server)
        with pytest.raises(GarbledError, match="more than 1 MB"):
            leases.Leases("team").get("dev")


@pytest.mark.parametrize("body", OTHERS, ids=str)
def test_the_doctor_takes_nobody_elses_reply_for_kubernetes(
    body: bytes | dict[str, object], led_to: Callable[[Misbehaving], None]
) -> None:
    """A secret that nobody has seen is not said to be there."""
    named = [("Secret", "s", ["hello"])]
    with Misbehaving(lambda _: reply(body)) as server:
        led_to(server)
        looked = cluster.Once(cluster.connect())
        found = list(kubernetes.checks(looked, "kubeflow", "team", named, "team/dev", "dev"))
    assert found
    assert not [check for check in found if check.status is Status.OK], [str(check) for check in found]


@pytest.mark.parametrize("slow", SLOW)
def test_a_push_that_trickles_ends_in_its_time(slow: Callable[[], Pieces]) -> None:
    with Misbehaving(lambda _: slow()) as server, _soon():
        lost = metrics.push(server.url, metrics.Report("dev", "plan"), 0, timeout=0.5)
    assert lost and "could not be pushed" in lost
    with Misbehaving(lambda _: slow()) as server, _soon():
        assert metrics.forget(server.url, "dev", ["plan"], timeout=0.5)


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        (reply(HTML), "a web page answered; is this the address of a Pushgateway?"),
        (reply(b"", "Location: http://127.0.0.1:9/login", status="302 Found"), "HTTP 302 Found"),
        (reply(b"full", status="500 Internal Server Error"), "HTTP 500"),
    ],
)
def test_a_push_that_somebody_else_took_is_lost_and_told(pieces: Pieces, said: str) -> None:
    with Misbehaving(lambda _: pieces) as server:
        lost = metrics.push(server.url, metrics.Report("dev", "plan"), 0)
    assert lost and said in lost


def test_how_long_it_took_does_not_depend_on_the_clock_on_the_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    """NTP sets it back while a command works."""
    report = metrics.Report("dev", "plan")
    sent: list[bytes] = []
    monkeypatch.setattr(metrics, "_sent", lambda *, data, **_: lambda: sent.append(data))
    before = time.time()
    monkeypatch.setattr(time, "time", lambda: before - 3600)
    assert metrics.push("http://gateway", report, 0) is None
    (line,) = [
        line for line in sent[0].decode().splitlines() if line.startswith("kfp_gitops_duration_seconds ")
    ]
    assert 0 <= float(line.split()[1]) < 60
