"""The order of creation."""

from __future__ import annotations

import pytest
from kfp_gitops.language.manifest import Manifest, reader
from kfp_gitops.language.manifest.order import CycleError, ordered

HEAD = "apiVersion: kfp-gitops/v1\nkind: PipelineManifest\nmetadata: {name: p, description: d, owner: o}\n"


def _manifest(tasks: str) -> Manifest:
    return reader.read(f"{HEAD}spec:\n  tasks:\n{tasks}", "pipeline.yaml")


def _ids(tasks: str) -> list[str]:
    return [node.id for node in ordered(_manifest(tasks).body)]


def test_independent_tasks_keep_the_order_of_the_manifest() -> None:
    assert _ids("    b: {component: c}\n    a: {component: c}\n") == ["b", "a"]


def test_a_task_comes_after_what_it_refers_to() -> None:
    tasks = "    b: {component: c, arguments: {x: [{task: a, output: y}]}}\n    a: {component: c}\n"
    assert _ids(tasks) == ["a", "b"]


def test_a_group_comes_after_what_anything_inside_it_needs() -> None:
    tasks = """\
    group:
      loop: {items: [1]}
      tasks:
        inner: {component: c, after: [a]}
    a: {component: c}
"""
    assert _ids(tasks) == ["a", "group"]


def test_groups_that_wait_for_each_other_are_a_cycle() -> None:
    tasks = """\
    first:
      loop: {items: [1]}
      tasks: {one: {component: c}, two: {component: c, arguments: {x: {collect: {task: three, output: o}}}}}
    second:
      loop: {items: [1]}
      tasks: {three: {component: c, arguments: {x: {collect: {task: one, output: o}}}}}
"""
    with pytest.raises(CycleError) as caught:
        ordered(_manifest(tasks).body)
    assert [node.id for node in caught.value.nodes] == ["first", "second"]


def test_a_task_that_waits_for_itself_is_a_cycle() -> None:
    with pytest.raises(CycleError):
        ordered(_manifest("    a: {component: c, after: [a]}\n").body)
