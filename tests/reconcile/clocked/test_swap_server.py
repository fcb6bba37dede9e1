"""The same promises over real HTTP, with the real client, against the development server and its clock."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from clocked_kit import (
    EVERY_5_MINUTES,
    IR,
    OWNER,
    START,
    api_of,
    converged,
    desired_of,
    firings_of,
    pass_time,
    pipeline_of,
    reconciled,
)
from kfp_gitops.base.errors import RemoteError
from kfp_gitops.devserver import DevServer, Fault, ManualClock, Trouble
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.language.manifest import Trigger
from kfp_gitops.reconcile import locking
from kfp_gitops.reconcile.observe import observe
from kfp_gitops.reconcile.plan import plan
from kfp_gitops.reconcile.records import Absent, Desired, Options


class KilledError(BaseException):
    """The reconciler's process ends here."""


@pytest.mark.parametrize("how", ["kill before", "kill after", Trouble.DROP_BEFORE, Trouble.DROP_AFTER])
@pytest.mark.parametrize("write", range(1, 6))
def test_a_swap_broken_at_any_write_and_run_again(
    server: DevServer, clock: ManualClock, how: Trouble | str, write: int
) -> None:
    assert not reconciled(server, desired_of(server, pipeline_of(1))).failed
    pass_time(server, clock, 400)
    api = api_of(server)
    if isinstance(how, Trouble):
        server.faults.add(Fault("POST", ".*", how, nth=write))
    else:
        api.before_write = _killer(write if how == "kill before" else write + 1)
    released = desired_of(server, pipeline_of(2))
    with contextlib.suppress(KilledError, RemoteError):
        reconciled(server, released, api)
    pass_time(server, clock, 310)
    assert not reconciled(server, released).failed
    assert converged(server, released)
    pass_time(server, clock, 300)
    (schedule,) = api_of(server).schedules()
    assert schedule.enabled
    firings = firings_of(server)
    assert max(Counter(firings).values()) == 1
    assert firings[0] == datetime(2026, 11, 23, 12, 5, tzinfo=UTC)
    versions = api_of(server).versions(api_of(server).pipeline_id("p"))
    assert sorted(versions) == ["sha-1", "sha-2"]


def _killer(write: int) -> Callable[[], None]:
    left = [write]

    def check() -> None:
        left[0] -= 1
        if left[0] == 0:
            raise KilledError

    return check


def test_no_firing_is_missed_over_a_day_of_releases(server: DevServer, clock: ManualClock) -> None:
    reconciled(server, desired_of(server, pipeline_of(1)))
    for release in range(12):
        pass_time(server, clock, 170)
        assert not reconciled(server, desired_of(server, pipeline_of(release % 2 + 1))).failed
    firings = firings_of(server)
    assert firings == [START.replace(minute=5) + timedelta(minutes=5 * n) for n in range(len(firings))]
    assert clock.now() - firings[-1] < timedelta(minutes=5)


