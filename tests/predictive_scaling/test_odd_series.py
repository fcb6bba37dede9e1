"""Series as nobody wishes them: one of them must not take the run of all others with it."""

import numpy as np
import pytest
from predictive_scaling.backtest.codec import decode
from predictive_scaling.backtest.freshness import by_rhythm, gain
from predictive_scaling.backtest.reforecast import NO_USAGE, forecast_from
from predictive_scaling.backtest.training import Job, TrainingOptions, train_batch
from predictive_scaling.base.documents import sha256
from predictive_scaling.base.series import HourlySeries

START = 480_000


def course(days):
    hours = np.arange(24 * days)
    return 10 + 5 * np.sin(hours / 24 * 2 * np.pi) + np.random.default_rng(1).normal(0, 0.5, len(hours))


def unknown(days):
    return np.full(24 * days, np.nan)


ODD = {
    "away for six weeks": [course(3), unknown(40), course(5)],
    "one hour": [unknown(27), [*[np.nan] * 23, 1.0]],
    "long gap before the newest folds": [course(20), unknown(30), course(10)],
    "only the newest days": [unknown(17), course(11)],
}


def trained(*many, horizon=24):
    options = TrainingOptions(horizon_hours=horizon, cv_folds=10)
    return train_batch(
        [Job(f"s{at}", "cpu", HourlySeries(START, values), options) for at, values in enumerate(many)]
    )


@pytest.mark.parametrize("horizon", [1, 24, 168])
@pytest.mark.parametrize("parts", ODD.values(), ids=ODD.keys())
def test_series_that_no_model_fits_leaves_those_beside_it_their_models(parts, horizon):
    odd, other = trained(np.concatenate(parts), course(28), horizon=horizon)
    assert odd.champion or "no candidate could be fitted" in odd.reason
    assert other.champion.kind == "blend"


@pytest.fixture(scope="module")
def model():
    found = trained(course(28))[0].champion
    return decode(found.encoded, sha256(found.encoded))


@pytest.mark.parametrize("hours", [24, 25, 48, 49, 72])
def test_what_more_runs_gain_is_said_of_services_that_are_a_day_old(model, hours):
    """A model may be in force of a name whose usage began anew: there were runs before its first hour."""
    series = HourlySeries(START, course(3)[:hours])
    often, daily = (by_rhythm(model, series, every, START) for every in (3, 24))
    assert len(often.p50) == len(daily.p50) == min(hours // 24, 2) * 24
    found = gain(3, [often], [daily])
    assert found is None or found.hours <= hours


def test_past_run_without_usage_had_no_forecast_as_a_run_of_now_has_none(model):
    """What is told of rhythms is of runs as they are: after a day without usage none serves."""
    series = HourlySeries(START, np.concatenate([course(26), unknown(1), course(1)]))
    assert forecast_from(model, series.between(START, series.end - 24), 24).reason == NO_USAGE
    assert np.isnan(by_rhythm(model, series, 24, START, days=1).p50).all()
