"""The quick reader of YAML gives what the other one gives, or nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from kfp_gitops.base import yamldump, yamltext, yamlvalue
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamltext import MAX_BYTES, MAX_DEPTH, MAX_NODES
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


_LINES = st.builds(
    "{}{}{}{}\n".format,
    st.sampled_from(["", "", "", "  ", "  ", "  ", " ", "    ", "   "]),
    st.sampled_from(["", "", "", "- ", "- ", "- - ", "-", "-  ", "# "]),
    st.sampled_from(["a:", "b:", "c_d:", "e:f:", "y:", "true:", "'q':", "1:", "", "", "<<:", "a :", "?", "a:  "]),
    st.sampled_from(
        [
            "", "", "", "", " x", " 1", " x y", " 1.5", " 60.0", " 1e3", " 'q'", ' "q: #"', " {a: 1, b: [x]}", " []",
            " {a: {b: 1}, a: 2}", " [x, *y]", " &a x", " *a", " |", " >-", " # c", " x # c", " x #c: d", " x: y",
            " no", " 012", " 2024-01-01", " -x", " - x", " ~", " null", " 'x", ' "x', " {a", " }", " {a: b} c", "x",
            " é", " ...", " ---", " x:", " 'it''s'", ' "\\n"', " ,", " @x", " %x", " !x y", " 9223372036854775808",
            " 0", " -0", " +1", " -5", " 1.", " .5", " x ", " \tx", " a@b", " ?x", " :x", " true", " y",
        ]
    ),
)  # fmt: skip


_TREES = st.recursive(
    st.sampled_from(
        ["x", "x y", "1", "1.5", "60.0", "'q'", '"q: #"', "{a: 1, b: [x]}", "[]", "{}", "[x, y ]", "x # c", "é", "~",
         "null", "'it''s'", "-5", "x:y", "true", "{a: {b: 1}}", "s3://a/*.b", "0 3 * * *", "# c", "no", "x: y", "*a"]
    ),
    lambda inner: st.lists(inner, min_size=1, max_size=3)
    | st.dictionaries(st.sampled_from(["a", "b", "c_d", "e.f", "'q'"]), inner, min_size=1, max_size=3),
    max_leaves=10,
)  # fmt: skip


def _laid_out(tree: Any, margin: int, draw: Any) -> list[str]:
    """The lines of a tree as people write it: indented or not, the first key beside its dash or below."""
    lines: list[str] = []
    for entry in tree:
        inner = tree[entry] if isinstance(tree, dict) else entry
        head = f"{' ' * margin}{entry}:" if isinstance(tree, dict) else f"{' ' * margin}-"
        if isinstance(inner, str):
            lines.append(f"{head} {inner}")
            continue
        least = 0 if isinstance(tree, dict) and isinstance(inner, list) else 1
        deeper = draw(st.integers(least, 3))
        below = _laid_out(inner, margin + deeper, draw)
        if isinstance(tree, list) and draw(st.booleans()) and deeper:
            lines.append(f"{head}{below[0][len(head) :]}")
            below = below[1:]
        else:
            lines.append(head)
        lines += below
    return lines


@given(_TREES.filter(lambda tree: not isinstance(tree, str)), st.data())
def test_a_tree_is_read_alike_however_it_is_laid_out(tree: Any, data: st.DataObject) -> None:
    lines = _laid_out(tree, data.draw(st.integers(0, 1)), data.draw)
    _agree("\n".join(lines) + "\n")
    at = data.draw(st.integers(0, len(lines) - 1))
    change = data.draw(st.sampled_from(["drop", "twice", "indent", "outdent", "swap"]))
    line = lines[at]
    changed = {"drop": [], "twice": [line, line], "indent": [f" {line}"], "outdent": [line[1:]]}
    lines[at : at + 1] = changed.get(change, [*lines[at + 1 : at + 2], line])
    _agree("\n".join(lines))


@given(st.lists(_LINES, min_size=1, max_size=7).map("".join))
@example("a:\n- b:\n  - c\n- d\n")
@example("a:\n  - b\n - c\n")
@example("- a: 1\n  b:\n  - 2\n - c\n")
@example("-\n  a: 1\n-\n- b\n")
@example("a:\nb:\n   c: 1\n  d: 2\n")
@example("a: x\n  b: y\n")
@example("- x\n  - y\n")
@example("  a: 1\n  b: 2\n")
@example("  a: 1\nb: 2\n")
@example("a: &x 1\nb: &x 2\n")
@example("y: x\n")
@example("a:\n  true: x\n  b: 1\n")
@example("- null: x\n")
@example("- No: x\n")
def test_lines_of_any_kind_are_read_alike(text: str) -> None:
    _agree(text)


def test_where_something_stands_is_looked_up_when_it_is_asked() -> None:
    text = "a:\n  b: 7e2\n  c: [1, 2]\n"
    quick, whole = yamlvalue.parse(text, "x"), yamltext.parse(text, "x")
    assert quick.values_at == {}
    for at in (("a",), ("a", "b"), ("a", "c", 1), ("a", "no")):
        assert quick.position(at) == whole.position(at)
        assert quick.position(at, key=True) == whole.position(at, key=True)
        assert quick.problem(at, "is wrong", "mend it") == whole.problem(at, "is wrong", "mend it")
    assert quick.spelled(("a", "b")) == "7e2"
    with pytest.raises(InputError, match=r"^x:2:1: key 'a' is given twice"):
        yamlvalue.parse("a: 1\na: 2\n", "x")


def test_what_was_read_of_a_line_is_its_readers_own() -> None:
    text = "a: {b: [1]}\n"
    first, second = yamlvalue.parse(text, "x").value, yamlvalue.parse(text, "x").value
    first["a"]["b"].append(2)
    assert second == {"a": {"b": [1]}}


@pytest.mark.parametrize("depth", [MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 10_000])
def test_bounds_are_those_of_the_other_reader(depth: int) -> None:
    _agree("[" * depth + "1" + "]" * depth)
    _agree("".join(f"{' ' * level}a:\n" for level in range(min(depth, 200))))


def test_what_is_large_is_left_to_the_other_reader() -> None:
    assert yamlvalue.read("- a\n" * (MAX_NODES - 1), "a.yaml") is not None
    assert yamlvalue.read("- a\n" * MAX_NODES, "a.yaml") is None
    assert yamlvalue.read(f"- {'a' * 90}\n" * (MAX_BYTES // 93), "a.yaml") is not None
    assert yamlvalue.read(f"- {'a' * 90}\n" * (MAX_BYTES // 93 + 1), "a.yaml") is None
    assert yamlvalue.read("-  a\n" * (MAX_NODES // 5), "a.yaml") is not None  # by LibYAML's events
    assert yamlvalue.read("-  a\n" * (MAX_NODES // 5 + 1), "a.yaml") is None


@pytest.mark.parametrize(
    "path", sorted((PROJECT / "manifests").rglob("pipeline.yaml")), ids=lambda p: p.parent.name
)
def test_manifests_as_rendered_are_read(path: Any) -> None:
    assert _agree(path.read_text("utf-8")) is not None
