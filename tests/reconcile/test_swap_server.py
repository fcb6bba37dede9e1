"""The same promises over real HTTP, with the real client, against the development server and its clock."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from kfp_gitops.base.errors import RemoteError
from kfp_gitops.devserver import DevServer, Fault, Faults, Features, ManualClock, Trouble
from kfp_gitops.kfpserver.kfpapi.actual import Actual
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.retry import Backoff
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.language.manifest import Schedule, Trigger
from kfp_gitops.reconcile import locking
from kfp_gitops.reconcile.apply import Outcome, Pace, apply
from kfp_gitops.reconcile.observe import observe
from kfp_gitops.reconcile.plan import plan
from kfp_gitops.reconcile.records import Absent, Desired, DesiredPipeline, Options
from project import PROJECT

FAKE = (sys.executable, "-I", "-S", str(PROJECT / "tests/devserver/fake_executor.py"))
IR = """
components: {{comp-a: {{executorLabel: exec-a}}}}
deploymentSpec: {{executors: {{exec-a: {{container: {{image: 'x', command: [echo]}}}}}}}}
pipelineInfo: {{name: p, description: '{text}'}}
root:
  dag: {{tasks: {{a: {{componentRef: {{name: comp-a}}, taskInfo: {{name: a}}}}}}}}
  inputDefinitions: {{parameters: {{n: {{parameterType: NUMBER_INTEGER, defaultValue: 3}}}}}}
schemaVersion: 2.1.0
sdkVersion: kfp-2.17.0
"""
OWNER = Owner("example-repository", "dev")
EVERY_5_MINUTES = Schedule("main", "0 */5 * * * *", None, True, {"n": 3}, None, None, 10, False, ())
START = datetime(2026, 11, 23, 12, 1, tzinfo=UTC)
NO_OPTIONS = Options()


class KilledError(BaseException):
    """The reconciler's process ends here."""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def server(tmp_path: Path, clock: ManualClock) -> Iterator[DevServer]:
    with DevServer(tmp_path / "server", executor=FAKE, grace=0.3, faults=Faults(), clock=clock) as found:
        yield found


def _pipeline(version: int = 1, name: str = "p", *schedules: Schedule, **more: object) -> DesiredPipeline:
    digest = f"{version:064d}"
    return DesiredPipeline(
        name, "d", f"sha256:{digest}", f"sha-{version}", f"sha256:{digest}", IR.format(text=version),
        schedules or (EVERY_5_MINUTES,), **more,  # type: ignore[arg-type]
    )  # fmt: skip


def _desired(server: DevServer, *pipelines: DesiredPipeline, absent: tuple[Absent, ...] = ()) -> Desired:
    return Desired(OWNER, server.url, "", pipelines, absent)


def _api(server: DevServer, tries: int = 1) -> KfpApi:
    return KfpApi(server.url, "", backoff=Backoff(tries=tries, sleep=lambda _: None))


def _apply(
    server: DevServer, desired: Desired, api: KfpApi | None = None, options: Options = NO_OPTIONS
) -> Outcome:
    api = api or _api(server)

    def sleep(seconds: float) -> None:
        if isinstance(server.clock, ManualClock):
            server.clock.advance(seconds=seconds)
            server.tick()

    actual = observe(api, desired, options)
    found = plan(desired, actual, options)
    return apply(api, desired, found, actual, options, pace=Pace(4, timedelta(minutes=10), sleep))


def _pass(server: DevServer, clock: ManualClock, seconds: int) -> None:
    for _ in range(0, seconds, 10):
        clock.advance(seconds=10)
        server.tick()


def _firings(server: DevServer) -> list[datetime]:
    api = _api(server)
    runs = [run for item in _all_runs(api) if (run := item.scheduled) and item.schedule_id]
    return sorted(runs)


def _all_runs(api: KfpApi) -> list:  # type: ignore[type-arg]
    return api.runs_called_like("p")


def _converged(server: DevServer, desired: Desired) -> bool:
    server.wait_idle()
    return not plan(desired, observe(_api(server), desired)).differences


@pytest.mark.parametrize("how", ["kill before", "kill after", Trouble.DROP_BEFORE, Trouble.DROP_AFTER])
@pytest.mark.parametrize("write", range(1, 6))
def test_a_swap_broken_at_any_write_and_run_again(
    server: DevServer, clock: ManualClock, how: Trouble | str, write: int
) -> None:
    assert not _apply(server, _desired(server, _pipeline(1))).failed
    _pass(server, clock, 400)
    api = _api(server)
    if isinstance(how, Trouble):
        server.faults.add(Fault("POST", ".*", how, nth=write))
    else:
        api.before_write = _killer(write if how == "kill before" else write + 1)
    released = _desired(server, _pipeline(2))
    with contextlib.suppress(KilledError, RemoteError):
        _apply(server, released, api)
    _pass(server, clock, 310)
    assert not _apply(server, released).failed
    assert _converged(server, released)
    _pass(server, clock, 300)
    (schedule,) = _api(server).schedules()
    assert schedule.enabled
    firings = _firings(server)
    assert max(Counter(firings).values()) == 1
    assert firings[0] == datetime(2026, 11, 23, 12, 5, tzinfo=UTC)
    versions = _api(server).versions(_api(server).pipeline_id("p"))
    assert sorted(versions) == ["sha-1", "sha-2"]


