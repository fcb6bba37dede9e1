"""What a lock keeps of KFP's database: as it was written, or nothing; in a Lease it is read by who does not hold it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import kubeconfig
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kfp_gitops.devserver import DevServer, Faults
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.reconcile import locking
from kfp_gitops.reconcile.locking import Kept, witness
from kfp_gitops.reconcile.locking.memory import Memory
from kfp_gitops.reconcile.locking.witness import MOST_PAUSES, KeptPause, Witness
from locking.fake_leases import FakeLeases
from project import PROJECT, Outcome

FAKE = (sys.executable, "-I", "-S", str(PROJECT / "tests/devserver/fake_executor.py"))
KEY = ("http://kfp", "", "example", "dev")
AT = datetime(2026, 11, 29, 3, 12, tzinfo=UTC)
PAUSE = KeptPause(
    "p1", datetime(2099, 1, 1, tzinfo=UTC), "kim", "the store's being moved\n☃", ("team=churn",)
)
WHOLE = Witness(AT, "m1", ("hello", "sha-1"), (PAUSE,))
texts = st.text(max_size=20)
moments = st.datetimes(timezones=st.just(UTC))
pauses = st.builds(KeptPause, texts, moments, texts, texts, st.lists(texts, max_size=3).map(tuple))
witnesses = st.builds(
    Witness, moments, texts, st.none() | st.tuples(texts, texts), st.lists(pauses, max_size=5).map(tuple)
)


@given(witnesses)
def test_it_is_read_as_it_was_written_and_is_one_line(found: Witness) -> None:
    text = found.text()
    assert "\n" not in text
    again = witness.read(text)
    assert again is not None
    assert (again.at, again.mark, again.version) == (found.at, found.mark, found.version)
    assert sorted(again.pauses, key=repr) == sorted(found.pauses, key=repr)


@given(texts | st.recursive(st.none() | st.integers() | texts, st.lists).map(json.dumps))
def test_what_somebody_wrote_is_nothing(text: str) -> None:
    assert witness.read(text) is None


def test_of_many_pauses_those_that_last_longest_are_kept() -> None:
    many = tuple(
        KeptPause(str(n), datetime(2099, 1, 1 + n % 28, n % 24, tzinfo=UTC), "", "w" * 255)
        for n in range(300)
    )
    text = Witness(AT, "m", None, many).text()
    found = witness.read(text)
    assert found is not None and len(found.pauses) == MOST_PAUSES
    assert min(p.until for p in found.pauses) >= sorted(p.until for p in many)[-MOST_PAUSES]
    assert len(text) < 1 << 14


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLeases]:
    with (found := FakeLeases()).stub:
        where = str(kubeconfig.written(tmp_path, found.stub.url))
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", where)
        yield found


@pytest.mark.parametrize("lease", [None, "team/dev"])
@pytest.mark.usefixtures("cluster")
def test_it_outlives_who_held_the_lock_and_is_seen_while_it_is_held(lease: str | None) -> None:
    assert locking.peek(lease, KEY) == Kept()
    with locking.hold(lease, KEY, 0, lambda _: None) as held:
        assert held.witness is None
        held.remember(Memory.APPLIED)
        held.keep(WHOLE)
        held.begin("abc")
        assert locking.peek(lease, KEY) == Kept(Memory.APPLIED, WHOLE)
    assert locking.peek(lease, KEY) == Kept(Memory.APPLIED, WHOLE)
    with locking.hold(lease, KEY, 0, lambda _: None) as held:
        assert (held.witness, held.memory, held.begun) == (WHOLE, Memory.APPLIED, "abc")


def test_to_read_a_lease_asks_for_nothing_but_that(cluster: FakeLeases) -> None:
    locking.peek("team/dev", KEY)
    assert [request.method for request in cluster.stub.seen] == ["GET"]


def test_what_the_job_kept_in_its_lease_tells_status_elsewhere_and_the_next_job(
    repository: Path,
    command: Callable[..., Outcome],
    cluster: FakeLeases,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A pause that somebody set without the Lease is in it from the next apply on."""
    base = repository / "environments/base.yaml"
    base.write_text(base.read_text().replace("enabled: false", "enabled: true"))
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    common = ("--root", repository, "--env", "dev", "--host")
    job = ("--lease", "team/dev")
    with DevServer(tmp_path / "before", executor=FAKE, grace=0.3, faults=Faults()) as server:
        assert command("reconcile", "apply", *common, server.url, *job).code == 0
        assert command("reconcile", "pause", *common, server.url, "--until", "8h", "--by", "kim").code == 0
        assert command("reconcile", "apply", *common, server.url, *job).code == 0
        port = int(server.url.rsplit(":", 1)[1])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another machine"))
    with DevServer(tmp_path / "after", executor=FAKE, grace=0.3, port=port, faults=Faults()) as server:
        blind = json.loads(command("reconcile", "status", *common, server.url, "--json").out)
        assert blind["faults"] == []
        told = json.loads(command("reconcile", "status", *common, server.url, "--json", *job).out)
        assert [fault["name"] for fault in told["faults"]] == ["database", "pause"]
        done = command("reconcile", "apply", *common, server.url, *job)
        assert "KFP had lost that dev is paused by kim" in done.err
        assert [one.enabled for one in KfpApi(server.url, "").schedules()] == [False]
        told = json.loads(command("reconcile", "status", *common, server.url, "--json", *job).out)
        assert told["faults"] == []


def test_a_lease_that_cannot_be_read_is_said_and_hides_nothing_else(
    repository: Path,
    command: Callable[..., Outcome],
    cluster: FakeLeases,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    with DevServer(tmp_path / "server", executor=FAKE, faults=Faults()) as server:
        common = ("--root", repository, "--env", "dev", "--host", server.url)
        assert command("reconcile", "apply", *common).code == 0
        cluster.broken = 403
        outcome = command("reconcile", "status", *common, "--lease", "team/dev")
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", "/nonexistent")
        nowhere = command("reconcile", "status", *common, "--lease", "team/dev")
        wrong = command("reconcile", "status", *common, "--lease", "dev")
    for found in (outcome, nowhere):
        assert found.code == 0
        assert "lease team/dev: what it keeps of KFP's database cannot be read" in found.err
    assert wrong.code == 2
