"""What we write, every reader takes for the same; what a Go reader takes for something else, ours refuses.

tests/data/go_yaml_scalars.jsonl says what Go's readers make of plain scalars, and the development server's reader
(KFP's yaml.v3, in code of its own) reads what is written here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from kfp_gitops.base import goyaml, yamldump, yamltext
from kfp_gitops.base.errors import InputError
from kfp_gitops.compiling import ir
from kfp_gitops.devserver.yamltext import load_documents
from kfp_gitops.sources import values
from project import PROJECT

_FILE = Path(__file__).parents[1] / "data/go_yaml_scalars.jsonl"
_VECTORS = [json.loads(line) for line in _FILE.read_text().splitlines()]
_TEXTS = [vector["text"] for vector in _VECTORS]
# What was lost when written by a real project, and what could be mistaken for the end of a document.
_SEEN = [
    "0X1F", "0O14", "0B1", "1e4_1", "34e0_68", "9._E_2", "-_8", "+_41019", "2001-1-1", "0o-7", "1e3", "08", "y", "n",
    "Loading...", "68...", "...", "a\n...", "a\n...\n", "...\n", "\n...\n", "a\n...\n\n", "---", "--- a", "<<", "=", "",
    "~", "null", "1:30", "2024-01-01T00:00:00Z", " a\n b", "\n a", "a\n\n", "\ta\n", "a \nb", "#", "a #b", "a: b",
    "- a",
]  # fmt: skip
_NASTY = (
    st.sampled_from(_SEEN + _TEXTS)
    | st.text(st.sampled_from("0179_-+.eExXoObBF:"), min_size=1, max_size=7)
    | st.lists(st.sampled_from(["...", "---", *"\n a#:-\t'\"|é\x850"]), max_size=6).map("".join)
    | st.builds("{}{}".format, st.sampled_from(_SEEN), st.sampled_from(["...", "\n", "\n...", " ", "_", "0"]))
)  # fmt: skip
_SCALARS = (
    _NASTY
    | st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, allow_infinity=False)
)
_DATA = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NASTY, inner, max_size=3),
    max_leaves=8,
)


@given(_DATA)
@example({"text": "Loading..."})
@example({"text": "a\n...\n"})
@example({"0X1F": ["0O14", {"1e4_1": "68..."}]})
@example("68...")
def test_every_reader_takes_what_is_written_for_what_was_meant(value: Any) -> None:
    text = yamldump.dump(value)
    assert (
        yamltext.parse(text, "x").value == value
    )  # YAML 1.2, and a refusal of what Go takes for something else
    assert yaml.safe_load(text) == value  # YAML 1.1
    assert load_documents(text.encode()) == [value]  # yaml.v3


_NESTED = st.recursive(
    _SCALARS
    | st.text(max_size=12)
    | st.sampled_from([[], {}, "l1\nl2\n", "é", " x", "x ", "a\n b\n\n", 2.5e-7, -0.0]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            _NASTY | st.text(max_size=3) | st.sampled_from(["k" * 130, "k" * 128, "é" * 60]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)


@given(_NESTED)
@example({"a": [["x\ny", {"k": "l\nm\n"}], [[]], {"": {}}]})
@example({"k" * 127: 1, "k" * 128: 2, "k" * 129: 3})
@example([-0.0, 1e300, 1.0, True, None])
def test_it_is_written_as_libyaml_writes_it(value: Any) -> None:
    expected = yamldump.by_libyaml(value)
    assert yamldump.HIDDEN.sub(yamldump._escape, expected) == yamldump.dump(value)


@pytest.mark.parametrize("path", sorted((PROJECT / "manifests").rglob("*.yaml")), ids=lambda p: str(p.name))
def test_what_ships_is_written_as_libyaml_writes_it(path: Path) -> None:
    for document in yamltext.parse_all(path.read_text("utf-8"), "x"):
        assert yamldump._block(document.value) == yamldump.by_libyaml(document.value)


@given(st.lists(_DATA, min_size=2, max_size=3))
def test_of_several_documents_none_loses_its_end(documents: list[Any]) -> None:
    text = yamldump.dump_all(documents)
    assert [document.value for document in yamltext.parse_all(text, "x")] == documents
    assert list(yaml.safe_load_all(text)) == documents
    assert load_documents(text.encode()) == documents


@given(_DATA)
def test_the_identity_of_an_ir_is_that_of_its_data_and_not_of_its_text(value: Any) -> None:
    documents = [{"root": value}]
    assert ir.digest(ir.documents(yamldump.dump_all(documents))) == ir.digest(documents)


@pytest.mark.parametrize("vector", _VECTORS, ids=lambda vector: vector["text"])
def test_what_a_go_reader_takes_for_something_else_is_written_in_quotes_and_refused_without(
    vector: dict[str, Any],
) -> None:
    text = vector["text"]
    taken = vector["v2"] != text or vector["v3"] != text
    if not taken:
        return
    assert goyaml.reading(text)
    assert yamldump.dump({text: text}) == f"'{text}': '{text}'\n"
    for document, column in ((f"a: {text}\n", 4), (f"{text}: a\n", 1), (f"[{text}]\n", 2)):
        try:
            found = yamltext.parse(document, "x").value
        except InputError as error:
            assert [(problem.line, problem.column) for problem in error.problems] == [(1, column)]
        else:  # a number or a word that they all take for the same, or a letter that is a text to KFP
            if text in ("y", "Y", "n", "N"):
                continue
            assert column != 1
            assert found in ({"a": vector["v2"]}, [vector["v2"]])
            assert vector["v2"] == vector["v3"]


@pytest.mark.parametrize(
    "text", ["v1", "1.2.3", "10.0.0.1", "12h", "2024-01", "_1", "-a", "1_a", "None", "nan", "20%"]
)
def test_what_all_take_for_a_text_needs_no_quotes(text: str) -> None:
    assert yamldump.dump(text) == f"{text}\n"
    assert yamltext.parse(f"a: {text}", "x").value == {"a": text}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0X1F", "0X1F is a number to KFP or kubectl, and a text to YAML 1.2; write '0X1F' in quotes for a text, or"),
        ("2001-1-1", "2001-1-1 is a time to KFP or kubectl, and a text to YAML 1.2; write '2001-1-1' in quotes"),
        ("yes", "yes is read differently by YAML 1.1 and YAML 1.2; write 'yes' in quotes"),
        # `kubectl kustomize` 5.5 makes 12 and null of `! 12` and `! ~`.
        ("! 12", "12 after `!` is a text to YAML, and as without it to KFP and kubectl; put a text in quotes"),
        ("! ~", "~ after `!` is a text to YAML, and as without it to KFP and kubectl; put a text in quotes"),
        ("18446744073709551616", "18446744073709551616 does not fit 64 bits; put it in quotes for a text"),
    ],
)  # fmt: skip
def test_a_refusal_says_who_reads_it_how_and_what_to_write(text: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        yamltext.parse(f"a:\n- {text}\n", "x.yaml")
    assert str(refused.value).startswith(f"x.yaml:2:3: {said}")


def test_an_integer_that_go_would_round_is_not_written() -> None:
    assert yamldump.dump(2**64 - 1) == f"{2**64 - 1}\n"
    with pytest.raises(ValueError, match="does not fit 64 bits"):
        yamldump.dump({"a": [2**64]})


def test_a_number_is_shown_as_it_was_written() -> None:
    base, over = yamltext.parse("a: {b: 7e2, c: 1.0}\n", "base"), yamltext.parse("d: [+5]\n", "over")
    merged = values.merge(base, over)
    assert [merged.spelled(("a", "b")), merged.below(("a",)).spelled(("b",))] == ["7e2", "7e2"]
    assert [base.spelled(("a", "c")), over.spelled(("d", 0))] == ["", "+5"]
