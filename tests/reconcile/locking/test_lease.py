"""The Lease as a lock: against the API's rules over HTTP, with the real client."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kfp_gitops.base.errors import DeniedError, LockedError, LockLostError, TemporaryError
from kfp_gitops.reconcile.locking.lease import Holder, Record
from kfp_gitops.reconcile.locking.leases import Leases
from kfp_gitops.reconcile.locking.memory import Memory
from kubernetes import client
from locking.fake_leases import FakeLeases


@pytest.fixture
def cluster() -> Iterator[FakeLeases]:
    found = FakeLeases()
    with found.stub:
        yield found


@pytest.fixture
def holder(cluster: FakeLeases) -> Callable[..., Holder]:
    def make(name: str = "dev", duration: int = 1, **options: Any) -> Holder:
        api = client.ApiClient(client.Configuration(host=cluster.stub.url))
        return Holder(Leases("team", api), name, duration, **options)

    return make


def quiet(_line: str) -> None:
    """Nobody is told."""


def until(there: Callable[[], object]) -> None:
    """Wait for something, as long as a busy machine may need; the assertion that follows says what did not come."""
    end = time.monotonic() + 60
    while not there() and time.monotonic() < end:
        time.sleep(0.01)


def test_it_is_created_renewed_and_given_back(cluster: FakeLeases, holder: Callable[..., Holder]) -> None:
    mine = holder(duration=3)
    with mine.hold(5, quiet):
        assert cluster.holder("dev") == mine.identity
        first = cluster.leases["team", "dev"]["spec"]["renewTime"]
        until(lambda: cluster.leases["team", "dev"]["spec"]["renewTime"] > first)
        assert cluster.leases["team", "dev"]["spec"]["renewTime"] > first
        mine.check()
    assert cluster.holder("dev") == ""
    with holder().hold(0, quiet):  # and the next one need not wait
        assert cluster.leases["team", "dev"]["spec"]["leaseTransitions"] == 1
    assert {s.method for s in cluster.stub.seen} == {"GET", "POST", "PUT"}


def test_what_is_remembered_is_written_at_once_and_handed_on(
    cluster: FakeLeases, holder: Callable[..., Holder]
) -> None:
    mine = holder(duration=3)
    with mine.hold(5, quiet):
        assert mine.memory is Memory.NEVER
        for memory in (Memory.APPLIED, Memory.REBUILDING):
            mine.remember(memory)
            assert cluster.leases["team", "dev"]["metadata"]["annotations"]["kfp-gitops/applied"]
    after = holder()
    with after.hold(0, quiet):
        assert after.memory is Memory.REBUILDING


def test_a_second_one_waits_and_says_for_whom(holder: Callable[..., Holder]) -> None:
    mine, other, told = holder(duration=30), holder(), []
    with mine.hold(5, quiet), pytest.raises(LockedError, match=mine.identity), other.hold(1.5, told.append):
        pytest.fail("two hold the lease")
    (line,) = told
    assert line.startswith(f"waiting for {mine.identity}, which holds the lease dev, until ")


def test_of_many_at_once_one_at_a_time_holds_it(holder: Callable[..., Holder]) -> None:
    inside, most, done = 0, 0, []
    guard = threading.Lock()

    def work() -> None:
        nonlocal inside, most
        with holder().hold(20, quiet):
            with guard:
                inside, most = inside + 1, max(most, inside + 1)
            time.sleep(0.02)
            with guard:
                inside -= 1
        done.append(1)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, len(done)) == (1, 6)


@pytest.mark.parametrize("skew", ["1999-01-01T00:00:00.000001Z", "2199-01-01T00:00:00.000001Z"])
def test_a_dead_holders_lease_is_taken_after_its_whole_duration_whatever_its_clock_said(
    cluster: FakeLeases, holder: Callable[..., Holder], skew: str
) -> None:
    spec = {"holderIdentity": "dead", "leaseDurationSeconds": 1, "renewTime": skew, "leaseTransitions": 7}
    cluster.leases["team", "dev"] = {"metadata": {"name": "dev", "resourceVersion": "1"}, "spec": spec}
    began = time.monotonic()
    with holder().hold(60, quiet):
        assert 1.0 <= time.monotonic() - began < 30
        assert cluster.leases["team", "dev"]["spec"]["leaseTransitions"] == 8


def test_a_slow_holder_that_still_renews_is_not_robbed() -> None:
    """By a clock of its own: 40 s of 45 pass between renewals, with a wall clock that is a day off."""
    now = 0.0
    store = _Renewing(lambda: now)

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    mine = Holder(store, "dev", clock=lambda: now, sleep=sleep)
    with pytest.raises(LockedError), mine.hold(600, quiet):
        pytest.fail("it was taken")
    assert store.updates == 0


class _Renewing:
    """A store whose lease is renewed every 40 s by somebody else."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self.updates = clock, 0

    def get(self, _name: str) -> Record:
        return Record("slow", 45, None, version=str(int(self._clock() // 40)))

    def create(self, _name: str, record: Record) -> Record:
        raise AssertionError

    def update(self, _name: str, record: Record) -> Record:
        self.updates += 1
        return record


def test_writing_stops_before_anybody_else_may_begin(
    cluster: FakeLeases, holder: Callable[..., Holder]
) -> None:
    mine = holder(duration=4)
    with mine.hold(5, quiet):
        cluster.broken = 503
        began = time.monotonic()
        with pytest.raises(LockLostError):
            until(mine.check)
        stopped = time.monotonic() - began
        cluster.broken = 0
    assert 1.2 < stopped < 4.0  # the duration is 4 s: others may take it after that, not before


def test_a_lease_that_was_taken_away_is_noticed(cluster: FakeLeases, holder: Callable[..., Holder]) -> None:
    mine = holder(duration=6)
    with mine.hold(5, quiet):
        cluster.leases["team", "dev"]["spec"]["holderIdentity"] = "thief"
        cluster.leases["team", "dev"]["metadata"]["resourceVersion"] = "999"
        with pytest.raises(LockLostError, match="thief"):
            until(mine.check)
    assert cluster.holder("dev") == "thief"  # and is not given back in its name


def test_a_renewal_whose_answer_got_lost_is_still_ours(
    cluster: FakeLeases, holder: Callable[..., Holder]
) -> None:
    mine = holder(duration=6)
    with mine.hold(5, quiet):
        cluster.drop_next_reply = True
        until(lambda: not cluster.drop_next_reply)
        heard = cluster.leases["team", "dev"]["spec"]["renewTime"]
        until(lambda: cluster.leases["team", "dev"]["spec"]["renewTime"] > heard)
        assert cluster.leases["team", "dev"]["spec"]["renewTime"] > heard
        mine.check()


def test_taking_it_unheard_is_taking_it(cluster: FakeLeases, holder: Callable[..., Holder]) -> None:
    cluster.drop_next_reply = True
    mine = holder()
    with mine.hold(5, quiet):
        assert cluster.holder("dev") == mine.identity


def test_without_the_right_it_is_said_at_once(cluster: FakeLeases, holder: Callable[..., Holder]) -> None:
    cluster.broken = 403
    with pytest.raises(DeniedError, match="403"), holder().hold(60, quiet):
        pytest.fail("it is held")


def test_a_cluster_that_is_out_of_order_is_given_up(cluster: FakeLeases) -> None:
    cluster.broken = 503
    api = client.ApiClient(client.Configuration(host=cluster.stub.url))
    mine = Holder(Leases("team", api), "dev", sleep=lambda _: None)
    with pytest.raises(TemporaryError, match="503"), mine.hold(60, quiet):
        pytest.fail("it is held")
