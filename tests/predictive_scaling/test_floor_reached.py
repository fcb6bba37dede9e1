"""What an HPA makes of a floor, by its own formula, for every count and every floor: exact, or never less."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from predictive_scaling.consumers import floor

MOST = 120


def wanted(value: float, replicas: int, scale_up: float = 0.1, scale_down: float = 0.1) -> int:
    """GetExternalPerPodMetricReplicas of Kubernetes 1.37 (replica_calculator.go), averageValue 1, in thousandths."""
    usage, target = int(value * 1000), 1000
    ratio = usage / (target * replicas)
    if 1.0 - scale_down <= ratio <= 1.0 + scale_up:
        return replicas
    return math.ceil(usage / target)


def settled(value: float, replicas: int, most: int, scale_up: float = 0.1) -> int:
    """The count that it stays at; the reactive metric wants nothing."""
    for _ in range(20):
        after = min(max(1, wanted(value, replicas, scale_up)), most)
        if after == replicas:
            return replicas
        replicas = after
    raise AssertionError("it never settles")


def raised(value: int) -> float:
    """What the raised query gives."""
    return eval(floor.raised(str(value)))  # our own arithmetic, the same in PromQL


def test_without_a_tolerance_a_floor_within_ten_percent_is_never_acted_upon() -> None:
    assert settled(21, 20, MOST) == settled(22, 20, MOST) == 20
    assert settled(23, 20, MOST) == 23


@pytest.mark.parametrize("most", [1, 2, 9, 10, 11, 12, 20, 21, 50, 51, 100, 101, 120])
def test_with_the_tolerance_every_floor_is_reached_exactly_from_below(most: int) -> None:
    own = floor.tolerance(most)
    for value in range(1, most + 1):
        for replicas in range(1, value + 1):
            assert settled(value, replicas, most, own) == value, (value, replicas)


@given(st.integers(2, 20_000))
def test_tolerance_is_below_the_smallest_step_for_any_maximum(most: int) -> None:
    own = floor.tolerance(most)
    assert settled(most, most - 1, most, own) == most
    assert own == pytest.approx(min(0.1, 1 / (most - 1)), abs=0.0010001)
    assert floor.tolerance_text(most) == ("0" if own == 0 else f"{round(own * 1000)}m")


def test_raised_floor_is_never_less_exact_to_ten_and_at_most_a_tenth_more() -> None:
    for value in range(1, MOST + 1):
        for replicas in range(1, MOST + 1):
            found = settled(raised(value), replicas, 10_000)
            assert found >= value, (value, replicas)
            if replicas <= value:
                assert found <= max(value, math.ceil(1.1 * (value - 1) + 0.01)), (value, replicas)
            if replicas <= value <= 10:
                assert found == value


@given(st.integers(1, 10_000), st.integers(1, 10_000))
def test_raised_floor_is_never_less_far_beyond_what_is_usual(value: int, replicas: int) -> None:
    assert settled(raised(value), replicas, 100_000) >= value


def test_no_value_is_exact_on_a_cluster_without_the_tolerance() -> None:
    """Why the raised query asks for more: no value at all takes 20 to 21, whatever the form."""
    assert 21 not in {wanted(thousandths / 1000, 20) for thousandths in range(100_000)}


def test_a_query_without_a_lead_asks_for_this_hour_alone() -> None:
    assert "time() +" not in floor.query('service="a"', 0)
    assert "vector(time() + 1500)" in floor.query('service="a"', 25)
