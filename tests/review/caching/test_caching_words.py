"""What a reviewer reads of the cache: lines of the diff, and warnings."""

from __future__ import annotations

from typing import Any

import pytest
from kfp_gitops.review.caching import Side, words
from kfp_gitops.review.caching.starts import UNKNOWN, forecasts
from predict_kit import OTHER, Edit, at, both, container_of, side


def _side(*edits: Edit, schedules: list[dict[str, Any]] | None = None) -> Side:
    found = side(both(*edits))
    return Side({**found.manifest, "schedules": schedules or []}, found.specs)


def test_tasks_that_run_for_one_reason_stand_together() -> None:
    found = forecasts(_side(), _side(container_of("train", lambda c: c.update(image=OTHER))))
    assert words.lines(found) == [
        "runs again: train, judge (image of train) · runs again if values differ: tell (image of train) · "
        "same results from cache: 2"
    ]
    assert words.warnings(found) == []


def test_where_it_moves_to_everything_runs() -> None:
    found = forecasts(_side(), _side(), moves=True)
    assert words.lines(found) == ["every task runs: where it moves to there are no results of it"]
    assert [one["text"] for one in words.as_json(found)] == words.lines(found)


def test_under_another_name_in_its_ir_everything_runs() -> None:
    spec = {"pipelineInfo": {"name": "a"}, "root": {"dag": {"tasks": {}}}}
    manifest = {"metadata": {"name": "p"}, "spec": {"ir": "i.yaml"}}
    old, new = (
        Side(manifest, irs={"i.yaml": [{**spec, "pipelineInfo": {"name": name}}]}) for name in ("a", "b")
    )
    assert words.lines(forecasts(old, old)) == []
    assert words.lines(forecasts(old, new))[0].startswith("every task runs: results are kept by the name")


def test_a_new_task_is_new_once() -> None:
    found = forecasts(_side(), _side(at("more", {"component": "tell", "arguments": {"text": "x"}})))
    assert words.lines(found) == ["runs again: more (new) · same results from cache: 5"]


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ({"env": {"MODE": "a"}}, {"env": {"MODE": "b"}}, "env MODE"),
        ({}, {"env": {"MODE": "b"}}, "env MODE"),
        (
            {"env": {"T": {"secret": "s", "key": "k"}}},
            {"env": {"T": {"secret": "t", "key": "k"}}},
            "secret of T",
        ),
        ({"volumes": {"/d": {"secret": "s"}}}, {"volumes": {"/d": {"secret": "t"}}}, "secret at /d"),
        ({"volumes": {"/d": {"configMap": "s"}}}, {}, "config map at /d"),
    ],
)
def test_what_no_key_has_is_stale(before: dict[str, Any], after: dict[str, Any], what: str) -> None:
    left, right = (
        _side(*(at(f"apart.{key}", value) for key, value in each.items())) for each in (before, after)
    )
    (found,) = words.warnings(forecasts(left, right))
    assert found.startswith(
        f"STALE: {what} of apart changed, KFP ≤ 2.17 does not see it: a result from before"
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"env": {"MODE": "a"}, "cache": False}, {"env": {"MODE": "b"}, "cache": False}),
        (
            {"env": {"MODE": "a"}, "arguments": {"text": "1"}},
            {"env": {"MODE": "b"}, "arguments": {"text": "2"}},
        ),
        ({"volumes": {"/d": {"pvc": "s"}}}, {"volumes": {"/d": {"pvc": "t"}}}),
        ({"retry": {"count": 1}}, {"retry": {"count": 2}}),
    ],
)
def test_what_makes_a_new_key_or_uses_none_is_not(before: dict[str, Any], after: dict[str, Any]) -> None:
    left, right = (
        _side(*(at(f"apart.{key}", value) for key, value in each.items())) for each in (before, after)
    )
    assert words.warnings(forecasts(left, right)) == []


