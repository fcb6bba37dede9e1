"""What a reviewer sees of values and of what is new: nothing is cut silently, nothing that differs looks alike."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from kfp_gitops.base.errors import Problem
from kfp_gitops.review.diff import jsonform, text, values, wording
from kfp_gitops.review.diff.markdown import to_markdown
from kfp_gitops.review.diff.model import (
    Action,
    Change,
    EnvironmentDiff,
    Firings,
    Kind,
    PipelineDiff,
    SharedDiff,
    StartedRun,
)
from kfp_gitops.review.diff.strict import alike
from words_kit import SCHEMA, changed_field, diff_of, in_every_format


def test_no_name_of_a_pipeline_or_schedule_starts_a_line_in_the_terminal() -> None:
    evil = "a\n+ b\r\u2028"
    firing = Firings(evil, [], [datetime(2026, 11, 30, tzinfo=UTC)], [evil])
    pipeline = PipelineDiff(
        evil, None, [changed_field(1, 2)], replaced=[evil], firings=[firing], warnings=[evil], noise=[evil]
    )
    found = EnvironmentDiff(evil, evil, "UTC", pipelines=[pipeline], warnings=[evil], noise=[evil])
    lines = text.to_text(found).split("\n")
    assert all(line.isprintable() for line in lines)
    assert not [line for line in lines if line.strip().startswith("+ b")]


SCALARS = st.sampled_from(
    [None, True, False, 0, 1, 1.5, "", "1", "true", "null", "nothing", "a", "a ", "a b", "a  b", "a, b", "a\u00a0b",
     "é", "e\u0301", "parameter x", "t.o", "a\nb", "a\u2028b", "a\u200bb", "x" * 130, "x" * 131,
     "x" * 900 + "y" + "x" * 900]
)  # fmt: skip
VALUES = st.recursive(
    SCALARS | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "param", "task", "output", 1, "1"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(VALUES, VALUES)
@example(["a", "b"], ["a, b"])
@example({"param": "x"}, "parameter x")
@example({1: "a"}, {"1": "a"})
@example("x" * 500, "x" * 501)
def test_two_values_that_differ_never_look_alike(left: Any, right: Any) -> None:
    before, after = values.pair(left, right)
    assert alike(left, right) or before != after
    assert (before + after).isprintable()
    assert max(len(before), len(after)) <= 2 * values.MOST


@pytest.mark.parametrize("place", [0, 119, 120, 121, 500, 998])
def test_a_difference_is_shown_wherever_it_stands(place: int) -> None:
    before = "".join(chr(ord("a") + index % 26) for index in range(1000))
    after = before[:place] + "!" + before[place + 1 :]
    for form, printed in in_every_format(diff_of(changed_field(before, after))).items():
        assert "!" in printed.replace("[!", ""), form
        assert before[place] in printed
    assert len(wording.change(changed_field(before, after))) < 200
    assert after in to_markdown([diff_of(changed_field(before, after))])


def test_what_is_left_out_of_a_long_value_is_counted() -> None:
    printed = in_every_format(diff_of(changed_field("a" * 3000, "b" * 100_000)))
    assert "… 2,600 more characters …" in printed["text"]
    assert "… 99,600 more characters …" in printed["text"]
    assert "a" * 3000 in printed["markdown"]
    assert "… 96,001 more characters" in printed["markdown"]
    assert "b" * 100_000 in printed["json"]


def test_added_lines_of_code_are_shown_whatever_went() -> None:
    code = Change(
        Action.CHANGED,
        Kind.COMPONENT,
        "c",
        "code",
        [f"old {n}" for n in range(500)],
        [f"new {n}" for n in range(312)],
    )
    printed = in_every_format(diff_of(code))
    assert "+new 0\n" in printed["text"]
    assert "+… 252 more lines, see the file" in printed["text"]
    assert "-… 480 more lines, see the file" in printed["text"]
    assert "+new 199\n+… 112 more lines, see the file" in printed["markdown"]
    assert "-old 39\n-… 460 more lines, see the file" in printed["markdown"]
    assert '"new 311"' in printed["json"]


def test_control_characters_in_code_and_names_start_no_line() -> None:
    evil = "x\r+ task harmless\u0085\u2028\x0b\x1b[2K"
    found = diff_of(
        Change(Action.CHANGED, Kind.COMPONENT, evil, "code", [], [evil]),
        Change(Action.ADDED, Kind.TASK, evil, after={"component": evil, "env": {evil: evil}}),
        Change(Action.CHANGED, Kind.TASK, "a\n+ task b", "env.a\n+ task c", "1", "2"),
    )
    for form, printed in in_every_format(found).items():
        assert not set(printed) & set("\r\u0085\u2028\x0b\x1b"), form
        assert not [line for line in printed.splitlines() if line.strip().startswith("+ task b")]
        assert not [line for line in printed.splitlines() if line.strip().startswith("+ task c")]


def test_lines_of_a_file_that_is_no_yaml_are_shown_like_code() -> None:
    lines = Change(
        Action.CHANGED, Kind.FILE, ".gitattributes", "lines", ["*.x text"], ["*.x -text", "*.y -text"]
    )
    printed = in_every_format(diff_of(lines))
    assert printed["text"].splitlines()[2:-1] == [
        "  ~ file .gitattributes: lines: 2 added, 1 removed",
        "      -*.x text",
        "      +*.x -text",
        "      +*.y -text",
    ]
    assert "```diff\n-*.x text\n+*.x -text\n+*.y -text\n```" in printed["markdown"]


def test_problems_stand_first_and_runs_that_merging_starts_are_warned_of() -> None:
    problem = Problem("environments/dev/values.yaml", 3, 1, "unknown key x", "take it out")
    run = StartedRun("backfill", {"day": "2026-01-02"})
    one = diff_of(changed_field(1, 2), runs_started=[run])
    found = EnvironmentDiff("dev", "HEAD", "UTC", pipelines=one.pipelines, problems=[problem])
    printed = in_every_format(found)
    assert printed["text"].splitlines()[1] == f"! {problem}"
    assert "  ! merging starts a run: trigger backfill (day: 2026-01-02)" in printed["text"].splitlines()
    assert printed["text"].endswith("1 run started")
    assert (
        "> [!CAUTION]\n> - environments/dev/values.yaml:3:1: unknown key x; take it out"
        in printed["markdown"]
    )
    assert "> - merging starts a run: trigger backfill (day: 2026-01-02)" in printed["markdown"]
    data = json.loads(printed["json"])["environments"][0]
    assert (data["problems"][0]["line"], data["pipelines"][0]["runsStarted"][0]["trigger"]) == (3, "backfill")


@pytest.mark.parametrize(
    ("change", "row"),
    [
        (("added", "a.b", None, None), "| + | file `f` `a.b` |  | `null` |"),
        (("removed", "a.b", None, None), "| - | file `f` `a.b` | `null` |  |"),
        (("added", "a.b", None, "x"), "| + | file `f` `a.b` |  | `x` |"),
        (("removed", "a.b", {"x": 1}, None), '| - | file `f` `a.b` | `{"x": 1}` |  |'),
        (("changed", None, "1", 1), '| ~ | file `f` | `"1"` | `1` |'),
        (("changed", "a.b", None, "nothing"), '| ~ | file `f` `a.b` |  | `"nothing"` |'),
        (("added", "a.b", None, [{"name": "n", "x": 1}]), "| + | file `f` `a.b` |  | new |"),
    ],
)
def test_a_row_in_markdown_shows_both_sides(change: tuple[str, str | None, Any, Any], row: str) -> None:
    action, field, before, after = change
    found = diff_of(Change(Action(action), Kind.FILE, "f", field, before, after))
    assert row in in_every_format(found)["markdown"].splitlines()


def test_what_environments_share_is_a_section_of_its_own() -> None:
    change = Change(Action.ADDED, Kind.FILE, "argocd/project.yaml", "spec.destinations[0].name", None, None)
    shared = SharedDiff("HEAD", [change], ["the policy is weaker"])
    assert text.shared_to_text(shared).splitlines() == [
        "beside the manifests, compared with HEAD",
        "! the policy is weaker",
        "  + file argocd/project.yaml: spec.destinations[0].name: added: null",
        "1 change",
    ]
    printed = to_markdown([], shared)
    assert printed.startswith("## Beside the manifests: 1 change\n")
    assert "> - the policy is weaker" in printed
    data = json.loads(jsonform.to_json([], shared))
    jsonschema.Draft202012Validator(SCHEMA).validate(data)
    assert data["shared"]["changes"][0]["name"] == "argocd/project.yaml"
