"""Every recorded run of a real KFP is readable: each task once, with a right state, whatever order it is told in."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import recordings
from kfp_gitops.kfpserver.runtree import View, nodes, of_records, show
from kfp_gitops.kfpserver.runtree.ids import Ids
from kfp_gitops.kfpserver.runtree.records import Record
from kfp_gitops.language.manifest import reader
from kfp_gitops.operate.runlook import tasks
from kfp_gitops.reconcile.folder import read
from project import PROJECT
from recordings import NAMES, Recording, walk

_WITH_IR = [name for name in NAMES if recordings.read(name).spec]
_ENDED = {"SUCCEEDED", "FAILED", "SKIPPED"}


@pytest.mark.parametrize("name", NAMES)
def test_a_run_as_people_see_it(name: str, golden: Callable[[str, str], None]) -> None:
    run = recordings.read(name)
    golden(f"runs/{name}.txt", "\n".join([run.state, *show.lines(run.views()), ""]))


@pytest.mark.parametrize("number", ["²", "9" * 5_000, "x"])
def test_children_that_no_node_has_are_none(number: str) -> None:
    """What stands in KFP's database may be anybody's."""
    found = nodes.tree([Record("root", children=(f"flow-{number}",))])
    assert found is not None
    assert not found.inside


@pytest.mark.parametrize("name", _WITH_IR)
def test_each_task_of_the_pipeline_is_shown_once(name: str) -> None:
    run = recordings.read(name)
    wanted = Counter(task.get("taskInfo", {}).get("name", key) for key, task in run.tasks())
    assert Counter(view.id for view in walk(run.views())) == wanted


@pytest.mark.parametrize("name", _WITH_IR)
def test_the_states_are_those_of_the_nodes(name: str) -> None:
    """By another way: where a key is used once, by the display names alone."""
    run = recordings.read(name)
    keys = Counter(key for key, _ in run.tasks())
    ids = {key: task["taskInfo"]["name"] for key, task in run.tasks() if keys[key] == 1}
    shown = {view.id: view for view in walk(run.views())}
    for key, its in ids.items():
        if list(ids.values()).count(its) == 1:
            assert shown[its].state == _naive(run, key), key


def _naive(run: Recording, key: str) -> str:
    states = [d.get("state", "") for d in run.details if d.get("display_name") == key]
    drivers = [d.get("state", "") for d in run.details if d.get("display_name") == f"{key}-driver"]
    if run.state == "RUNNING":
        return "RUNNING" if "RUNNING" in [*states, *drivers] else "PENDING"
    if "FAILED" in states or "FAILED" in drivers:
        return "FAILED"
    return "SUCCEEDED" if "SUCCEEDED" in states else "SKIPPED"


@pytest.mark.parametrize("name", NAMES)
def test_the_order_in_which_kfp_tells_does_not_matter(name: str) -> None:
    run = recordings.read(name)
    details = list(run.details)
    for seed in range(5):
        random.Random(seed).shuffle(details)
        shuffled = replace(run, details=tuple(details))
        assert list(show.lines(shuffled.views())) == list(show.lines(run.views()))


@pytest.mark.parametrize("name", NAMES)
def test_at_every_moment_of_a_run_each_task_is_shown_once(name: str) -> None:
    """As it was told while it ran: what began later is not there yet, what ended later still runs."""
    run = recordings.read(name)
    at_the_end = {view.id: view for view in walk(run.views())}
    begun = sorted({record.started for record in run.records if record.started})
    for moment in [begun[0] - timedelta(seconds=1), *begun]:
        views = _as_of(run, moment)
        if run.spec:
            assert Counter(v.id for v in walk(views)) == Counter(v.id for v in walk(run.views()))
        for view in walk(views):
            if view.state in _ENDED and not view.many and run.spec and _unique(run, view):
                assert view.state == at_the_end[view.id].state, (moment, view)


def _unique(run: Recording, view: View) -> bool:
    return sum(one.id == view.id for one in walk(run.views())) == 1


def _as_of(run: Recording, moment: datetime) -> tuple[View, ...]:
    there = [record for record in run.records if record.started and record.started <= moment]
    ids = _ids_of_the_begun(run, moment)
    told = [
        replace(
            record,
            state=record.state if record.ended and record.ended <= moment else "RUNNING",
            ended=record.ended if record.ended and record.ended <= moment else None,
            children=tuple(child for child in record.children if child in ids),
        )
        for record in there
    ]
    return of_records(run.spec, run.parameters, told, "RUNNING")


def _ids_of_the_begun(run: Recording, moment: datetime) -> set[str]:
    from kfp_gitops.kfpserver.runtree.match import match
    from kfp_gitops.kfpserver.runtree.nodes import tree
    from kfp_gitops.kfpserver.runtree.nodes import walk as nodes

    root = tree(run.records)
    assert root is not None
    match(root, run.records)
    return {
        f"{root.name}-{node.hash}"
        for node in nodes(root)
        if node.record and node.record.started and node.record.started <= moment
    }


def test_a_run_without_its_pipeline_is_read_from_its_nodes() -> None:
    """The version may be gone: then the keys of the IR stand for the ids, and the states are the same."""
    for name in _WITH_IR:
        run = recordings.read(name)
        views = of_records(None, {}, run.records, run.state)
        states = Counter((v.state, v.done, v.total) for v in walk(views) if not v.inside)
        for view in walk(run.views()):
            if view.state in ("SUCCEEDED", "FAILED") and not view.inside:
                assert states[(view.state, view.done, view.total)] > 0, (name, view.id)


def test_nothing_is_known_before_the_first_node_is_stored() -> None:
    run = recordings.read("quickstart-succeeded")
    assert [view.state for view in of_records(run.spec, {}, [], "PENDING")] == ["PENDING", "PENDING"]
    ended = of_records(run.spec, {}, [], "FAILED")
    assert [(view.state, view.why) for view in ended] == [("SKIPPED", "not run: the run ended first")] * 2


def _ids(pipeline: str, same: bool) -> Ids:
    folder = read(PROJECT / "manifests/dev", "dev")
    return Ids(folder.manifests[pipeline], folder.inner(pipeline), same)


def _all_ids(views: tuple[View, ...]) -> list[str]:
    return [view.id for view in walk(views)]


def test_ids_and_order_are_the_manifests() -> None:
    """Importers and conditions have no name in the IR that people know: they are told apart by the manifest."""
    run = recordings.read("per-service-training-succeeded")
    assert _all_ids(run.views(_ids("per-service-training", True))) == [
        "usage", "validate-data", "engineer-features", "each-service", "train-cpu", "train-memory",
        "validate-models",
    ]  # fmt: skip
    shown = _all_ids(recordings.read("predictive-scaling-succeeded").views(_ids("predictive-scaling", True)))
    assert shown[:3] == ["guarded", "usage", "validate-data"]
    assert not [name for name in shown if name.startswith(("importer", "condition-"))]
    assert {"if", "else"} <= set(shown)


def test_of_another_version_only_what_has_a_name_gets_an_id() -> None:
    run = recordings.read("per-service-training-succeeded")
    shown = _all_ids(run.views(_ids("per-service-training", False)))
    assert shown[:3] == ["importer", "validate-data", "engineer-features"]


_MANIFEST = """apiVersion: kfp-gitops/v1
kind: PipelineManifest
metadata: {name: p, description: d, owner: o}
spec:
  tasks:
    anyway: {component: maybe, arguments: {}, ignoreUpstreamFailure: true, after: [fail], displayName: Anyway}
    not: {component: say, arguments: {}, after: [fail]}
    fail: {component: fail, arguments: {}}
    apart: {component: say, arguments: {}}
