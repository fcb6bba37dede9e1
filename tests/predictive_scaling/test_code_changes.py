"""A change of the code comes unforeseen to the fold in which it comes, though cores before it are moved since."""

import numpy as np
import pandas as pd
import pytest
from load_kit import START, loaded
from predictive_scaling import steps
from predictive_scaling.backtest import freshness
from predictive_scaling.backtest.by_load import with_load
from predictive_scaling.backtest.folds import run_backtests
from predictive_scaling.base.series import HourlySeries
from predictive_scaling.models import ModelOptions, recipes
from predictive_scaling.models.features import CodeChange, as_it_came, level_changes
from predictive_scaling.usage.tables import read_table
from test_load import ALL, Run

DAYS, SLOWER = 22, 19.5
HOUR = 3600


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Threefold from half a day into the last fold but two on."""
    return Run(tmp_path_factory.mktemp("changed"), loaded(days=DAYS, slower_from=SLOWER, factor=3.0))


def test_features_say_what_cores_were_multiplied_by(run):
    features = read_table(run.path("features"), ("timestamp", "service", "cpu"))
    (change,) = level_changes(features)
    assert change.hour == pytest.approx((START + pd.Timedelta(days=SLOWER)).timestamp() / HOUR, abs=2)
    assert change.times == pytest.approx(3, rel=0.1)
    assert level_changes(features.drop(columns="cpu_moved_by")) == ()


@pytest.mark.parametrize("model", ["blend", "last"])
def test_fold_of_the_change_is_missed_and_those_beside_it_are_not(run, model):
    cv = read_table(run.path("cv-cpu"), ("service", "fold", "y", "p50", "model"))
    own = cv[cv["model"] == model]
    missed = own.groupby("fold").apply(lambda rows: (rows["p50"] - rows["y"]).abs().sum() / rows["y"].sum())
    worst = int(missed.idxmax())
    assert worst == len(missed) - 3
    # The half of the fold after the change is three times what anyone could have known.
    assert missed[worst] > 0.4
    assert missed.drop(worst).max() < missed[worst]


def test_cores_by_load_do_not_foresee_it_either(run):
    features = read_table(run.path("features"), ("timestamp", "service", "cpu"))
    cv, ahead = (
        pd.concat([read_table(run.path(f"{name}-{m}"), ("service", "metric")) for m in ("cpu", "load")])
        for name in ("cv", "forecast")
    )
    found = with_load(cv, ahead, features).cv
    by_load, blend = (
        found[(found["model"] == kind) & (found["metric"] == "cpu")] for kind in ("load", "blend")
    )
    pd.testing.assert_series_equal(
        by_load.set_index("timestamp")["y"].sort_index(), blend.set_index("timestamp")["y"].sort_index()
    )


def test_runs_every_few_hours_are_judged_in_what_they_could_know(run, monkeypatch, tmp_path):
    run.publish(str(tmp_path / "registry"))
    asked = []
    monkeypatch.setattr(
        freshness, "by_rhythm", lambda stored, *_, changes: asked.append((stored.metric, len(changes)))
    )
    outputs = [[run.path(f"daily-{name}-{m}") for m in ALL] for name in ("forecast", "model")]
    registry, end = str(tmp_path / "registry"), (24, 15.0, run.now)
    steps.forecast_current(run.path("features"), registry, *outputs, run.path("daily"), *end, every_hours=3.0)
    assert set(asked) == {("cpu", 1), ("memory", 0)}


def test_changes_before_an_origin_are_known_there():
    hours, values = np.arange(100, 104), np.ones(4)
    changes = [CodeChange(90, 5.0), CodeChange(100, 2.0), CodeChange(102, 3.0)]
    np.testing.assert_array_equal(as_it_came(values, hours, 100, changes), [2, 2, 6, 6])
    np.testing.assert_array_equal(as_it_came(values, hours, 101, changes), [1, 1, 3, 3])
    np.testing.assert_array_equal(values, np.ones(4))


def test_series_without_changes_is_as_it_was():
    series = HourlySeries(480_000, 10 + np.sin(np.arange(24 * 21) / 24 * 2 * np.pi))
    models = recipes(("blend",), ModelOptions())
    plain, same = (run_backtests([series], models, 24, 4, changes=each)[0] for each in ((), [()]))
    np.testing.assert_array_equal(plain.actual, same.actual)
    np.testing.assert_array_equal(plain.actual[-1], series.values[-24:])
