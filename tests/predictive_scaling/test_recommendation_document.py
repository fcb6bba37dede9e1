import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import predictive_scaling
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from predictive_scaling.base.errors import InputError
from predictive_scaling.recommend.evidence import Evidence
from predictive_scaling.recommend.fallback import constant, weighted_percentile
from predictive_scaling.recommend.plan import (
    COVERED,
    MOST,
    Ahead,
    Past,
    PlanOptions,
    capacity,
    planned,
    raised,
)
from predictive_scaling.recommend.recommendation import Recommender, fallback_share
from predictive_scaling.recommend.size import Count, Size, count
from predictive_scaling.shapes.merged import Merged
from predictive_scaling.shapes.shape import Shape
from usage_data import START, clean, usage

SCHEMA = json.loads(
    (Path(predictive_scaling.__file__).parent / "schemas/recommendation.v1.schema.json").read_bytes()
)
NOW = datetime(2026, 1, 20, tzinfo=UTC)
END = pd.Timestamp(NOW)


def valid(document):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(document, SCHEMA)
    return document


def test_percentile_of_equal_weights_is_the_nearest_rank():
    values = np.arange(1.0, 11.0)
    assert weighted_percentile(values, np.ones(10), 0.90) == 9.0
    assert weighted_percentile(values, np.ones(10), 0.91) == 10.0


def test_weights_move_the_percentile():
    assert weighted_percentile(np.array([5.0, 1.0]), np.array([1.0, 9.0]), 0.90) == 1.0
    assert weighted_percentile(np.array([5.0, 1.0]), np.array([2.0, 8.0]), 0.90) == 5.0


@given(
    st.lists(st.tuples(st.floats(0, 1e9), st.floats(0.01, 1)), min_size=1, max_size=50), st.floats(0.01, 0.99)
)
def test_percentile_is_one_of_the_values_and_enough_weight_lies_below(pairs, quantile):
    values, weights = (np.array(part) for part in zip(*pairs, strict=True))
    found = weighted_percentile(values, weights, quantile)
    assert found in values
    assert weights[values <= found].sum() >= quantile * weights.sum() * (1 - 1e-9)


def samples(*pairs, metric="cpu"):
    stamps = [END - pd.Timedelta(hours=hours) for hours, _ in pairs]
    return pd.DataFrame({"timestamp": stamps, metric: [value for _, value in pairs]})


def test_weights_halve_every_day():
    # Weights 1, ½, ¼ (sum 1.75): 90 % is 1.575; by value 1 (¼), 2 (½) and 3 (1) reach it at 3.
    assert constant(samples((0, 3.0), (24, 2.0), (48, 1.0)), "cpu", END, 1.15).p90 == 3.0
    # The large value is three days old: weight ⅛ of 1.125, which is more than 10 %.
    assert constant(samples((0, 1.0), (72, 9.0)), "cpu", END, 1.0).p90 == 9.0
    # Four days old: 1/16 of 1.0625, less than 10 %.
    assert constant(samples((0, 1.0), (96, 9.0)), "cpu", END, 1.0).p90 == 1.0


def test_samples_older_than_eight_days_do_not_count():
    assert constant(samples((24 * 9, 5.0)), "cpu", END, 1.15) is None


def test_memory_is_at_least_its_maximum_of_fourteen_days():
    rows = samples((0, 100.0), (24 * 13, 900.0), (24 * 15, 5000.0), metric="memory")
    assert constant(rows, "memory", END, 1.15).request == 945.0  # and 5 %
    assert constant(samples((0, 100.0), metric="memory"), "memory", END, 1.15).request == pytest.approx(115.0)


@pytest.mark.parametrize(("cores", "expected"), [(0.0, 1), (0.7, 1), (0.71, 2), (2.1, 3), (1000.0, 20)])
def test_replicas_serve_the_cores_at_the_target(cores, expected):
    assert count(cores, Size(1.0, 20), PlanOptions()).replicas == expected


def test_what_is_wanted_is_told_beside_what_there_may_be():
    assert count(1000.0, Size(1.0, 20), PlanOptions()) == Count(20, 1429)
    assert count(1000.0, Size(1.0), PlanOptions()) == Count(1429, 1429)
    assert count(1000.0, Size(0.5, 4000), PlanOptions()) == Count(2858, 2858)


@pytest.mark.parametrize(
    "change",
    [
        {"headroom": 0.9},
        {"memory_headroom": 0.99},
        {"target_utilisation": 0},
        {"block_hours": 0},
        {"max_headroom": float("nan")},
    ],
)
def test_plan_options_are_checked(change):
    with pytest.raises(InputError):
        PlanOptions(**change)


