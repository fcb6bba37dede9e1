"""A comment that GitHub takes: what does not fit is left out in an order, and that is said first."""

from __future__ import annotations

import pytest
from kfp_gitops.review.diff import details
from kfp_gitops.review.diff.markdown import to_markdown
from kfp_gitops.review.diff.model import Action, Change, EnvironmentDiff, Kind, PipelineDiff
from words_kit import changed_field


def test_a_comment_that_is_too_small_has_every_pipeline_and_its_warnings_before_it_is_cut() -> None:
    pipelines = [
        PipelineDiff(
            f"p{n}",
            None,
            [changed_field(n, "x" * 100, f"env.V{n}-{m}") for m in range(100)],
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
    pipelines = [PipelineDiff(f"p{n}", None, [changed_field(*long, f"env.V{n}")]) for n in range(1000)]
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
