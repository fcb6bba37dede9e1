"""The quick reader of YAML gives what the other one gives, or nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from kfp_gitops.base import yamldump, yamltext, yamlvalue
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamltext import MAX_DEPTH, MAX_NODES
from project import PROJECT

_PIECES = [
    *"\n:-[]{},'\"|>&*!#% \t?~<=.019eExob_+", "\n  ", ": ", "- ", "a", "b: ", "a: 1\n", "&a ", "*a", "!!str ", "! ",
    "<<: ",
    "---\n", "...\n", "yes", "null", "true", "0x1F", "1_0", "60.0", "1e400", "2024-01-01", ".inf", "y", "é", "\u2028",
    "\x00", "\ud800", "? ", "9223372036854775808", "%YAML 1.1\n", "\ufeff", "\r\n",
]  # fmt: skip
_LEAVES = (
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.sampled_from("".join(piece for piece in _PIECES if piece.isascii() and piece.isprintable())))
)  # fmt: skip
_KEYS = st.text(st.sampled_from("ab<=y0-: "), min_size=1, max_size=3)
_DATA = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=12,
)


def _agree(text: str) -> yamltext.Document | None:
    quick = yamlvalue.read(text, "a.yaml")
    try:
        whole = yamltext.parse(text, "a.yaml")
    except InputError:
        assert quick is None
        return None
    if quick is not None:
        assert repr(quick.value) == repr(whole.value)  # to Python 1 is 1.0 and true
        assert quick.whole_floats == whole.whole_floats
        assert quick.path == whole.path
    return quick


@given(_DATA)
def test_what_is_written_is_read(value: Any) -> None:
    quick = _agree(yamldump.dump(value))
    assert quick is not None and quick.value == value


@given(st.lists(st.sampled_from(_PIECES), max_size=14).map("".join))
@example("a: &x 1\nb: *x\n")
@example("a: 1\na: 2\n")
@example("<<: {a: 1}\n")
@example("'<<': {a: 1}\n")
@example("[1]: 2\n")
@example("? {a: 1}\n: 2\n")
@example("1: 2\n")
@example("a: !!str 1\n")
@example("a: !x {b: 1}\n")
@example("a: ! 1\n")
@example("a: 1\n---\nb: 2\n")
@example("a: 012\n")
@example("")
@example("a:\n")
@example("- a\n- b: 60.0\n")
@example("a: 9223372036854775808\n")
def test_any_text_is_read_alike_or_left_to_the_other_reader(text: str) -> None:
    _agree(text)


@given(_DATA.map(yamldump.dump), st.data())
def test_a_text_that_was_changed_is_as_well(text: str, data: st.DataObject) -> None:
    at, cut = data.draw(st.integers(0, len(text))), data.draw(st.integers(0, 3))
    _agree(text[:at] + data.draw(st.sampled_from(_PIECES)) + text[at + cut :])


@pytest.mark.parametrize("depth", [MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 10_000])
def test_bounds_are_those_of_the_other_reader(depth: int) -> None:
    _agree("[" * depth + "1" + "]" * depth)
    _agree("".join(f"{' ' * level}a:\n" for level in range(min(depth, 200))))


def test_what_is_large_is_left_to_the_other_reader() -> None:
    assert yamlvalue.read("- a\n" * (MAX_NODES // 4), "a.yaml") is not None
    assert yamlvalue.read("- a\n" * (MAX_NODES // 4 + 1), "a.yaml") is None


@pytest.mark.parametrize(
    "path", sorted((PROJECT / "manifests").rglob("pipeline.yaml")), ids=lambda p: p.parent.name
)
def test_manifests_as_rendered_are_read(path: Any) -> None:
    assert _agree(path.read_text("utf-8")) is not None
