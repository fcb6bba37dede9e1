"""Tasks that only got another name: found as one by one comparison would find them, and fast."""

from __future__ import annotations

import json
import time
from collections.abc import Hashable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from kfp_gitops.review.diff import likeness, nodes
from kfp_gitops.review.diff.compare import compare
from kfp_gitops.review.diff.jsonform import to_json
from kfp_gitops.review.diff.markdown import to_markdown
from kfp_gitops.review.diff.model import Action, Change
from kfp_gitops.review.diff.nodes import Node
from kfp_gitops.review.diff.state import State
from kfp_gitops.review.diff.strict import alike
from kfp_gitops.review.diff.text import to_text

VALUES = st.recursive(
    st.sampled_from(
        [None, True, False, 0, 1, 1.0, -0.0, 2**53, 2**53 + 1, float(2**53), float("nan"), "1", "a", ""]
    ),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)
TASKS = st.dictionaries(
    st.sampled_from("stuvwxyz"),
    st.fixed_dictionaries(
        {"component": st.sampled_from("cd")}, optional={"cache": st.sampled_from([True, 1, 1.0])}
    ),
    max_size=5,
)
GRAPHS = st.builds(
    lambda tasks, inner: {
        "spec": {
            "tasks": {
                **tasks,
                "group": {"if": {"eq": [1, 1]}, "tasks": {f"g{k}": v for k, v in inner.items()}},
            }
        }
    },
    TASKS,
    TASKS,
)


def _one_by_one(before: Mapping[str, Node], after: Mapping[str, Node]) -> Iterator[tuple[str, str]]:
    """What a rename is: one node that went and one that came, alike in all but the id, and no other like them."""

    def twins(left: Node, right: Node) -> bool:
        return (left.kind, left.group) == (right.kind, right.group) and alike(left.fields, right.fields)

    gone = [node for name, node in before.items() if name not in after]
    come = [node for name, node in after.items() if name not in before]
    for node in come:
        found = [old for old in gone if twins(old, node)]
        if len(found) == 1 and sum(twins(other, node) for other in come) == 1:
            yield node.id, found[0].id


def _renames(found: Iterator[Change]) -> dict[str, str]:
    return {change.after: change.before for change in found if change.action is Action.RENAMED}


@given(VALUES, VALUES)
@example(1, True)
@example(1, 1.0)
@example({"a": [0]}, {"a": [False]})
@example(0.0, -0.0)
@example(2**53 + 1, float(2**53))
@example(float("nan"), float("nan"))
def test_two_values_have_one_key_just_when_they_are_alike(left: Any, right: Any) -> None:
    assert (likeness.key(left) == likeness.key(right)) == alike(left, right)


@given(GRAPHS, GRAPHS)
def test_renames_are_those_that_a_comparison_of_each_with_each_finds(
    left: dict[str, Any], right: dict[str, Any]
) -> None:
    before, after = nodes.flat(left), nodes.flat(right)
    assert _renames(nodes.changes(before, after)) == dict(_one_by_one(before, after))


