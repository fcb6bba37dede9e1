"""A plan in words, in Markdown and in JSON, whatever order the server lists in; and markers in descriptions."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from kfp_gitops.base.schema import named
from kfp_gitops.kfpserver.kfpapi.actual import (
    Actual,
)
from kfp_gitops.kfpserver.ownership import describe, facts, owner
from kfp_gitops.reconcile import converge, inventory, report
from kfp_gitops.reconcile.plan import plan
from kfp_gitops.reconcile.plantext import Look, to_text
from kfp_gitops.reconcile.records import Desired, Options
from plan_kit import DESIRED, LIVE, NOW, OTHER, OWNER, WEEKLY, actual_of, releasing


def test_the_text_of_a_plan() -> None:
    desired = replace(
        releasing(replace(WEEKLY, max_concurrency=2), version="sha-2"), time_zone="Europe/Berlin"
    )
    found = plan(desired, actual_of(LIVE))
    text = to_text(found)
    assert text.splitlines() == [
        "plan for dev on http://127.0.0.1",
        "  + create    version    p sha-2  (release sha256:1… is not registered yet)",
        "  ~ replace   schedule   p-weekly  (version, maxConcurrency differ)",
        '      version: "sha-1" → "sha-2"',
        "      maxConcurrency: 1 → 2",
        "      next: 2026-11-30T03:00:00Z (Mon 04:00 CET), 2026-12-07T03:00:00Z (Mon",
        "        04:00 CET), 2026-12-14T03:00:00Z (Mon 04:00 CET)",
        "1 create, 1 replace, 2 unchanged; changes in 1 of 1 pipeline",
        f"plan {found.basis.id}",
    ]


def test_with_all_also_what_does_not_change_is_shown() -> None:
    found = plan(releasing(version="sha-2"), actual_of(LIVE))
    text = to_text(found, Look(everything=True))
    assert [line[:25] for line in text.splitlines()[1:4]] == [
        "  = unchanged pipeline   ",
        "  + create    version    ",
        "  = unchanged experiment ",
    ]


def test_colour_changes_no_word_and_markdown_breaks_no_table() -> None:
    found = plan(releasing(replace(WEEKLY, parameters={"x": "a|b\n<script>"})), actual_of(LIVE))
    coloured = to_text(found, Look(colour=True))
    assert "\033[33m" in coloured
    table = [line for line in report.to_markdown(found).splitlines() if line.startswith("|")]
    assert len(table) == 3
    assert "a\\|b" in table[2]
    assert "<script>" not in table[2]


SCHEDULES = st.builds(
    lambda key, changes: replace(LIVE, id=key, **changes),
    st.uuids().map(str),
    st.fixed_dictionaries(
        {},
        optional={
            "enabled": st.booleans(),
            "owner": st.sampled_from([OWNER, OTHER, None]),
            "version_id": st.sampled_from(["v0", "v1"]),
            "pipeline_id": st.sampled_from(["p1", "p2"]),
            "created": st.sampled_from([NOW, NOW - timedelta(days=30)]),
            "cron": st.sampled_from(["0 0 3 * * 1", "0 0 4 * * 1", "from the future"]),
            "name": st.sampled_from(["p-weekly", "p-old", "q-x"]),
        },
    ),
)
ACTUALS = st.builds(
    lambda schedules, of: actual_of(*schedules, of=of),
    st.lists(SCHEDULES, max_size=5),
    st.sampled_from([OWNER, OWNER, OTHER, None]),
)
WANTED = st.sampled_from(
    [DESIRED, releasing(), releasing(replace(WEEKLY, enabled=False)), releasing(WEEKLY, version="sha-2")]
)


@given(ACTUALS, WANTED)
def test_a_plan_is_valid_json_and_independent_of_the_servers_order(actual: Actual, desired: Desired) -> None:
    found = plan(desired, actual)
    data = json.loads(report.render(found, "json"))
    Draft202012Validator(named("plan").validator.schema).validate(data)
    backwards = replace(actual, schedules=tuple(reversed(actual.schedules)))
    assert to_text(plan(desired, backwards)) == to_text(found)


@given(ACTUALS, WANTED)
def test_a_plan_is_empty_exactly_when_there_is_no_next_step(actual: Actual, desired: Desired) -> None:
    found = plan(desired, actual)
    if found.conflicts:
        return
    view = inventory.view_of(desired, desired.pipelines[0], actual, Options())
    step = converge.next_step(
        OWNER, desired.keep_versions, desired.pipelines[0], replace(view, runs=(), in_flight=()), Options()
    )
    changes = [change for change in found.to_do if change.pipeline == "p"]
    assert bool(changes) == (step is not None)


@given(
    st.text(max_size=50), st.dictionaries(st.sampled_from(["release", "digest", "spec"]), st.just("sha256:1"))
)
def test_a_description_keeps_its_owner_whatever_people_write_before_it(
    text: str, noted: dict[str, str]
) -> None:
    assert owner(describe(OWNER, text, **noted)) == OWNER


def test_a_text_that_looks_like_a_marker_inside_a_description_does_not_change_the_owner() -> None:
    forged = describe(OTHER)
    assert owner(describe(OWNER, forged)) == OWNER


@given(st.text(min_size=1, max_size=30))
def test_a_fact_with_spaces_or_lines_changes_no_owner_and_hides_no_other_fact(commit: str) -> None:
    text = describe(OWNER, "", release="sha256:1", commit=commit, runs="changed")
    assert (owner(text), facts(text)["release"], facts(text)["runs"]) == (OWNER, "sha256:1", "changed")


def test_a_forged_marker_in_a_fact_is_a_word() -> None:
    text = describe(OWNER, "", commit=f"x\n{describe(OTHER)}")
    assert owner(text) == OWNER