def test_schedules_give_their_own_parameters_and_take_the_results_of_one_another() -> None:
    daily = {"name": "daily", "cron": "0 0 5 * * *", "enabled": True, "parameters": {"source": "x"}}
    weekly = {"name": "weekly", "cron": "0 0 5 * * 1", "enabled": True}
    off = {"name": "off", "cron": "0 0 5 * * *", "enabled": False, "parameters": {"source": "z"}}
    other = {**daily, "parameters": {"source": "a"}}
    found = forecasts(_side(schedules=[daily, weekly, off]), _side(schedules=[other, weekly, off]))
    assert words.lines(found) == ["schedule daily, schedule weekly: same results from cache: 5"]
    found = forecasts(_side(schedules=[daily]), _side(schedules=[daily, weekly]))
    assert [one.split(" (")[0] for one in words.lines(found)] == [
        "schedule daily: same results from cache: 5",
        "schedule weekly: runs again: load, train, judge",
    ]


def test_a_key_of_its_own_is_told_as_each_version_treats_it() -> None:
    keyed = at("apart.cache", {"key": "v1"})
    found = forecasts(_side(keyed), _side(keyed, at("apart.arguments.text", "bye")))
    assert words.warnings(found) == [
        "STALE on KFP 2.18 and later: input text of apart changed, and its cache.key stands for everything else; "
        "change the key with it"
    ]
    found = forecasts(_side(keyed), _side(at("apart.cache", {"key": "v2"})))
    assert words.warnings(found) == [
        "KFP 2.18 and later: apart runs again (cache key); 2.17 does not read cache.key"
    ]
    (as_json,) = words.as_json(found)
    assert [one["fate"] for one in as_json["tasks"] if one["task"] == "apart"] == ["cached"]
    assert [one["fate"] for one in as_json["newerKfp"] if one["task"] == "apart"] == ["runs"]


@pytest.mark.parametrize(
    "spec",
    [
        {"tasks": {"a": 1}},
        {"tasks": {"a": {"component": "gone", "arguments": []}}},
        {"ir": "gone.yaml"},
        {"tasks": {"a": {"pipeline": "gone"}}},
        {"tasks": {"a": {"component": "tell", "after": ["a"]}}},
    ],
)
def test_what_cannot_be_read_is_said_to_be_unknown(spec: Any) -> None:
    manifest = {"metadata": {"name": "p", "description": "d", "owner": "o"}, "spec": spec}
    found = forecasts(_side(), Side(manifest, _side().specs))
    assert words.lines(found) == [UNKNOWN]
    assert words.warnings(found) == []


def _doubling(levels: int) -> Side:
    """Pipelines inside pipelines, each twice in the next."""
    about = {"name": "p", "description": "d", "owner": "o"}
    inner = {
        f"l{level}.yaml": {
            "metadata": about,
            "spec": {"tasks": {name: {"pipeline": f"l{level + 1}"} for name in ("a", "b")}},
        }
        for level in range(levels)
    }
    inner[f"l{levels}.yaml"] = {
        "metadata": about,
        "spec": {"tasks": {"i": {"importer": {"uri": "s3://a/b", "type": "Dataset"}}}},
    }
    return Side(inner["l0.yaml"], {}, inner)


def test_pipelines_that_double_and_those_that_hold_themselves_are_not_followed_for_ever() -> None:
    assert words.lines(forecasts(_doubling(5), _doubling(5))) == []
    assert words.lines(forecasts(_side(), _doubling(40))) == [UNKNOWN]
    turns = _doubling(1)
    round_about = Side(turns.manifest, {}, {**turns.inner, "l1.yaml": turns.inner["l0.yaml"]})
    assert words.lines(forecasts(_side(), round_about)) == [UNKNOWN]


def test_loops_in_loops_are_not_multiplied_out() -> None:
    tasks: dict[str, Any] = {"say": {"component": "tell", "arguments": {"text": {"item": "l0"}}}}
    for level in range(4):
        tasks = {f"l{level}": {"loop": {"items": list(range(50))}, "tasks": tasks}}
    manifest = {"metadata": {"name": "p", "description": "d", "owner": "o"}, "spec": {"tasks": tasks}}
    found = Side(manifest, _side().specs)
    assert words.lines(forecasts(found, found)) == ["same results from cache: 1"]
