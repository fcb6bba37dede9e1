import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from predictive_scaling.backtest import metrics
from predictive_scaling.backtest.intervals import (
    Band,
    Residuals,
    band,
    hour_spread,
    prequential_bands,
    residual_quantile,
)
from predictive_scaling.base.series import HourlySeries

ACTUAL, FORECAST = np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 1.0])
positive = st.lists(st.floats(0.1, 1e6), min_size=1, max_size=30)


def test_wape_is_the_sum_of_errors_over_the_sum_of_actuals():
    assert metrics.wape(ACTUAL, FORECAST) == pytest.approx(3 / 6)
    assert metrics.accuracy(ACTUAL, FORECAST) == pytest.approx(0.5)


def test_accuracy_is_never_below_zero():
    assert metrics.accuracy(np.array([1.0]), np.array([9.0])) == 0.0


def test_missing_actual_values_are_left_out():
    assert metrics.wape(np.array([1.0, np.nan]), np.array([2.0, 50.0])) == 1.0
    assert math.isnan(metrics.wape(np.array([np.nan]), np.array([1.0])))


def test_wape_of_a_zero_series_is_zero_only_for_a_zero_forecast():
    assert metrics.wape(np.zeros(3), np.zeros(3)) == 0.0
    assert metrics.wape(np.zeros(3), np.ones(3)) == math.inf


def test_mase_divides_by_the_change_over_one_period():
    history = np.array([1.0, 2.0, 3.0, 6.0])  # changes over 2: 2 and 4
    assert metrics.seasonal_scale(history, 2) == 3.0
    assert metrics.mase(ACTUAL, FORECAST, 3.0) == pytest.approx(1.0 / 3.0)


def test_mase_of_a_constant_history_is_undefined():
    assert math.isnan(metrics.mase(ACTUAL, FORECAST, 0.0))


def test_pinball_weighs_shortfall_by_the_quantile_and_excess_by_the_rest():
    assert metrics.pinball(np.array([10.0]), np.array([8.0]), 0.95) == pytest.approx(1.9)
    assert metrics.pinball(np.array([8.0]), np.array([10.0]), 0.95) == pytest.approx(0.1)


def test_overrun_counts_hours_above_and_not_on_the_bound():
    actual, bound = np.array([1.0, 2.0, 3.0, np.nan]), np.array([1.0, 1.0, 5.0, 0.0])
    assert metrics.share_above(actual, bound) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("error", "baseline", "expected"),
    [(1, 2, 0.5), (3, 2, -0.5), (0, 0, 0), (0.0005, 0, 0), (1, 0, -1), (9, 1, -1), (1, float("nan"), -1)],
)
def test_skill_compares_with_the_baseline(error, baseline, expected):
    assert metrics.skill(error, baseline) == expected


@given(positive, st.floats(0.1, 1e3))
def test_wape_does_not_depend_on_the_unit(values, scale):
    actual = np.array(values)
    forecast = actual[::-1].copy()
    assert metrics.wape(actual * scale, forecast * scale) == pytest.approx(metrics.wape(actual, forecast))


def test_residual_quantile_takes_the_conformal_rank():
    residuals = np.arange(1.0, 100.0)  # 99 values: (99 + 1) × 0.95 is the 95th
    assert residual_quantile(residuals, 0.95) == 95.0
    assert residual_quantile(residuals, 0.10) == 10.0


def test_few_residuals_give_the_extreme_one():
    assert residual_quantile(np.array([1.0, 5.0, 2.0]), 0.95) == 5.0
    assert math.isnan(residual_quantile(np.array([np.nan]), 0.95))


def only_plain(lower, upper, high):
    return Band(Residuals(lower, upper, high), Residuals(0.0, 0.0, 0.0))


def test_band_is_never_negative_and_keeps_its_order():
    found = only_plain(-5.0, 2.0, 3.0).around(np.array([1.0, 9.0]), np.ones(2))
    assert [each.tolist() for each in found] == [[0.0, 4.0], [3.0, 11.0], [4.0, 12.0]]
    # A model that was always too low, or too high.
    found = only_plain(3.0, -2.0, -1.0).around(np.array([1.0]), np.ones(1))
    assert [each.tolist() for each in found] == [[1.0], [1.0], [1.0]]


def test_band_is_the_wider_of_residuals_and_residuals_by_spread():
    found = Band(Residuals(-1.0, 1.0, 2.0), Residuals(-1.0, 1.0, 1.0))
    p10, p90, p95 = found.around(np.array([10.0, 10.0]), np.array([0.5, 4.0]))
    assert (p10.tolist(), p90.tolist(), p95.tolist()) == ([9.0, 6.0], [11.0, 14.0], [12.0, 14.0])


def test_spread_is_half_the_change_of_its_hour_and_half_that_of_all():
    day = np.where(np.arange(24) == 9, 24.0, 0.0)
    series = HourlySeries(0, np.concatenate([day, 0 * day, day]))
    spread = hour_spread(series, np.array([9, 10, 33]))
    assert spread.tolist() == [12.5, 0.5, 12.5]  # 24 at nine, none else: 1 over all hours


def test_spread_of_a_constant_or_unknown_series_can_be_divided_by():
    for values in (np.full(48, 5.0), np.full(48, np.nan), np.zeros(48)):
        assert (hour_spread(HourlySeries(0, values), np.arange(24)) > 0).all()


@given(st.lists(st.floats(-100, 100), min_size=20, max_size=200))
def test_at_most_five_percent_of_the_same_residuals_lie_above_the_band(residuals):
    actual = np.array(residuals)
    assert (actual > residual_quantile(actual, 0.95)).mean() <= 0.05


def test_bands_of_a_fold_know_earlier_folds_only():
    actual, p50, spread = np.array([[1.0, 3.0], [2.0, 2.0], [9.0, 9.0]]), np.zeros((3, 2)), np.ones((3, 2))
    _, _, p95 = prequential_bands(actual, p50, spread)
    assert np.isnan(p95[0]).all()
    assert p95[1, 1] == 3.0
    assert 0 < p95[1, 0] < 3.0  # an hour nearer
    assert p95[2, 1] == 3.0  # the nines of its own fold are unknown to it
    assert band(actual, p50, spread).plain.high > 9.0  # of an hour of mean lead


def test_folds_without_a_forecast_give_a_band_no_residuals():
    actual, p50 = np.array([[1.0], [2.0], [3.0]]), np.array([[np.nan], [1.0], [1.0]])
    p10, p90, p95 = prequential_bands(actual, p50, np.ones((3, 1)))
    assert np.isnan(p95[:2]).all()
    assert (p10[2, 0], p90[2, 0], p95[2, 0]) == (1.0, 2.0, 2.0)
