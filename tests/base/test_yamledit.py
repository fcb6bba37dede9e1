"""One value is set or taken out, and every other line stays."""

from __future__ import annotations

from typing import Any

import pytest
from kfp_gitops.base.yamledit import UneditableError, flow, put, take
from kfp_gitops.base.yamltext import parse

TEXT = """# top
a:
  # before
  when: '0 0 3 * * 1'  # Mondays
  flat: {x: 1, y: [1, 2]}  # c
  # after
b: {in: {cron: "0 0 4 * * 1", enabled: true}}
long: |
  first
  second

items:
- name: one
  n: 1
# the end
none:
"""


@pytest.mark.parametrize(
    ("at", "value", "old", "new"),
    [
        (("a", "when"), "0 0 5 * * 1", "'0 0 3", "'0 0 5"),
        (("a", "flat", "y", 0), 7, "[1, 2]", "[7, 2]"),
        (("a", "flat", "z"), True, "[1, 2]}", "[1, 2], z: true}"),
        (("a", "more", "deep"), "x y", "# c\n", "# c\n  more:\n    deep: 'x y'\n"),
        (("b", "in", "cron"), "1", '"0 0 4 * * 1"', '"1"'),
        (("long",), "one line", "|\n  first\n  second\n", "'one line'\n"),
        (("items", 0, "m"), [1, {"k": "no"}], "  n: 1\n", "  n: 1\n  m: [1, {k: 'no'}]\n"),
        (("none",), {"k": None}, "none:\n", "none: {k: null}\n"),
        (("none", "k"), 1.5, "none:\n", "none: {k: 1.5}\n"),
        (("new", "k"), "v", "none:\n", "none:\nnew:\n  k: v\n"),
    ],
)
def test_a_value_is_put_where_it_stands_or_behind_what_stands_beside_it(
    at: tuple[str | int, ...], value: Any, old: str, new: str
) -> None:
    assert put(TEXT, at, value) == TEXT.replace(old, new)


@pytest.mark.parametrize(
    ("at", "old", "new"),
    [
        (("a", "when"), "  when: '0 0 3 * * 1'  # Mondays\n", ""),
        (("a", "flat", "x"), "x: 1, ", ""),
        (("a", "flat", "y"), ", y: [1, 2]", ""),
        (("b", "in"), '{in: {cron: "0 0 4 * * 1", enabled: true}}', "{}"),
        (("long",), "long: |\n  first\n  second\n", ""),
        (("items", 0, "n"), "  n: 1\n", ""),
        (("none",), "none:\n", ""),
    ],
)
def test_a_key_is_taken_out_with_its_line(at: tuple[str | int, ...], old: str, new: str) -> None:
    assert take(TEXT, at) == TEXT.replace(old, new)


def test_the_only_key_of_a_block_leaves_an_empty_map() -> None:
    text = "a:\n  b:\n    c: 1  # why\n"
    assert parse(take(text, ("a", "b", "c")), "").value == {"a": {"b": {}}}


def test_a_text_without_an_end_of_line_is_continued_on_the_next() -> None:
    assert put("a: 1", ("b",), 2) == "a: 1\nb: 2\n"
    assert put("# nothing yet\n", ("a", "b"), 2) == "# nothing yet\na:\n  b: 2\n"


@pytest.mark.parametrize("text", ["a: &x {k: 1}\nb: *x\n", "a: &x\n  k: 1\nb: *x\n"])
def test_what_stands_in_two_places_is_not_changed_at_one(text: str) -> None:
    with pytest.raises(UneditableError):
        put(text, ("b", "k"), 2)


@pytest.mark.parametrize(
    "value", ["yes", "1e3", "null", "a: b", "x #y", "it's", "ü", "a\nb", "", "012", "~", "\x85"]
)
def test_any_text_is_read_as_it_was_put(value: str) -> None:
    assert parse(put("k: x\n", ("k",), value), "").value == {"k": value}
    assert parse(f"- {flow([value, {value: value}])}\n", "").value == [[value, {value: value}]]


def test_an_item_of_a_list_is_not_taken_out_alone() -> None:
    with pytest.raises(UneditableError):
        take(TEXT, ("items", 0))
