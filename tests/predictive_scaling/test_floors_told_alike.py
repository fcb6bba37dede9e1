"""What is pushed of a floor, and what the recommendation itself says is in force, are one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from predictive_scaling.base.clock import iso
from predictive_scaling.recommend import floors
from predictive_scaling.tell import gauges

BEGIN = datetime(2026, 11, 30, 5, tzinfo=UTC)


def _hour(at: int) -> str:
    return iso(BEGIN + timedelta(hours=at))


_COUNTS = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 9)), min_size=1, max_size=60)


def _hourly(counts: list[tuple[int, int]]) -> dict[str, Any]:
    return {
        "floors": [
            {"start": _hour(at), "replicas": replicas, "wanted": replicas + more}
            for at, (replicas, more) in enumerate(counts)
        ]
    }


def _blocks(counts: list[tuple[int, int]]) -> dict[str, Any]:
    return {
        "blocks": [
            {"start": _hour(4 * at), "end": _hour(4 * at + 4), "min_replicas": replicas}
            for at, (replicas, _) in enumerate(counts)
        ]
    }


_ENTRIES = st.one_of(
    _COUNTS.map(_hourly),
    _COUNTS.map(_blocks),
    st.integers(1, 40).map(lambda least: {"min_replicas": least}),
    st.tuples(_COUNTS, st.integers(1, 40)).map(lambda both: _hourly(both[0]) | {"min_replicas": both[1]}),
    st.just({}),
)


@given(_ENTRIES, st.integers(0, 60), st.integers(0, 24 * 60 - 1))
def test_the_gauges_and_the_document_say_the_same_floor(cpu: dict[str, Any], lead: int, minute: int) -> None:
    document = {
        "valid_until": _hour(999),
        "lead_minutes": lead,
        "services": [{"service": "web", "cpu": cpu}],
    }
    pushed = {each.hour: each.replicas for each in gauges.floors(document)}
    assert pushed == {hour: each.replicas for hour, each in floors.hours_of_day(cpu)}
    at = BEGIN + timedelta(minutes=minute)
    reached = (at, at + timedelta(minutes=lead))
    known = [pushed[each.hour] for each in reached if each.hour in pushed]
    assert floors.in_force(document, "web", at) == max(known, default=None)
