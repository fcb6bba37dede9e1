"""Known events: what is read, what they raise, and what is left out of training."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from predictive_scaling.base.errors import InputError
from predictive_scaling.models.features import FeatureEngineer
from predictive_scaling.proposals.floors import floors
from predictive_scaling.recommend.entries import carried_entry
from predictive_scaling.recommend.floors import hours_of_day
from predictive_scaling.recommend.raised_floors import with_events
from predictive_scaling.usage import events
from predictive_scaling.usage.event_files import read_events
from usage_data import START, clean, usage

EVENT = {
    "services": ["web"],
    "from": "2026-12-24T07:30:00Z",
    "to": "2026-12-24T09:00:00Z",
    "reason": "a sale",
}


def _hour(hour: int) -> datetime:
    return datetime(2026, 12, 24, hour, tzinfo=UTC)


def test_an_event_counts_in_every_hour_that_it_touches() -> None:
    found = events.read([EVENT | {"floor": 7.0}])  # KFP gives numbers of a list as floats
    assert [events.floor(found, "web", _hour(hour)) for hour in range(6, 11)] == [0, 7, 7, 0, 0]
    assert events.floor(found, "api", _hour(8)) == 0
    assert events.factor(found, "web", _hour(8)) == 1


_SPANS = st.tuples(st.integers(0, 40), st.integers(1, 20))


@given(st.lists(st.tuples(_SPANS, st.integers(1, 50), st.floats(1.01, 9), st.booleans()), max_size=6))
def test_overlapping_events_count_by_the_highest(
    made: list[tuple[tuple[int, int], int, float, bool]],
) -> None:
    begin = datetime(2026, 12, 24, tzinfo=UTC)
    spans = [(begin + timedelta(hours=at), begin + timedelta(hours=at + length)) for (at, length), *_ in made]
    found = [
        events.Event(("*",), *span, floor if is_floor else None, None if is_floor else factor)
        for span, (_, floor, factor, is_floor) in zip(spans, made, strict=True)
    ]
    for hour in range(60):
        at = begin + timedelta(hours=hour)
        inside = [each for each in found if each.begin <= at < each.end]
        assert events.floor(found, "web", at) == max((each.floor or 0 for each in inside), default=0)
        assert events.factor(found, "web", at) == max((each.factor or 1 for each in inside), default=1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"floor": 0}, "floor is 0"),
        ({"floor": 2.5}, "floor is 2.5"),
        ({"floor": True}, "floor is True"),
        ({"floor": float("inf")}, "floor is inf"),
        ({"floor": float("nan")}, "floor is nan"),
        ({"factor": 10**400}, "factor is 10+; it must"),
        ({"from": "0001-01-01T00:00:00+01:00"}, "is not within the years"),
        ({"to": "9999-12-31T23:00:00-10:00"}, "is not within the years"),
        ({"reason": ""}, "reason is empty"),  # the document's schema wants one
        ({"reason": None}, "reason is empty"),
        ({"factor": 0.5}, "factor is 0.5"),
        ({"factor": float("nan")}, "factor is nan"),
        ({"from": "2026-12-24T07:30:00"}, "has no time zone"),
        ({"to": "2026-12-23T00:00:00Z"}, "it ends before it begins"),
        ({"services": []}, "services is no list of names"),
        ({"services": "web"}, "services is no list of names"),
        ({"learn": 0.0}, "learn is neither true nor false"),
        ({"flor": 3}, "unknown flor"),
    ],
)
def test_what_is_no_event_is_told_by_its_place(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=f"events\\[1\\]: .*{said}".replace("[1]", "[1]")):
        events.read([EVENT, EVENT | change])


def test_what_lacks_a_key_and_what_is_no_map_are_told_together() -> None:
    lacking = {key: value for key, value in EVENT.items() if key != "to"}
    with pytest.raises(InputError, match="events\\[0\\]: 'to' is missing; events\\[1\\]: it is no map"):
        events.read([lacking, 3])  # type: ignore[list-item]  # it is no map


def test_usage_of_an_event_that_is_not_to_be_learnt_is_left_out() -> None:
    features = FeatureEngineer().transform(clean(pd.concat([usage("a"), usage("b")])))
    begin = (START + pd.Timedelta(days=3, minutes=30)).tz_convert("UTC")
    event = events.Event(
        ("a",), begin.to_pydatetime(), (begin + pd.Timedelta(hours=2)).to_pydatetime(), learn=False
    )
    found = events.unlearnt(features, [event])
    missing = found[found["cpu"].isna()]
    assert set(missing["service"]) == {"a"}
    assert len(missing) == 3  # the hours that it touches
    assert missing["memory_max"].isna().all()
    assert events.unlearnt(features, [events.Event(("*",), event.begin, event.end)]).equals(features)


def _service(**cpu: Any) -> dict[str, Any]:
    made = {"unit": "cores", "source": "fallback", "reason": "", "request": 1.0, "p90": 1.0, **cpu}
    return {"service": "web", "cpu": made, "memory": {"unit": "bytes", "source": "none", "reason": "none"}}


def _floors(*wanted: int, most: int = 100) -> list[dict[str, Any]]:
    return [
        {"start": f"2026-12-24T{6 + at:02}:00:00Z", "replicas": min(most, each), "wanted": each}
        for at, each in enumerate(wanted)
    ]


def _counts(service: dict[str, Any]) -> list[tuple[int, int]]:
    return [(each["replicas"], each["wanted"]) for each in service["cpu"]["floors"]]


def test_floors_are_raised_while_an_event_lasts_and_never_lowered() -> None:
    found = events.read([EVENT | {"floor": 7}, EVENT | {"factor": 1.5}])
    service = with_events(_service(floors=_floors(2, 2, 6, 9), min_replicas=9), found, _hour(6))
    assert _counts(service) == [(2, 2), (7, 7), (9, 9), (9, 9)]
    assert [each["reason"] for each in service["events"]] == ["a sale", "a sale"]
    assert [each.get("floor") for each in service["events"]] == [7, None]


def test_more_than_the_maximum_is_wanted_and_not_given() -> None:
    found = events.read([EVENT | {"floor": 50}])
    cpu = {"floors": _floors(2, 3, most=10), "max_replicas": 10, "min_replicas": 3}
    service = with_events(_service(**cpu), found, _hour(6))
    assert _counts(service) == [(2, 2), (10, 50)]
    assert service["cpu"]["min_replicas"] == 3  # of the quietest hour: an event is of no other day


def test_blocks_have_the_highest_floor_of_their_hours() -> None:
    blocks = [
        {"start": "2026-12-24T06:00:00Z", "end": "2026-12-24T08:00:00Z", "min_replicas": 2},
        {"start": "2026-12-24T08:00:00Z", "end": "2026-12-24T10:00:00Z", "min_replicas": 2},
    ]
    service = _service(floors=_floors(2, 2, 2, 2), blocks=blocks)
    raised = with_events(service, events.read([EVENT | {"floor": 5, "to": "2026-12-24T08:00:00Z"}]), _hour(6))
    assert [each["min_replicas"] for each in raised["cpu"]["blocks"]] == [5, 2]


def test_a_service_that_nothing_counts_gets_the_floors_of_its_events_alone() -> None:
    found = events.read([EVENT | {"floor": 5}, EVENT | {"factor": 3}])
    service = with_events(_service(source="none", reason="no usable data"), found, _hour(6), 4)
    assert [each["start"] for each in service["cpu"]["floors"]] == [
        "2026-12-24T07:00:00Z",
        "2026-12-24T08:00:00Z",
    ]
    assert _counts(service) == [(4, 5), (4, 5)]
    assert service["cpu"]["max_replicas"] == 4


CARRIED = {"carried_from": "r1", "valid_until": "2026-12-24T18:00:00Z"}


def _carried(cpu: dict[str, Any], now: datetime) -> dict[str, Any]:
    previous = {"run_id": "r1", "valid_until": CARRIED["valid_until"], "services": [_service(**cpu)]}
    found = carried_entry(previous, "web", "cpu", now, "no data")
    assert found is not None
    return found


def test_a_factor_is_applied_once_however_often_an_entry_is_carried() -> None:
    found = events.read([EVENT | {"factor": 3}])
    cpu: dict[str, Any] = with_events(_service(floors=_floors(2, 2, 2, 2)), found, _hour(6))["cpu"]
    for _ in range(4):
        assert max(each["wanted"] for each in cpu["floors"]) == 6
        cpu = with_events(_service(**_carried(cpu, _hour(6))), found, _hour(6))["cpu"]
    assert max(each["wanted"] for each in _carried(cpu, _hour(6))["floors"]) == 2  # once it is out of Git


def test_a_carried_entry_meets_the_events_of_the_day_that_it_is_carried_into() -> None:
    yesterday = [each | {"start": each["start"].replace("-24T", "-23T")} for each in _floors(2, 3, 4, 5)]
    found = events.read([EVENT | {"floor": 7}])
    cpu = with_events(_service(**_carried({"floors": yesterday}, _hour(6))), found, _hour(6))["cpu"]
    assert [(each["start"][8:13], each["replicas"]) for each in cpu["floors"]] == [
        ("24T06", 2),
        ("24T07", 7),
        ("24T08", 7),
        ("24T09", 5),
    ]


def test_a_carried_constant_without_hours_keeps_its_floor_beside_an_event() -> None:
    found = events.read([EVENT | {"floor": 7}])
    cpu = with_events(_service(**_carried({"min_replicas": 4}, _hour(6))), found, _hour(6))["cpu"]
    assert dict(hours_of_day(cpu))[6].replicas == 4
    assert dict(hours_of_day(cpu))[7].replicas == 7


def test_a_proposal_is_of_days_without_events() -> None:
    """A sale is over tomorrow; what Git has of it would stay."""
    block = {"start": "2026-12-24T06:00:00Z", "end": "2026-12-24T10:00:00Z", "min_replicas": 2}
    long = events.read([EVENT | {"from": "2026-12-23T00:00:00Z", "to": "2026-12-26T00:00:00Z", "floor": 90}])
    bare = {key: value for key, value in block.items() if key != "min_replicas"}
    for cpu, quietest in (
        ({"floors": _floors(2, 2, 2, 2), "blocks": [block]}, 2),
        ({"floors": _floors(2, 2, 2, 2), "min_replicas": 2}, 2),
        ({"blocks": [bare]}, None),
        ({"blocks": [bare, {**bare, "start": "2026-12-26T06:00:00Z", "end": "2026-12-26T10:00:00Z"}]}, None),
    ):
        service = with_events(_service(**cpu), long, _hour(6))
        assert max(_counts(service)) == (90, 90)
        document = {"run_id": "r1", "generated_at": "2026-12-24T06:00:00Z", "services": [service]}
        assert floors(document)[0].replicas == quietest


def test_events_of_others_of_another_time_and_without_a_number_change_nothing() -> None:
    service = _service(floors=_floors(2, 2))
    others = [
        EVENT | {"services": ["api"], "floor": 9},
        EVENT | {"floor": 9, "from": "2026-12-24T08:30:00Z"},
        EVENT | {"learn": False},
    ]
    assert with_events(service, events.read(others), _hour(6)) is service


def test_events_of_a_folder_are_those_of_the_repository(tmp_path: Path) -> None:
    lines = ["services: [web]", "from: 2026-12-24T07:30:00Z", "to: '2026-12-24T09:00:00Z'", "reason: a sale"]
    (tmp_path / "a.yaml").write_text("\n".join([*lines, "floor: 7", "learn: false"]), "utf-8")
    (tmp_path / "notes.md").write_text("why", "utf-8")
    assert events.read(read_events(tmp_path)) == events.read([EVENT | {"floor": 7, "learn": False}])


def test_what_is_wrong_in_a_folder_of_events_is_told_by_file(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("- web\n", "utf-8")
    (tmp_path / "b.yaml").write_text("services: [web]\nfrom: soon\nto: later\nreason: x\n", "utf-8")
    with pytest.raises(
        InputError, match=r"a.yaml:1:1: no event.*\n.*b.yaml:1:1: 'soon' is not an ISO 8601 instant"
    ):
        read_events(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        read_events(tmp_path / "none")
