"""The picture of a pipeline: what changed is marked in Mermaid 10 and 11, as Chromium draws it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kfp_gitops.review.diff import graph, known_events, nodes
from kfp_gitops.review.diff.markdown import to_markdown
from kfp_gitops.review.diff.model import Action, Change, EnvironmentDiff, Kind, KnownEvent, PipelineDiff
from servers import mermaid
from servers.browser import Browser


def _manifest(tasks: Mapping[str, Any]) -> dict[str, Any]:
    return {"spec": {"tasks": tasks}}


def _of(name: str, output: str = "o") -> dict[str, Any]:
    return {"arguments": {"x": {"task": name, "output": output}}}


def _loop(**loop: Any) -> dict[str, Any]:
    inner = {"in-loop": {"component": "c"}}
    return {"loop": {"items": {"task": "load", "output": "rows"}, **loop}, "tasks": inner}


BEFORE = _manifest(
    {
        "load": {"component": "load"},
        "same": {"component": "c"},
        "goes": {"component": "d", **_of("load")},
        "choice": {
            "if": {"gt": [{"task": "load", "output": "n"}, 1]},
            "tasks": {"yes": {"component": "c"}},
            "else": {"tasks": {"no": {"component": "c", **_of("same")}}},
        },
        "each": _loop(parallelism=2),
        "last": {"component": "c", "after": ["choice", "each"]},
        "nested": {"pipeline": "inner"},
    }
)
AFTER = _manifest(
    {
        "load": {"component": "load"},
        "same": {"component": "c"},
        "comes": {"component": "c", **_of("load")},
        "choice": {
            "if": {"gt": [{"task": "load", "output": "n"}, 2]},
            "tasks": {"yes": {"component": "c"}},
            "else": {"tasks": {"no": {"component": "c", "retry": {"count": 1}, **_of("same")}}},
        },
        "each": _loop(parallelism=4),
        "last": {"component": "c", "after": ["choice", "each"]},
        "nested": {"pipeline": "inner"},
    }
)
MARKS = {
    **dict.fromkeys(("load", "choice", "no", "each", "nested"), "changed"),
    **{"comes": "added", "goes": "removed"},
}


def _chart() -> str:
    changes = [
        *nodes.changes(nodes.flat(BEFORE), nodes.flat(AFTER)),
        Change(Action.CHANGED, Kind.COMPONENT, "load", "image", "a", "b"),
        Change(Action.CHANGED, Kind.TASK, "inner › deep", "retry.count", 1, 2),
    ]
    found = graph.mermaid(BEFORE, AFTER, changes)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = Browser()
    yield found
    found.close()


# Label of each drawn box or node → its classes and the colour of its border.
_LOOK = """
(() => {
  const found = {};
  for (const place of document.querySelectorAll("g.node, g.cluster")) {
    const name = place.querySelector(".nodeLabel, .cluster-label").textContent.trim().split(":")[0];
    const box = place.querySelector("rect, polygon, path");
    found[name] = [[...place.classList], getComputedStyle(box).stroke];
  }
  return found;
})()
"""
_STROKES = {"added": "rgb(26, 127, 55)", "removed": "rgb(207, 34, 46)", "changed": "rgb(191, 135, 0)"}


def _drawn(browser: Browser, version: str, chart: str, folder: Path) -> dict[str, Any]:
    browser.open(mermaid.page(version, chart, folder), "light")
    end = time.monotonic() + 30
    while not (done := browser.script("window.drawn || null")) and time.monotonic() < end:
        time.sleep(0.05)
    assert done is True
    found = browser.script(_LOOK.strip())
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("version", mermaid.VERSIONS)
def test_what_changed_is_marked_and_nothing_else(version: str, browser: Browser, tmp_path: Path) -> None:
    found = _drawn(browser, version, _chart(), tmp_path)
    names = {*nodes.flat(BEFORE), *nodes.flat(AFTER), "else"}
    assert set(found) == names
    marks = {name: [mark for mark in _STROKES if mark in classes] for name, (classes, _) in found.items()}
    assert marks == {name: [MARKS[name]] if name in MARKS else [] for name in names}
    strokes = {name: stroke for name, (_, stroke) in found.items()}
    assert {name: strokes[name] for name in MARKS} == {name: _STROKES[mark] for name, mark in MARKS.items()}
    assert not {strokes[name] for name in names - set(MARKS)} & set(_STROKES.values())


EVIL = '"];click n0 call alert()\n%%{init: {}}%% <img src=x onerror=alert(1)> #quot; `md` end [*] {x} ]]'


@pytest.mark.parametrize("version", mermaid.VERSIONS)
def test_a_stranger_s_name_is_drawn_and_not_obeyed(version: str, browser: Browser, tmp_path: Path) -> None:
    tasks = {EVIL: {"component": "c"}, "end": {"component": "c", "after": [EVIL]}}
    chart = graph.mermaid({}, _manifest(tasks), [Change(Action.ADDED, Kind.TASK, EVIL)])
    assert chart is not None
    found = _drawn(browser, version, chart, tmp_path)
    assert len(found) == 2
    assert browser.script("document.images.length") == 0
    assert browser.script("document.querySelectorAll('[onclick], a[href], .clickable').length") == 0


@pytest.mark.parametrize("version", mermaid.VERSIONS)
def test_known_events_are_drawn_over_time_whatever_they_are_called(
    version: str, browser: Browser, tmp_path: Path
) -> None:
    begin = datetime(2026, 12, 24, tzinfo=UTC)
    found = [
        KnownEvent(action, (name,), begin, begin + timedelta(hours=at + 1), None, 1.5, name, True)
        for at, (action, name) in enumerate(
            [(Action.ADDED, EVIL), (Action.REMOVED, "web"), (Action.ADDED, "*")]
        )
    ]
    _drawn(browser, version, known_events.mermaid(found), tmp_path)
    assert browser.script("document.querySelectorAll('rect.task').length") == 3
    assert browser.script("document.querySelectorAll('rect[class*=crit]').length") == 1
    assert browser.script("document.images.length") == 0


@pytest.mark.parametrize(
    ("loop", "says"),
    [
        ({"parallelism": 4}, "each: for each of load.rows, 4 at once"),
        ({}, "each: for each of load.rows, all at once"),
        ({"items": {"param": "rows"}, "parallelism": 1}, "each: for each of parameter rows, 1 at once"),
        ({"items": ["a", "b"]}, "each: for each of a, b, all at once"),
        ({"items": [1, 2, 3, 4, 5]}, "each: for each of 5 items, all at once"),
        ({"items": None}, "each: for each, all at once"),
        ({"parallelism": {"param": "most"}}, "each: for each of load.rows, parameter most at once"),
    ],
)
def test_a_loop_says_over_what_it_goes_and_how_many_at_once(loop: dict[str, Any], says: str) -> None:
    manifest = _manifest({"load": {"component": "c"}, "each": _loop(**loop)})
    assert f'["{says}"]' in str(graph.mermaid({}, manifest, []))


def test_marks_stand_after_the_edges() -> None:
    lines = _chart().splitlines()
    last_edge = max(index for index, line in enumerate(lines) if "-->" in line)
    assert all(index > last_edge for index, line in enumerate(lines) if "class" in line)
    assert ":::" not in _chart()


def test_a_pipeline_that_is_too_large_to_be_drawn_says_so() -> None:
    for count, drawn in ((graph.MAX_NODES, True), (graph.MAX_NODES + 1, False)):
        manifest = _manifest({f"t{index}": {"component": "c"} for index in range(count)})
        changes = [*nodes.changes({}, nodes.flat(manifest))]
        found = PipelineDiff("p", Action.ADDED, changes, graph=graph.mermaid({}, manifest, changes))
        printed = to_markdown([EnvironmentDiff("dev", "HEAD", "UTC", pipelines=[found])])
        assert ("```mermaid" in printed, "Not drawn: it has more than 150" in printed) == (drawn, not drawn)
