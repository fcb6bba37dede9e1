"""The page of what would be done: requests and floors against today's, in units, with period, source, zone and run."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from markupsafe import escape
from predictive_scaling.base.amounts import quantity
from predictive_scaling.report import actions
from predictive_scaling.report.actions import page
from predictive_scaling.report.recommended import rows
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
    assert "more lines are not shown" in found
    assert re.search(r"460 more drawings are left out", found)


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
