"""Whatever a run can publish is read again by the next one: trust refuses nothing of our own making."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import jsonschema
import pandas as pd
import pytest
from predictive_scaling.recommend.evidence import Evidence
from predictive_scaling.recommend.floors import capped
from predictive_scaling.recommend.plan import PlanOptions
from predictive_scaling.recommend.recommendation import Recommender
from predictive_scaling.recommend.trusted import require_trusted
from predictive_scaling.shapes.merged import Merged
from predictive_scaling.shapes.shape import Shape
from predictive_scaling.usage import events

NOW = datetime(2026, 11, 29, 6, 30, tzinfo=UTC)
SCHEMA = json.loads(
    files("predictive_scaling").joinpath("schemas/recommendation.v1.schema.json").read_text("utf-8")
)
SALE = {"services": ["web"], "from": "2026-11-29T08:00:00Z", "to": "2026-11-29T10:00:00Z", "reason": "a sale"}


def _rows(age: timedelta = timedelta()) -> pd.DataFrame:
    stamps = pd.date_range(end=pd.Timestamp(NOW - age).floor("h"), periods=200, freq="h")
    return pd.DataFrame({"timestamp": stamps, "service": "web", "cpu": 3.0, "memory": 1e8})


def _recommender(*found: dict[str, Any]) -> Recommender:
    return Recommender(
        PlanOptions(replica_cores=1.0, floor_budget=None), "r2", NOW, events=events.read(found)
    )


def _trusted(document: dict[str, Any]) -> dict[str, Any]:
    jsonschema.validate(document, SCHEMA)
    return require_trusted(document, NOW, "current.json")


@pytest.mark.parametrize("hours", [0, 100, 24 * 8 + 20, 24 * 13, 24 * 60])
def test_constants_of_samples_of_any_age(hours: int) -> None:
    found = _recommender(SALE | {"floor": 9}).fallback_only(
        Evidence(_rows(timedelta(hours=hours))), [], "stale"
    )
    _trusted(found)
    assert ("floors" in found["services"][0]["cpu"]) == (found["valid_until"] > "2026-11-29T06")


def test_events_beyond_what_ten_thousand_replicas_are() -> None:
    found = _recommender(SALE | {"floor": 100_000}).fallback_only(Evidence(_rows()), [], "")
    assert max(each["replicas"] for each in _trusted(found)["services"][0]["cpu"]["floors"]) == 100_000


def test_events_alone() -> None:
    found = _recommender(SALE | {"floor": 7}).fallback_only(Evidence(_rows().iloc[:0]), ["web"], "no data")
    assert len(_trusted(found)["services"][0]["cpu"]["floors"]) == 2


def test_an_entry_that_is_carried_beyond_the_end_of_a_shorter_run() -> None:
    """The horizon was a week, and nothing was accepted since: constants hold for a day and a half."""
    recommender = _recommender()
    before = recommender.fallback_only(Evidence(_rows()), [], "")
    before |= {"run_id": "r1", "valid_until": "2026-12-03T12:00:00Z", "horizon_hours": 120}
    evidence = Evidence(_rows(), {("web", "cpu"): "holes"}, before)
    rows = pd.DataFrame(columns=["timestamp", "service", "metric", "model", "p50", "p95"])
    found = _trusted(recommender.merged(evidence, rows, {"results": [], "horizon_hours": 24}))
    entries = found["services"][0]
    assert found["valid_until"] == entries["cpu"]["valid_until"] == "2026-12-03T12:00:00Z"
    assert entries["memory"].get("valid_until", found["valid_until"]) <= "2026-12-03T12:00:00Z"


@pytest.mark.parametrize("known", [True, False])
def test_a_service_that_is_launched_gets_the_floors_of_its_event(known: bool) -> None:
    """It has a shape and no usage yet; a name that nothing knows has neither."""
    launch = SALE | {"services": ["new"], "floor": 9}
    shapes = Merged({"new": Shape("new", cores=0.5, max=40)} if known else {})
    recommender = replace(_recommender(launch), shapes=shapes)
    rows = pd.DataFrame(columns=["timestamp", "service", "metric", "model", "p50", "p95"])
    for found in (
        recommender.fallback_only(Evidence(_rows()), [], ""),
        recommender.merged(Evidence(_rows()), rows, {"results": [], "horizon_hours": 24}),
    ):
        cpus = {each["service"]: each["cpu"] for each in _trusted(found)["services"]}
        assert ("new" in cpus) == known
        assert [each["replicas"] for each in cpus.get("new", {}).get("floors", [])] == [9, 9] * known


def test_an_event_of_all_services_leaves_daemonsets_alone() -> None:
    """There is a pod of it on each node, and nothing to scale."""
    shapes = Merged({"web": Shape("web", kind="DaemonSet")})
    recommender = replace(_recommender(SALE | {"services": ["*"], "floor": 9}), shapes=shapes)
    found = _trusted(recommender.fallback_only(Evidence(_rows()), [], ""))
    assert "floors" not in found["services"][0]["cpu"]


def test_a_carried_floor_is_as_many_as_there_may_be_now() -> None:
    hour = {"start": "2026-11-29T08:00:00Z", "replicas": 10, "wanted": 15}
    for most, given in ((5, 5), (12, 12), (20, 15)):
        cpu = capped({"floors": [hour], "max_replicas": 10}, most)
        assert (cpu["floors"][0]["replicas"], cpu["max_replicas"]) == (given, most)