def _many(prefix: str, count: int) -> dict[str, Any]:
    """Tasks in groups in groups, each of another content."""
    tasks = {
        f"{prefix}{index}": {
            "component": "c",
            "arguments": {"n": index, "m": {"param": "x"}},
            "after": ["first"],
        }
        for index in range(count)
    }
    names = [*tasks]
    inner = {name: tasks[name] for name in names[count // 2 :]}
    outer = {name: tasks[name] for name in names[: count // 2]}
    loop = {"loop": {"items": [1]}, "tasks": {"choice": {"if": {"eq": [1, 1]}, "tasks": inner}}}
    return {"spec": {"tasks": {"first": {"component": "c"}, **outer, "loop": loop}}}


def test_thousands_of_renamed_tasks_take_no_time() -> None:
    before, after = nodes.flat(_many("old-", 2000)), nodes.flat(_many("new-", 2000))
    start = time.process_time()
    found = [*nodes.changes(before, after)]
    assert time.process_time() - start < 2
    assert _renames(iter(found)) == {f"new-{index}": f"old-{index}" for index in range(2000)}
    assert len(found) == 2000


ENVIRONMENT = """
apiVersion: kfp-gitops/v1alpha1
kind: Environment
repository: example-repository
environment: dev
kfp: {host: 'http://kfp', namespace: ''}
pipelines: [{name: p, release: 'sha256:1'}]
"""


def _state(prefix: str) -> State:
    about = {"apiVersion": "kfp-gitops/v1", "kind": "PipelineManifest", "metadata": {"name": "p"}}
    manifest = json.dumps({**about, **_many(prefix, 2000)})
    return State(prefix, {"environment.yaml": ENVIRONMENT, "pipelines/p/pipeline.yaml": manifest})


def test_the_whole_diff_of_thousands_of_renamed_tasks_takes_two_seconds_at_most() -> None:
    before, after = _state("old-"), _state("new-")
    start = time.process_time()
    found = compare("dev", before, after, datetime(2026, 11, 24, tzinfo=UTC))
    printed = to_text(found), to_markdown([found]), to_json([found])
    assert time.process_time() - start < 2
    (pipeline,) = found.pipelines
    assert {change.action for change in pipeline.changes} == {Action.RENAMED}
    assert "2,000 tasks renamed" in printed[0]


def test_each_task_is_looked_at_once_however_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    seen = likeness.key

    def counted(value: Any) -> Hashable:
        looks.append(1)
        return seen(value)

    monkeypatch.setattr("kfp_gitops.review.diff.likeness.key", counted)
    counts = []
    for count in (50, 500):
        looks.clear()
        assert len([*nodes.changes(nodes.flat(_many("a-", count)), nodes.flat(_many("b-", count)))]) == count
        counts.append(len(looks))
    assert counts[1] == 10 * counts[0]


def _manifest(**tasks: Any) -> Mapping[str, Node]:
    return nodes.flat({"spec": {"tasks": tasks}})


def _changes(before: Mapping[str, Node], after: Mapping[str, Node]) -> list[tuple[str, str, str | None]]:
    return [(change.action, change.name, change.field) for change in nodes.changes(before, after)]


def test_a_rename_is_told_once_and_not_at_its_uses() -> None:
    def uses(name: str) -> dict[str, Any]:
        output = {"task": name, "output": "o"}
        return {
            name: {"component": "load"},
            "user": {
                "component": "use",
                "arguments": {
                    "literal": output,
                    "all": {"collect": output},
                    "text": {"concat": ["a", output]},
                },
                "env": {"task": {"secret": output, "key": "k"}},
                "after": [name],
            },
            "each": {
                "loop": {"items": output},
                "tasks": {"in": {"component": "use", "arguments": {"x": output}}},
            },
        }

    assert _changes(_manifest(**uses("old")), _manifest(**uses("new"))) == [("renamed", "new", None)]


def test_a_loop_and_its_items_are_renamed_together() -> None:
    def loop(name: str) -> dict[str, Any]:
        task = {"component": "use", "arguments": {"x": {"item": name, "field": "f"}}}
        return {name: {"loop": {"items": [{"f": 1}]}, "tasks": {"in": task}}}

    assert _changes(_manifest(**loop("old")), _manifest(**loop("new"))) == [("renamed", "new", None)]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("env", lambda name: {"task": name}),
        ("pod", lambda name: {"labels": {"task": name, "output": "o"}}),
        ("arguments", lambda name: {"x": {"literal": {"task": name, "output": "o"}}}),
        ("arguments", lambda name: {"x": name}),
    ],
)
def test_what_only_reads_like_a_renamed_task_is_a_change(field: str, value: Any) -> None:
    def tasks(name: str) -> Mapping[str, Node]:
        return _manifest(**{name: {"component": "load"}, "user": {"component": "use", field: value(name)}})

    found = _changes(tasks("old"), tasks("new"))
    assert found[0] == ("renamed", "new", None)
    assert [name for _, name, _ in found[1:]] == ["user"]
