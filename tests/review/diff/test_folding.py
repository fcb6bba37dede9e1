"""What is alike is told once: rows that are folded in one pipeline and in several, and their records in full."""

from __future__ import annotations

import json

from kfp_gitops.review.diff.markdown import to_markdown
from kfp_gitops.review.diff.model import Action, Change, EnvironmentDiff, Kind, PipelineDiff
from words_kit import changed_field, diff_of, in_every_format


def test_one_bump_of_21_components_is_one_row_and_21_records() -> None:
    bumps = [Change(Action.CHANGED, Kind.COMPONENT, f"c{n}", "image", "a:1", "a:2") for n in range(21)]
    retries = [Change(Action.CHANGED, Kind.TASK, f"t{n}", "retry.count", 3, 2) for n in range(9)]
    printed = in_every_format(diff_of(*bumps[:1], *retries, *bumps[1:]))
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
        PipelineDiff("s", None, [code, changed_field(1, 2)]),
    ]
    found = EnvironmentDiff("dev", "HEAD", "UTC", pipelines=pipelines)
    printed = in_every_format(found)
    lines = printed["text"].splitlines()
    assert lines[1:11] == [
        "  ~ image of 4 components in 2 pipelines: a:1 → a:2",
        "      p (3), q",
        "  ~ code of component b in 3 pipelines, lines: 1 added, 1 removed",
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
    printed = in_every_format(EnvironmentDiff("dev", "HEAD", "UTC", pipelines=pipelines))
    assert printed["text"].splitlines()[1:4] == [
        "~ 3 pipelines change alike: not locked yet",
        "      p, q, r",
        "  ~ pipeline ‹name›: deadlineSeconds: 60 → 90",
    ]


def test_only_what_says_the_very_same_is_folded() -> None:
    changes = [changed_field(before, 2, "cache") for before in (None, None, 1, 1.0, True, "1", 3)]
    assert "folded" not in to_markdown([diff_of(*changes)])
    assert (
        json.loads(in_every_format(diff_of(*changes))["json"])["environments"][0]["pipelines"][0]["folded"]
        == []
    )


def test_thousands_of_renames_are_one_row_that_counts_what_it_does_not_name() -> None:
    renames = [
        Change(Action.RENAMED, Kind.TASK, f"new-{n}", None, f"old-{n}", f"new-{n}") for n in range(2000)
    ]
    printed = in_every_format(diff_of(*renames))
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
    lines = [line.strip() for line in in_every_format(diff_of(*found))["text"].splitlines()]
    assert lines[2:-1] == [
        *("+ 3 tasks (component: c)", "a0, a1, a2", "cache: false"),
        *("- 3 tasks (component: c)", "r0, r1, r2"),
        *("~ 3 tasks moved from the top to each", "m0, m1, m2"),
    ]