SIZED = Merged({"checkout": Shape("checkout", cores=1.0, max=20)})
RECOMMENDER = Recommender(PlanOptions(max_headroom=1.0, floor_budget=None), "run-1", NOW, SIZED)
RESULT = {
    "accuracy": 0.9,
    "skill": 0.1,
    "baseline": "snaive_1d",
    "over95": 0.04,
    "reason": "",
    "decision": "model",
}


def forecast(metric="cpu"):
    hours = pd.date_range(END, periods=24, freq="h")
    p50 = np.arange(24.0)
    return pd.DataFrame(
        {
            "timestamp": hours,
            "service": "checkout",
            "metric": metric,
            "model": "prophet",
            "p50": p50,
            "p90": p50 + 0.5,
            "p95": p50 + 1,
        }
    )


def evaluation(*results):
    return {"horizon_hours": 24, "results": [{**RESULT, "service": "checkout", **each} for each in results]}


def merged(*results):
    return valid(RECOMMENDER.merged(Evidence(clean(usage())), forecast(), evaluation(*results)))


REFUSED = {"metric": "memory", "decision": "fallback", "reason": "accuracy 0.20 < 0.70"}


def test_forecasts_and_constants_stand_side_by_side():
    document = merged({"metric": "cpu"}, REFUSED)
    entry = document["services"][0]
    assert entry["cpu"]["source"] == "prophet"
    assert entry["memory"] == {
        "unit": "bytes",
        "source": "fallback",
        "reason": "accuracy 0.20 < 0.70",
        "p90": 104_858_000.0,
        "request": 120_586_000.0,
    }
    assert fallback_share(document) == 0.5


def test_what_a_gate_refused_gets_the_higher_of_its_plan_and_the_constant():
    low = forecast().assign(**{name: np.arange(24.0) / 6 for name in ("p50", "p90", "p95")})

    def cpu(decision, why):
        judged = {"metric": "cpu", "decision": decision, "reason": why}
        document = RECOMMENDER.merged(Evidence(clean(usage())), low, evaluation(judged, REFUSED))
        return valid(document)["services"][0]["cpu"]

    why = "p95 overrun 0.2 > 0.1 (max_over95)"
    plain, guarded, constant = cpu("model", ""), cpu("guarded", why), cpu("fallback", "not finite")
    assert (guarded["source"], guarded["guarded"]) == ("prophet", why)
    assert "guarded" not in plain
    for alone, both in zip(plain["blocks"], guarded["blocks"], strict=True):
        assert both["capacity"] == pytest.approx(max(alone["capacity"], constant["request"]))
    below = [each["capacity"] < constant["request"] for each in plain["blocks"]]
    assert any(below) and not all(below)


def test_a_forecast_beyond_what_was_seen_says_why():
    known = clean(usage())
    highest = known.groupby(known["timestamp"].dt.floor("h"))["cpu"].mean().max()

    def told(p50, p95):
        ahead = forecast().assign(p50=p50, p90=p95, p95=p95)
        judged = evaluation({"metric": "cpu"}, REFUSED)
        return valid(RECOMMENDER.merged(Evidence(known), ahead, judged))["services"][0]["cpu"].get(
            "beyond_seen"
        )

    assert told(highest / 2, highest) is None
    assert (
        told(highest + 1, highest + 2) == "the forecast itself is higher than anything in the 28 days before"
    )
    assert "or was higher at the training" in told(highest / 2, highest + 1)
    known = known.assign(cpu=known["cpu"] + np.arange(len(known)) / 288)  # a core more each day
    highest = known.groupby(known["timestamp"].dt.floor("h"))["cpu"].mean().max()
    assert told(highest, highest + 0.1).startswith("it grows: on 7 of the last 7 days")


def test_block_has_the_highest_hour_with_headroom():
    blocks = merged({"metric": "cpu"}, REFUSED)["services"][0]["cpu"]["blocks"]
    assert len(blocks) == 6
    assert blocks[0] == {
        "start": "2026-01-20T00:00:00Z",
        "end": "2026-01-20T04:00:00Z",
        "p50": 3.0,
        "p95": 4.0,
        "capacity": 4.32,  # the constant does not cover it, and is less than p95 and a little
        "min_replicas": 7,
    }
    assert blocks[-1]["min_replicas"] == 20


def test_document_is_valid_until_twelve_hours_after_the_horizon():
    assert merged({"metric": "cpu"}, REFUSED)["valid_until"] == "2026-01-21T12:00:00Z"


def test_service_that_was_never_judged_gets_a_constant_with_that_reason():
    document = valid(RECOMMENDER.merged(Evidence(clean(usage())), forecast(), evaluation()))
    assert document["services"][0]["cpu"]["reason"] == "did not pass data validation"
    assert fallback_share(document) == 1.0


