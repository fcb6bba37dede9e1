"""Apply under a lock: kept out by another one, and stopped when the lock is lost."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import kubeconfig
import pytest
from kfp_gitops.base.errors import LockLostError
from kfp_gitops.devserver import DevServer, Faults
from kfp_gitops.reconcile import locking
from kfp_gitops.reconcile.locking.lease import Holder
from locking.fake_leases import FakeLeases
from project import PROJECT, Outcome

FAKE = (sys.executable, "-I", "-S", str(PROJECT / "tests/devserver/fake_executor.py"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DevServer]:
    with DevServer(tmp_path / "server", executor=FAKE, grace=0.3, faults=Faults()) as found:
        yield found


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLeases]:
    """A cluster that the kubeconfig leads to."""
    with (found := FakeLeases()).stub:
        where = str(kubeconfig.written(tmp_path, found.stub.url))
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", where)
        yield found


@pytest.fixture
def apply(repository: Path, command: Callable[..., Outcome], server: DevServer) -> Callable[..., Outcome]:
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    common = ("apply", "--root", repository, "--env", "dev", "--host", server.url)
    return lambda *options: command("reconcile", *common, *options)


def _writes(server: DevServer) -> int:
    return len([r for r in server.faults.requests if r.method != "GET"])


def test_apply_holds_the_lease_and_gives_it_back(apply: Callable[..., Outcome], cluster: FakeLeases) -> None:
    assert apply("--lease", "team/dev").code == 0
    assert cluster.holder("dev") == ""
    assert [s.method for s in cluster.stub.seen][:2] == ["GET", "POST"]


@pytest.mark.parametrize("kind", ["lease", "file"])
def test_while_another_one_applies_nothing_is_even_looked_at(
    apply: Callable[..., Outcome], cluster: FakeLeases, server: DevServer, kind: str
) -> None:
    lease = ("--lease", "team/dev") if kind == "lease" else ()
    with locking.hold("team/dev" if lease else None, (server.url, "", "example-repository", "dev"), 0, print):
        outcome = apply(*lease, "--lock-timeout", "0.1")
    assert outcome.code == 4
    assert "is reconciling this environment" in outcome.err
    assert server.faults.requests == []


def test_a_lost_lease_stops_apply_before_the_next_write(
    apply: Callable[..., Outcome], cluster: FakeLeases, server: DevServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost_after_the_second_write(_holder: Holder) -> None:
        if _writes(server) >= 2:
            raise LockLostError("lease dev: taken")

    monkeypatch.setattr(Holder, "check", lost_after_the_second_write)
    outcome = apply("--lease", "team/dev")
    assert outcome.code == 4
    assert "lease dev: taken" in outcome.err
    assert _writes(server) == 2
