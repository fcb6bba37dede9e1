"""What a reviewer sees of values and of what is new: nothing is cut silently, nothing that differs looks alike."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from diff_kit import same
from hypothesis import example, given
from hypothesis import strategies as st
from kfp_gitops.base import visible
from kfp_gitops.base.errors import Problem
from kfp_gitops.review.diff import jsonform, nodes, text, values, wording
from kfp_gitops.review.diff.markdown import to_markdown
from kfp_gitops.review.diff.model import (
    Action,
    Change,
    EnvironmentDiff,
    Kind,
    PipelineDiff,
    SharedDiff,
    StartedRun,
)
from project import PROJECT

SCHEMA = json.loads((PROJECT / "scripts/kfp_gitops/language/schemas/diff.schema.json").read_text("utf-8"))


def _diff(*changes: Change, **more: Any) -> EnvironmentDiff:
    return EnvironmentDiff("dev", "HEAD", "UTC", pipelines=[PipelineDiff("p", None, changes, **more)])


def _printed(found: EnvironmentDiff) -> dict[str, str]:
    """In all three formats; JSON fits its schema."""
    data = jsonform.to_json([found])
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(data))
    return {"text": text.to_text(found), "markdown": to_markdown([found]), "json": visible.shown(data)}


def _field(before: Any, after: Any, field: str = "arguments.x") -> Change:
    return Change(Action.CHANGED, Kind.TASK, "t", field, before, after)


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
    assert same(left, right) or before != after
    assert (before + after).isprintable()
    assert max(len(before), len(after)) <= 2 * values.MOST


@pytest.mark.parametrize("place", [0, 119, 120, 121, 500, 998])
def test_a_difference_is_shown_wherever_it_stands(place: int) -> None:
    before = "".join(chr(ord("a") + index % 26) for index in range(1000))
    after = before[:place] + "!" + before[place + 1 :]
    for form, printed in _printed(_diff(_field(before, after))).items():
        assert "!" in printed.replace("[!", ""), form
        assert before[place] in printed
    assert len(wording.change(_field(before, after))) < 200
    assert after in to_markdown([_diff(_field(before, after))])


def test_what_is_left_out_of_a_long_value_is_counted() -> None:
    printed = _printed(_diff(_field("a" * 3000, "b" * 100_000)))
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
    printed = _printed(_diff(code))
    assert "+new 0\n" in printed["text"]
    assert "+… 252 more lines, see the file" in printed["text"]
    assert "-… 480 more lines, see the file" in printed["text"]
    assert "+new 199\n+… 112 more lines, see the file" in printed["markdown"]
    assert "-old 39\n-… 460 more lines, see the file" in printed["markdown"]
    assert '"new 311"' in printed["json"]


def test_control_characters_in_code_and_names_start_no_line() -> None:
    evil = "x\r+ task harmless\u0085\u2028\x0b\x1b[2K"
    found = _diff(
        Change(Action.CHANGED, Kind.COMPONENT, evil, "code", [], [evil]),
        Change(Action.ADDED, Kind.TASK, evil, after={"component": evil, "env": {evil: evil}}),
        Change(Action.CHANGED, Kind.TASK, "a\n+ task b", "env.a\n+ task c", "1", "2"),
    )
    for form, printed in _printed(found).items():
        assert not set(printed) & set("\r\u0085\u2028\x0b\x1b"), form
        assert not [line for line in printed.splitlines() if line.strip().startswith("+ task b")]
        assert not [line for line in printed.splitlines() if line.strip().startswith("+ task c")]


NEW_TASK = {
    "component": "train",
    "arguments": {"rows": {"task": "load", "output": "rows"}, "text": "x" * 1000},
    "env": {"LEVEL": "debug", "TOKEN": {"secret": "registry", "key": "token"}, "POD": {"field": "metadata.name"}},
    "volumes": {"/data": {"pvc": "shared", "subPath": "a"}, "/keys": {"secret": "keys", "optional": True}},
    "resources": {"memory": {"limit": "1Gi"}, "accelerator": {"type": "nvidia.com/gpu", "limit": 1}},
    "securityContext": {"runAsUser": 0, "runAsGroup": 0},
    "placement": {"tolerations": [{"key": "gpu", "operator": "Exists"}], "nodeSelector": {"disk": "ssd"}},
    "pod": {"labels": {"team": "growth"}},
    "image": {"pullSecrets": ["registry"]},
    "retry": {"count": 3},
    "cache": False,
    "timeoutSeconds": 60,
    "in": ["each"],
}  # fmt: skip
SAID = [
    "arguments.rows: load.rows",
    "env.LEVEL: debug",
    "env.TOKEN: secret registry, key token",
    "env.POD: field metadata.name",
    "volumes./data: pvc shared, subPath a",
    "volumes./keys: secret keys, optional true",
    "resources.memory: limit 1Gi",
    "resources.accelerator: type nvidia.com/gpu, limit 1",
    "securityContext: runAsUser 0, runAsGroup 0",
    "placement.tolerations[0]: key gpu, operator Exists",
    "placement.nodeSelector: disk ssd",
    "pod.labels.team: growth",
    "image: pullSecrets registry",
    "retry: count 3",
    "cache: false",
    "timeoutSeconds: 60",
]


def test_all_of_a_new_task_is_told() -> None:
    printed = _printed(_diff(Change(Action.ADDED, Kind.TASK, "t", after=NEW_TASK)))
    lines = [line.strip() for line in printed["text"].splitlines()]
    assert "+ task t (component: train, in: each)" in lines
    assert [line for line in SAID if line not in lines] == []
    assert f"arguments.text: {'x' * 400}… 600 more characters" in lines
    (change,) = json.loads(printed["json"])["environments"][0]["pipelines"][0]["changes"]
    assert set(SAID) <= set(change["details"])
    assert change["after"] == NEW_TASK
    for said in SAID:
        field, _, value = said.partition(": ")
        assert f"| | · `{field}` | | `{value}` |" in printed["markdown"]
    assert "x" * 1000 in printed["markdown"]


def test_rows_of_what_is_new_that_are_too_many_are_counted() -> None:
    env = {f"V{index}": "x" for index in range(1250)}
    printed = _printed(_diff(Change(Action.ADDED, Kind.TASK, "t", after={"component": "c", "env": env})))
    assert "…: 1,050 more, see the file" in printed["text"]


def test_triggers_that_are_new_have_rows() -> None:
    trigger = {
        "name": "on-success",
        "runOn": {"pipeline": "load", "state": "SUCCEEDED"},
        "parameters": {"a": 1},
    }
    found = _diff(
        Change(Action.CHANGED, Kind.PIPELINE, "p", "triggers", None, [trigger, {**trigger, "name": "two"}])
    )
    printed = _printed(found)
    assert "~ pipeline p: triggers: new" in printed["text"]
    assert "[on-success].runOn: pipeline load, state SUCCEEDED" in printed["text"]


def test_every_item_of_a_new_loop_is_told() -> None:
    loop = {"loop": {"items": [f"item-{index}" for index in range(9)], "parallelism": 4}}
    printed = _printed(_diff(Change(Action.ADDED, Kind.LOOP, "each", after=loop)))
    assert "+ loop each (for each of 9 items, 4 at once)" in printed["text"]
    assert all("item-8" in form for form in printed.values())


def test_one_bump_of_21_components_is_one_row_and_21_records() -> None:
    bumps = [Change(Action.CHANGED, Kind.COMPONENT, f"c{n}", "image", "a:1", "a:2") for n in range(21)]
    retries = [Change(Action.CHANGED, Kind.TASK, f"t{n}", "retry.count", 3, 2) for n in range(9)]
    printed = _printed(_diff(*bumps[:1], *retries, *bumps[1:]))
    lines = printed["text"].splitlines()
    assert lines[2] == "  ~ image of 21 components: a:1 → a:2"
    assert lines[3].split() == [f"c{n}," for n in range(20)] + ["c20"]
    assert lines[4] == "  ~ retry.count of 9 tasks: 3 → 2"
    row = next(line for line in printed["markdown"].splitlines() if "21 components" in line)
    assert row.startswith("| ~ | `image` of <details><summary>21 components</summary>`c0`, `c1`")
    assert row.endswith("</details> | `a:1` | `a:2` |")
    found = json.loads(printed["json"])["environments"][0]["pipelines"][0]
    assert len(found["changes"]) == 30
    assert [(len(each["names"]), each["text"]) for each in found["folded"]] == [
        (21, "image of 21 components: a:1 → a:2"),
        (9, "retry.count of 9 tasks: 3 → 2"),
    ]


def test_only_what_says_the_very_same_is_folded() -> None:
    changes = [_field(before, True, "cache") for before in (None, None, 1, 1.0, "1", False)]
    assert "folded" not in to_markdown([_diff(*changes)])
    assert json.loads(_printed(_diff(*changes))["json"])["environments"][0]["pipelines"][0]["folded"] == []


def test_thousands_of_renames_are_one_row_that_counts_what_it_does_not_name() -> None:
    renames = [
        Change(Action.RENAMED, Kind.TASK, f"new-{n}", None, f"old-{n}", f"new-{n}") for n in range(2000)
    ]
    printed = _printed(_diff(*renames))
    assert "  ~ 2,000 tasks renamed" in printed["text"].splitlines()
    assert "new-0 (was old-0), " in printed["text"]
    assert "… 1,970 more" in printed["text"]
    assert len(printed["markdown"]) < 60_000
    assert '"old-1999"' in printed["json"]


def test_what_went_moved_or_came_alike_is_folded_too() -> None:
    found = [
        *(
            Change(Action.ADDED, Kind.TASK, f"a{n}", None, None, {"component": "c", "cache": False})
            for n in range(3)
        ),
        *(Change(Action.REMOVED, Kind.TASK, f"r{n}", None, {"component": "c"}) for n in range(3)),
        *(Change(Action.MOVED, Kind.TASK, f"m{n}", None, [], ["each"]) for n in range(3)),
    ]
    lines = [line.strip() for line in _printed(_diff(*found))["text"].splitlines()]
    assert lines[2:-1] == [
        *("+ 3 tasks (component: c)", "a0, a1, a2", "cache: false"),
        *("- 3 tasks (component: c)", "r0, r1, r2"),
        *("~ 3 tasks moved from the top to each", "m0, m1, m2"),
    ]


def test_problems_stand_first_and_runs_that_merging_starts_are_warned_of() -> None:
    problem = Problem("environments/dev/values.yaml", 3, 1, "unknown key x", "take it out")
    run = StartedRun("backfill", {"day": "2026-01-02"})
    one = _diff(_field(1, 2), runs_started=[run])
    found = EnvironmentDiff("dev", "HEAD", "UTC", pipelines=one.pipelines, problems=[problem])
    printed = _printed(found)
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


def test_what_environments_share_is_a_section_of_its_own() -> None:
    change = Change(Action.ADDED, Kind.FILE, "argocd/project.yaml", "spec.destinations[0].name", None, None)
    shared = SharedDiff("HEAD", [change], ["the policy is weaker"])
    assert text.shared_to_text(shared).splitlines() == [
        "shared by all environments, compared with HEAD",
        "! the policy is weaker",
        "  + file argocd/project.yaml: spec.destinations[0].name: added: null",
        "1 change that all environments share",
    ]
    printed = to_markdown([], shared)
    assert printed.startswith("## Shared by all environments: 1 change that all environments share\n")
    assert "> - the policy is weaker" in printed
    data = json.loads(jsonform.to_json([], shared))
    jsonschema.Draft202012Validator(SCHEMA).validate(data)
    assert data["shared"]["changes"][0]["name"] == "argocd/project.yaml"


def test_a_removed_task_has_its_whole_value_in_json() -> None:
    before = nodes.flat({"spec": {"tasks": {"t": {"component": "c", "env": {"A": "b"}}}}})
    (change,) = nodes.changes(before, {})
    assert change.before == {"component": "c", "env": {"A": "b"}}
