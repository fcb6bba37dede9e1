"""What passes keep in a Lease: it outlives them, is seen by others, and a pass that lost its Lease sends nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import kubeconfig
import pytest
from chained import Chained
from kfp_gitops.reconcile import locking
from kfp_gitops.reconcile.causes import statetext
from locking.fake_leases import FakeLeases

LEASE = ("--lease", "team/dev-triggers")


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLeases]:
    with (found := FakeLeases()).stub:
        where = str(kubeconfig.written(tmp_path, found.stub.url))
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", where)
        yield found


def test_a_pass_finds_what_the_one_before_kept(chained: Chained, cluster: FakeLeases) -> None:
    chained.hello()
    assert "1 run started" in chained.trigger(*LEASE).out
    kept = statetext.read(locking.peek("team/dev-triggers", ()).text)
    assert kept
    (trigger,) = kept.triggers.values()
    assert trigger.last
    (run,) = chained.ended("follows")
    assert trigger.last.run_id == run.id
    assert cluster.holder("dev-triggers") == ""
    told = chained.trigger(*LEASE)
    assert "0 runs started" in told.out
    assert "nothing is kept" not in told.err


def test_whoever_cannot_keep_what_it_is_about_to_send_sends_nothing(
    chained: Chained, cluster: FakeLeases, monkeypatch: pytest.MonkeyPatch
) -> None:
    chained.trigger(*LEASE)
    chained.hello()
    from kfp_gitops.operate.triggering import starting

    def broken(*given: object) -> object:
        cluster.broken = 503
        return ready(*given)  # type: ignore[arg-type]  # as it was called

    ready = starting._with_parameters
    monkeypatch.setattr(starting, "_with_parameters", broken)
    assert chained.trigger(*LEASE).code == 4
    assert chained.runs("follows") == []
    monkeypatch.undo()
