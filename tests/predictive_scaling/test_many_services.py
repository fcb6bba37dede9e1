"""Many services are trained and judged a few at a time: the same bytes whatever stands together, and in any order."""

import numpy as np
import pandas as pd
import pytest
from predictive_scaling import steps
from predictive_scaling.backtest import training
from predictive_scaling.backtest.evaluation import Gates
from predictive_scaling.backtest.training import Job, ModelTrainer, TrainingOptions
from predictive_scaling.base.series import HourlySeries
from predictive_scaling.models.features import FeatureEngineer
from predictive_scaling.recommend.evidence import Evidence
from predictive_scaling.usage import by_service
from predictive_scaling.usage.by_service import InOrder
from predictive_scaling.usage.tables import read_table, write_table
from usage_data import clean, usage

OPTIONS = TrainingOptions(cv_folds=5)
NAMES = ("a", "b", "c", "null")


@pytest.fixture(scope="module")
def features():
    rng = np.random.default_rng(1)
    rows = pd.concat([usage(name, days=15 + at) for at, name in enumerate(NAMES)], ignore_index=True)
    noisy = rows.assign(**{name: rows[name] * rng.uniform(0.8, 1.2, len(rows)) for name in ("cpu", "memory")})
    return FeatureEngineer().transform(clean(noisy))


def run(features, folder, service=""):
    """All files that training and judging leave, by name."""
    folder.mkdir()
    write_table(features, folder / "features")
    for metric in ("cpu", "memory"):
        places = [str(folder / f"{metric}-{name}") for name in ("model", "cv", "forecast")]
        steps.train_model(str(folder / "features"), *places, metric, service, OPTIONS)
    cv, forecast = (
        [str(folder / f"{metric}-{name}") for metric in ("cpu", "memory")] for name in ("cv", "forecast")
    )
    out = [str(folder / name) for name in ("features", "evaluation", "report")]
    steps.validate_model(*cv, *forecast, *out, Gates())
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "features")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def whole(features, tmp_path_factory):
    return run(features, tmp_path_factory.mktemp("whole") / "run")


def test_a_second_run_gives_the_same_bytes(features, whole, tmp_path):
    assert run(features, tmp_path / "run") == whole


def test_parts_of_any_size_give_the_same_bytes(features, whole, tmp_path, monkeypatch):
    monkeypatch.setattr(by_service, "ROWS", 77)
    monkeypatch.setattr(training, "BATCH", 3)
    assert run(features, tmp_path / "run") == whole


def test_a_table_in_another_order_gives_the_same_bytes(features, whole, tmp_path):
    assert run(features.sort_values("timestamp", kind="stable"), tmp_path / "run") == whole


def test_a_service_alone_has_the_models_that_it_has_among_others(features, whole, tmp_path):
    alone = run(features, tmp_path / "run", "c")
    models = [name for name in alone if name.endswith("-model/c.json")]
    assert len(models) == 2
    assert all(alone[name] == whole[name] for name in models)


def jobs(number):
    rng = np.random.default_rng(2)
    return [Job(f"s{at}", "cpu", HourlySeries(490_000, 1 + rng.random(400)), OPTIONS) for at in range(number)]


def test_no_more_is_trained_than_is_asked_for(monkeypatch):
    trained = []

    def spied(batch, of=training.train_batch):
        trained.append(len(batch))
        return of(batch)

    monkeypatch.setattr(training, "train_batch", spied)
    found = ModelTrainer(workers=1).batches(jobs(40))
    assert [each.service for each in next(found)] == [f"s{at}" for at in range(16)]
    assert trained == [16]


def test_processes_of_their_own_pay_for_hundreds_of_series_only():
    few, many = jobs(1) * (training.MANY - 1), jobs(1) * training.MANY
    assert training._useful_workers(few) == 1
    assert training._useful_workers(many) > 1 or training.os.sched_getaffinity(0) == {0}


def test_services_are_given_in_turn_with_all_their_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(by_service, "ROWS", 2)
    stamps = pd.date_range("2026-01-05", periods=7, freq="h", tz="UTC")
    table = pd.DataFrame({"timestamp": stamps, "service": list("aaabdda"), "cpu": 1.0})
    for rows in (table, table.iloc[:6]):
        write_table(rows, tmp_path / "table")
        read = InOrder(tmp_path / "table", ("timestamp", "service", "cpu"))
        assert read.of("a")["timestamp"].tolist() == rows[rows["service"] == "a"]["timestamp"].tolist()
        assert read.of("c").empty
        assert list(read.of("c").columns) == list(table.columns)
        assert len(read.of("d")) == 2
        assert read.of("e").empty
        assert read.service == ""


def test_a_table_without_rows_has_no_services(tmp_path):
    empty = pd.DataFrame(columns=pd.Index(["timestamp", "service", "cpu"]))
    write_table(empty, tmp_path / "table")
    assert list(InOrder(tmp_path / "table", tuple(empty.columns)).services()) == []
    assert read_table(tmp_path / "table", tuple(empty.columns)).empty


def test_samples_are_cut_by_service_once_and_not_for_each():
    rows = pd.DataFrame({"service": ["b", "a", "b"], "cpu": [1.0, 2.0, 3.0]})
    evidence = Evidence(rows, {})
    assert evidence.samples("b")["cpu"].tolist() == [1.0, 3.0]
    assert evidence.samples("b") is evidence.samples("b")
    assert evidence.samples("c").empty