def test_metric_without_data_recommends_nothing():
    rows = clean(usage()).assign(memory=float("nan"))
    document = valid(RECOMMENDER.merged(Evidence(rows), forecast(), evaluation({"metric": "cpu"}, REFUSED)))
    assert document["services"][0]["memory"]["source"] == "none"
    assert "request" not in document["services"][0]["memory"]


def test_fallback_covers_all_services_with_the_reason():
    rows = clean(pd.concat([usage("a"), usage("b")]))
    document = valid(RECOMMENDER.fallback_only(Evidence(rows), [], "data is stale"))
    assert [each["service"] for each in document["services"]] == ["a", "b"]
    assert document["reason"] == "data is stale"
    assert document["services"][0]["cpu"]["reason"] == "data is stale"


def test_fallback_without_data_is_a_valid_document_that_recommends_nothing():
    document = valid(RECOMMENDER.fallback_only(Evidence(clean(usage().head(0))), ["a"], ""))
    assert (document["services"], document["reason"]) == ([], "no usable data")
    assert fallback_share(document) == 1.0


def test_constant_from_old_data_is_expired_at_birth():
    long_after = Recommender(PlanOptions(), "run-1", datetime(2026, 6, 1, tzinfo=UTC))
    document = valid(long_after.fallback_only(Evidence(clean(usage())), [], "stale"))
    assert document["valid_until"] < document["generated_at"]
    data_end = START + pd.Timedelta(days=15) - pd.Timedelta(minutes=5)
    assert document["valid_until"] == (data_end + pd.Timedelta(days=8, hours=36)).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )


@pytest.mark.parametrize(
    ("usual", "most", "planned"),
    [
        (0.0, 1.5, [1.33, 2.66, 13.3]),  # nothing is known of a constant
        (1.0, 1.5, [1.08, 2.16, 10.8]),  # it covers none, and is no more than what p95 needs
        (6.0, 1.0, [1.33, 2.66, 10.8]),  # less than it is enough where it covers p95; nothing is raised
        (6.0, 1.5, [2.2, 2.66, 10.8]),  # raised until the plan costs 0.87 of it
        (20.0, 1.5, [3.1, 3.1, 13.3]),  # 1.5 × p95 has a mean of 6.5
        (10.5, 1.0, [1.33, 2.66, 0.99 * 10.5]),  # what it covers gets no more than it
    ],
)
def test_a_plan_is_above_p95_and_no_more_than_the_constant_where_that_covers_it(usual, most, planned):
    found = capacity("cpu", np.array([1.0, 2.0, 10.0]), usual, PlanOptions(max_headroom=most))
    assert found.tolist() == pytest.approx(planned)


@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=48).map(np.array),
    st.floats(0, 1e6),
    st.floats(1, 3),
)
def test_headroom_scales_the_whole_plan_and_no_hour_is_below_p95(p95, usual, headroom):
    assume((np.abs(p95 - COVERED * usual) > 1e-6 * usual).all())
    plan = capacity("cpu", p95, usual, PlanOptions())
    assert (plan >= p95).all()
    scale = headroom / PlanOptions().headroom
    more = capacity("cpu", p95, usual * scale, PlanOptions(headroom=headroom))
    assert more.tolist() == pytest.approx((plan * scale).tolist(), rel=1e-9, abs=1e-9)


@given(
    st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=48).map(np.array),
    st.floats(1e-3, 1e6),
)
def test_a_plan_that_the_constant_covers_costs_less_than_the_constant(p95, usual):
    p95 = np.minimum(p95, usual * 0.9)
    assert capacity("cpu", p95, usual, PlanOptions()).mean() < usual


def test_no_hour_of_cpu_gets_less_than_what_its_mean_peaks_at():
    ahead = Ahead(np.array([1.0, 2.0]), np.array([1.1, 2.2]), np.array([1.2, 2.4]))
    assert planned("cpu", ahead, Past(peak=3.0), PlanOptions()).tolist() == pytest.approx([2.5, 5.0])
    assert planned("cpu", ahead, Past(), PlanOptions()).tolist() == pytest.approx([1.2 * MOST, 2.4 * MOST])


@given(
    st.lists(st.floats(0, 1e9), min_size=1, max_size=200).map(np.array),
    st.floats(0, 1e9),
)
def test_a_raised_plan_has_the_mean_that_was_wanted_and_one_lowest_level(plan, mean):
    found = raised(plan, mean)
    assert (found >= plan).all()
    assert found.mean() == pytest.approx(max(mean, plan.mean()), rel=1e-9, abs=1e-6)
    changed = found[found > plan]
    assert len(changed) == 0 or (changed == found.min()).all()


