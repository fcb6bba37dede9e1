"""YAML text: what is read is what every YAML tool reads, and what is written reads back."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from kfp_gitops.base import yamldump, yamltext
from kfp_gitops.base.errors import InputError

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x7f\ufeff"), max_size=20)
    | st.sampled_from(
        ["yes", "no", "on", "y", "N", "1e3", "0777", "1:30", "2024-01-01", "~", "<<", "=", "0x1F", ".5"]
    )
)
DATA = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(DATA)
def test_what_is_written_reads_back_here_and_in_yaml_1_1(value: object) -> None:
    text = yamldump.dump(value)
    assert yamltext.parse(text, "x").value == value
    assert yaml.safe_load(text) == value


@given(st.text(st.sampled_from("a\\\"' \n:\u202e\u2066\u200b\u00ad\U000e0041"), max_size=8))
def test_a_hidden_character_is_written_as_its_escape(text: str) -> None:
    written = yamldump.dump({text: [text]})
    assert yamltext.parse(written, "x").value == {text: [text]} == yaml.safe_load(written)
    assert not set(written) & set("\u202e\u2066\u200b\u00ad\U000e0041")


@given(st.text(st.characters(), max_size=60))
def test_any_text_is_read_or_refused_with_a_position(text: str) -> None:
    try:
        yamltext.parse_all(text, "x.yaml")
    except InputError as error:
        assert all(problem.line >= 1 for problem in error.problems)


def test_half_a_character_is_refused_with_its_line() -> None:
    with pytest.raises(InputError, match=r"^x:2:4: half of a surrogate pair"):
        yamltext.parse("a: 1\nb: \ud800\n", "x")


@pytest.mark.parametrize("character", ["\x85", "\u2028", "\u2029"])
def test_no_key_hides_in_a_comment(character: str) -> None:
    """LibYAML ends the comment there, as YAML 1.1 has it; an editor or a diff shows one line of comment."""
    with pytest.raises(InputError, match=r"^x:2:8: U\+[0-9A-F]{4} is a line break to YAML 1\.1 and none to"):
        yamltext.parse(f"a: 1\nb: 2 # {character}state: absent\n", "x")
    text = f"a{character}b"
    assert yamltext.parse(yamldump.dump({"a": text}), "x").value == {"a": text}


@pytest.mark.parametrize("character", ["\x00", "\x0b", "\x7f", "\x9b", "\uffff"])
def test_a_control_character_is_refused_with_its_place(character: str) -> None:
    with pytest.raises(InputError, match=r"^x:2:5: not YAML: the control character U\+[0-9A-F]{4}"):
        yamltext.parse(f"a: 1\nb: x{character}y\n", "x")


@pytest.mark.parametrize("digits", [19, 20, 23, 5000])
def test_no_digit_of_an_integer_is_lost(digits: int) -> None:
    with pytest.raises(InputError, match=r"^x:1:4: 9+…? does not fit 64 bits; put it in quotes") as refused:
        yamltext.parse(f"a: {'9' * digits}", "x")
    assert len(str(refused.value)) < 200


def test_a_long_text_is_not_multiplied_by_aliases() -> None:
    text = "a: &a " + "x" * 10_000 + "\nb: [" + ", ".join(["*a"] * 5_000) + "]\n"
    with pytest.raises(InputError, match=r"x:2:\d+: more than \d+ characters after aliases are expanded"):
        yamltext.parse(text, "x")


def test_positions_are_those_of_keys_and_values() -> None:
    document = yamltext.parse("a:\n  b: [1, {c: 2}]\n", "x.yaml")
    assert document.position(("a", "b")) == (2, 6)
    assert document.position(("a", "b"), key=True) == (2, 3)
    assert document.position(("a", "b", 1, "c")) == (2, 14)
    assert document.position(("a", "missing")) == (2, 3)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e3", 1000.0),
        ("-.5", -0.5),
        ("1.2.3", "1.2.3"),
        ("2024-01", "2024-01"),
        ("1:30", "1:30"),
        ("", None),
    ],
)
def test_plain_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    assert yamltext.parse(f"a: {text}", "x").value == {"a": value}


@pytest.mark.parametrize(
    "text", ["0b00da3346f3", "0x1f", "0o7", "0b1", "-0b2a", "007", "0_1", ".inf", "yes", "Off"]
)
def test_what_is_refused_without_quotes_is_written_with_them(text: str) -> None:
    assert yamltext.parse(yamldump.dump({"commit": text}), "x").value == {"commit": text}
