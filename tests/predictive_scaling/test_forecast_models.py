from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from predictive_scaling.backtest.codec import decode
from predictive_scaling.backtest.training import Job, TrainingOptions, train_series
from predictive_scaling.base.documents import sha256
from predictive_scaling.base.errors import InputError
from predictive_scaling.base.series import HourlySeries, Windows, instants, weekday
from predictive_scaling.models import BLEND, COMPLEXITY, MEMBERS, ModelOptions, from_state, recipe, recipes
from predictive_scaling.models.blend import FittedBlend, Record, weighted_median, weights_of
from predictive_scaling.models.level import LevelPaths, damped_levels
from predictive_scaling.models.profile import KINDS, Profile
from predictive_scaling.models.season import hour_of_week, seasons_of, shrunk_means
from predictive_scaling.models.stan import Optimiser
from profiles import examples
from stanio import dump_stan_json

OPTIONS = ModelOptions()
SINGLE = [kind for kind in COMPLEXITY if kind != BLEND]
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


@pytest.mark.parametrize("kind", SINGLE)
def test_every_model_continues_a_constant_series(kind):
    forecast = recipe(kind, OPTIONS).fit(series(np.full(336, 5.0))).forecast(24)
    assert forecast == pytest.approx(np.full(24, 5.0), abs=0.05)


@pytest.mark.parametrize("kind", [*KINDS, "prophet", "snaive_1d", "median_1d"])
def test_daily_peak_comes_again_at_its_hour(kind):
    day = np.where(np.arange(24) == 9, 10.0, 1.0)
    forecast = recipe(kind, OPTIONS).fit(series(np.tile(day, 21))).forecast(24)
    assert int(np.argmax(forecast)) == 9
    assert forecast[9] > 7.0


def test_profile_continues_a_daily_pattern_exactly():
    values = 5 + np.sin(np.arange(400) / 24 * 2 * np.pi)
    ahead = 5 + np.sin(np.arange(400, 448) / 24 * 2 * np.pi)
    assert Profile().fit(series(values)).forecast(48) == pytest.approx(ahead, abs=1e-9)


def test_profile_learns_a_quiet_weekend_in_part():
    week = np.concatenate([np.full(120, 10.0), np.full(48, 2.0)])
    friday = Profile().fit(series(np.tile(week, 5)[:-48]))  # four weeks and five days: Saturday comes next
    assert friday.forecast(24).mean() < 5.0


def test_one_odd_week_counts_a_third():
    values = np.zeros(168)
    values[0] = 9.0
    hours = np.arange(MONDAY, MONDAY + 168)
    assert shrunk_means(values[None, :], hour_of_week(hours)[None, :], 168)[0, 0] == pytest.approx(3.0)


@pytest.mark.parametrize("kind", SINGLE)
def test_fitted_model_survives_json_exactly(kind):
    rng = np.random.default_rng(1)
    fitted = recipe(kind, OPTIONS).fit(series(2 + rng.random(336)))
    again = from_state(kind, fitted.to_json())
    assert again.forecast(30).tolist() == fitted.forecast(30).tolist()


@settings(max_examples=examples(40))
@given(
    st.lists(st.one_of(st.floats(0, 1e12), st.just(float("nan"))), min_size=168, max_size=200),
    st.integers(1, 168),
)
def test_light_models_forecast_finite_and_not_negative_whatever_the_gaps(values, horizon):
    found = series([1.0, *values])
    for kind in MEMBERS:
        forecast = recipe(kind, OPTIONS).fit(found).forecast(horizon)
        assert forecast.shape == (horizon,)
        assert np.isfinite(forecast).all()
        assert (forecast >= 0).all()


def test_fitting_does_not_change_the_series():
    values = np.tile(DAY, 14)
    before = values.copy()
    for kind in SINGLE:
        recipe(kind, OPTIONS).fit(series(values))
    assert (values == before).all()


def test_baselines_always_run_and_the_simplest_comes_first():
    assert [each.kind for each in recipes(["profile_level", "last"], OPTIONS)] == [
        "last",
        "snaive_1d",
        "snaive_7d",
        "profile_level",
    ]


