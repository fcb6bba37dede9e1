"""Bands: their order, what a lead makes of them, what they forget, and what bounds them."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from predictive_scaling.backtest.intervals import (
    Band,
    Residuals,
    band,
    capped,
    origin_weights,
    prequential_bands,
    residual_quantile,
)
from predictive_scaling.backtest.leads import lead_profile, of_length, rising
from predictive_scaling.backtest.seen import bounds_before, seen_before
from predictive_scaling.base.series import HourlySeries

FOLDS, HOURS = 12, 24
VALUES = st.floats(0, 1e6)
TABLES = arrays(np.float64, (FOLDS, HOURS), elements=VALUES)


@settings(deadline=None, max_examples=50)
@given(TABLES, TABLES, arrays(np.float64, (FOLDS, HOURS), elements=st.floats(1e-3, 1e3)), VALUES)
def test_bounds_are_in_order_and_p95_is_no_higher_than_seen_or_than_the_forecast(actual, p50, spread, seen):
    p10, p90, p95 = prequential_bands(actual, p50, spread, np.full(FOLDS, seen))
    after = slice(1, None)
    assert (p10[after] <= p50[after]).all()
    assert (p50[after] <= p90[after]).all()
    assert (p90[after] <= p95[after]).all()
    assert (p95[after] <= np.maximum(seen, p50[after])).all()
    assert (p10[after] >= 0).all()


@given(
    arrays(np.float64, (FOLDS, 30), elements=st.floats(-1e6, 1e6)),
    arrays(np.float64, FOLDS, elements=st.floats(0.01, 1)),
)
def test_a_lead_further_ahead_is_never_less(residuals, weights):
    profile = lead_profile(residuals, weights)
    assert (np.diff(profile) >= -1e-12).all()
    assert profile.mean() == pytest.approx(1.0)
    assert (profile > 0).all()


def test_hours_of_equal_spread_have_wider_bands_the_further_ahead():
    random = np.random.default_rng(1)
    actual = random.normal(0, np.linspace(0.2, 2, HOURS), (FOLDS, HOURS))
    found = band(actual, np.zeros_like(actual), np.ones_like(actual))
    p50 = np.full(HOURS, 10.0)
    bounds = found.around(p50, np.ones(HOURS))
    for width in (bounds.p95 - p50, bounds.p90 - p50, p50 - bounds.p10):
        assert (np.diff(width) >= 0).all()
        assert width[-1] > 1.2 * width[0]
    # From a newer origin the same hour is nearer: its band is narrower than a day ahead.
    assert found.around(p50[:3], np.ones(3)).p95[2] < bounds.p95[20]


def test_a_horizon_longer_than_any_lead_keeps_the_last():
    assert of_length((0.5, 1.0, 1.5), 5).tolist() == [0.5, 1.0, 1.5, 1.5, 1.5]
    assert of_length((0.5, 1.0, 1.5), 2).tolist() == [0.5, 1.0]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50).map(np.array))
def test_pooled_values_rise_and_keep_their_mean(values):
    found = rising(values)
    assert (np.diff(found) >= 0).all()
    assert found.mean() == pytest.approx(values.mean(), rel=1e-9, abs=1e-3)
    if (np.diff(values) >= 0).all():
        assert found.tolist() == values.tolist()


def shocked(age, folds=17):
    """Residuals in spreads of quiet days, and of one day of a shock that lies `age` origins back."""
    residuals = np.random.default_rng(2).normal(0, 1, (folds, HOURS))
    residuals[folds - 1 - age] += 30
    return residuals


def test_a_shock_is_believed_at_first_and_forgotten_within_days():
    quiet = np.random.default_rng(2).normal(0, 1, (17, HOURS))
    ones = np.ones_like(quiet)
    usual = band(quiet, np.zeros_like(quiet), ones).plain.high
    reach = [band(shocked(age), np.zeros_like(quiet), ones).plain.high for age in range(14)]
    assert reach[0] > 25  # today's shock may be here to stay
    assert reach[5] < 1.5 * usual
    assert max(reach[5:]) < 1.5 * usual


def test_quiet_origins_count_by_age_alone_and_a_larger_shock_for_less():
    even = origin_weights(np.ones((8, HOURS)))
    assert even[-1] == 1.0
    assert even[0] == pytest.approx(0.5)
    table = np.ones((9, HOURS))
    table[4] = 10
    one = origin_weights(table)
    table[4] = 100
    assert origin_weights(table)[4] < one[4] < even[3]
    assert origin_weights(np.full((3, 2), np.nan))[-1] == 1.0


def test_a_band_of_forecasts_without_errors_is_no_band():
    zeros = np.zeros((5, HOURS))
    found = band(zeros, zeros, np.ones_like(zeros)).around(np.full(HOURS, 2.0), np.ones(HOURS))
    assert found.p10.tolist() == found.p95.tolist() == [2.0] * HOURS


def test_weights_of_a_quantile_count_as_so_many_values():
    values = np.array([1.0, 2.0, 3.0, 4.0])
    assert residual_quantile(values, 0.6) == 3.0
    assert residual_quantile(values, 0.6, np.array([1.0, 1.0, 0.1, 5.0])) == 4.0
    assert residual_quantile(values, 0.4, np.array([5.0, 1.0, 1.0, 1.0])) == 1.0


def test_an_upper_bound_is_no_higher_than_what_was_seen_or_the_forecast_itself():
    assert capped(np.array([5.0, 5.0]), np.array([1.0, 4.0]), 3.0).tolist() == [3.0, 4.0]


def days(maxima):
    """Hours whose highest of each day is as given."""
    return HourlySeries(240, np.repeat(np.asarray(maxima, dtype=float), HOURS))


def test_an_on_off_machine_is_bounded_by_its_own_maximum():
    seen = seen_before(days([1, 0] * 14), 240 + 28 * HOURS)
    assert (seen.bound, seen.told()) == (1.0, "")


def test_what_was_seen_is_of_the_28_days_before_and_knows_no_later_hour():
    series = days([9, *[1] * 27, 2, 50])
    end = series.end
    assert seen_before(series, end - 2 * HOURS).highest == 9
    assert seen_before(series, end - HOURS).highest == 2
    assert bounds_before(series, [end - 2 * HOURS, end - HOURS]).tolist() == [9.0, 2.0]


def test_a_series_that_grows_may_go_on_growing_and_it_is_told():
    seen = seen_before(days([10] * 21 + [10, 10, 11, 11, 12, 12, 12]), 240 + 28 * HOURS)
    assert (seen.records, seen.bound) == (2, pytest.approx(12 * 1.2))
    assert seen.told() == (
        "it grows: on 2 of the last 7 days its maximum was higher than in all of 28 days before, so p95 may be up to "
        "1.2 times the highest seen"
    )
    one = seen_before(days([10] * 27 + [99]), 240 + 28 * HOURS)
    assert (one.records, one.bound) == (1, 99.0)
    assert seen_before(days([1] * 21 + [10, 20, 40, 80, 160, 320, 640]), 240 + 28 * HOURS).bound == 1280.0


def test_a_series_without_values_bounds_nothing():
    assert seen_before(HourlySeries(0, np.full(48, np.nan)), 48).bound == np.inf
    assert seen_before(HourlySeries(0, np.array([])), 48).bound == np.inf


@given(st.lists(st.floats(0.5, 2), min_size=1, max_size=30))
def test_a_stored_band_is_read_back_with_its_leads(leads):
    assume(min(leads) > 0)
    found = Band(Residuals(-1.0, 1.0, 2.0), Residuals(-1.0, 1.0, 2.0), tuple(leads))
    assert Band.from_json(found.to_json()) == found
    with pytest.raises(ValueError, match="positive leads"):
        Band.from_json(found.to_json() | {"leads": []})
