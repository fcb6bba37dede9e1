"""JSON as Go writes it: the forms that Go's encoding/json documents and tests."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from kfp_gitops.base import gojson


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (-2.5, "-2.5"),
        (0.1, "0.1"),
        (1e-05, "0.00001"),
        (1e-06, "0.000001"),
        (9.99e-07, "9.99e-7"),
        (1e-10, "1e-10"),
        (1.5e-300, "1.5e-300"),
        (1e20, "100000000000000000000"),
        (123456789012345680000.0, "123456789012345680000"),
        (1e21, "1e+21"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (5e-324, "5e-324"),
        ("<é>\u2029\b\x7f", '"\\u003cé\\u003e\\u2029\\b\x7f"'),
        ({"b": [1, None, True], "a<": {}}, '{"a\\u003c":{},"b":[1,null,true]}'),
    ],
)
def test_it_is_written_as_go_writes_it(value: object, text: str) -> None:
    assert gojson.text(value) == text
    assert gojson.size(value) == len(text.encode())


def test_whole_numbers_keep_their_digits_unless_they_go_through_a_double() -> None:
    assert gojson.text(2**53 + 1) == "9007199254740993"
    assert gojson.text(2**53 + 1, doubles=True) == "9007199254740992"
    assert gojson.text([10**21], doubles=True) == "[1e+21]"


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(0.000001)
@example(1e-06 * 1.1)
def test_a_number_comes_back(value: float) -> None:
    text = gojson.text(value)
    assert float(text) == value
    assert ("e" in text) == (value != 0 and not 1e-6 <= abs(value) < 1e21)


@pytest.mark.parametrize("value", [math.nan, math.inf, object()])
def test_what_json_has_not_is_an_error(value: object) -> None:
    with pytest.raises(ValueError, match="JSON"):
        gojson.text(value)