def test_blend_brings_its_members_and_is_not_fitted_itself():
    assert [each.kind for each in recipes(["blend"], OPTIONS)] == list(MEMBERS)
    with pytest.raises(InputError, match="unknown model 'blend'"):
        recipe("blend", OPTIONS)


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


def test_median_of_a_week_resists_one_odd_day():
    days = np.tile(DAY, (8, 1))
    days[-1] = 1000.0
    assert recipe("median_1d", OPTIONS).fit(series(days.ravel())).forecast(24).tolist() == DAY.tolist()


def test_damped_profile_forgets_a_shock_that_always_faded():
    values = np.full(24 * 28, 60.0)
    values[::20] += 40.0 * (-1.0) ** np.arange(len(values[::20]))  # for one hour, up and down in turn
    values[-1] = 100.0
    assert recipe("profile_damped", OPTIONS).fit(series(values)).forecast(24)[3:] == pytest.approx(
        np.full(21, 60.0), rel=0.1
    )


def test_damped_level_keeps_a_shift_that_always_stayed():
    paths = damped_levels(np.repeat(np.arange(1.0, 29.0) * 10, 24)[None, :])
    assert paths.ahead(24)[0, -1] > 270.0


def test_level_path_fades():
    path = LevelPaths(np.array([10.0]), np.array([8.0]), np.array([0.5]))
    assert path.ahead(3).tolist() == [[14.0, 12.0, 11.0]]


def test_logarithm_grows_the_swing_with_the_level():
    growth = np.repeat(1.05 ** np.arange(21), 24) * np.tile(1 + (DAY == 9), 21)
    forecast = recipe("profile_log", OPTIONS).fit(series(growth)).forecast(24)
    assert forecast[9] / forecast[8] == pytest.approx(2.0, rel=0.15)


def test_logarithm_of_a_zero_series_stays_zero():
    assert recipe("profile_log", OPTIONS).fit(series(np.zeros(400))).forecast(5).tolist() == [0.0] * 5


def test_median_season_resists_one_odd_day():
    days = np.tile(np.where(np.arange(24) == 9, 10.0, 1.0), (22, 1))
    days[10] = 500.0
    (day,) = seasons_of(Windows.of(series(days.ravel())), median=True).day
    assert day[9] - day[8] == pytest.approx(9.0, abs=0.5)


def test_weights_fall_with_the_fourth_power_of_the_error():
    assert weights_of(np.array([[1.0, 2.0]])) == pytest.approx([16 / 17, 1 / 17])


def test_newer_origins_weigh_more():
    alternating = np.array([[1.0, 2.0], [2.0, 1.0]])
    assert weights_of(alternating)[1] > weights_of(alternating)[0]


def test_weights_without_any_error_known_are_equal():
    assert weights_of(np.full((2, 4), np.nan)).tolist() == [0.25] * 4
    assert weights_of(np.empty((0, 2))).tolist() == [0.5] * 2


def blend_of(errors, until=MONDAY + 336):
    """Last value and daily naive of a daily course, with the errors they had."""
    values = np.tile(DAY, 14)
    members = tuple(recipe(kind, OPTIONS).fit(series(values)) for kind in ("last", "snaive_1d"))
    return FittedBlend(members, Record(np.array(errors), np.array([5.0, 5.0])), until)


def test_newest_day_is_taken_in_as_each_member_would_have_forecast_it():
    newer = blend_of([1.0, 2.0]).updated(series(np.tile(DAY, 21)))
    # A week later the old errors count half; the daily naive missed nothing, the last value (23) the mean of 23 to 0.
    old = 5 * 0.9**7
    assert newer.record.evidence == pytest.approx([old + 1] * 2)
    assert newer.record.error == pytest.approx([(1.0 * old + 11.5) / (old + 1), 2.0 * old / (old + 1)])
    assert newer.until == MONDAY + 504
    assert newer.forecast(24).tolist() == DAY.tolist()


def test_newest_day_is_forecast_without_having_seen_it():
    quiet = np.append(np.tile(DAY, 14), np.zeros(24))
    newer = blend_of([1.0, 2.0]).updated(series(quiet))
    old = 5 * 0.9
    assert newer.record.error == pytest.approx([(old + 23) / (old + 1), (2 * old + 11.5) / (old + 1)])


