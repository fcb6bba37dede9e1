"""Nodes of one name are told apart, where no recorded run happens to need it: by followers, and by times."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from kfp_gitops.kfpserver.runtree import Record, of_records
from kfp_gitops.kfpserver.runtree.nodes import fnv
from recordings import walk

_START = datetime(2026, 11, 28, 17, tzinfo=UTC)
_WF = "p-abcde"


def _record(name: str, state: str, start: int, end: int, *children: str) -> Record:
    """A node by its whole name; times in seconds, children by the ends of their names."""
    display = name.rpartition(".")[2]
    times = [_START + timedelta(seconds=second) for second in (start, end)]
    return Record(
        display, state, times[0], times[1], tuple(f"{_WF}-{fnv(_WF + child)}" for child in children)
    )


def _task(path: str, state: str, start: int, end: int, cached: bool, *after: str) -> list[Record]:
    """A container task without a retryStrategy: what follows a cached one follows its DAG, not its pod."""
    driver = _record(f"{path}-driver", "SUCCEEDED", start, start, path)
    executor = _record(
        f"{path}.executor", "SKIPPED" if cached else state, start, end, *(() if cached else after)
    )
    return [
        driver,
        _record(path, state, start, end, f"{path}.executor", *(after if cached else ())),
        executor,
    ]


def _frame(end: int, *first: str) -> list[Record]:
    return [
        _record(_WF, "SUCCEEDED", 0, end, ".root-driver"),
        _record(".root-driver", "SUCCEEDED", 0, 0, ".root"),
        _record(".root", "SUCCEEDED", 0, end, *first),
    ]


def _spec(tasks: Mapping[str, Any], **components: Any) -> dict[str, Any]:
    return {"root": {"dag": {"tasks": tasks}}, "components": {"c": {"executorLabel": "e"}, **components}}


_LEAF = {"componentRef": {"name": "c"}}


def _cached(spec: Mapping[str, Any], records: list[Record]) -> set[tuple[str, ...]]:
    """The ids that are shown as cached, whatever order the records are in."""
    return {
        tuple(
            f"{view.id}@{view.seconds:.0f}"
            for view in walk(of_records(spec, {}, order, "SUCCEEDED"))
            if view.cached
        )
        for order in (records, records[::-1], sorted(records, key=lambda one: one.state))
    }


def test_the_pod_that_ran_and_the_one_that_was_cached_by_their_times() -> None:
    records = [
        *_frame(40, ".root.a-driver", ".root.b-driver"),
        *_task(".root.a", "SUCCEEDED", 10, 10, True),
        *_task(".root.b", "SUCCEEDED", 10, 40, False),
    ]
    assert _cached(_spec({"a": _LEAF, "b": _LEAF}), records) == {("a@0",)}


@pytest.mark.parametrize("which", ["one", "two"])
def test_the_pod_that_is_followed_by_something_by_where_that_is(which: str) -> None:
    """Two pipelines of the same tasks, at the same time; one of them got `a` from the cache."""
    records = _frame(60, ".root.one-driver", ".root.two-driver")
    for path in (".root.one", ".root.two"):
        cached, end = path.endswith(which), 40
        records += [
            _record(f"{path}-driver", "SUCCEEDED", 5, 5, path),
            _record(path, "SUCCEEDED", 10, end, f"{path}.a-driver"),
            *_task(f"{path}.a", "SUCCEEDED", 10, 20, cached, f"{path}.b-driver"),
            *_task(f"{path}.b", "SUCCEEDED", 20, end, False),
        ]
    inner = {"dag": {"tasks": {"a": _LEAF, "b": {**_LEAF, "dependentTasks": ["a"]}}}}
    group = {"componentRef": {"name": "inner"}}
    for order in (records, records[::-1]):
        views = of_records(_spec({"one": group, "two": group}, inner=inner), {}, order, "SUCCEEDED")
        assert [(view.id, [inside.cached for inside in view.inside]) for view in views] == [
            ("one", [int(which == "one"), 0]),
            ("two", [int(which == "two"), 0]),
        ]


def test_what_was_skipped_and_what_was_left_out_by_their_times() -> None:
    records = _frame(60, ".root.one-driver", ".root.two-driver")
    for path, start, state in ((".root.one", 10, "SKIPPED"), (".root.two", 40, "")):
        records += [
            _record(f"{path}-driver", "SUCCEEDED", start, start, path),
            _record(path, "SUCCEEDED" if state else "FAILED", start, start + 10, f"{path}.a-driver"),
            _record(f"{path}.a-driver", "SUCCEEDED" if state else "FAILED", start, start + 5, f"{path}.a"),
            _record(f"{path}.a", state, start + 5, start + 5),
        ]
    inner = {"dag": {"tasks": {"a": {**_LEAF, "triggerPolicy": {"condition": "n == 1"}}}}}
    spec = _spec({name: {"componentRef": {"name": "inner"}} for name in ("one", "two")}, inner=inner)
    for order in (records, records[::-1]):
        views = of_records(spec, {}, order, "FAILED")
        assert [view.inside[0].state for view in views] == ["SKIPPED", "FAILED"]


def test_a_group_that_holds_a_task_of_its_name() -> None:
    """`say` in `say`: what follows the inner one is in the outer one, so both are called as the record is."""
    end = 30
    records = [
        *_frame(end, ".root.say-driver"),
        _record(".root.say-driver", "SUCCEEDED", 5, 5, ".root.say"),
        _record(".root.say", "FAILED", 10, end, ".root.say.say-driver"),
        *_task(".root.say.say", "SUCCEEDED", 10, 10, True, ".root.say.b-driver"),
        *_task(".root.say.b", "FAILED", 20, end, False),
    ]
    inner = {"dag": {"tasks": {"say": _LEAF, "b": {**_LEAF, "dependentTasks": ["say"]}}}}
    spec = _spec({"say": {"componentRef": {"name": "inner"}}}, inner=inner)
    flipped = [Record(r.name, r.state, r.started, r.ended, r.children[::-1]) for r in records]
    for order in (records, flipped, flipped[::-1]):
        (outer,) = of_records(spec, {}, order, "FAILED")
        assert (outer.state, [view.state for view in outer.inside]) == ("FAILED", ["SUCCEEDED", "FAILED"])
        assert outer.inside[0].cached == 1


def test_many_iterations_are_read_in_a_moment() -> None:
    """300 items: every node of a name is told from the others."""
    loop, records = ".root.each", _frame(60, ".root.each")
    items = range(300)
    group = [f"{loop}.iteration-iterations({i}:{i})" for i in items]
    records += [
        _record(loop, "SUCCEEDED", 1, 50, f"{loop}.iteration-driver"),
        _record(f"{loop}.iteration-driver", "SUCCEEDED", 1, 2, f"{loop}.iteration-iterations"),
        _record(f"{loop}.iteration-iterations", "SUCCEEDED", 2, 50, *group),
    ]
    for i, path in zip(items, group, strict=True):
        item = f"{path}.iteration-item"
        records += [
            _record(path, "SUCCEEDED", 2, 50, f"{item}-driver"),
            _record(f"{item}-driver", "SUCCEEDED", 2, 3, item),
            _record(item, "SUCCEEDED", 3, 50, f"{item}.a-driver"),
            *_task(f"{item}.a", "SUCCEEDED", 10, 10 if i % 3 == 0 else 40, i % 3 == 0),
        ]
    inner = {"dag": {"tasks": {"a": _LEAF}}}
    each = {"componentRef": {"name": "inner"}, "parameterIterator": {"items": {"inputParameter": "x"}}}
    began = time.process_time()  # another's work on this machine takes no time of this
    (view,) = of_records(_spec({"each": each}, inner=inner), {}, records[::-1], "SUCCEEDED")
    assert (view.done, view.total, view.inside[0].cached) == (300, 300, 100)
    assert time.process_time() - began < 10


def test_every_order_of_a_small_run_reads_the_same() -> None:
    records = [*_frame(40, ".root.a-driver"), *_task(".root.a", "SUCCEEDED", 10, 40, False)]
    spec = _spec({"a": _LEAF})
    assert len({of_records(spec, {}, order, "SUCCEEDED")[0].state for order in permutations(records)}) == 1
