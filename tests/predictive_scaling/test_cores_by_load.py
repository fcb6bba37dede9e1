"""Cores by load, as one more model of cpu: chosen by the rule of all models, and kept for the daily runs."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from load_kit import loaded
from predictive_scaling import steps
from predictive_scaling.backtest.by_load import chosen_of, with_load
from predictive_scaling.backtest.evaluation import Gates, ModelValidator
from predictive_scaling.backtest.training_tables import CV_COLUMNS, FORECAST_COLUMNS
from predictive_scaling.models.load import by_load, cost_of
from test_load import ALL, Run

END, FOLDS = pd.Timestamp("2026-02-02T00:00:00Z"), 10
START = END - pd.Timedelta(days=28)


def features():
    """Four weeks of hours: 0.02 cores a request, which go by the day."""
    at = pd.date_range(START, END, freq="h", inclusive="left")
    requests = 100 * (1 + 0.5 * np.sin(2 * np.pi * at.hour.to_numpy() / 24))
    return pd.DataFrame(
        {"timestamp": at, "service": "shop", "cpu": 0.02 * requests, "memory": 1e8, "requests": requests}
    )


def tables(cpu_off, load_off=0.0):
    """Folds and forecasts of the blend: of cpu too high by a share, of requests by another."""
    known = features().set_index("timestamp")
    cv, ahead = [], []
    for metric, column, times in (("cpu", "cpu", 1 + cpu_off), ("load", "requests", 1 + load_off)):
        for fold in range(FOLDS):
            start = END - pd.Timedelta(days=FOLDS - fold)
            actual = known[column][start : start + pd.Timedelta(hours=23)]
            cv.append(
                rows(metric, actual.index, actual * times).assign(
                    fold=fold, y=actual.to_numpy(), is_candidate=True
                )
            )
        last = known[column].iloc[-24:]
        ahead.append(rows(metric, last.index + pd.Timedelta(days=1), last * times))
    return pd.concat(cv)[list(CV_COLUMNS)], pd.concat(ahead)[list(FORECAST_COLUMNS)]


def rows(metric, at, p50):
    bounds = {
        name: (p50 * factor).to_numpy()
        for name, factor in (("p10", 0.9), ("p50", 1.0), ("p90", 1.1), ("p95", 1.2))
    }
    return pd.DataFrame({"service": "shop", "metric": metric, "timestamp": at, "model": "blend", **bounds})


@pytest.mark.parametrize(("cpu_off", "chosen"), [(0.3, True), (0.0, False)])
def test_it_is_chosen_where_it_was_better_on_the_folds(cpu_off, chosen):
    cv, ahead = tables(cpu_off)
    found = with_load(cv, ahead, features())
    cpu = found.forecast[found.forecast["metric"] == "cpu"]
    assert found.chosen == ({"shop"} if chosen else set())
    assert set(cpu["model"]) == {"load" if chosen else "blend"}
    assert cpu["p50"].to_numpy() == pytest.approx(features()["cpu"].iloc[-24:].to_numpy(), rel=0.02)
    assert len(found.forecast) == len(ahead)


def test_a_little_better_is_not_enough_as_of_every_model():
    assert with_load(*tables(0.2, 0.16), features()).chosen == set()


def test_its_folds_are_scored_as_the_others_are():
    found = with_load(*tables(0.3), features())
    judged = ModelValidator(Gates()).evaluate(found.cv, found.forecast, features(), ("cpu",))
    assert judged[0].champion == "load"
    assert judged[0].scores.accuracy > 0.95
    assert (
        chosen_of([{**vars(each), "decision": each.decision} for each in judged]) == []
    )  # its load is not judged
    assert set(found.cv[found.cv["model"] == "load"]["fold"]) == set(range(FOLDS))


def test_costs_at_an_origin_know_nothing_after_it():
    """What is threefold from the sixth day before the end on is most of a week, and nothing to the fold before."""
    later = features()
    later.loc[later["timestamp"] >= END - pd.Timedelta(days=6), "cpu"] *= 3
    cv, _ = with_load(*tables(0.3), later)[:2]
    made = cv[(cv["model"] == "load") & (cv["fold"] == FOLDS - 6)]
    assert made["p50"].to_numpy() == pytest.approx(features()["cpu"].iloc[-24:].to_numpy(), rel=0.02)


def test_both_uncertainties_count():
    cost = cost_of(features())
    load = rows("load", pd.date_range(END, periods=24, freq="h"), pd.Series(100.0, index=range(24)))
    wide, narrow = by_load(load, replace(cost, spread=0.15)), by_load(load, replace(cost, spread=0.0))
    assert (narrow["p95"] / narrow["p50"]).to_numpy() == pytest.approx(1.2)
    assert (wide["p95"] / wide["p50"]).to_numpy() == pytest.approx(1.25)
    assert (wide["p10"] < narrow["p10"]).all()
    for made in (wide, narrow):
        assert (
            (made["p10"] <= made["p50"]) & (made["p50"] <= made["p90"]) & (made["p90"] <= made["p95"])
        ).all()


def test_daily_runs_keep_to_what_was_chosen(tmp_path):
    """The training's choice stands in `current.json`, and the daily run's cores are then by the load of that day."""
    run = Run(tmp_path / "run", loaded(days=15))
    evaluation = json.loads((tmp_path / "run/evaluation").read_bytes())
    for each in evaluation["results"]:
        each["champion"] = "load" if each["metric"] == "cpu" else each["champion"]
    (tmp_path / "run/evaluation").write_text(json.dumps(evaluation))
    run.publish(str(tmp_path / "registry"))
    assert run.service["cpu"]["source"] == "load"
    pointer = json.loads((tmp_path / "registry/current.json").read_bytes())
    assert pointer["trained"]["checkout"]["cpu"]["by_load"] is True
    assert "by_load" not in pointer["trained"]["checkout"]["load"]
    outputs = [[run.path(f"daily-{name}-{m}") for m in ALL] for name in ("forecast", "model")]
    steps.forecast_current(
        run.path("features"), str(tmp_path / "registry"), *outputs, run.path("daily"), 24, 15.0, run.now
    )
    assert chosen_of(json.loads((tmp_path / "run/daily").read_bytes())["results"]) == ["checkout"]


def test_load_that_no_candidate_fits_says_nothing_of_cores():
    """Whoever asks for one model alone has the baselines' folds besides, and none of them is ever used."""
    cv, ahead = tables(0.3)
    cv.loc[cv["metric"] == "load", "is_candidate"] = False
    assert with_load(cv, ahead, features()).chosen == set()
