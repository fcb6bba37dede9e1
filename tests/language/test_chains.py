"""The graph between pipelines: its edges, what is to be expected when, and chains in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kfp_gitops.language.chains import course, edges, told
from kfp_gitops.language.chains.edges import Edge
from kfp_gitops.language.chains.told import Root
from kfp_gitops.language.manifest import reader

MONDAY = datetime(2026, 11, 30, 3, tzinfo=UTC)
WEEK = timedelta(days=7)
MINUTES = {name: timedelta(minutes=20) for name in "abcde"}


def _graph(paused: Sequence[str] = (), **triggers: Sequence[Mapping[str, Any]]) -> tuple[Edge, ...]:
    return edges.edges(
        {name: reader.triggers({"triggers": [*its]}) for name, its in triggers.items()}, paused
    )


def _after(pipeline: str, state: str = "SUCCEEDED", **more: Any) -> dict[str, Any]:
    name = more.pop("name", f"after-{pipeline}")
    return {"name": name, "runOn": {"pipeline": pipeline, "state": state}, **more}


def _starts(found: Sequence[Edge], takes: Mapping[str, timedelta] = MINUTES) -> dict[str, list[str] | None]:
    every = course.expected(found, {"a": [MONDAY]}, takes, MONDAY + WEEK)
    return {
        one.edge.pipeline: None if one.starts is None else [f"{at:%a %H:%M}" for at in one.starts]
        for one in every
    }


def _chains(found: Sequence[Edge], takes: Mapping[str, timedelta] = MINUTES) -> list[str]:
    return told.chains(found, [Root("a", "weekly", "0 0 3 * * 1", [MONDAY])], takes)


def test_a_release_is_no_edge_and_data_is_one() -> None:
    on_data = {"name": "new", "runOn": {"data": {"uri": "s3://b/k/", "changes": "newest-key"}}}
    found = _graph(b=[{"name": "x", "runOn": "change"}, on_data], c=[_after("b", "ENDED")])
    assert [told.sentence(edge) for edge in found] == [
        "b starts when s3://b/k/ has a newer key (trigger new)",
        "c starts after b ended (trigger after-b)",
    ]
    assert _starts(found) == {"b": None, "c": None}


def test_what_follows_starts_when_what_it_follows_has_ended() -> None:
    found = _graph(b=[_after("a")], c=[_after("b")])
    assert _starts(found) == {"b": ["Mon 03:20"], "c": ["Mon 03:40"]}
    assert _chains(found) == ["Mondays 03:00 a → about 03:20 b → about 03:40 c"]


def test_without_durations_no_time_is_told() -> None:
    found = _graph(b=[_after("a")], c=[_after("b")])
    assert _starts(found, {"b": WEEK}) == {"b": None, "c": None}
    assert _chains(found, {}) == ["Mondays 03:00 a → b (once a succeeded) → c (once b succeeded)"]


@pytest.mark.parametrize(
    ("trigger", "paused", "starts", "chain"),
    [
        (_after("a", "FAILED"), (), [], "b (if a failed)"),
        (_after("a", enabled=False), (), [], "b (once a succeeded, off)"),
        (_after("a"), ("b",), [], "b (once a succeeded, paused)"),
        (_after("a", onlyWithin={"from": "03:00", "to": "04:00"}), (), ["Mon 03:20"], "about 03:20 b"),
        (
            _after("a", onlyWithin={"from": "06:00", "to": "20:00"}), (), [],
            "b (once a succeeded, which is outside of its window)",
        ),
        (
            _after("a", onlyWithin={"from": "06:00", "to": "20:00", "days": ["tue"]}, onMissed="run"), (),
            ["Tue 06:00"], "about Tue 06:00 b",
        ),
    ],
    ids=["failure", "off", "paused", "within", "outside", "made up for"],
)  # fmt: skip
def test_what_starts_nothing_by_itself_is_not_expected(
    trigger: Mapping[str, Any], paused: Sequence[str], starts: list[str], chain: str
) -> None:
    found = _graph(paused, b=[trigger])
    assert _starts(found) == {"b": starts}
    assert _chains(found) == [f"Mondays 03:00 a → {chain}"]


def test_one_waits_for_another_where_only_one_may_run_at_once() -> None:
    found = _graph(b=[_after("a")])
    firings = [MONDAY + timedelta(minutes=n) for n in (0, 10, 100)]
    takes = {"a": timedelta(minutes=20), "b": timedelta(minutes=30)}
    (one,) = course.expected(found, {"a": firings}, takes, MONDAY + WEEK)
    assert [f"{at:%H:%M}" for at in one.starts or ()] == ["03:20", "03:50", "05:00"]


@pytest.mark.parametrize(
    ("firings", "said"),
    [
        ([MONDAY + timedelta(days=n) for n in range(7)], "daily 03:00 a → about 03:20 b"),
        ([MONDAY, MONDAY + timedelta(days=2)], "Mondays, Wednesdays 03:00 a → about 03:20 b"),
        ([MONDAY + timedelta(days=n) for n in range(5)], "Mon, Tue, Wed, Thu, Fri 03:00 a → about 03:20 b"),
        (
            [MONDAY + timedelta(hours=6 * n) for n in range(28)],
            "28 times a week, first Mon 03:00, a → about 20 min later b",
        ),
        ([], "0 0 3 * * 1 (not in this week) a → about 20 min later b"),
    ],
)
def test_when_a_chain_begins(firings: Sequence[datetime], said: str) -> None:
    assert told.chains(_graph(b=[_after("a")]), [Root("a", "s", "0 0 3 * * 1", firings)], MINUTES) == [said]


def test_what_has_no_schedule_begins_its_chain_too() -> None:
    assert told.chains(_graph(b=[_after("a")]), [], MINUTES) == ["a → about 20 min later b"]


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("abcde")), max_size=12))
def test_whatever_starts_whatever_it_comes_to_an_end(pairs: list[tuple[str, str]]) -> None:
    """Circles are refused where manifests are rendered; a picture of those of another commit must end all the same."""
    triggers: dict[str, list[dict[str, Any]]] = {}
    for number, (left, right) in enumerate(pairs):
        triggers.setdefault(right, []).append(_after(left, name=f"t{number}"))
    found = _graph(**triggers)
    assert len(_chains(found)) <= told.MOST
    assert len(course.expected(found, {"a": [MONDAY]}, MINUTES, MONDAY + WEEK)) == len(pairs)
    assert {edge.key for edge in edges.around(found, "abcde")} == {edge.key for edge in found}


def test_a_long_chain_and_a_dense_graph_are_cut() -> None:
    names = [f"p{number:04}" for number in range(2_000)]
    line = {right: [_after(left)] for left, right in pairwise(names)}
    (chain,) = told.chains(_graph(**line), [], {})
    assert chain.endswith("→ …")
    dense = {right: [_after(left, name=left) for left in names[:at]] for at, right in enumerate(names[:40])}
    assert len(told.chains(_graph(**dense), [], {})) == told.MOST


def test_a_circle_of_another_commit_is_gone_round_once() -> None:
    assert _chains(_graph(b=[_after("a")], a=[_after("b")])) == ["Mondays 03:00 a → about 03:20 b"]


def test_what_would_start_after_the_week_is_not_of_it() -> None:
    last = MONDAY + WEEK - timedelta(minutes=10)
    (one,) = course.expected(_graph(b=[_after("a")]), {"a": [MONDAY, last]}, MINUTES, MONDAY + WEEK)
    assert one.starts == [MONDAY + timedelta(minutes=20)]


def test_of_a_large_graph_only_the_ways_on_which_something_is_are_told() -> None:
    found = _graph(b=[_after("a")], c=[_after("b")], d=[_after("a")], e=[_after("c"), _after("d")])
    every = told.chains(found, [], {})
    assert [line.split(" ")[0] for line in every] == ["a", "a"]
    (one,) = told.chains(found, [], {}, through={"d"})
    assert one == "a → d (once a succeeded) → e (once d succeeded)"
    assert told.chains(found, [Root("d", "s", "0 0 3 * * 1", [MONDAY])], {}, through={"c"}) == [
        "a → b (once a succeeded) → c (once b succeeded) → e (once c succeeded)"
    ]
    assert told.chains(found, [], {}, through={"x"}) == []


def test_a_run_that_takes_no_time_takes_a_known_time() -> None:
    """KFP tells times to the second."""
    assert _chains(_graph(b=[_after("a")]), {"a": timedelta(0)}) == ["Mondays 03:00 a → about 03:00 b"]
