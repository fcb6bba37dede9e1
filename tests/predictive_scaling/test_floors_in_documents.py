"""A recommendation has the floors that were chosen, with what they were worth; without a model, too."""

import json
from datetime import UTC, datetime
from importlib.resources import files

import jsonschema
import numpy as np
import pandas as pd
import pytest
from predictive_scaling.recommend.evidence import Evidence
from predictive_scaling.recommend.plan import LEAST, PlanOptions
from predictive_scaling.recommend.recommendation import Recommender
from predictive_scaling.shapes.merged import Merged
from predictive_scaling.shapes.shape import Scaler, Shape
from predictive_scaling.steps.noting import tell_notes

NOW = datetime(2026, 1, 15, tzinfo=UTC)
SCHEMA = json.loads(
    files("predictive_scaling").joinpath("schemas/recommendation.v1.schema.json").read_text("utf-8")
)
OPTIONS = PlanOptions()


def usage(service="checkout", days=8):
    """3.5 cores, and 14 for a quarter of an hour from 09:20 on."""
    stamps = pd.date_range(end=NOW, periods=days * 288 + 13, freq="5min", inclusive="left")
    spike = stamps.strftime("%H:%M").isin(["09:20", "09:25", "09:30"])
    return pd.DataFrame(
        {"timestamp": stamps, "service": service, "cpu": np.where(spike, 14.0, 3.5), "memory": 1e9}
    )


def merged(clean, shape=None, decision="fallback", forecast=None, refused=None, options=OPTIONS):
    shapes = Merged({"checkout": shape or Shape("checkout", cores=0.5, max=40)})
    rows = pd.DataFrame(columns=["timestamp", "service", "metric", "model", "p50", "p95"])
    result = {"service": "checkout", "metric": "cpu", "decision": decision, "reason": "accuracy 0.20 < 0.70"}
    scores = {"accuracy": 0.9, "skill": 0.1, "baseline": "snaive_1d", "over95": 0.05}
    judged = {"results": [result | scores], "horizon_hours": 24}
    recommender = Recommender(options, "run-1", NOW, shapes)
    document = recommender.merged(
        Evidence(clean, refused or {}), rows if forecast is None else forecast, judged
    )
    jsonschema.validate(document, SCHEMA)
    return document


def cpu(document):
    return document["services"][0]["cpu"]


def by_hour(document):
    return {int(each["start"][11:13]): each["replicas"] for each in cpu(document)["floors"]}


def forecast(mean):
    stamps = pd.date_range(NOW, periods=24, freq="h")
    return pd.DataFrame(
        {
            "timestamp": stamps,
            "service": "checkout",
            "metric": "cpu",
            "model": "blend",
            "p50": mean,
            "p90": mean * 1.1,
            "p95": mean * 1.2,
        }
    )


def test_floors_stand_where_they_were_worth_it_and_say_what_they_cost():
    document = merged(usage(), decision="model", forecast=forecast(3.6))
    found = by_hour(document)
    assert 28 <= found[9] <= 34
    assert {replicas for hour, replicas in found.items() if hour not in (8, 9, 10)} == {10}
    told = cpu(document)["acting"]
    assert told["unserved_before"] > 0.005
    assert told["unserved_after"] == 0
    assert 1 < told["pods_ratio"] <= OPTIONS.floor_budget


def test_capacity_and_request_are_the_plan_of_the_forecast_still():
    one, other = (
        merged(usage(), decision="model", forecast=forecast(3.6), options=each)
        for each in (OPTIONS, PlanOptions(floor_budget=None))
    )
    assert cpu(one)["request"] == cpu(other)["request"]
    assert [each["capacity"] for each in cpu(one)["blocks"]] == [
        each["capacity"] for each in cpu(other)["blocks"]
    ]
    assert "acting" not in cpu(other)
    assert set(by_hour(other).values()) == {int(np.ceil(3.6 * 1.2 * LEAST / 0.35))}


def test_a_service_whose_forecast_is_refused_has_its_hours_too_and_its_quietest_as_the_constant():
    document = merged(usage())
    assert cpu(document)["source"] == "fallback"
    assert (by_hour(document)[9], by_hour(document)[3]) == (28, 10)
    assert cpu(document)["min_replicas"] == 10


def test_so_has_a_run_in_which_no_model_passed():
    recommender = Recommender(OPTIONS, "run-1", NOW, Merged({"checkout": Shape("checkout", cores=0.5)}))
    document = recommender.fallback_only(Evidence(usage()), [], "no model was accepted")
    assert by_hour(document)[9] > by_hour(document)[3]
    failed = recommender.fallback_only(Evidence(usage()), [], "no rows", data_failed=True)
    assert "acting" not in cpu(failed)
    assert len(set(by_hour(failed).values())) == 1


def test_a_maximum_cuts_what_is_wanted_and_bad_data_chooses_nothing():
    document = merged(usage(), Shape("checkout", cores=0.5, max=12))
    nine = next(each for each in cpu(document)["floors"] if each["start"][11:13] == "09")
    assert (nine["replicas"], nine["wanted"]) == (12, 28)
    assert "acting" not in cpu(merged(usage(), refused={("checkout", "cpu"): "quality 0.2"}))


def test_an_autoscaler_that_never_goes_below_the_spike_leaves_nothing_to_gain():
    scaler = Scaler("HorizontalPodAutoscaler", "checkout", 40, 60)
    told = cpu(merged(usage(), Shape("checkout", cores=0.5, scaler=scaler)))["acting"]
    assert (told["unserved_before"], told["pods_ratio"]) == (0, 1)


def test_what_floors_were_worth_is_said_in_one_line(capsys):
    tell_notes(merged(usage()))
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("floors of 1 services")]
    assert len(said) == 1
    assert "0.00% with floors" in said[0]


@pytest.mark.parametrize("budget", [0.9, 0.0])
def test_a_budget_below_one_is_refused(budget):
    with pytest.raises(ValueError, match="floor_budget"):
        PlanOptions(floor_budget=budget)
