from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from predictive_scaling.backtest.folds import best, origins, run_backtest
from predictive_scaling.base.series import HourlySeries
from predictive_scaling.models import MEMBERS, ModelOptions, recipes
from predictive_scaling.models.base import one_by_one


@dataclass(frozen=True)
class Spy:
    """A model that tells what it was shown: it forecasts the newest hour's value, which is the hour itself."""

    kind: str = "last"
    min_hours: int = 1

    def fit(self, series):
        newest = float(series.values[-1])

        class Fitted:
            kind = "last"

            def forecast(self, hours):
                return np.full(hours, newest)

            def to_json(self):
                return {}

        return Fitted()

    def forecasts(self, windows, horizon):
        return one_by_one(self, windows, horizon)


def hours(days):
    return HourlySeries(0, np.arange(days * 24, dtype=float))


def test_origins_are_a_day_apart_and_the_last_fold_ends_with_the_data():
    assert origins(hours(28), 24, 3) == (600, 624, 648)


def test_origins_leave_a_week_for_training():
    assert len(origins(hours(10), 24, 7)) == 3
    assert origins(hours(7), 24, 7) == ()


@given(st.integers(7, 60), st.integers(1, 168), st.integers(1, 20))
def test_no_fold_reaches_past_the_next_origin(days, horizon, folds):
    found = origins(hours(days), horizon, folds)
    assert all(later - earlier >= horizon for earlier, later in pairwise(found))
    assert all(168 <= origin <= days * 24 - horizon for origin in found)


def test_no_model_sees_an_hour_after_its_origin():
    tested = run_backtest(hours(28), [Spy()], 24, 7)
    assert (len(tested.origins), tested.folds, tested.warm_up) == (14, 7, 7)
    assert tested.p50["last"][:, 0].tolist() == [origin - 1 for origin in tested.origins]
    assert tested.actual[:, 0].tolist() == list(tested.origins)


def test_changing_the_future_changes_no_forecast():
    series = hours(28)
    models = recipes(["blend"], ModelOptions())
    before = run_backtest(series, models, 24, 2, blend=True)
    changed = series.values.copy()
    changed[before.origins[-1] :] = 1e9
    after = run_backtest(HourlySeries(0, changed), models, 24, 2, blend=True)
    assert set(before.p50) == {*MEMBERS, "blend"}
    for kind in before.p50:
        assert (before.p50[kind] == after.p50[kind]).all()
    assert (before.spread == after.spread).all()


def test_blend_follows_the_member_that_was_right():
    values = np.tile(
        np.arange(24.0), 28
    )  # the same every day, so a day ago is perfect and the last hour is not
    tested = run_backtest(HourlySeries(0, values), recipes(["blend"], ModelOptions()), 24, 2, blend=True)
    assert tested.p50["blend"][-1] == pytest.approx(tested.actual[-1], abs=1e-6)


def test_slow_model_runs_on_the_folds_alone():
    @dataclass(frozen=True)
    class Slow(Spy):
        kind: str = "prophet"

    tested = run_backtest(hours(28), [Slow()], 24, 3)
    assert np.isnan(tested.p50["prophet"][:7]).all()
    assert np.isfinite(tested.p50["prophet"][7:]).all()


def test_member_that_fails_before_the_folds_is_missing_there_only():
    @dataclass(frozen=True)
    class Late(Spy):
        def fit(self, series):
            if series.end < 500:
                raise ValueError("too early")
            return super().fit(series)

    tested = run_backtest(hours(28), [Late()], 24, 3)
    assert np.isnan(tested.p50["last"]).any(axis=1).tolist() == [origin < 500 for origin in tested.origins]


def test_model_that_fails_on_one_fold_is_out_of_the_comparison():
    @dataclass(frozen=True)
    class Fragile(Spy):
        def fit(self, series):
            if series.end < 620:  # the first of the folds is at 600
                raise RuntimeError("did not converge")
            return super().fit(series)

    assert run_backtest(hours(28), [Fragile()], 24, 3).p50 == {}


def test_training_window_is_at_most_four_weeks():
    shown = []

    @dataclass(frozen=True)
    class Recorder(Spy):
        def fit(self, series):
            shown.append(len(series.values))
            return super().fit(series)

    run_backtest(hours(60), [Recorder()], 24, 2)
    assert shown == [672] * 9


def test_lowest_error_wins_and_equals_go_to_the_simpler():
    assert best({"prophet": 0.1, "last": 0.2}) == "prophet"
    assert best({"prophet": 0.1, "profile_level": 0.1, "snaive_7d": 0.1}) == "snaive_7d"


def test_blend_stays_unless_another_had_half_its_error():
    assert best({"blend": 0.10, "prophet": 0.051}) == "blend"
    assert best({"blend": 0.10, "prophet": 0.049}) == "prophet"
    assert best({"blend": float("nan"), "prophet": 0.5}) == "prophet"


@pytest.mark.parametrize("errors", [{}, {"last": float("nan")}])
def test_without_a_known_error_there_is_no_best(errors):
    assert best(errors) is None