def _killer(write: int):  # type: ignore[no-untyped-def]
    left = [write]

    def check() -> None:
        left[0] -= 1
        if left[0] == 0:
            raise KilledError

    return check


def test_no_firing_is_missed_over_a_day_of_releases(server: DevServer, clock: ManualClock) -> None:
    _apply(server, _desired(server, _pipeline(1)))
    for release in range(12):
        _pass(server, clock, 170)
        assert not _apply(server, _desired(server, _pipeline(release % 2 + 1))).failed
    firings = _firings(server)
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
                failed += _apply(server, desired, _api(server, tries=3)).failed
        except RemoteError as error:
            failed.append(error)

    for number in range(1, 21):
        desired = _desired(server, _pipeline(number))
        barrier, failed = threading.Barrier(2), []  # type: ignore[var-annotated]
        threads = [threading.Thread(target=reconcile, args=(desired, barrier, failed)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if locked:
            assert not failed
        else:  # they may have stood in each other's way; whoever comes next mends it
            _apply(server, desired)
        assert _converged(server, desired)
        (schedule,) = _api(server).schedules()
        assert schedule.enabled
        clock.advance(seconds=20)
    _apply(server, desired)  # runs in flight kept their versions
    names = [item.name for item in _api(server)._versions(_api(server).pipeline_id("p"))]
    assert len(names) == len(set(names)) == 11  # the current one and ten more
    uploads = [r for r in server.faults.requests if "upload" in r.path and r.status == 200]
    assert len(uploads) == 20


def test_several_environments_and_repositories_share_one_server_and_never_touch_each_other(
    server: DevServer, clock: ManualClock
) -> None:
    ours = _desired(server, _pipeline(1))
    theirs = replace(_desired(server, _pipeline(1, "theirs")), owner=Owner("another-repository", "dev"))
    prod = replace(_desired(server, _pipeline(1, "prod-p")), owner=Owner("example-repository", "prod"))
    for desired in (ours, theirs, prod):
        assert not _apply(server, desired).failed
    before = {item.id: item for item in _api(server).schedules() if item.owner != OWNER}
    _apply(server, _desired(server, _pipeline(2)))
    _apply(server, _desired(server, absent=(Absent("p", "pipeline"),)))
    after = {item.id: item for item in _api(server).schedules()}
    assert after == before
    for desired in (theirs, prod):
        assert _converged(server, desired)


def test_adoption_marks_the_pipeline_and_replaces_its_schedule(server: DevServer, clock: ManualClock) -> None:
    api = _api(server)
    made = api.create_pipeline("p", "made by hand")
    version = api.upload_version(made.id, "by-hand", IR.format(text="by hand"), "")
    experiment = api.create_experiment("somewhere", "")
    old = api.create_schedule(
        name="p-main", description="by hand", pipeline_id=made.id, version_id=version.id,
        experiment_id=experiment.id, schedule=EVERY_5_MINUTES,
    )  # fmt: skip
    api.enable_schedule(old.id)
    desired = _desired(server, _pipeline(1))
    assert [change.action for change in plan(desired, observe(api, desired)).changes] == ["conflict"]
    _pass(server, clock, 300)
    assert not _apply(server, desired, options=Options(adopt=frozenset({"p"}))).failed
    assert _converged(server, desired)
    (schedule,) = api.schedules()
    assert schedule.owner == OWNER
    _pass(server, clock, 300)
    assert max(Counter(_firings(server)).values()) == 1


def test_a_tombstone_deletes_all_and_leaves_the_runs(server: DevServer, clock: ManualClock) -> None:
    _apply(server, _desired(server, _pipeline(1)))
    _pass(server, clock, 300)
    server.wait_idle()
    gone = _desired(server, absent=(Absent("p", "pipeline"),))
    assert not _apply(server, gone).failed
    assert _converged(server, gone)
    api = _api(server)
    assert list(api.schedules()) == []
    assert api.pipeline("p") is None
    experiment = api.experiment("p-dev")
    assert experiment is not None
    assert experiment.archived
    assert len(_firings(server)) == 1


def test_a_release_starts_its_trigger_once_over_http(server: DevServer) -> None:
    triggered = _pipeline(1, "p", triggers=(Trigger("changed", {"n": 5}, ()),))
    for _ in range(2):
        assert not _apply(server, _desired(server, triggered)).failed
    (run,) = _api(server).runs_called_like("changed")
    assert run.name == "p-changed-000000000000"


def test_an_interval_over_http_goes_on_from_its_last_firing(server: DevServer, clock: ManualClock) -> None:
    every = replace(EVERY_5_MINUTES, cron=None, interval_seconds=600)
    _apply(server, _desired(server, _pipeline(1, "p", every)))
    for release in range(8):
        _pass(server, clock, 290)
        _apply(server, _desired(server, _pipeline(release % 2 + 1, "p", every)))
    firings = _firings(server)
    assert len(firings) >= 3
    assert {(later - earlier).total_seconds() for earlier, later in pairwise(firings)} == {600}


def test_after_an_upgrade_of_the_server_its_schedules_are_told_of_and_refreshed_without_losing_a_firing(
    tmp_path: Path, clock: ManualClock
) -> None:
    """kubeflow/pipelines #13933: a recurring run starts the launcher of the KFP that compiled it."""
    data = tmp_path / "server"

    def served(version: str) -> DevServer:
        return DevServer(
            data, executor=FAKE, grace=0.3, faults=Faults(), clock=clock, features=Features(version=version)
        )

    with served("2.16.0") as old:
        assert not _apply(old, _desired(old, _pipeline()), options=_told(old)).failed
        _pass(old, clock, 600)
        assert not _notes(old)
        old.wait_idle()
    with served("2.17.0") as new:
        assert not _notes(new)  # the server compiled it anew when it started
        refresh = replace(_told(new), refresh_stale=True)
        assert not plan(
            _desired(new, _pipeline()), observe(_api(new), _desired(new, _pipeline()), refresh), refresh
        ).to_do
        _pin_what_is_gone(new)
    with served("2.17.0") as new:
        (note,) = _notes(new)
        assert "compiled by KFP 2.16.0, and 2.17.0 could not compile it anew" in note
        assert "by-hand pins a version that is deleted" in note and "--refresh-stale" in note
        assert not plan(_desired(new, _pipeline()), _seen(new), _told(new)).to_do  # unasked it is only told
        refresh = replace(_told(new), refresh_stale=True)
        assert not _apply(new, _desired(new, _pipeline()), options=refresh).failed
        _pass(new, clock, 900)
        assert not _notes(new)
        assert not plan(_desired(new, _pipeline()), _seen(new), refresh).differences
        fired = _firings(new)
        assert {after - before for before, after in pairwise(fired)} == {timedelta(minutes=5)}


def _told(server: DevServer) -> Options:
    return Options(server=_api(server).features().version)


def _seen(server: DevServer) -> Actual:
    return observe(_api(server), _desired(server, _pipeline()), _told(server))


def _pin_what_is_gone(server: DevServer) -> None:
    """Somebody's recurring run, whose version is deleted: ReconcileSwfCrs gives up at it."""
    api = _api(server)
    made = api.create_pipeline("theirs", "")
    version = api.upload_version(made.id, "v", IR.format(text="v"), "")
    experiment = api.create_experiment("theirs", "")
    api.create_schedule(
        name="by-hand", description="", pipeline_id=made.id, version_id=version.id, experiment_id=experiment.id,
        schedule=EVERY_5_MINUTES,
    )  # fmt: skip
    api.delete_version(made.id, version.id)


def _notes(server: DevServer) -> list[str]:
    found = plan(_desired(server, _pipeline()), _seen(server), _told(server)).notes
    return [note for note in found if "compile" in note]


@pytest.mark.parametrize("effect", [Trouble.HIDDEN, Trouble.ANSWER])
def test_a_smoke_run_that_is_answered_with_500_is_started_once_at_most(
    server: DevServer, effect: Trouble
) -> None:
    triggered = _desired(server, _pipeline(1, "p", triggers=(Trigger("changed", {"n": 5}, ()),)))
    server.faults.add(Fault("POST", "/runs$", effect, nth=0, status=500))
    (failed,) = _apply(server, triggered, _api(server, tries=5)).failed
    assert "kubectl get workflows" in failed[1]
    assert "no apply starts it again until experiment kfp-gitops-unclear-" in failed[1]
    for _ in range(3):  # the Job is tried again, and then somebody applies
        assert not _apply(server, triggered, _api(server, tries=5)).failed
    posts = [
        request for request in server.requests if request.path.endswith("/runs") and request.method == "POST"
    ]
    assert len(posts) == 1
    assert _executed(server) == (effect is Trouble.HIDDEN)
    assert not _api(server).runs_called_like("changed")


@pytest.mark.parametrize("effect", [Trouble.HIDDEN, Trouble.ANSWER])
def test_a_recurring_run_that_is_answered_with_500_is_asked_for_once_and_what_it_left_never_fires(
    server: DevServer, clock: ManualClock, effect: Trouble
) -> None:
    server.faults.add(Fault("POST", "/recurringruns$", effect, status=500))
    (failed,) = _apply(server, _desired(server, _pipeline(1)), _api(server, tries=5)).failed
    assert "kubectl get scheduledworkflows" in failed[1]
    assert not _apply(server, _desired(server, _pipeline(1))).failed
    _pass(server, clock, 910)
    server.wait_idle()
    assert len(_firings(server)) == 3
    assert _executed(server) == 3


def _executed(server: DevServer) -> int:
    """Runs that were executed, whether a list shows them or not."""
    server.wait_idle()
    return len([path for path in (server.data_dir / "runs").glob("*") if path.is_dir()])