"""


def test_a_display_name_gives_way_to_the_id_and_the_order_is_as_written() -> None:
    run = recordings.read("case-ab0988-failed")
    manifest = reader.read(_MANIFEST.replace("displayName: Anyway", "displayName: anyway"), "pipeline.yaml")
    assert _all_ids(run.views(Ids(manifest, {}, True))) == ["anyway", "not", "fail", "apart"]


def test_the_text_of_a_loop_counts_and_of_the_cache_says_so() -> None:
    quick = "\n".join(show.lines(recordings.read("quickstart-succeeded").views()))
    assert quick.splitlines() == ["  SUCCEEDED  load (cached)", "  SUCCEEDED  summarize (cached)"]
    failed = list(show.lines(recordings.read("case-b1936a-failed").views()))
    assert "    FAILED     each 2/3 (123.0 s, 1 failed)" in failed
    assert list(show.failed(recordings.read("case-b1936a-failed").views())) == ["f 2/3"]
    retried = list(show.lines(recordings.read("case-1cf98c-succeeded").views()))
    assert retried[0] == "  SUCCEEDED  f (71.0 s, 3 retries)"


def test_changes_are_told_once() -> None:
    run = recordings.read("case-5c847d-succeeded")
    seen: dict[str, object] = {}
    assert list(show.changes(run.views(), seen)) == [
        "  condition-3: SKIPPED (its condition was not met: n > 10)",
        "  is-small: SUCCEEDED (10.0 s)",
    ]
    assert list(show.changes(run.views(), seen)) == []


@pytest.mark.parametrize("name", NAMES)
def test_each_pod_is_a_node_that_kfp_told(name: str) -> None:
    """Their names cannot be held against what was recorded, for KFP tells ids of nodes alone."""
    run = recordings.read(name)
    told = {child for record in run.records for child in record.children}
    steps = list(tasks.leaves(run.views()))
    pods = [one.pod for step in steps for one in tasks.pods(step)]
    assert {pod.node for pod in pods} <= told
    assert all(pod.name.rpartition("-")[2] == pod.node.rpartition("-")[2] for pod in pods)
    ran = [one for one in run.records if one.name.startswith("executor") and one.state not in ("", "SKIPPED")]
    assert bool(pods) >= bool(ran)
    if run.state == "FAILED" and any(step.view.state == "FAILED" for step in steps):
        assert tasks.first_failure(run.views()) is not None
