"""The page of what would be done: requests and floors against today's, in units, with period, source, zone and run."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from importlib.resources import files
from typing import Any

import jsonschema
import pandas as pd
import pytest
from markupsafe import Markup, escape
from predictive_scaling.base.amounts import number, quantity
from predictive_scaling.report import actions, origin
from predictive_scaling.report.actions import page
from predictive_scaling.report.origin import Origin, inside, shown_source, with_usage
from predictive_scaling.report.recommended import Units, constants, rows
from predictive_scaling.report.rendered import MAX_BYTES
from predictive_scaling.shapes.shape import Amounts, Container, Scaler, Shape
from project import PROJECT

HOSTILE = '<img src="http://x" onerror="alert(1)">'
MEBI = 2**20


def _document(**changed: Any) -> dict[str, Any]:
    floors = [
        {"start": f"2026-11-30T{hour:02}:00:00Z", "replicas": min(9, 3 + hour // 4), "wanted": 3 + hour // 2}
        for hour in range(24)
    ]
    service = {
        "service": "checkout",
        "container": "app",
        "cpu": {"unit": "cores", "source": "blend", "request": 4.2, "floors": floors, "max_replicas": 9},
        "memory": {"unit": "bytes", "source": "blend", "request": 700.2 * MEBI},
        "containers": [{"name": "proxy", "memory": {"request": 64 * MEBI}}],
        "censored": {"memory": "OOM-killed 3 times: its limit is no demand"},
        "events": [
            {
                "from": "2026-11-30T08:00:00Z",
                "to": "2026-11-30T10:00:00Z",
                "floor": 7,
                "reason": "a sale",
                "learn": True,
            }
        ],
        **changed,
    }
    return {
        "run_id": "run-7",
        "environment": "prod",
        "namespace": "shop",
        "generated_at": "2026-11-29T23:00:00Z",
        "valid_until": "2026-12-01T12:00:00Z",
        "horizon_hours": 24,
        "lead_minutes": 10,
        "services": [service],
    }


SHAPE = Shape(
    "checkout",
    containers=(
        Container("app", Amounts(memory=512.0 * MEBI)),
        Container("proxy", Amounts(memory=96.0 * MEBI)),
    ),
    scaler=Scaler("HorizontalPodAutoscaler", "checkout", 2, 9),
)


BIG = (Container("app", Amounts(memory=1024.0 * MEBI)),)


def test_requests_and_floors_stand_against_today_s_in_units() -> None:
    found = [
        (each.what, each.today, each.planned, each.raises, each.note)
        for each in rows(_document(), {"checkout": SHAPE})
    ]
    assert found == [
        (
            "replicas",
            "at least 2",
            "at least 3 to 8, by the hour",
            True,
            "14 would be needed; the maximum is 9",
        ),
        ("cpu of all its pods", "not known", "up to 4.2 cores", False, ""),
        ("memory of app", "512 MiB", "701 MiB", True, "OOM-killed 3 times: its limit is no demand"),
        ("memory of proxy", "96 MiB", "64 MiB", False, ""),
    ]


def test_what_stands_today_is_said_to_be_unknown_and_never_guessed() -> None:
    assert {each.today for each in rows(_document(), {})} == {"not known"}


def test_without_a_floor_it_says_why() -> None:
    nothing = {"unit": "cores", "source": "none", "reason": "no usable data"}
    first = rows(_document(cpu=nothing), {})[0]
    assert (first.planned, first.note) == ("no floor", "no usable data")


def test_a_page_says_from_which_run_for_whom_how_long_and_in_which_zone() -> None:
    found = page(_document(), [SHAPE])
    for text in (
        "<td>run-7</td>",
        "<td>prod · shop</td>",
        "<td>2026-12-01 12:00 UTC</td>",
        "24 h, floors by the hour, hours in UTC",
        "a floor is in force 10 minutes before its hour",
        "2026-11-30 08:00 UTC – 2026-11-30 10:00 UTC",
        "at least 7 replicas",
        "checkout: replicas by the hour (UTC), 30 Nov to 01 Dec 2026; at most 9",
    ):
        assert text in found
    assert len(re.findall("<svg", found)) == 1
    assert "would be needed" in found


def test_a_page_loads_nothing_and_escapes_what_a_stranger_named() -> None:
    made = _document(service=HOSTILE, container=HOSTILE, censored={"memory": HOSTILE})
    made["run_id"] = made["namespace"] = HOSTILE
    found = page(made, [])
    assert "<script" not in found
    assert HOSTILE not in found
    assert str(escape(HOSTILE)) in found


def test_a_page_is_bounded_and_says_what_it_leaves_out() -> None:
    made = _document()
    made["services"] = [made["services"][0] | {"service": f"s{at}"} for at in range(500)]
    found = page(made, [])
    assert len(found.encode()) <= MAX_BYTES + 500
    assert len(re.findall("<b>at least", found)) == 500
    assert re.search(r"460 more drawings are left out", found)


def test_a_thousand_services_fit_and_what_changes_is_shown_before_what_stays() -> None:
    made = _document()
    quiet = made["services"][0] | {"containers": [], "censored": {}, "events": []}
    quiet["cpu"] = {"unit": "cores", "source": "blend", "request": 4.2, "min_replicas": 2}
    named = [quiet | {"service": f"quiet-{at}"} for at in range(1000)]
    named += [made["services"][0] | {"service": f"rising-{at}"} for at in range(100)]
    shapes = [replace(SHAPE, service=f"quiet-{at}", containers=BIG) for at in range(1000)]
    found = page(made | {"services": named}, shapes, origin=Origin(judged=Markup("x" * MAX_BYTES)))
    assert len(found.encode()) < 2.5 * MAX_BYTES
    assert "400 more lines are not shown" in found
    assert len(re.findall('<th scope="row">rising-', found)) == 100 * 3 + 100  # what rises, and events


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.1234, "cores", "124 millicores"),
        (1.5, "cores", "1.5 cores"),
        (700.2 * MEBI, "bytes", "701 MiB"),
        (3.2 * 1024 * MEBI, "bytes", "3.2 GiB"),
        (None, "bytes", "not known"),
        (float("nan"), "cores", "not known"),
    ],
)
def test_amounts_are_written_as_people_do(value: float | None, unit: str, said: str) -> None:
    assert quantity(value, unit, up=True) == said


@pytest.mark.parametrize(
    ("value", "up", "said"),
    [
        (0.85549, False, "0.855"),
        (0.85549, True, "0.856"),
        (12.0, False, "12"),
        (999.6, False, "1,000"),
        (1234.0, True, "1,240"),
        (-0.05, False, "-0.05"),
        (0.0, True, "0"),
        (2.1 / 0.7, True, "3"),  # a hair above 3
        (math.nan, False, "–"),
    ],
)
def test_a_number_has_three_significant_digits(value: float, up: bool, said: str) -> None:
    assert number(value, up=up) == said


FALLBACK = {
    "unit": "bytes",
    "source": "fallback",
    "request": 630 * MEBI,
    "p90": 600 * MEBI,
    "reason": "6 days of history, at least 7 are needed",
}


def test_a_series_without_a_forecast_shows_its_constant_how_it_is_made_and_why() -> None:
    cpu = FALLBACK | {"unit": "cores", "request": 2.3, "p90": 2.0}
    found = constants(_document(cpu=cpu, memory=FALLBACK))
    assert [(each.metric, each.value, each.how, each.reason) for each in found] == [
        ("cpu", "2.3 cores", "p90 of the last 8 days, 2 cores, × 1.15", FALLBACK["reason"]),
        (
            "memory",
            "630 MiB",
            "p90 of the last 8 days, 600 MiB, and at least the highest of 14 days and 5 %",
            FALLBACK["reason"],
        ),
    ]
    text = page(_document(cpu=cpu, memory=FALLBACK))
    assert '<td class="n">2.3 cores</td>' in text
    assert "None: a forecast serves every series" in page(_document())


def test_what_an_earlier_run_says_and_what_has_nothing_at_all_stand_there_too() -> None:
    kept = FALLBACK | {"source": "blend", "carried_from": "run-5", "valid_until": "2026-11-30T04:00:00Z"}
    none = {"unit": "cores", "source": "none", "reason": "no usable data"}
    found = constants(_document(cpu=none, memory=kept))
    assert [(each.value, each.how) for each in found] == [
        ("none", "nothing is recommended"),
        ("630 MiB", "from run run-5, which holds until 2026-11-30 04:00 UTC"),
    ]


def test_data_in_shares_are_in_no_unit() -> None:
    made = _document(memory=FALLBACK | {"request": 0.65, "p90": 0.6})
    assert constants(made, Units(shares=True))[0].value == "0.65"
    assert "neither cores nor bytes" in page(made, origin=Origin(shares=True))
    assert "neither cores nor bytes" not in page(made)


def test_run_release_source_and_period_stand_at_the_head() -> None:
    clean = pd.DataFrame(
        {
            "timestamp": pd.to_datetime(["2026-11-01T00:00Z", "2026-11-29T22:55Z"], utc=True),
            "service": ["a", "b"],
        }
    )
    found = page(_document(), origin=with_usage(Origin("sha256:ab12", "minio://usage/u.csv.gz"), clean))
    for name, value in (
        ("run", "run-7"),
        ("release", "sha256:ab12"),
        ("usage from", "minio://usage/u.csv.gz"),
        ("usage of", "2026-11-01 00:00 UTC – 2026-11-29 22:55 UTC, 2 services, 2 samples"),
    ):
        assert f'<th scope="row">{name}</th><td>{value}</td>' in found
    assert with_usage(Origin(), clean.iloc[:0]).period() == "nothing that could be used"


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (
            "Prometheus http://me:secret@prometheus:9090/x?token=secret#secret",
            "Prometheus http://prometheus:9090/x",
        ),
        ("s3://bucket/usage.csv?X-Amz-Signature=secret", "s3://bucket/usage.csv"),
        ("http://[secret", "an address that cannot be read"),
        ("sample:smd_servers_5min", "sample:smd_servers_5min"),
    ],
)
def test_where_usage_is_from_is_said_without_a_password_or_signature(source: str, shown: str) -> None:
    assert shown_source(source) == shown


def test_the_judgement_is_taken_in_as_it_is_and_nothing_that_is_no_page_of_it() -> None:
    judged = f"<html><h1>x</h1>{origin.BEGIN}<p>skill</p>{origin.END}</html>"
    assert inside(judged) == "<p>skill</p>"
    assert inside("<script>alert(1)</script>") == ""
    assert "<h2>How good the forecasts are</h2>\n<p>skill</p>" in page(
        _document(), origin=Origin(judged=inside(judged))
    )


def test_without_that_page_the_scores_of_the_evaluation_stand_there() -> None:
    scored = {
        "service": HOSTILE,
        "metric": "cpu",
        "decision": "model",
        "champion": "blend",
        "accuracy": 0.8555,
        "baseline": "snaive_1d",
        "skill": 0.1,
        "over95": 0.0417,
        "coverage": 0.8,
        "mase": None,
    }
    refused = {"service": "late", "metric": "cpu", "decision": "fallback", "champion": ""}
    found = page(_document(), origin=Origin(evaluation=[scored, refused]))
    assert HOSTILE not in found
    assert (
        '<td class="n">85.6 %</td><td>snaive_1d</td><td class="n">0.1</td><td class="n">4.17 %</td>' in found
    )
    assert "no model was trained in this run" in found


def test_nothing_recommended_is_said() -> None:
    assert "nothing is recommended" in page(_document() | {"services": []})
    assert actions.floors(_document()["services"][0])[0].replicas == 3


def test_a_service_without_a_size_says_what_to_give() -> None:
    unsized = {
        "unit": "cores",
        "source": "blend",
        "request": 1.0,
        "unsized": "give services: {checkout: {cores: 0.5}}",
    }
    first = rows(_document(cpu=unsized), {})[0]
    assert (first.planned, first.note) == ("no floor", "give services: {checkout: {cores: 0.5}}")


def test_the_picture_of_the_readme_is_drawn_from_the_recommendation_beside_it() -> None:
    """To draw it anew: write `actions.picture(…)` of that service into docs/example/floors.svg."""
    folder = PROJECT / "docs/example"
    document = json.loads((folder / "recommendation.json").read_text("utf-8"))
    schema = json.loads(
        files("predictive_scaling").joinpath("schemas/recommendation.v1.schema.json").read_text("utf-8")
    )
    jsonschema.validate(document, schema)
    (service,) = (each for each in document["services"] if each["service"] == "smd-3-4")
    assert (folder / "floors.svg").read_text("utf-8") == actions.picture(service)
    counts = [each.replicas for each in actions.floors(service)]
    readme = (PROJECT / "README.md").read_text("utf-8")
    assert (
        f"floors from {min(counts)} to {max(counts)}, the maximum of {service['cpu']['max_replicas']}"
        in readme
    )
