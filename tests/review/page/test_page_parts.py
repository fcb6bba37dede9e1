"""The parts of a review's page: code side by side, the week, what there is room for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kfp_gitops.review.diff.calendar import calendar
from kfp_gitops.review.page import sources, week
from kfp_gitops.review.page.pieces import Fitted, Missing, Piece, Rank, fitted, missing
from kfp_gitops.review.page.sources import Pair, Side
from kfp_gitops.review.page.week import Week
from markupsafe import Markup

START = datetime(2026, 11, 24, 12, tzinfo=UTC)


def _kinds(pairs: list[Pair] | None) -> list[tuple[str, int, int, int]]:
    return [(pair.kind, pair.left.number, pair.right.number, pair.folded) for pair in pairs or []]


def test_a_line_that_changed_stands_beside_what_it_was() -> None:
    found = sources.compared(["a", "b", "c"], ["a", "B", "c", "d"])
    assert found == [
        Pair("same", Side(1, "a"), Side(1, "a")),
        Pair("changed", Side(2, "b"), Side(2, "B")),
        Pair("same", Side(3, "c"), Side(3, "c")),
        Pair("added", Side(), Side(4, "d")),
    ]


def test_equal_lines_far_from_a_difference_are_counted() -> None:
    before = [str(number) for number in range(20)]
    found = sources.compared(before, [*before[:10], "new", *before[10:]])
    assert _kinds(found) == [
        ("folded", 0, 0, 7),
        ("same", 8, 8, 0),
        ("same", 9, 9, 0),
        ("same", 10, 10, 0),
        ("added", 0, 11, 0),
        ("same", 11, 12, 0),
        ("same", 12, 13, 0),
        ("same", 13, 14, 0),
        ("folded", 0, 0, 7),
    ]


def test_what_a_browser_would_hide_in_code_is_written_out() -> None:
    found = sources.compared(["x"], ["x\u202e\u200b"])
    assert found is not None
    assert found[0].right.text == "x\\u202e\\u200b"


def test_too_much_code_is_not_compared_and_a_long_table_is_cut() -> None:
    many = [str(number) for number in range(2_000)]
    assert sources.compared(many, many[:-1]) is None
    found = sources.compared(many[:1_000], [f"{line}." for line in many[:1_000]])
    assert found is not None
    assert found[-1] == Pair("cut", folded=600)


def _manifests(**crons: str) -> dict[str, Mapping[str, Any]]:
    def schedule(cron: str) -> dict[str, Any]:
        return {"name": "s", "cron": cron.lstrip("#"), "enabled": not cron.startswith("#")}

    return {name: {"schedules": [schedule(cron)]} for name, cron in crons.items()}


def _week(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    both = [calendar("dev", "UTC", _manifests(**side), START) for side in (before, after)]
    return str(week.drawn(Week(both[0], both[1]), "a week of dev"))


def test_the_week_shows_each_firing_before_and_after_by_position_and_in_words() -> None:
    drawn = _week({"a": "0 0 4 * * 1", "b": "0 0 5 * * *"}, {"a": "0 0 6 * * 1,4", "b": "0 0 5 * * *"})
    assert drawn.count('<rect class="before"') == 1 + 1  # and one in the legend
    assert drawn.count('<rect class="after"') == 2 + 1
    assert drawn.count('<rect class="same"') == 7 + 1
    assert "1 of 2 fire otherwise" in drawn
    assert "<td>0 0 4 * * 1, 1 firing, first Mon 2026-11-30 04:00:00 UTC</td>" in drawn
    assert drawn.index(">a-s (changed)<") < drawn.index(">b-s<")


def test_what_stands_out_after_merging_is_told() -> None:
    drawn = _week({"a": "0 0 4 * * 1"}, {"a": "0 0 4 * * 1", "b": "0 0 4 * * 1"})
    assert "Mon 11-30 04:00 UTC: a-s, b-s fire together</li>" in drawn
    assert "longest time without a firing: 5 d 16 h" in drawn


def test_a_schedule_that_comes_goes_or_is_off_is_said_so() -> None:
    drawn = _week({"a": "0 0 4 * * *", "c": "#0 0 4 * * *"}, {"b": "0 0 4 * * *", "c": "#0 0 5 * * *"})
    assert ">a-s (removed)<" in drawn and ">b-s (new)<" in drawn and ">c-s (changed)<" in drawn
    assert "2 of 3 fire otherwise" in drawn
    assert "<td>0 0 4 * * *, off</td>" in drawn


def test_one_that_fires_all_the_time_is_a_bar_and_many_schedules_are_counted() -> None:
    many = {f"p{number}": "0 * * * * *" for number in range(week.MOST + 2)}
    drawn = _week(many, {**many, "p41": "0 */2 * * * *"})
    assert drawn.count("<rect") == week.MOST + 1 + 3
    assert "… 2 more" in drawn
    assert drawn.index("p41-s (changed)") < drawn.index(">p0-s<")
    assert _week({}, {}) == ""


def _piece(rank: Rank, at: int, size: int) -> Piece:
    return Piece(rank, (0, at), f"p{at}", "dev", lambda: Markup("x" * size))


def test_what_matters_most_has_its_place_first() -> None:
    every = [_piece(rank, at, 10) for at in range(3) for rank in (Rank.CODE, Rank.PICTURE, Rank.CHANGES)]
    found = fitted(every, 45)
    assert {rank for rank, _ in found.kept} == {Rank.CHANGES, Rank.PICTURE}
    assert [*missing(found)] == [
        Missing("the pictures", "dev", ["p1", "p2"]),
        Missing("the code", "dev", ["p0", "p1", "p2"]),
    ]


def test_a_piece_that_is_too_large_is_left_out_alone_and_its_picture_with_it() -> None:
    found = fitted([_piece(Rank.CHANGES, 0, 99), _piece(Rank.CHANGES, 1, 10), _piece(Rank.PICTURE, 0, 5)], 50)
    assert set(found.kept) == {(Rank.CHANGES, (0, 1))}
    assert [(piece.rank, piece.about) for piece in found.left_out] == [
        (Rank.CHANGES, "p0"),
        (Rank.PICTURE, "p0"),
    ]


def test_of_a_piece_that_is_too_large_the_first_rows_are_there_and_its_picture_too() -> None:
    whole = Piece(Rank.CHANGES, (0, 0), "p0", "dev", lambda: Markup("x" * 99), lambda: Markup("x" * 20))
    found = fitted([whole, _piece(Rank.CHANGES, 1, 10), _piece(Rank.PICTURE, 0, 5)], 50)
    assert len(found.kept[Rank.CHANGES, (0, 0)]) == 20
    assert len(found.kept) == 3 and not found.left_out
    assert [*missing(found)] == [Missing("all of the changes but the first rows", "dev", ["p0"])]


def test_of_thousands_that_do_not_fit_only_the_first_are_made() -> None:
    made = []

    def make() -> Markup:
        made.append(1)
        return Markup("x" * 100)

    found: Fitted = fitted([Piece(Rank.CHANGES, (0, at), "p", "dev", make) for at in range(5_000)], 50)
    assert len(found.left_out) == 5_000
    assert len(made) < 20


@pytest.mark.parametrize("hours", [0, 12])
def test_days_of_the_week_begin_at_midnight(hours: int) -> None:
    start = START.replace(hour=0) + timedelta(hours=hours)
    both = [calendar("dev", "UTC", _manifests(a="0 0 4 * * *"), start)] * 2
    drawn = str(week.drawn(Week(both[0], both[1]), "w"))
    assert drawn.count('<path class="day"') == (7 if hours == 0 else 8)
    assert ("Tue 24 Nov" in drawn) is (hours == 0)