def test_hours_that_were_judged_already_do_not_count_again():
    blend = blend_of([1.0, 2.0])
    same = blend.updated(series(np.tile(DAY, 14)))
    assert (same.record, same.until) == (blend.record, blend.until)
    part = blend.updated(series(np.append(np.tile(DAY, 14), DAY[:6])))
    assert part.record.evidence == pytest.approx([5 * 0.9**0.25 + 0.25] * 2)


def test_newest_day_without_usage_leaves_the_weights():
    blend = blend_of([1.0, 2.0])
    gap = np.append(np.tile(DAY, 14), np.full(24, np.nan))
    assert blend.updated(series(gap)).record == blend.record


@settings(max_examples=examples(20), deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 200), st.integers(-20, 20))
def test_updated_blend_is_finite_not_negative_and_scales_with_usage(seed, newer, power):
    rng = np.random.default_rng(seed)
    values = np.maximum(np.tile(DAY, 40)[: 672 + newer] + rng.normal(0, 8, 672 + newer), 0)
    values[rng.random(len(values)) < 0.05] = np.nan
    values[-1], scale = 1.0, 2.0**power
    one, other = (
        _trained(each[:672]).updated(series(each[newer:])).forecast(30) for each in (values, values * scale)
    )
    assert np.isfinite(one).all()
    assert (one >= 0).all()
    assert other == pytest.approx(one * scale, rel=1e-6)


def _trained(values):
    job = Job("checkout", "cpu", series(values), TrainingOptions(candidates=("blend",)))
    encoded = train_series(job).champion.encoded
    return decode(encoded, sha256(encoded)).fitted


def test_member_that_could_not_be_judged_weighs_nothing():
    assert weights_of(np.array([[1.0, np.nan]])).tolist() == [1.0, 0.0]


def test_perfect_members_share():
    assert weights_of(np.array([[0.0, 0.0, 1.0]])) == pytest.approx([0.5, 0.5, 0.0])


def test_weighted_median_is_not_drawn_by_the_worst():
    forecasts = np.array([[1.0], [2.0], [1000.0]])
    assert weighted_median(forecasts, np.array([0.3, 0.4, 0.3])).tolist() == [2.0]
    assert weighted_median(forecasts[:2], np.array([0.5, 0.5])).tolist() == [1.5]


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0.01, 1)), min_size=1, max_size=8))
def test_weighted_median_lies_among_the_forecasts(pairs):
    values, weights = (np.array(part) for part in zip(*pairs, strict=True))
    (found,) = weighted_median(values[:, None], weights)
    assert values.min() <= found <= values.max()


@pytest.mark.parametrize("kind", SINGLE)
def test_updated_model_sees_the_newest_level_without_training(kind):
    rng = np.random.default_rng(3)
    noise = 1 + 0.02 * rng.random(24 * 28)
    old, new = (
        series(5 * noise[: 24 * 21]),
        series(np.concatenate([5 * noise[: 24 * 21], 9 * noise[24 * 21 :]])),
    )
    updated = recipe(kind, OPTIONS).fit(old).updated(new)
    assert updated.kind == kind
    expected = 5.0 if kind == "median_7d" else 9.0
    assert updated.forecast(24) == pytest.approx(np.full(24, expected), rel=0.1)


def test_stan_reads_what_cmdstanpy_would_have_written(monkeypatch):
    seen, optimize = [], Optimiser.optimize

    def spied(self, *, data, inits, **options):
        program = self._program

        class Spy:
            def optimize(self, *, data, inits, **options):
                seen.append([Path(path).read_text() for path in (data, inits)])
                return program.optimize(data=data, inits=inits, **options)

        seen.append([dump_stan_json(each) for each in (data, inits)])
        return optimize(Optimiser(Spy()), data=data, inits=inits, **options)

    monkeypatch.setattr(Optimiser, "optimize", spied)
    recipe("prophet", OPTIONS).fit(series(np.random.default_rng(1).random(400)))
    expected, written = seen
    assert written == expected
