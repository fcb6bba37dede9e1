"""What a reviewer sees of values and of what is new: nothing is cut silently, nothing that differs looks alike."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from kfp_gitops.base import visible
from kfp_gitops.base.errors import Problem
from kfp_gitops.review.diff import details, jsonform, nodes, text, values, wording
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
from project import PROJECT

SCHEMA = json.loads((PROJECT / "scripts/kfp_gitops/language/schemas/diff.schema.json").read_text("utf-8"))


def _diff(*changes: Change, **more: Any) -> EnvironmentDiff:
    return EnvironmentDiff("dev", "HEAD", "UTC", pipelines=[PipelineDiff("p", None, changes, **more)])


def test_no_name_of_a_pipeline_or_schedule_starts_a_line_in_the_terminal() -> None:
    evil = "a\n+ b\r\u2028"
    firing = Firings(evil, [], [datetime(2026, 11, 30, tzinfo=UTC)], [evil])
    pipeline = PipelineDiff(
        evil, None, [_field(1, 2)], replaced=[evil], firings=[firing], warnings=[evil], noise=[evil]
    )
    found = EnvironmentDiff(evil, evil, "UTC", pipelines=[pipeline], warnings=[evil], noise=[evil])
    lines = text.to_text(found).split("\n")
    assert all(line.isprintable() for line in lines)
    assert not [line for line in lines if line.strip().startswith("+ b")]


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
    assert alike(left, right) or before != after
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


SPEC = {
    "components": {
        "comp-c": {
            "executorLabel": "exec-c",
            "inputDefinitions": {"parameters": {"rows": {"parameterType": "STRING"}}},
        }
    },
    "deploymentSpec": {
        "executors": {
            "exec-c": {
                "container": {
                    "image": "example.com/c:1",
                    "command": ["sh", "-c", "first\nsecond"],
                    "args": ["--x", {"IfPresent": {"InputName": "rows", "Then": ["--rows"]}}],
                    "env": [{"name": "TOKEN", "value": "x"}],
                }
            }
        }
    },
    "root": {"dag": {"tasks": {"c": {"cachingOptions": {}, "componentRef": {"name": "comp-c"}}}}},
}


def test_all_of_a_new_component_is_told() -> None:
    printed = _printed(_diff(Change(Action.ADDED, Kind.COMPONENT, "c", after=SPEC)))
    assert printed["text"].splitlines()[2:-1] == [
        "  + component c (image: example.com/c:1)",
        "      components.comp-c.executorLabel: exec-c",
        "      input rows: parameterType STRING",
        "      env[TOKEN]: name TOKEN, value x",
        "      root.dag.tasks.c.cachingOptions: {}",
        "      root.dag.tasks.c.componentRef: name comp-c",
        "      +sh",
        "      +-c",
        "      +first",
        "      +second",
        "      +--x",
        '      +{"IfPresent": {"InputName": "rows", "Then": ["--rows"]}}',
    ]
    assert "<summary>code of c</summary>\n\n```diff\n+sh\n" in printed["markdown"]
    assert "| | · `input rows` | | `parameterType STRING` |" in printed["markdown"]


def test_lines_of_a_file_that_is_no_yaml_are_shown_like_code() -> None:
    lines = Change(
        Action.CHANGED, Kind.FILE, ".gitattributes", "lines", ["*.x text"], ["*.x -text", "*.y -text"]
    )
    printed = _printed(_diff(lines))
    assert printed["text"].splitlines()[2:-1] == [
        "  ~ file .gitattributes: lines: 2 added, 1 removed",
        "      -*.x text",
        "      +*.x -text",
        "      +*.y -text",
    ]
    assert "```diff\n-*.x text\n+*.x -text\n+*.y -text\n```" in printed["markdown"]


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


def _bumps(*names: str) -> list[Change]:
    return [Change(Action.CHANGED, Kind.COMPONENT, name, "image", "a:1", "a:2") for name in names]


def test_one_bump_in_several_pipelines_is_told_once_for_all_of_them() -> None:
    code = Change(Action.CHANGED, Kind.COMPONENT, "b", "code", ["old"], ["new"])
    pipelines = [
        PipelineDiff("p", None, [*_bumps("a", "b", "c"), code]),
        PipelineDiff("q", None, [*_bumps("a"), code]),
        PipelineDiff("r", Action.ADDED, _bumps("a")),
        PipelineDiff("s", None, [code, _field(1, 2)]),
    ]
    found = EnvironmentDiff("dev", "HEAD", "UTC", pipelines=pipelines)
    printed = _printed(found)
    lines = printed["text"].splitlines()
    assert lines[1:11] == [
        "  ~ image of 4 components in 2 pipelines: a:1 → a:2",
        "      p (3), q",
        "  ~ code of 3 components in 3 pipelines, lines: 1 added, 1 removed",
        "      p, q, s",
        "      -old",
        "      +new",
        "~ p: version none → not locked yet",
        "  ~ image of 3 components: as above",
        "      a, b, c",
        "  ~ code of component b: as above",
    ]
    assert "  ~ image of component a: as above" in lines
    assert "  ~ component a: image: a:1 → a:2" in lines, "what is new is told where it stands"
    assert printed["text"].count("+new") == printed["markdown"].count("+new") == 1
    assert "| ~ | component `b` `code` |  | as above |" in printed["markdown"]
    data = json.loads(printed["json"])["environments"][0]
    assert [each["text"] for each in data["common"]] == [lines[1].strip(" ~"), lines[3].strip(" ~")]
    assert data["common"][0]["things"][-1] == {"pipeline": "q", "name": "a"}
    assert [len(each["changes"]) for each in data["pipelines"]] == [4, 2, 1, 2]


def test_a_setting_of_several_pipelines_is_told_once() -> None:
    pipelines = [
        PipelineDiff(name, None, [Change(Action.CHANGED, Kind.PIPELINE, name, "deadlineSeconds", 60, 90)])
        for name in "pqr"
    ]
    printed = _printed(EnvironmentDiff("dev", "HEAD", "UTC", pipelines=pipelines))
    assert printed["text"].splitlines()[1:3] == [
        "  ~ deadlineSeconds of 3 pipelines: 60 → 90",
        "      p, q, r",
    ]


def test_only_what_says_the_very_same_is_folded() -> None:
    changes = [_field(before, 2, "cache") for before in (None, None, 1, 1.0, True, "1", 3)]
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


def test_a_comment_that_is_too_small_has_every_pipeline_and_its_warnings_before_it_is_cut() -> None:
    pipelines = [
        PipelineDiff(
            f"p{n}",
            None,
            [_field(n, "x" * 100, f"env.V{n}-{m}") for m in range(100)],
            warnings=[f"warned {n}"],
        )
        for n in range(30)
    ]
    printed = to_markdown([EnvironmentDiff("dev", "HEAD", "UTC", pipelines=pipelines)])
    assert printed.startswith("> **Not all that changes is shown**")
    assert all(f"### `p{n}: " in printed and f"> - warned {n}\n" in printed for n in range(30))
    assert printed.count("| | … 95 more | | |") == 30
    code = Change(Action.CHANGED, Kind.COMPONENT, "c", "code", [], ["y" * 350] * 200)
    few = to_markdown([EnvironmentDiff("dev", "HEAD", "UTC", pipelines=pipelines[:2], changes=[code])])
    assert few.startswith("> Pictures and code are left out")
    assert "more | | |" not in few


def test_a_comment_works_out_no_more_than_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    worked_out: list[Change] = []
    in_full = details.in_full

    def counted(change: Change) -> list[str]:
        worked_out.append(change)
        return in_full(change)

    monkeypatch.setattr("kfp_gitops.review.diff.details.in_full", counted)
    long = ["\n".join(f"{side} {line}" for line in range(200)) for side in "ab"]
    pipelines = [PipelineDiff(f"p{n}", None, [_field(*long, f"env.V{n}")]) for n in range(1000)]
    printed = to_markdown([EnvironmentDiff("dev", "HEAD", "UTC", pipelines=pipelines)])
    assert printed.startswith("> **Not all that changes is shown**")
    assert len(printed) <= 60_001
    assert 0 < len(worked_out) < 100


@pytest.mark.parametrize("beyond", range(-3, 4))
def test_a_comment_of_just_the_size_is_not_cut_and_one_of_a_character_more_is(beyond: int) -> None:
    def printed(first: int, second: int) -> str:
        sizes = (("dev", first), ("prod", second))
        return to_markdown(
            [EnvironmentDiff(name, "HEAD", "UTC", warnings=["x" * size]) for name, size in sizes]
        )

    around = len(printed(1, 1)) - 2
    text = printed(10, 60_000 + beyond - around - 10)
    if beyond <= 0:
        assert (len(text), text[-2:]) == (60_000 + beyond, "x\n")
    else:
        assert text.startswith("> **Not all that changes is shown**")


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
    found = _diff(Change(Action(action), Kind.FILE, "f", field, before, after))
    assert row in _printed(found)["markdown"].splitlines()


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


def test_a_removed_task_has_its_whole_value_in_json() -> None:
    before = nodes.flat({"spec": {"tasks": {"t": {"component": "c", "env": {"A": "b"}}}}})
    (change,) = nodes.changes(before, {})
    assert change.before == {"component": "c", "env": {"A": "b"}}
