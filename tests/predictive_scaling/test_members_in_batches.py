"""Light models on many windows at once: the same figures as one by one, whatever stands beside a window."""

import numpy as np
import plain_members
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from predictive_scaling.backtest.folds import run_backtest, run_backtests
from predictive_scaling.base.series import HourlySeries, Windows
from predictive_scaling.models import MEMBERS, ModelOptions, recipe, recipes
from profiles import examples

OPTIONS = ModelOptions()
ENDS = 490_000


def usage(seed, hours):
    """A day's course under a wandering level, with a few gaps."""
    rng = np.random.default_rng(seed)
    at = np.arange(hours)
    values = (
        3 + np.sin(at / 24 * 2 * np.pi) + np.cumsum(rng.normal(0, 0.1, hours)) + rng.exponential(0.3, hours)
    )
    values = np.maximum(values, 0) * rng.choice([1e-3, 1, 1e9])
    for _ in range(rng.integers(0, 5)):
        begin = rng.integers(0, hours)
        values[begin : begin + rng.integers(1, 50)] = np.nan
    values[rng.integers(0, hours)] = 1.0
    return values


@settings(max_examples=examples(15), deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([49, 170, 200, 335, 336, 400, 672]), st.integers(1, 60))
def test_members_forecast_what_a_plain_reading_of_them_does(seed, hours, horizon):
    rows = np.array([usage(seed + at, hours) for at in range(3)])
    ends = ENDS + np.array([0, 5, 24 * (seed % 9)])
    for kind in MEMBERS:
        found = recipe(kind, OPTIONS).forecasts(Windows(ends, rows), horizon)
        for end, row, forecast in zip(ends, rows, found, strict=True):
            scale = np.nanmax(row)
            expected = plain_members.forecast(kind, int(end), row, horizon)
            assert forecast == pytest.approx(expected, rel=1e-9, abs=1e-9 * scale), kind


@pytest.mark.parametrize(("seed", "hours", "number"), [(1, 672, 20), (2, 336, 5), (3, 200, 3), (4, 50, 40)])
def test_no_window_changes_a_bit_of_another(seed, hours, number):
    rows = np.array([usage(seed + at, hours) for at in range(number)])
    windows = Windows(ENDS + np.arange(number), rows)
    for kind in MEMBERS:
        model = recipe(kind, OPTIONS)
        together = model.forecasts(windows, 24)
        alone = [model.fit(HourlySeries(ENDS + at - hours, row)).forecast(24) for at, row in enumerate(rows)]
        assert together.tolist() == [row.tolist() for row in alone], kind


def test_backtests_of_many_series_are_those_of_each():
    many = [
        HourlySeries(ENDS + 7 * at, usage(at, hours)) for at, hours in enumerate((150, 260, 500, 900, 1080))
    ]
    models = recipes(["blend"], OPTIONS)
    together = run_backtests(many, models, 24, 10, blend=True)
    for series, found in zip(many, together, strict=True):
        alone = run_backtest(series, models, 24, 10, blend=True)
        assert found.origins == alone.origins
        assert list(found.p50) == list(alone.p50)
        for kind, rows in alone.p50.items():
            assert np.array_equal(found.p50[kind], rows, equal_nan=True), kind
