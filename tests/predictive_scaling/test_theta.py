"""The theta model against figures of another program, and what holds of it whatever the series."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from predictive_scaling.base.series import HourlySeries
from predictive_scaling.models.theta import FittedTheta, Theta
from profiles import examples

START = 490_000

# Hours 1, 6, 12, 18, 24 of statsforecast 2.1.1 (Nixtla, Apache License 2.0), DynamicOptimizedTheta(season_length=24).
STATSFORECAST = {
    ("factor", 100): [4.0143, 3.8741, 2.3902, 2.298, 4.0539],
    ("factor", 672): [4.0381, 5.3321, 4.3763, 2.7255, 3.6909],
    ("summand", 100): [1.6121, 1.5543, -0.0045, -0.0078, 1.821],
    ("summand", 672): [0.2592, 1.9377, 0.5685, -0.0027, 0.0637],
    ("no season", 100): [4.9976, 4.9988, 5.0005, 5.0022, 5.0041],
    ("no season", 672): [5.0017, 5.0015, 5.0006, 5.0015, 5.0007],
    ("trend", 100): [31.8796, 32.4552, 33.1453, 33.8343, 34.5221],
    ("trend", 672): [177.7674, 178.4564, 179.9826, 181.4009, 182.1702],
    ("step", 100): [6.5226, 6.5226, 6.5226, 6.5226, 6.5226],
    ("step", 672): [6.5137, 8.9128, 7.0337, 3.9975, 5.8148],
}


def usage(name, hours):
    at = np.arange(hours)
    day, noise = np.sin(at / 24 * 2 * np.pi), (at * 7919 % 101 - 50) / 50
    return {
        "factor": (3 + day) * (1 + at / 2000) * (1 + 0.1 * noise),
        "summand": np.maximum(2 * day + noise, 0) + 0.2 * (at % 24 == 9),
        "no season": 5 + np.cumsum(noise) * 0.05,
        "trend": 20 + at / 10 * (1 + at / 500) + 2 * noise,
        "step": np.where(at < hours * 0.7, 2, 6) + day + 0.3 * noise,
    }[name]


@pytest.mark.parametrize(("name", "hours"), STATSFORECAST)
def test_forecasts_are_those_of_statsforecast_to_a_hundredth(name, hours):
    values = usage(name, hours)
    forecast = Theta().fit(HourlySeries(START, values)).forecast(24)[[0, 5, 11, 17, 23]]
    expected = np.maximum(STATSFORECAST[name, hours], 0)
    assert forecast == pytest.approx(expected, rel=0.01, abs=0.01 * values.mean())
    rise = expected[-1] - expected[0]
    assert name != "trend" or forecast[-1] - forecast[0] == pytest.approx(rise, rel=0.1)


def some(seed, hours):
    rng = np.random.default_rng(seed)
    values = np.maximum(3 + 2 * np.sin(np.arange(hours) / 24 * 2 * np.pi) + rng.normal(0, 1, hours), 0)
    values[rng.random(hours) < 0.05] = np.nan
    values[-1] = 1.0
    return values


@settings(max_examples=examples(20), deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([48, 100, 672]), st.integers(-300, 300))
def test_forecast_scales_with_usage(seed, hours, power):
    values, scale = some(seed, hours), 2.0**power
    one, other = (Theta().fit(HourlySeries(START, each)).forecast(30) for each in (values, values * scale))
    assert (other == one * scale).all()
    assert (one >= 0).all()


@settings(max_examples=examples(20), deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 400))
def test_state_read_back_forecasts_the_same_and_takes_in_newer_usage(seed, newer):
    values = some(seed, 672 + newer)
    fitted = Theta().fit(HourlySeries(START, values[:672]))
    back = FittedTheta.from_json(json.loads(json.dumps(fitted.to_json())))
    recent = HourlySeries(START + newer, values[newer:])
    assert (back.forecast(48) == fitted.forecast(48)).all()
    assert (back.updated(recent).forecast(48) == fitted.updated(recent).forecast(48)).all()
    assert np.isfinite(back.updated(recent).forecast(168)).all()


def test_the_same_usage_again_changes_next_to_nothing():
    series = HourlySeries(START, usage("factor", 672))
    fitted = Theta().fit(series)
    assert fitted.updated(series).forecast(24) == pytest.approx(fitted.forecast(24), rel=1e-6)


def test_newer_usage_moves_the_level_and_keeps_the_season():
    values = usage("factor", 1000)
    fitted = Theta().fit(HourlySeries(START, values[:672]))
    twice = HourlySeries(START + 48, values[48:720] * np.where(np.arange(672) < 600, 1, 2))
    ahead = (3 + np.sin(np.arange(720, 744) / 24 * 2 * np.pi)) * (1 + 720 / 2000)
    assert fitted.updated(twice).forecast(24) == pytest.approx(2 * ahead, rel=0.1)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"season": [1.0]}, "24 values"),
        ({"unit": 0.0}, "unit above 0"),
        ({"hours": 0.0}, "hour seen"),
        ({"alpha": 0.0}, "within 0–1"),
        ({"lean": 1.5}, "within 0–1"),
    ],
)
def test_state_that_no_fit_gives_is_refused(wrong, reason):
    state = Theta().fit(HourlySeries(START, usage("step", 672))).to_json()
    with pytest.raises(ValueError, match=reason):
        FittedTheta.from_json({**state, **wrong})
