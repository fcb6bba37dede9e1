"""Pipelines of which the same is to be told are told once; those that differ stand on their own. Records stay whole."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from kfp_gitops.review.diff.model import (
    Action,
    Category,
    Change,
    EnvironmentDiff,
    Firings,
    Kind,
    PipelineDiff,
    StartedRun,
)
from words_kit import in_every_format

CODE = Change(Action.CHANGED, Kind.COMPONENT, "train", "code", ["old"], ["new"])


def _owner(pipeline: str, before: object, after: object) -> Change:
    return Change(Action.CHANGED, Kind.PIPELINE, pipeline, "metadata.owner", before, after)


def _default(before: object, after: object) -> Change:
    return Change(Action.CHANGED, Kind.PARAMETER, "level", "default", before, after)


def _of(*pipelines: PipelineDiff) -> dict[str, str]:
    return in_every_format(EnvironmentDiff("dev", "HEAD", "UTC", pipelines=pipelines))


def test_what_is_common_is_told_once_and_what_is_more_on_its_own() -> None:
    alike = [PipelineDiff(name, None, [CODE], template="usage") for name in ("acme", "birch", "cedar")]
    other = PipelineDiff("dora", None, [CODE, _default(1, 2)], template="usage")
    printed = _of(*alike, other)
    assert printed["text"].splitlines()[1:] == [
        "  ~ code of component train in 4 pipelines, lines: 1 added, 1 removed",
        "      acme, birch, cedar, dora",
        "      -old",
        "      +new",
        "~ 3 pipelines of template usage change alike: not locked yet",
        "      acme, birch, cedar",
        "  ~ code of component train: as above",
        "~ dora: version none → not locked yet",
        "  ~ code of component train: as above",
        "  ~ parameter level: default: 1 → 2",
        "4 pipelines not locked yet",
    ]
    data = json.loads(printed["json"])["environments"][0]
    assert data["alike"] == [
        {
            "pipelines": ["acme", "birch", "cedar"],
            "template": "usage",
            "own": [],
            "text": "3 pipelines of template usage change alike: not locked yet",
        }
    ]
    assert [len(each["changes"]) for each in data["pipelines"]] == [1, 1, 1, 2], "each has all of it"
    assert printed["markdown"].count("+new") == 1
    assert "<details><summary>which</summary>acme, birch, cedar</details>" in printed["markdown"]


def test_without_a_pipeline_that_differs_nothing_is_said_twice() -> None:
    printed = _of(*(PipelineDiff(name, None, [CODE]) for name in ("acme", "birch", "cedar")))
    assert "as above" not in printed["text"] + printed["markdown"]
    assert printed["text"].splitlines()[3:6] == [
        "  ~ component train: code, lines: 1 added, 1 removed",
        "      -old",
        "      +new",
    ]


def test_two_pipelines_are_told_one_by_one() -> None:
    printed = _of(*(PipelineDiff(name, None, [CODE]) for name in ("acme", "birch")))
    assert "alike" not in printed["text"]
    assert json.loads(printed["json"])["environments"][0]["alike"] == []


def test_a_text_with_the_name_of_each_in_it_is_the_same() -> None:
    names = ("acme", "birch", "cedar")
    printed = _of(
        *(PipelineDiff(name, None, [_owner(name, f"team of {name}", f"{name}'s team")]) for name in names)
    )
    assert "  ~ pipeline ‹name›: metadata.owner: team of ‹name› → ‹name›'s team" in printed["text"]
    assert "acme's team" in printed["json"]
    found = _of(*(PipelineDiff(name, None, [_owner(name, "x", f"{name}-team")]) for name in names))
    assert "alike" not in found["text"], "a name that stands inside another word is no name"


def test_a_name_that_is_a_word_of_what_all_share_does_not_set_its_pipeline_apart() -> None:
    change = Change(Action.CHANGED, Kind.COMPONENT, "greet", "code", ["hello all"], ["good day all"])
    printed = _of(*(PipelineDiff(name, None, [change]) for name in ("acme", "birch", "hello")))
    assert "~ 3 pipelines change alike" in printed["text"]
    assert "-hello all" in printed["text"]


def test_changes_in_the_same_places_with_values_of_their_own_are_one_section() -> None:
    levels = {"acme": (1, 2), "birch": (3, 6), "cedar": (4, 8)}
    pipelines = [PipelineDiff(name, None, [CODE, _default(*level)]) for name, level in levels.items()]
    printed = _of(*pipelines)
    assert printed["text"].splitlines()[1:10] == [
        "~ 3 pipelines change in the same places, each in a way of its own: not locked yet",
        "      acme, birch, cedar",
        "  ~ component train: code, lines: 1 added, 1 removed",
        "      -old",
        "      +new",
        "  ~ parameter level: default: its own in each of 3 pipelines",
        "      acme: 1 → 2",
        "      birch: 3 → 6",
        "      cedar: 4 → 8",
    ]
    assert "| | · `birch` | `3` | `6` |" in printed["markdown"]
    data = json.loads(printed["json"])["environments"][0]
    assert data["alike"][0]["own"] == [{"kind": "parameter", "field": "default"}]
    assert data["pipelines"][1]["changes"][1]["after"] == 6


def test_new_pipelines_of_one_template_are_one_section() -> None:
    def new(name: str, source: str) -> PipelineDiff:
        parameter = Change(Action.ADDED, Kind.PARAMETER, "source", after={"type": "str", "default": source})
        task = Change(Action.ADDED, Kind.TASK, "train", after={"component": "train", "cache": False})
        return PipelineDiff(name, Action.ADDED, [parameter, task], template="usage")

    printed = _of(
        *(new(name, f"s3://{name}/usage") for name in ("acme", "birch")), new("cedar", "s3://other")
    )
    assert "+ 3 new pipelines of template usage" in printed["text"]
    assert "  + task train (component: train)" in printed["text"]
    assert "  + parameter source: its own in each of 3 pipelines" in printed["text"]
    assert "  + parameter source (type: str)\n" in printed["text"], "what is the same is told once"
    assert "      cedar: default: s3://other" in printed["text"]
    assert json.loads(printed["json"])["environments"][0]["pipelines"][2]["changes"][0]["after"] == {
        "type": "str",
        "default": "s3://other",
    }


def test_of_new_pipelines_only_what_is_their_own_stands_with_each() -> None:
    """A null that one of them has is not the same as nothing; what one has more than the first is told, too."""

    def new(name: str, **more: object) -> PipelineDiff:
        head = {
            "release": "sha256:1",
            "metadata": {"name": name, "description": "Train.", "owner": f"{name}-team"},
        }
        return PipelineDiff(
            name, Action.ADDED, [Change(Action.ADDED, Kind.PIPELINE, name, after={**head, **more})]
        )

    lines = _of(new("acme", team="a"), new("birch", team="b", x=None), new("cedar", team="c"))[
        "text"
    ].splitlines()
    own = lines.index("  + pipeline: its own in each of 3 pipelines")
    assert [line for line in lines[:own] if "release" in line or "metadata" in line]
    assert not [line for line in lines[own:] if "release" in line or "Train." in line]
    assert "      birch: metadata.owner: birch-team, team: b, x: nothing" in lines[own:]


def test_warnings_and_runs_that_are_not_the_same_are_never_folded() -> None:
    def warned(name: str, *texts: str) -> PipelineDiff:
        return PipelineDiff(name, None, [CODE], warnings=texts)

    printed = _of(warned("a"), warned("b"), warned("c"), warned("d", "mind this"))
    assert printed["text"].count("! mind this") == 1
    assert "~ d: version" in printed["text"]
    runs = [
        PipelineDiff(name, None, [CODE], runs_started=[StartedRun("now", {"level": level})])
        for level, name in enumerate("abc")
    ]
    printed = _of(*runs)
    assert "alike" not in printed["text"]
    assert printed["text"].count("merging starts a run") == 3


def test_firings_at_times_of_their_own_are_told_by_the_first_of_all() -> None:
    change = Change(Action.CHANGED, Kind.SCHEDULE, "weekly", "enabled", False, True)

    def firing(name: str, hour: int) -> PipelineDiff:
        return PipelineDiff(
            name, None, [change], firings=[Firings("weekly", [], [datetime(2026, 11, 30, hour, tzinfo=UTC)])]
        )

    printed = _of(*(firing(name, hour) for name, hour in (("acme", 5), ("birch", 3), ("cedar", 4))))
    said = "schedule weekly: at times of its own in each; first Mon 2026-11-30 03:00:00 UTC, in birch"
    assert f"    {said}" in printed["text"].splitlines()
    assert f"- {said}" in printed["markdown"].splitlines()
    printed = _of(*(firing(name, 3) for name in ("acme", "birch", "cedar")))
    assert "    weekly fires Mon 2026-11-30 03:00:00 UTC" in printed["text"].splitlines()


def test_runs_in_flight_are_summed() -> None:
    printed = _of(*(PipelineDiff(name, None, [CODE], in_flight=count) for count, name in enumerate("abc", 1)))
    assert (
        "  ! 6 in flight; a run goes on with the version that it started with" in printed["text"].splitlines()
    )


def test_a_picture_is_drawn_where_it_is_everybodys() -> None:
    same = [PipelineDiff(name, None, [CODE], graph="flowchart LR") for name in "abc"]
    assert _of(*same)["markdown"].count("```mermaid") == 1
    others = [PipelineDiff(name, None, [CODE], graph=f"flowchart LR\n  {name}") for name in "abc"]
    assert "```mermaid" not in _of(*others)["markdown"]


def test_categories_name_some_pipelines_and_count_the_rest_but_what_breaks_stands_with_each() -> None:
    many = [PipelineDiff(f"p{n:03}", None, [CODE], category=Category.INTERFACE) for n in range(100)]
    broken = PipelineDiff("z", None, [CODE], category=Category.INTERFACE, breaks=["level goes"])
    (line,) = (line for line in _of(*many, broken)["text"].splitlines() if line.startswith("category"))
    assert line.startswith("category interface: z (level goes), p000, p001")
    assert line.endswith("p029, … 70 more")


def test_thousands_of_pipelines_fit_a_comment_whatever_is_their_own() -> None:
    alike = [PipelineDiff(f"customer-{n:05}", None, [CODE], template="usage") for n in range(10_000)]
    assert len(_of(*alike)["markdown"]) < 60_000
    own = [PipelineDiff(f"customer-{n:05}", None, [_default(n, n + 1)]) for n in range(5_000)]
    printed = _of(*own)
    assert len(printed["markdown"]) < 60_000
    assert (
        "| | · … 4,995 more | | |" in printed["markdown"] or "| | · … 4,980 more | | |" in printed["markdown"]
    )
    assert "customer-04999: 4999 → 5000" in printed["text"], "the text has all of them"
