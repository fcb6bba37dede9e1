"""An apply of an approved plan that did not run through is gone on with; what it does not change may not have moved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import kubeconfig
import pytest
from approved_kit import World
from kfp_gitops.devserver import Fault, Trouble
from locking.fake_leases import FakeLeases


def _file(world: World) -> Path:
    file = world.root / "plan"
    world.planned("--out", file)
    return file


def _fail(world: World, method: str, nth: int) -> None:
    world.server.faults.add(Fault(method, ".*", Trouble.ANSWER, nth=nth, status=400))


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLeases]:
    with (found := FakeLeases()).stub:
        where = str(kubeconfig.written(tmp_path, found.stub.url))
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", where)
        yield found


@pytest.mark.parametrize(
    ("method", "nth"), [("POST", 1), ("POST", 2), ("POST", 3), ("POST", 4), ("DELETE", 1), ("DELETE", 2)]
)
def test_an_apply_that_failed_at_any_write_is_gone_on_with(world: World, method: str, nth: int) -> None:
    file = _file(world)
    _fail(world, method, nth)
    failed = world.run("apply", "--plan", file, "--require-plan")
    assert failed.code == 4, failed
    again = world.run("apply", "--plan", file, "--require-plan")
    assert again.code == 0, again
    assert "nothing to do" in world.run("plan").out.splitlines()[-2]
    done = world.run("apply", "--plan", file, "--require-plan")
    assert (done.code, "is not needed: there is nothing to do" in done.err) == (0, True)


def test_what_the_plan_does_not_change_may_not_move_even_then(world: World) -> None:
    file = _file(world)
    _fail(world, "POST", 3)
    assert world.run("apply", "--plan", file).code == 4
    world.api.archive_experiment(world.api.experiment_id("hello-dev"))
    outcome = world.run("apply", "--plan", file)
    assert (outcome.code, "experiment hello-dev: " in outcome.err) == (5, True)
    assert "version hello" not in outcome.err  # which is the plan's own work
    world.api.unarchive_experiment(world.api.experiment_id("hello-dev"))
    assert world.run("apply", "--plan", file).code == 0


def test_what_was_begun_by_another_plan_is_no_excuse(world: World) -> None:
    first = _file(world).rename(world.root / "first")
    _fail(world, "POST", 3)
    assert world.run("apply", "--plan", first).code == 4
    second = _file(world)
    assert world.run("apply", "--plan", second).code == 0
    world.api.disable_schedule(world.schedule.id)
    for file in (first, second):
        assert world.run("apply", "--plan", file).code == 5
    repaired = world.run("apply", "--plan", world.planned())
    assert repaired.code == 0, repaired


def test_the_lease_remembers_what_was_begun_until_it_has_run_through(
    world: World, cluster: FakeLeases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each try of a Job is a pod of its own, with nothing of the one before but the Lease."""
    file = _file(world)
    _fail(world, "POST", 3)
    options = ("--plan", file, "--require-plan", "--lease", "team/dev")
    assert world.run("apply", *options).code == 4
    noted = cluster.leases["team", "dev"]["metadata"]["annotations"]
    assert noted["kfp-gitops/begun-plan"].startswith(_id(file))
    monkeypatch.setenv("XDG_CACHE_HOME", str(world.root / "another-pod"))
    assert world.run("apply", *options).code == 0
    assert "kfp-gitops/begun-plan" not in cluster.leases["team", "dev"]["metadata"]["annotations"]


def _id(file: Path) -> str:
    return next(
        line for line in file.read_text().splitlines() if line.startswith("plan ") and len(line) == 17
    )[5:]


def test_without_an_approved_plan_nothing_is_done_where_one_is_required(world: World) -> None:
    before = world.writes()
    outcome = world.run("apply", "--require-plan")
    assert outcome.code == 5
    assert "no plan was approved, and there is something to do (plan " in outcome.err
    assert "  replace schedule hello-weekly\n" in outcome.err
    assert "reconcile.py plan --env dev --approve" in outcome.err
    assert world.writes() == before
    assert world.run("apply").code == 0
    assert world.run("apply", "--require-plan").code == 0


def test_old_versions_are_left_where_no_plan_says_so(world: World) -> None:
    """They are no difference, so nobody is asked to approve a plan for them alone."""
    world.edit("environments/base.yaml", ("keep: 0", "keep: 10"))
    assert world.run("apply").code == 0
    world.edit("environments/base.yaml", ("keep: 10", "keep: 0"))
    assert len(world.pipeline.versions) == 3
    outcome = world.run("apply", "--require-plan")
    assert (outcome.code, "only old versions would be deleted" in outcome.err) == (0, True)
    assert len(world.pipeline.versions) == 3
    assert world.run("apply", "--plan", world.planned()).code == 0
    assert len(world.pipeline.versions) == 1


def test_all_that_an_apply_deletes_is_in_its_plan(world: World) -> None:
    """Also the version that the schedule pins until it is replaced."""
    pinned = {found.id: found.name for found in world.pipeline.versions.values()}
    shown = world.run("plan").out
    assert world.run("apply", "--plan", world.planned()).code == 0
    gone = set(pinned.values()) - set(world.pipeline.versions)
    assert len(gone) == 2
    for name in gone:
        assert f"delete    version    hello {name}" in shown
