"""Known events: what is read, what they raise, and what is left out of training."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from predictive_scaling.base.errors import InputError
from predictive_scaling.models.features import FeatureEngineer
from predictive_scaling.usage import events
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
        events.read([lacking, 3])  # type: ignore[list-item]


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
