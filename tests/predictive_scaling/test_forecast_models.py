import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from predictive_scaling.errors import InputError
from predictive_scaling.models import COMPLEXITY, ModelOptions, from_state, recipe, recipes
from predictive_scaling.models.profile import ProfileLevel, hour_of_week, shrunk_means
from predictive_scaling.series import HourlySeries, instants, weekday

OPTIONS = ModelOptions()
DAY = np.arange(24, dtype=float)
MONDAY = 24 * 4  # 1970-01-05T00:00Z


def series(values):
    return HourlySeries(MONDAY, np.asarray(values, dtype=float))


def test_weekday_and_instant_of_a_known_hour():
    assert weekday(np.array([MONDAY])).tolist() == [0]
    assert str(instants(np.array([MONDAY]))[0]) == "1970-01-05T00:00:00"


@pytest.mark.parametrize(("kind", "expected"), [("last", [23.0] * 3), ("snaive_1d", [0.0, 1.0, 2.0])])
def test_naive_models_repeat_the_last_cycle(kind, expected):
    assert recipe(kind, OPTIONS).fit(series(np.tile(DAY, 3))).forecast(3).tolist() == expected


def test_weekly_naive_repeats_last_week():
    values = np.arange(336, dtype=float)
    assert recipe("snaive_7d", OPTIONS).fit(series(values)).forecast(2).tolist() == [168.0, 169.0]


def test_naive_looks_further_back_where_the_last_cycle_has_a_gap():
    values = np.concatenate([DAY, DAY + 100])
    values[24] = np.nan
    assert recipe("snaive_1d", OPTIONS).fit(series(values)).forecast(2).tolist() == [0.0, 101.0]


def test_phase_never_observed_takes_the_newest_value():
    values = np.where(np.arange(48) % 24 == 0, np.nan, 7.0)
    assert recipe("snaive_1d", OPTIONS).fit(series(values)).forecast(1).tolist() == [7.0]


@pytest.mark.parametrize("kind", COMPLEXITY)
def test_every_model_continues_a_constant_series(kind):
    forecast = recipe(kind, OPTIONS).fit(series(np.full(336, 5.0))).forecast(24)
    assert forecast == pytest.approx(np.full(24, 5.0), abs=0.05)


@pytest.mark.parametrize("kind", ["profile_level", "prophet", "snaive_1d"])
def test_daily_peak_comes_again_at_its_hour(kind):
    day = np.where(np.arange(24) == 9, 10.0, 1.0)
    forecast = recipe(kind, OPTIONS).fit(series(np.tile(day, 21))).forecast(24)
    assert int(np.argmax(forecast)) == 9
    assert forecast[9] > 7.0


def test_profile_continues_a_daily_pattern_exactly():
    values = 5 + np.sin(np.arange(400) / 24 * 2 * np.pi)
    ahead = 5 + np.sin(np.arange(400, 448) / 24 * 2 * np.pi)
    assert ProfileLevel().fit(series(values)).forecast(48) == pytest.approx(ahead, abs=1e-9)


def test_profile_learns_a_quiet_weekend_in_part():
    week = np.concatenate([np.full(120, 10.0), np.full(48, 2.0)])
    friday = ProfileLevel().fit(
        series(np.tile(week, 5)[:-48])
    )  # four weeks and five days: Saturday comes next
    assert friday.forecast(24).mean() < 5.0


def test_one_odd_week_counts_a_third():
    values = np.zeros(168)
    values[0] = 9.0
    hours = np.arange(MONDAY, MONDAY + 168)
    assert shrunk_means(values, hour_of_week(hours), 168)[0] == pytest.approx(3.0)


@pytest.mark.parametrize("kind", COMPLEXITY)
def test_fitted_model_survives_json_exactly(kind):
    rng = np.random.default_rng(1)
    fitted = recipe(kind, OPTIONS).fit(series(2 + rng.random(336)))
    again = from_state(kind, fitted.to_json())
    assert again.forecast(30).tolist() == fitted.forecast(30).tolist()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.one_of(st.floats(0, 1e12), st.just(float("nan"))), min_size=168, max_size=200),
    st.integers(1, 168),
)
def test_light_models_forecast_finite_and_not_negative_whatever_the_gaps(values, horizon):
    found = series([1.0, *values])
    for kind in ("last", "snaive_1d", "snaive_7d", "profile_level"):
        forecast = recipe(kind, OPTIONS).fit(found).forecast(horizon)
        assert forecast.shape == (horizon,)
        assert np.isfinite(forecast).all()
        assert (forecast >= 0).all()


def test_fitting_does_not_change_the_series():
    values = np.tile(DAY, 14)
    before = values.copy()
    for kind in COMPLEXITY:
        recipe(kind, OPTIONS).fit(series(values))
    assert (values == before).all()


def test_baselines_always_run_and_the_simplest_comes_first():
    assert [each.kind for each in recipes(["profile_level", "last"], OPTIONS)] == [
        "last",
        "snaive_1d",
        "snaive_7d",
        "profile_level",
    ]


@pytest.mark.parametrize("names", [[], ["oracle"], ["last", "orcale"]])
def test_unknown_candidates_are_refused(names):
    with pytest.raises(InputError, match="unknown candidates"):
        recipes(names, OPTIONS)


@pytest.mark.parametrize(
    "change", [{"growth": "logistic"}, {"daily_order": 0}, {"changepoint_prior_scale": 0.0}]
)
def test_model_options_are_checked(change):
    with pytest.raises(InputError):
        ModelOptions(**change)
