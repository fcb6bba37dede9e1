"""Charts drawn by hand: what lies where, gaps, round numbers, and nothing that a text could break out of."""

import re
import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from predictive_scaling.report.drawing import TICKS, Axis, Drawing, seconds, ticks


def drawing(low=0.0, high=10.0, begin=datetime(2026, 1, 5, tzinfo=UTC), end=datetime(2026, 1, 8, tzinfo=UTC)):
    return Drawing(120, 60, Axis(*seconds([begin, end]), 10, 110), Axis(low, high, 50, 10))


def paths(chart):
    return re.findall(r'd="([^"]*)"', chart.svg())


def test_values_lie_where_the_axes_say():
    chart = drawing()
    chart.line(np.array([chart.x.low, chart.x.high]), np.array([0.0, 10.0]), "ink")
    assert "M10.0 50.0L110.0 10.0" in paths(chart)


def test_a_missing_value_is_a_gap_in_lines_and_bands():
    chart = drawing()
    at = np.linspace(chart.x.low, chart.x.high, 5)
    values = np.array([1.0, 2.0, np.nan, 4.0, 5.0])
    chart.line(at, values, "ink")
    chart.band(at, values - 1, values, "model")
    line = next(path for path in paths(chart) if path.count("M") == 2)
    assert line.count("L") == 2
    assert sum(path.endswith("z") for path in paths(chart)) == 2
    assert "nan" not in chart.svg()


def test_large_numbers_are_told_in_powers_of_a_thousand_and_texts_are_escaped():
    chart = drawing(high=3.2e9)
    chart.y_ticks("<b>")
    texts = [each.text for each in ElementTree.fromstring(chart.svg()).iter() if each.tag.endswith("text")]
    assert texts == ["0", "1", "2", "3", "×10⁹", "<b>"]


def test_days_and_hours_have_their_names():
    few, many = drawing(end=datetime(2026, 1, 6, tzinfo=UTC)), drawing()
    few.days()
    many.days()
    assert re.findall(r">([^<>\n]+)<", few.svg()) == ["05 Jan", "06:00", "12:00", "18:00", "06 Jan"]
    assert re.findall(r">([^<>\n]+)<", many.svg()) == ["05 Jan", "06 Jan", "07 Jan", "08 Jan"]


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e9))
def test_ticks_are_few_round_and_within(low, span):
    found = ticks(low, low + span)
    assert len(found) <= TICKS + 1
    slack = 1e-6 * span + 1e-9 * abs(low)  # ten digits are drawn
    assert all(low - slack <= each <= low + span + slack for each in found)
    steps = np.diff(found)
    assert len(steps) == 0 or steps == pytest.approx(steps[0], rel=1e-6, abs=1e-9 * abs(low))


def test_an_axis_of_one_value_has_one_tick():
    assert ticks(3.0, 3.0) == [3.0]
    assert Axis(3.0, 3.0, 0, 10).at([3.0]).tolist() == [0.0]
