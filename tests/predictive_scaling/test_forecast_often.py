"""What forecasting every few hours gains, on hours that the models in force were not trained on."""

import json

import numpy as np
import pandas as pd
import pytest
from predictive_scaling import steps
from predictive_scaling.backtest import freshness
from predictive_scaling.backtest.codec import decode
from predictive_scaling.backtest.freshness import Aged, by_rhythm, evenly, gain, told
from predictive_scaling.backtest.training import Job, TrainingOptions, train_series
from predictive_scaling.base.documents import sha256
from predictive_scaling.base.series import HourlySeries
from predictive_scaling.models.features import CodeChange
from predictive_scaling.report.actions import page
from test_reforecast import METRICS, data, run

START = 480_000


def stored(series):
    found = train_series(Job("s", "cpu", series, TrainingOptions(candidates=("profile_level",), cv_folds=4)))
    return decode(found.champion.encoded, sha256(found.champion.encoded))


def wandering(days, seed=1):
    """A day's rhythm on a level that wanders: the newer the last hour, the more it says."""
    rng = np.random.default_rng(seed)
    hours = np.arange(24 * days)
    return HourlySeries(
        START, 10 + 2 * np.sin(hours / 24 * 2 * np.pi) + rng.normal(0, 0.4, len(hours)).cumsum()
    )


@pytest.fixture(scope="module")
def series():
    return wandering(24)


@pytest.fixture(scope="module")
def model(series):
    return stored(series.between(START, series.end - 60))


def test_every_hour_is_forecast_from_the_newest_run_before_it_and_by_nothing_later(series, model):
    found = by_rhythm(model, series, 3, START)
    first = series.end - 48
    known = series.between(START, first + 21)
    np.testing.assert_array_equal(
        found.p50[21:24], model.fitted.updated(known.between(known.end - 672, known.end)).forecast(24)[:3]
    )
    changed = HourlySeries(START, np.concatenate([series.values[:-24], series.values[-24:] * 3]))
    np.testing.assert_array_equal(by_rhythm(model, changed, 3, START).p50[:27], found.p50[:27])


def test_newer_usage_gains_where_the_level_wanders(series, model):
    often, daily = (by_rhythm(model, series, every, START) for every in (3, 24))
    found = gain(3, [often], [daily])
    assert found.accuracy[0] > found.accuracy[1] + 0.02
    assert (found.hours, found.series) == (48, 1)
    assert "every 3 h instead of daily: accuracy 0." in told(found.document())


@pytest.mark.parametrize(("age", "hours"), [(0, None), (23, None), (24, 24), (47, 24), (500, 48)])
def test_only_whole_days_since_the_training_count(series, model, age, hours):
    found = by_rhythm(model, series, 3, series.end - age)
    assert (len(found.p50) if found else None) == hours


def test_code_that_got_slower_within_those_days_is_known_to_the_runs_after_it_alone(series, model):
    """The series is as the code of now would have had it; each run is judged in what it could know."""
    changes, first = [CodeChange(series.end - 12, 2.0)], series.end - 24
    often, daily = (
        by_rhythm(model, series, every, START, days=1, changes=changes).actual for every in (3, 24)
    )
    known = series.between(first, series.end).values
    np.testing.assert_array_equal(daily, [*known[:12], *2 * known[12:]])
    np.testing.assert_array_equal(often, [*known[:12], *2 * known[12:15], *known[15:]])


def test_rhythm_that_does_not_divide_a_day_covers_every_hour_once(series, model):
    assert len(by_rhythm(model, series, 7, START).p50) == 48


def test_hour_that_one_rhythm_could_not_forecast_counts_for_neither():
    ones, gap = np.ones(4), np.array([1.0, np.nan, 1.0, 1.0])
    found = gain(3, [Aged(ones, ones, ones)], [Aged(ones, gap, 2 * ones)])
    assert (found.hours, found.accuracy, found.over95) == (3, (1.0, 1.0), (0.0, 0.0))
    nothing = np.full(4, np.nan)
    assert gain(3, [Aged(nothing, ones, ones)], [Aged(nothing, ones, ones)]) is None
    assert gain(3, [], []) is None


def test_many_series_are_looked_at_evenly():
    assert evenly(0) == []
    assert evenly(3) == [0, 1, 2]
    assert (len(evenly(1000)), evenly(1000)[0], evenly(1000)[-1]) == (freshness.MOST_SERIES, 0, 999)


def test_run_says_what_it_gains_in_its_evaluation_and_on_its_page(tmp_path, capsys):
    registry = str(tmp_path / "registry")
    run(tmp_path / "monday", registry, 21)
    later = run(tmp_path / "later", registry, 23, train=False)
    again = [[str(tmp_path / f"{kind}-{m}") for m in METRICS] for kind in ("forecast", "model")]
    capsys.readouterr()
    now = later.document["generated_at"]
    features, evaluation = str(later.root / "features"), tmp_path / "evaluation"
    steps.forecast_current(features, registry, *again, str(evaluation), 24, 15, now, every_hours=3.0)
    said = json.loads(evaluation.read_text())["freshness"]
    assert (said["every_hours"], said["series"], said["hours"]) == (3, 4, 4 * 48)
    assert told(said) in capsys.readouterr().out
    assert told(said) in page(later.document, (), told(said))


@pytest.mark.parametrize(("days", "every"), [(21.5, 3.0), (23, 0.0), (23, 24.0)])
def test_nothing_is_said_of_daily_runs_or_on_the_day_of_the_training(tmp_path, days, every):
    registry = str(tmp_path / "registry")
    run(tmp_path / "monday", registry, 21)
    later = run(
        tmp_path / "later", registry, days, train=False, raw=data(int(days) + 1)[: int(days * 24 * 12)]
    )
    paths = [[str(tmp_path / f"{kind}-{m}") for m in METRICS] for kind in ("forecast", "model")]
    features, evaluation = str(later.root / "features"), tmp_path / "evaluation"
    now = (pd.Timestamp("2026-01-05", tz="UTC") + pd.Timedelta(days=days)).isoformat()
    steps.forecast_current(features, registry, *paths, str(evaluation), 24, 15, now, every_hours=every)
    assert "freshness" not in json.loads(evaluation.read_text())
