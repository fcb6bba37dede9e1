"""The library's quantities, with the parser of Kubernetes' client as judge where it reads what Kubernetes reads."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernetes.utils.quantity import parse_quantity
from predictive_scaling.base.errors import InputError
from predictive_scaling.shapes.quantity import exact

UNITS = ["", *"numkMGTPE", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
# No more digits than the 28 that its decimals keep.
NUMBERS = st.from_regex(re.compile(r"\+?([0-9]{1,6}(\.[0-9]{0,2})?|\.[0-9]{1,2})", re.ASCII), fullmatch=True)


@pytest.mark.parametrize("unit", UNITS)
@settings(max_examples=20)
@given(NUMBERS)
def test_an_amount_is_the_one_that_the_client_reads(unit: str, number: str) -> None:
    assert exact(number + unit) == parse_quantity(number + unit)


@pytest.mark.parametrize("text", ["1K", "NaN", "Infinity", "1_0", "-1"])
def test_what_the_client_takes_and_no_usage_may_be_is_refused(text: str) -> None:
    parse_quantity(text)
    with pytest.raises(InputError):
        exact(text)