def test_memory_plan_is_the_median_of_the_days_p95_and_the_last_maxima():
    p95 = np.concatenate([np.arange(24.0), np.full(6, 3.0)])
    ahead = Ahead(p95 / 4, p95 / 2, p95)
    bare = planned("memory", ahead, Past(99.0), PlanOptions())
    assert bare.tolist() == pytest.approx([23.0 * 1.05] * 24 + [3.0 * 1.05] * 6)
    between = planned("memory", ahead, Past(99.0, maxima=(14.0, 20.0)), PlanOptions(memory_headroom=1.0))
    assert between.tolist() == pytest.approx([20.0] * 24 + [14.0] * 6)
    # A forecast that sees more coming than was there lately is believed as far as its p90.
    rising = planned("memory", ahead, Past(99.0, maxima=(5.0, 6.0)), PlanOptions(memory_headroom=1.0))
    assert rising.tolist() == pytest.approx([11.5] * 24 + [5.0] * 6)


def previous(**entry):
    """A recommendation of yesterday: a forecast for cpu, nothing for memory."""
    yesterday = Recommender(
        PlanOptions(floor_budget=None), "run-0", datetime(2026, 1, 19, 12, tzinfo=UTC), SIZED
    )
    document = yesterday.merged(Evidence(clean(usage())), forecast(), evaluation({"metric": "cpu"}, REFUSED))
    document["services"][0]["cpu"].update(entry)
    return document


BAD = {("checkout", "cpu"): "quality 0.20 < 0.95"}


def test_bad_data_keeps_what_was_recommended_before_as_long_as_it_holds():
    evidence = Evidence(clean(usage()), BAD, previous())
    entry = valid(RECOMMENDER.merged(evidence, forecast().head(0), evaluation()))["services"][0]["cpu"]
    assert (entry["source"], entry["carried_from"]) == ("prophet", "run-0")
    assert (entry["reason"], entry["valid_until"]) == ("quality 0.20 < 0.95", "2026-01-21T12:00:00Z")
    assert entry["blocks"] == previous()["services"][0]["cpu"]["blocks"]


@pytest.mark.parametrize("hours", [37, 100])
def test_previous_recommendation_that_is_over_gives_way_to_a_constant(hours):
    later = Recommender(PlanOptions(), "run-1", NOW + pd.Timedelta(hours=hours).to_pytimedelta())
    evidence = Evidence(clean(usage()), BAD, previous())
    entry = valid(later.merged(evidence, forecast().head(0), evaluation()))["services"][0]["cpu"]
    assert (entry["source"], entry["reason"]) == ("fallback", "quality 0.20 < 0.95")


def test_model_that_fails_on_good_data_gives_way_to_a_constant_at_once():
    evidence = Evidence(clean(usage()), {}, previous())
    refused = {"metric": "cpu", "decision": "fallback", "reason": "accuracy 0.20 < 0.70"}
    entry = valid(RECOMMENDER.merged(evidence, forecast(), evaluation(refused)))["services"][0]["cpu"]
    assert (entry["source"], entry["reason"]) == ("fallback", "accuracy 0.20 < 0.70")


def test_entry_carried_twice_keeps_its_first_run_and_its_end():
    once = previous(valid_until="2026-01-20T06:00:00Z", carried_from="run-7")
    evidence = Evidence(clean(usage()), BAD, once)
    entry = valid(RECOMMENDER.merged(evidence, forecast().head(0), evaluation()))["services"][0]["cpu"]
    assert (entry["carried_from"], entry["valid_until"]) == ("run-7", "2026-01-20T06:00:00Z")


def test_failed_data_keeps_services_that_are_no_longer_in_it():
    evidence = Evidence(clean(usage().head(0)), {}, previous())
    document = valid(RECOMMENDER.fallback_only(evidence, [], "no rows", data_failed=True))
    assert document["services"][0]["cpu"]["carried_from"] == "run-0"
    assert document["services"][0]["cpu"]["reason"] == "no rows"


def test_constant_from_old_samples_says_its_own_end_beside_what_is_carried():
    much_later = Recommender(PlanOptions(), "run-1", datetime(2026, 1, 29, 13, tzinfo=UTC))
    fresh = previous(valid_until="2026-02-10T00:00:00Z")
    document = valid(
        much_later.fallback_only(Evidence(clean(usage()), {}, fresh), [], "stale", data_failed=True)
    )
    assert document["valid_until"] == "2026-02-10T00:00:00Z"
    assert document["services"][0]["memory"]["valid_until"] == "2026-01-29T11:55:00Z"
