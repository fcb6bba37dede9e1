"""What starts what between pipelines, before and after: in text, Markdown, JSON, on the page and in the week."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jsonschema
import pytest
from between_kit import WEEKLY, after, on_data, state_of
from kfp_gitops.review.diff import calendar, jsonform, selected
from kfp_gitops.review.diff.between.following import following
from kfp_gitops.review.diff.compare import compare
from kfp_gitops.review.diff.markdown import calendar_markdown, to_markdown
from kfp_gitops.review.diff.model import EnvironmentDiff
from kfp_gitops.review.diff.state import State
from kfp_gitops.review.diff.text import to_text
from kfp_gitops.review.page import week
from kfp_gitops.review.page.evidence import Evidence
from kfp_gitops.review.page.whole import to_html
from states_kit import INSTANT
from words_kit import SCHEMA

TAKES = {"train": timedelta(minutes=20), "forecast": timedelta(minutes=5)}
SCHEDULES = {"train": [WEEKLY]}
BEFORE: dict[str, list[dict[str, Any]]] = {
    "train": [],
    "forecast": [],
    "report": [after("forecast", "tell", "FAILED")],
}


def _before() -> State:
    return state_of("before", BEFORE, SCHEDULES)


def _after() -> State:
    now = {**BEFORE, "forecast": [after("train")], "report": [on_data("s3://bucket/usage/")]}
    return state_of("after", now, SCHEDULES)


def _found(before: State | None = None, later: State | None = None) -> EnvironmentDiff:
    return compare("dev", before or _before(), later or _after(), INSTANT)


def _between(text: str) -> list[str]:
    lines = text.splitlines()
    return lines[lines.index("between pipelines (times in UTC)") + 1 : -1]


def test_links_that_come_and_go_and_the_chains_after_merging() -> None:
    assert _between(to_text(_found())) == [
        "  + forecast starts after train succeeded (trigger after)",
        "  + report starts when s3://bucket/usage/ changes (trigger new-data)",
        "  - report starts after forecast failed (trigger tell), no more",
        "    Mondays 03:00 train → forecast (once train succeeded)",
        "    s3://bucket/usage/ → report (when s3://bucket/usage/ changes)",
    ]


def test_durations_give_the_chains_times() -> None:
    found = _found()
    assert found.between
    timed = replace(found, between=replace(found.between, takes=TAKES))
    assert "    Mondays 03:00 train → about 03:20 forecast" in to_text(timed).splitlines()
    assert "- Mondays 03:00 train → about 03:20 forecast" in to_markdown([timed]).splitlines()
    assert "about 03:20 forecast" in to_html([timed], None, Evidence(INSTANT))


@pytest.mark.parametrize(
    ("trigger", "entry", "said"),
    [
        (after("train", state="ENDED"), {}, "after train ended (trigger after)"),
        (after("train", enabled=False), {}, "after train succeeded (trigger after, off)"),
        (after("train", maxConcurrency=3), {}, "after train succeeded (trigger after): its window, concurrency"),
        (
            after("train", onlyWithin={"from": "22:00", "to": "06:00", "days": ["mon", "tue", "wed"]}), {},
            "after train succeeded (trigger after, within 22:00 to 06:00, Mon to Wed)",
        ),
        (after("train"), {"pausedUntil": "2027-01-01T00:00:00Z"}, "after train succeeded (trigger after, paused)"),
    ],
)  # fmt: skip
def test_a_link_that_starts_otherwise_is_a_change(trigger: Any, entry: Any, said: str) -> None:
    before = state_of("before", {"train": [], "forecast": [after("train")]}, SCHEDULES)
    later = state_of("after", {"train": [], "forecast": [trigger]}, SCHEDULES, {"forecast": entry})
    (line, *_) = _between(to_text(_found(before, later)))
    assert line.startswith(f"  ~ forecast starts {said}")


def test_what_a_changed_pipeline_starts_is_told_and_the_rest_of_the_graph_only_drawn() -> None:
    triggers = {"train": [], "forecast": [after("train")], "report": [after("forecast")], "alone": []}
    before = state_of("before", triggers, SCHEDULES)
    later = state_of("after", triggers, {"train": [{**WEEKLY, "cron": "0 0 5 * * *"}]})
    found = _found(before, later)
    assert _between(to_text(found))[:1] == ["  = forecast starts after train succeeded (trigger after)"]
    text = to_markdown([found])
    assert '["report"]' in text and "daily 05:00" in text
    assert _found(before, state_of("after", {**triggers, "alone": [], "new": []}, SCHEDULES)).between is None


def test_the_picture_marks_what_changes_by_sign_line_and_colour() -> None:
    text = to_markdown([_found()])
    picture = text[text.rindex("```mermaid") :].splitlines()
    assert '  p0["train<br>Mondays 03:00"]' in picture
    assert '  p0 -->|"+ succeeded"| p1' in picture
    assert '  p2[("s3://bucket/usage/")]' in picture
    assert '  p1 -.->|"- failed"| p3' in picture
    assert "  linkStyle 0,1 stroke:#1a7f37,stroke-width:3px" in picture
    assert "  linkStyle 2 stroke:#cf222e,stroke-width:2px" in picture


def test_json_has_all_links_and_fits_its_schema() -> None:
    data = json.loads(jsonform.to_json([_found()]))
    jsonschema.validate(data, SCHEMA)
    found = data["environments"][0]["between"]
    assert [(one["action"], one["source"], one["pipeline"]) for one in found["links"]] == [
        ("added", "train", "forecast"), ("added", "s3://bucket/usage/", "report"), ("removed", "forecast", "report"),
    ]  # fmt: skip
    assert found["chains"][0] == "Mondays 03:00 train → forecast (once train succeeded)"


def test_only_the_parts_of_the_graph_around_what_was_asked_for_are_shown() -> None:
    triggers = {"train": [], "forecast": [after("train")], "one": [], "two": [after("one")]}
    found = _found(state_of("before", {name: [] for name in triggers}), state_of("after", triggers))
    only = selected.only(found, {"two"})
    assert only.between and [link.edge.pipeline for link in only.between.links] == ["two"]
    assert selected.only(found, {"three"}).between is None


def test_the_page_draws_it_with_links_to_the_sections() -> None:
    page = to_html([_found()], None, Evidence(INSTANT))
    assert "<h3>Between pipelines</h3>" in page
    assert 'class="arrow added"' in page and 'class="arrow removed"' in page
    assert "after train succeeded" in page
    assert "<code>--host</code> is" in page


HOSTILE = '"]; click n0 href "javascript:alert(1)" %%{init: {}}%%\n<script>alert(1)</script>'


def test_names_of_strangers_do_no_harm() -> None:
    later = state_of("after", {"train": [], "forecast": [after(HOSTILE), on_data(f"s3://{HOSTILE}")]})
    found = _found(state_of("before", {"train": [], "forecast": []}), later)
    text = to_markdown([found])
    picture = text[text.rindex("```mermaid") :]
    assert "<script" not in picture and '"]; click' not in picture and "\n%%" not in picture
    assert "<script>alert" not in to_html([found], None, Evidence(INSTANT))


def test_too_many_are_listed_and_not_drawn() -> None:
    many = {f"p{number:03}": [after("train")] for number in range(200)}
    before = state_of("before", {name: [] for name in ("train", *many)})
    found = _found(before, state_of("after", {"train": [], **many}))
    assert "Not drawn: more than 150 pipelines start one another." in to_markdown([found])
    assert "Not drawn: too many" in to_html([found], None, Evidence(INSTANT))
    assert "… 180 more (--format json)" in to_text(found)


def test_triggers_stand_at_the_top_of_a_manifest_and_nothing_else_is_parsed_for_them() -> None:
    state = _after()
    assert state.pipelines()["forecast"].triggers[0].name == "after"
    quoted = state.texts["pipelines/forecast/pipeline.yaml"].replace("runOn:", '"runOn":')
    other = State("x", {**state.texts, "pipelines/forecast/pipeline.yaml": quoted})
    assert other.pipelines()["forecast"].triggers == state.pipelines()["forecast"].triggers
    flow = 'triggers: [{"name": "after", "runOn": {"pipeline": "train"}}]\nmetadata: {}\n'
    other = State("x", {**state.texts, "pipelines/forecast/pipeline.yaml": flow})
    assert [one.name for one in other.pipelines()["forecast"].triggers] == ["after"]
    half = "triggers:\n- name: after\n  runOn: {pipeline: train}\nspec: [\n"
    broken = State("x", {**state.texts, "pipelines/forecast/pipeline.yaml": half})
    assert [one.name for one in broken.pipelines()["forecast"].triggers] == ["after"]
    none = half.replace("{pipeline: train}", "{}")
    broken = State("x", {**state.texts, "pipelines/forecast/pipeline.yaml": none})
    assert broken.pipelines()["forecast"].triggers[0].name == "after"


def _week(state: State, takes: dict[str, timedelta]) -> calendar.Calendar:
    found = following(state, INSTANT, takes)
    return calendar.calendar("dev", "UTC", state.manifests(INSTANT), INSTANT, None, found)


def _unfolded(found: calendar.Calendar) -> str:
    """Without the breaks of lines that are longer than a terminal is wide."""
    return calendar.to_text(found).replace("\n    UTC", " UTC")


def test_the_week_has_what_follows_also_without_a_schedule_of_its_own() -> None:
    text = _unfolded(_week(_after(), TAKES))
    assert "  forecast-after: after train succeeded, about 1 start, first Mon 11-30 03:20 UTC" in text
    assert "    Mondays 03:00 train → about 03:20 forecast" in text
    assert "  report-new-data: when s3://bucket/usage/ changes, not known when" in text
    unknown = _unfolded(_week(_after(), {}))
    assert "  forecast-after: after train succeeded, not known when" in unknown
    assert "chains (UTC; untimed where no past run is known, see --host):" in unknown
    data = json.loads(jsonform.calendars_to_json([_week(_after(), TAKES)]))["environments"][0]
    assert data["triggers"][0]["starts"] == ["2026-11-30T03:20:00Z"] and data["triggers"][1]["starts"] is None


def test_a_week_that_only_triggers_fill_is_told() -> None:
    state = state_of("after", {"train": [], "forecast": [after("train")]})
    text = calendar.to_text(_week(state, {}))
    assert "no schedules" in text and "train → forecast (once train succeeded)" in text


def test_the_week_in_markdown_draws_the_whole_graph_and_marks_nothing() -> None:
    text = calendar_markdown(_week(_after(), TAKES))
    assert '  p1["train<br>Mondays 03:00"]' in text or '  p0["train<br>Mondays 03:00"]' in text
    assert '|"succeeded"|' in text and "linkStyle" not in text
    assert "mermaid" not in calendar_markdown(_week(state_of("x", {"train": []}), TAKES))


def test_the_week_is_drawn_with_what_follows() -> None:
    drawn = week.drawn(week.Week(_week(_before(), TAKES), _week(_after(), TAKES)), "a week")
    assert "forecast-after" in drawn and "about 1 start" in drawn
    assert "Mondays 03:00 train → about 03:20 forecast" in drawn


def test_a_promise_of_what_follows_is_broken_by_the_schedule_of_what_it_follows() -> None:
    """The pipeline itself does not change, so nobody would look at it."""
    promise = {"slo": {"fresh": "26h"}}
    daily, triggers = {**WEEKLY, "cron": "0 0 3 * * *"}, {"train": [], "forecast": [after("train")]}
    before = state_of("before", triggers, {"train": [daily]}, more={"forecast": promise})
    later = state_of("after", triggers, {"train": [WEEKLY]}, more={"forecast": promise})
    assert any(
        line.startswith("forecast: slo: `fresh: 26h` cannot be kept: firings are up to 7d apart")
        for line in _found(before, later).warnings
    )
    assert not any("slo" in line for line in _found(before, before).warnings)
    week_of = calendar.calendar(
        "dev", "UTC", later.manifests(INSTANT), INSTANT, None, following(later, INSTANT, {})
    )
    assert [one.pipeline for one in week_of.unkept] == ["forecast"]


@pytest.mark.parametrize(
    "trigger",
    [
        after(1), after("train", 1.5), after("train", state=["x"]), after("train", state="OTHER"),
        after("train", enabled="yes"), after("train", "after", "SUCCEEDED", onlyWithin="always"),
        {"name": "a", "runOn": {"data": "s3://b/k"}}, "after",
        {"name": "a", "runOn": {"data": {"uri": 7, "changes": "etag"}}},
        {"name": "a", "runOn": {"data": {"uri": "s3://b", "changes": []}}},
    ],
)  # fmt: skip
def test_what_is_no_trigger_is_no_link_and_those_beside_it_are(trigger: Any) -> None:
    """That the manifest is wrong is told where manifests are checked; the diff tells the difference all the same."""
    later = state_of("after", {"train": [], "forecast": [trigger, after("train", "good")]}, SCHEDULES)
    found = _found(state_of("before", {"train": [], "forecast": []}, SCHEDULES), later)
    assert found.between
    assert [link.edge.trigger.name for link in found.between.links] == ["good"]
    assert "good" in to_text(found) and "good" in to_markdown([found])
    assert "train" in to_html([found], None, Evidence(INSTANT))


def test_a_number_of_runs_at_once_that_is_none_is_taken_for_one() -> None:
    for number in (0, -1, "many"):
        state = state_of(
            "after", {"train": [], "forecast": [after("train", maxConcurrency=number)]}, SCHEDULES
        )
        assert [
            course.starts for course in following(state, INSTANT, TAKES).courses(INSTANT + timedelta(days=7))
        ]
