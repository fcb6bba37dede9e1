"""Merging base and environment values."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from kfp_gitops.base import yamltext
from kfp_gitops.base.yamltext import Document
from kfp_gitops.sources.values import merge


def _document(text: str, path: str) -> Document:
    return yamltext.parse(text, path)


def test_maps_merge_lists_replace_null_removes() -> None:
    base = _document("a: {x: 1, y: [1, 2], z: 3}\nb: 1\n", "base")
    over = _document("a: {y: [9], z: null, w: 4}\n", "over")
    assert merge(base, over).value == {"a": {"x": 1, "y": [9], "w": 4}, "b": 1}


def test_each_value_knows_its_file_and_line() -> None:
    merged = merge(_document("a:\n  x: 1\n  y: 2\n", "base"), _document("a:\n  y: 3\n", "over"))
    assert str(merged.problem(("a", "x"), "w", "t")) == "base:2:6: w; t"
    assert str(merged.problem(("a", "y"), "w", "t")) == "over:2:6: w; t"
    assert str(merged.below(("a",)).problem(("x",), "w", "t")) == "base:2:6: w; t"


MAPS = st.recursive(
    st.integers() | st.none() | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
).filter(lambda value: isinstance(value, dict))


@given(MAPS)
def test_an_empty_environment_is_the_base(base: object) -> None:
    document = Document("base", base, {}, {})
    assert merge(document, Document("over", {}, {}, {})).value == base


@given(MAPS, MAPS)
def test_merging_twice_is_merging_once(base: object, over: object) -> None:
    first = merge(Document("base", base, {}, {}), Document("over", over, {}, {}))
    again = merge(Document("base", first.value, {}, {}), Document("over", over, {}, {}))
    assert again.value == first.value