@pytest.mark.parametrize("locked", [True, False], ids=["with the lock", "without it"])
def test_two_reconcilers_at_once_twenty_times(server: DevServer, clock: ManualClock, locked: bool) -> None:
    key = (server.url, "", "dev")

    def reconcile(desired: Desired, barrier: threading.Barrier, failed: list[object]) -> None:
        barrier.wait()
        hold = locking.hold(None, key, 60, lambda _: None) if locked else contextlib.nullcontext()
        try:
            with hold:
                failed += reconciled(server, desired, api_of(server, tries=3)).failed
        except RemoteError as error:
            failed.append(error)

    for number in range(1, 21):
        desired = desired_of(server, pipeline_of(number))
        barrier, failed = threading.Barrier(2), list[object]()
        threads = [threading.Thread(target=reconcile, args=(desired, barrier, failed)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if locked:
            assert not failed
        else:  # they may have stood in each other's way; whoever comes next mends it
            reconciled(server, desired)
        assert converged(server, desired)
        (schedule,) = api_of(server).schedules()
        assert schedule.enabled
        clock.advance(seconds=20)
    reconciled(server, desired)  # runs in flight kept their versions
    names = [item.name for item in api_of(server)._versions(api_of(server).pipeline_id("p"))]
    assert len(names) == len(set(names)) == 11  # the current one and ten more
    uploads = [r for r in server.faults.requests if "upload" in r.path and r.status == 200]
    assert len(uploads) == 20


def test_several_environments_and_repositories_share_one_server_and_never_touch_each_other(
    server: DevServer, clock: ManualClock
) -> None:
    ours = desired_of(server, pipeline_of(1))
    theirs = replace(desired_of(server, pipeline_of(1, "theirs")), owner=Owner("another-repository", "dev"))
    prod = replace(desired_of(server, pipeline_of(1, "prod-p")), owner=Owner("example-repository", "prod"))
    for desired in (ours, theirs, prod):
        assert not reconciled(server, desired).failed
    before = {item.id: item for item in api_of(server).schedules() if item.owner != OWNER}
    reconciled(server, desired_of(server, pipeline_of(2)))
    reconciled(server, desired_of(server, absent=(Absent("p", "pipeline"),)))
    after = {item.id: item for item in api_of(server).schedules()}
    assert after == before
    for desired in (theirs, prod):
        assert converged(server, desired)


def test_adoption_marks_the_pipeline_and_replaces_its_schedule(server: DevServer, clock: ManualClock) -> None:
    api = api_of(server)
    made = api.create_pipeline("p", "made by hand")
    version = api.upload_version(made.id, "by-hand", IR.format(text="by hand"), "")
    experiment = api.create_experiment("somewhere", "")
    old = api.create_schedule(
        name="p-main", description="by hand", pipeline_id=made.id, version_id=version.id,
        experiment_id=experiment.id, schedule=EVERY_5_MINUTES,
    )  # fmt: skip
    api.enable_schedule(old.id)
    desired = desired_of(server, pipeline_of(1))
    assert [change.action for change in plan(desired, observe(api, desired)).changes] == ["conflict"]
    pass_time(server, clock, 300)
    assert not reconciled(server, desired, options=Options(adopt=frozenset({"p"}))).failed
    assert converged(server, desired)
    (schedule,) = api.schedules()
    assert schedule.owner == OWNER
    pass_time(server, clock, 300)
    assert max(Counter(firings_of(server)).values()) == 1


def test_a_tombstone_deletes_all_and_leaves_the_runs(server: DevServer, clock: ManualClock) -> None:
    reconciled(server, desired_of(server, pipeline_of(1)))
    pass_time(server, clock, 300)
    server.wait_idle()
    gone = desired_of(server, absent=(Absent("p", "pipeline"),))
    assert not reconciled(server, gone).failed
    assert converged(server, gone)
    api = api_of(server)
    assert list(api.schedules()) == []
    assert api.pipeline("p") is None
    experiment = api.experiment("p-dev")
    assert experiment is not None
    assert experiment.archived
    assert len(firings_of(server)) == 1


def test_a_release_starts_its_trigger_once_over_http(server: DevServer) -> None:
    triggered = pipeline_of(1, "p", triggers=(Trigger("changed", {"n": 5}, ()),))
    for _ in range(2):
        assert not reconciled(server, desired_of(server, triggered)).failed
    (run,) = api_of(server).runs_called_like("changed")
    assert run.name == "p-changed-000000000000"


def test_an_interval_over_http_goes_on_from_its_last_firing(server: DevServer, clock: ManualClock) -> None:
    every = replace(EVERY_5_MINUTES, cron=None, interval_seconds=600)
    reconciled(server, desired_of(server, pipeline_of(1, "p", every)))
    for release in range(8):
        pass_time(server, clock, 290)
        reconciled(server, desired_of(server, pipeline_of(release % 2 + 1, "p", every)))
    firings = firings_of(server)
    assert len(firings) >= 3
    assert {(later - earlier).total_seconds() for earlier, later in pairwise(firings)} == {600}
