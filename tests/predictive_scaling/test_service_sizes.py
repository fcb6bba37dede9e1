"""A recommendation by each service's own size: replicas within its maximum, what is wanted, and what holds it back."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import predictive_scaling
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from predictive_scaling.base.errors import InputError
from predictive_scaling.recommend.censored import held_back
from predictive_scaling.recommend.evidence import Evidence
from predictive_scaling.recommend.floors import hours_of_day, in_force
from predictive_scaling.recommend.known import known_of
from predictive_scaling.recommend.notes import notes
from predictive_scaling.recommend.peaks import peak_ratio
from predictive_scaling.recommend.plan import HEADROOM, LEAST, PlanOptions
from predictive_scaling.recommend.recommendation import Place, Recommender
from predictive_scaling.recommend.size import size_of
from predictive_scaling.shapes.merged import Merged
from predictive_scaling.shapes.shape import Amounts, Container, Scaler, Shape, Use
from profiles import examples
from test_shapes_document import SHAPES
from usage_data import clean, usage

SCHEMA = json.loads(
    (Path(predictive_scaling.__file__).parent / "schemas/recommendation.v1.schema.json").read_bytes()
)
VALID = jsonschema.Draft202012Validator(SCHEMA)
NOW = datetime(2026, 1, 20, tzinfo=UTC)
MEBI = 2**20
# Where p95 is above the constant, the plan is p95 itself.
OPTIONS = PlanOptions(headroom=HEADROOM / LEAST, max_headroom=1.0, floor_budget=None)
ROWS = clean(usage()[::12])
ACCEPTED = {
    "accuracy": 0.9,
    "skill": 0.1,
    "baseline": "snaive_1d",
    "over95": 0.04,
    "reason": "",
    "decision": "model",
}


def forecast(cpu=tuple(range(24)), memory=100.0 * MEBI):
    hours = pd.date_range(pd.Timestamp(NOW), periods=24, freq="h")
    rows = pd.DataFrame({"timestamp": hours, "service": "checkout", "model": "blend"})
    series = {"cpu": np.array(cpu, dtype=float), "memory": np.full(24, float(memory))}
    return pd.concat(rows.assign(metric=metric, p50=p95, p90=p95, p95=p95) for metric, p95 in series.items())


FORECAST = forecast()


def recommended(shape, rows=None, place=None, told=None, **how):
    """A document of one service; without forecasts when `rows` is empty."""
    shapes = Merged({} if shape is None else {"checkout": shape}, told or {})
    made = Recommender(how.pop("options", OPTIONS), "run-1", NOW, shapes, place or Place())
    results = [{**ACCEPTED, "service": "checkout", "metric": metric} for metric in ("cpu", "memory")]
    evaluation = {"horizon_hours": 24, "results": results}
    document = made.merged(Evidence(how.pop("usage", ROWS)), FORECAST if rows is None else rows, evaluation)
    VALID.validate(document)
    return document


def entry(shape, rows=None, **how):
    return recommended(shape, rows, **how)["services"][0]


# A list of containers that somebody sent: two of one name, of which one is at its limit.
TWICE = Shape(
    "checkout",
    containers=(
        Container("app", limits=Amounts(1.0), use=Use(Amounts(1.0), throttled=1.0)),
        Container("app", use=Use(Amounts())),
    ),
)


@settings(max_examples=examples(200), deadline=None)
@example(TWICE, False)
@given(SHAPES, st.booleans())
def test_whatever_the_shape_replicas_stay_below_the_maximum_and_what_is_wanted_is_told(shape, accepted):
    found = entry(replace(shape, service="checkout"), None if accepted else FORECAST.head(0))
    cpu, size = found["cpu"], size_of("checkout", shape, OPTIONS)
    if size.unsized:
        assert "floors" not in cpu
        assert "min_replicas" not in json.dumps(cpu)
        assert cpu["unsized"] == size.unsized
        return
    assert all(each["replicas"] <= each["wanted"] for each in cpu["floors"])
    assert all(each["replicas"] <= (size.max_replicas or each["wanted"]) for each in cpu["floors"])
    capped = [each for each in cpu["floors"] if each["replicas"] < each["wanted"]]
    assert bool(capped) == any("replicas are wanted" in text for _, text in notes(found))
    assert all(each["replicas"] == size.max_replicas for each in capped)


def test_each_service_has_its_own_size():
    half = entry(Shape("checkout", containers=(Container("app", Amounts(0.5)),)))
    assert half["cpu"]["floors"][21] == {"start": "2026-01-20T21:00:00Z", "replicas": 60, "wanted": 60}
    scaled = Shape("checkout", cores=2.0, scaler=Scaler("HorizontalPodAutoscaler", "checkout", 2, 12))
    assert entry(scaled)["cpu"]["floors"][21] == {
        "start": "2026-01-20T21:00:00Z",
        "replicas": 12,
        "wanted": 15,
    }
    assert entry(scaled)["cpu"]["max_replicas"] == 12
    assert entry(scaled)["cpu"]["replica_cores"] == 2.0


def test_blocks_have_the_highest_floor_of_their_hours():
    cpu = entry(Shape("checkout", cores=1.0, max=20))["cpu"]
    hours = [each["replicas"] for each in cpu["floors"]]
    assert [block["min_replicas"] for block in cpu["blocks"]] == [
        max(hours[at : at + 4]) for at in range(0, 24, 4)
    ]


def test_without_a_size_no_replicas_are_recommended_and_it_is_told_what_to_give():
    for found in (entry(None), entry(None, FORECAST.head(0))):
        assert "min_replicas" not in json.dumps(found)
        assert found["cpu"]["unsized"] == (
            "what a replica serves is not known, so no replicas are recommended; "
            "give services: {checkout: {cores: 0.5}}, or manifests whose containers request cpu"
        )
    silent = Shape("checkout", containers=(Container("app", Amounts(0.5)), Container("log")))
    assert entry(silent)["cpu"]["unsized"].startswith("no cpu request is known of log, so no")
    several = entry(None, told={"checkout": "Deployment and StatefulSet have this name; choose"})
    assert several["cpu"]["unsized"].startswith("Deployment and StatefulSet have this name; choose, so no")
    daemon = entry(Shape("checkout", kind="DaemonSet", cores=1.0))
    assert "one pod on each node" in daemon["cpu"]["unsized"]


def test_a_constant_is_sized_too_with_floors_for_every_hour_of_the_day():
    cpu = entry(Shape("checkout", cores=1.0, max=3), FORECAST.head(0))["cpu"]
    assert (cpu["source"], cpu["min_replicas"]) == ("fallback", 3)
    assert len(cpu["floors"]) == 24
    assert {(each["replicas"], each["wanted"]) for each in cpu["floors"]} == {(3, 5)}


def test_more_than_the_maximum_is_told_with_what_mends_it():
    found = dict(notes(entry(Shape("checkout", cores=1.0, max=20))))
    assert found["cpu"] == (
        "33 replicas are wanted from 2026-01-20T23:00:00Z on, and 20 are the most there may be, as in 9 of 24 hours; "
        "raise the maximum, or the cores of a replica"
    )


def test_the_document_says_where_its_services_are():
    document = recommended(None, place=Place("prod", "shop", 20))
    assert (document["environment"], document["namespace"], document["lead_minutes"]) == ("prod", "shop", 20)
    unknown = recommended(None)
    assert "environment" not in unknown
    assert unknown["lead_minutes"] == 10
    with pytest.raises(InputError, match="between 0 and 60"):
        Place(lead_minutes=61)


def test_the_floor_in_force_is_the_highest_of_now_and_of_what_the_lead_reaches():
    document = recommended(Shape("checkout", cores=1.0, max=20), place=Place(lead_minutes=10))
    by_hour = {hour: each.replicas for hour, each in hours_of_day(document["services"][0]["cpu"])}
    at = NOW.replace(hour=9, minute=49)
    assert in_force(document, "checkout", at) == by_hour[9] == 13
    assert in_force(document, "checkout", at + timedelta(minutes=1)) == by_hour[10] == 15
    # A falling floor stays until its hour ends, and midnight wraps: the hours hold every day.
    assert in_force(document, "checkout", NOW + timedelta(days=1, hours=-1, minutes=59)) == 20
    assert in_force(document, "checkout", NOW + timedelta(days=1, minutes=1)) == by_hour[0] == 1


def test_no_floor_is_in_force_without_one_or_after_its_end():
    document = recommended(Shape("checkout", cores=1.0))
    assert in_force(document, "checkout", NOW + timedelta(hours=36)) is None
    assert in_force(document, "other", NOW) is None
    assert in_force(recommended(None), "checkout", NOW) is None


def test_documents_of_earlier_releases_are_still_read():
    document = recommended(None)
    document["services"][0]["cpu"]["blocks"][2]["min_replicas"] = 7  # from 08:00 on
    del document["lead_minutes"]
    assert in_force(document, "checkout", NOW.replace(hour=7, minute=50)) == 7
    assert in_force(document, "checkout", NOW.replace(hour=7, minute=49)) is None
    constant = {"min_replicas": 4, "source": "fallback"}
    assert {each.replicas for _, each in hours_of_day(constant)} == {4}


def test_what_is_carried_over_is_cut_to_the_maximum_of_now():
    before = recommended(Shape("checkout", cores=1.0, max=20))
    evidence = Evidence(ROWS, {("checkout", "cpu"): "quality 0.2"}, before)
    smaller = Merged({"checkout": Shape("checkout", cores=1.0, max=5)})
    later = Recommender(OPTIONS, "run-2", NOW, smaller)
    document = later.merged(evidence, FORECAST.head(0), {"horizon_hours": 24, "results": []})
    VALID.validate(document)
    cpu = document["services"][0]["cpu"]
    assert cpu["carried_from"] == "run-1"
    assert max(each["replicas"] for each in cpu["floors"]) == 5
    assert max(block["min_replicas"] for block in cpu["blocks"]) == 5
    assert max(each["wanted"] for each in cpu["floors"]) == 33


def test_what_is_carried_over_knows_what_was_killed_since():
    before = recommended(Shape("checkout", cores=1.0))
    killed = Shape("checkout", containers=(app(oom_kills=1, oom_limit=512 * MEBI),))
    evidence = Evidence(ROWS, {("checkout", "memory"): "quality 0.2"}, before)
    later = Recommender(OPTIONS, "run-2", NOW, Merged({"checkout": killed}))
    document = later.merged(evidence, FORECAST.head(0), {"horizon_hours": 24, "results": []})
    memory = document["services"][0]["memory"]
    assert (memory["carried_from"], memory["request"]) == ("run-1", pytest.approx(640 * MEBI, rel=1e-5))


def app(limit=None, used=None, throttled=None, **more):
    cpu, memory = used or (None, None)
    return Container(
        "app", Amounts(0.5), limit or Amounts(), use=Use(Amounts(cpu, memory), throttled, **more)
    )


def test_a_throttled_container_is_told_and_planned_above_its_limit():
    shape = Shape("checkout", containers=(app(Amounts(1.0), (1.0, None), 0.92),))
    found = entry(shape)
    assert "throttled in 92 % of its cpu periods" in found["censored"]["cpu"]
    # The peak's hours, from 80 % of it on: 19 to 23 of 23 cores; × (1 + .92) at a limit that is reached.
    plain = entry(Shape("checkout", containers=(app(),)))
    ratios = [
        mine["wanted"] / other["wanted"]
        for mine, other in zip(found["cpu"]["floors"], plain["cpu"]["floors"], strict=True)
    ]
    assert ratios[:19] == [1.0] * 19
    assert ratios[19:] == pytest.approx([1.92] * 5, rel=0.02)
    assert found["cpu"]["request"] == pytest.approx(23 * 1.92)


def test_one_that_is_throttled_far_below_its_limit_works_in_bursts_and_plans_nothing():
    shape = Shape("checkout", containers=(app(Amounts(4.0), (0.3, None), 0.5),))
    assert "bursts" in entry(shape)["censored"]["cpu"]
    assert held_back(shape).cpu == 1.0
    quiet = Shape("checkout", containers=(app(Amounts(1.0), (1.0, None), 0.2),))
    assert "censored" not in entry(quiet)


def test_a_throttled_sidecar_counts_for_its_part_of_the_pod():
    proxy = Container("proxy", Amounts(0.1), Amounts(0.1), sidecar=True, use=Use(Amounts(0.1), 0.5))
    shape = Shape("checkout", containers=(app(Amounts(2.0), (0.9, None)), proxy))
    assert held_back(shape).cpu == pytest.approx(1.05)  # 0.05 cores more of 1.0


def test_a_container_that_was_killed_asks_for_more_than_the_limit_of_then():
    shape = Shape(
        "checkout",
        containers=(app(Amounts(memory=512 * MEBI), (0.1, 90 * MEBI), oom_kills=3, oom_limit=256 * MEBI),),
    )
    found = entry(shape)
    assert found["memory"]["request"] == pytest.approx(1.25 * 256 * MEBI, rel=1e-5)
    text = "app was killed 3 times for want of memory at a limit of 256 MiB: at least 320 MiB are requested"
    assert found["censored"] == {"memory": text}
    assert found["containers"] == [
        {"name": "app", "memory": {"request": found["memory"]["request"]}, "censored": text}
    ]


def test_a_raised_limit_does_not_ask_for_the_next_raise():
    first = app(Amounts(memory=256 * MEBI), (0.1, 90 * MEBI), oom_kills=1, oom_limit=256 * MEBI)
    raised = replace(first, limits=Amounts(memory=320 * MEBI))
    least = [held_back(Shape("checkout", containers=(each,))).memory for each in (first, raised)]
    assert least[0] == least[1] == {"app": 320 * MEBI}


def test_a_killed_container_is_above_its_limit_without_a_model_too():
    shape = Shape(
        "checkout", containers=(app(Amounts(memory=256 * MEBI), oom_kills=1, oom_limit=256 * MEBI),)
    )
    found = entry(shape, FORECAST.head(0))
    assert found["memory"]["source"] == "fallback"
    assert found["memory"]["request"] == pytest.approx(320 * MEBI, rel=1e-5)


def test_peaks_of_cpu_that_only_maxima_hold_are_planned_for():
    shape = Shape("checkout", cores=1.0)
    with_maxima = ROWS.assign(cpu_max=ROWS["cpu"] * 2.5)
    plain, peaked = (entry(shape, usage=rows)["cpu"] for rows in (ROWS, with_maxima))
    assert peaked["request"] == pytest.approx(23 * 2.125 / LEAST, rel=1e-5)
    assert peaked["floors"][23]["wanted"] > 1.9 * plain["floors"][23]["wanted"]
    # A maximum that cannot be is as good as none.
    for rows in (ROWS.assign(cpu_max=0.0), ROWS.assign(cpu_max=np.inf)):
        assert entry(shape, usage=rows)["cpu"]["request"] == plain["request"]


def test_peaks_of_an_hour_are_those_of_its_finer_rows():
    fine = clean(usage()).assign(cpu=1.0)
    tenth = fine["timestamp"].dt.minute == 10
    assert peak_ratio(known_of(fine, "cpu")) == 1.0
    assert peak_ratio(known_of(fine.assign(cpu=fine["cpu"].where(~tenth, 2.0)), "cpu")) == pytest.approx(
        24 / 13
    )
    assert peak_ratio(known_of(fine.assign(cpu_max=2.5), "cpu")) == 2.5
    assert peak_ratio(known_of(fine.assign(cpu_max=25.0), "cpu")) == 4.0
    assert peak_ratio(known_of(fine.assign(cpu=0.0), "cpu")) == 1.0


def test_other_containers_get_constants_from_what_they_used():
    log = Container("log", use=Use(Amounts(0.1, 40 * MEBI)))
    killed = Container("proxy", sidecar=True, use=Use(Amounts(0.1, 10 * MEBI), None, 1, 64 * MEBI))
    shape = Shape(
        "checkout", kind="Deployment", containers=(app(used=(1.0, 100 * MEBI)), log, killed, Container("new"))
    )
    found = entry(shape)
    requests = {each["name"]: each["memory"]["request"] for each in found["containers"]}
    assert requests == {
        "app": found["memory"]["request"],
        "log": pytest.approx(42 * MEBI, rel=1e-5),
        "proxy": pytest.approx(80 * MEBI, rel=1e-5),
    }
    assert (found["kind"], found["container"]) == ("Deployment", "app")
